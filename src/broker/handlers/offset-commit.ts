// OffsetCommit: stores positions of a group, for topics that exist.

import type { TopicImage } from '../../metadata/index.ts';
import { KafkaError, offsetCommit, type RequestOf } from '../../protocol/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { topicNamed } from './topic-names.ts';

type Request = RequestOf<typeof offsetCommit>;
type Topic = Request['topics'][number];

/** From this version on topics have ids instead of names. */
const idsVersionMin = 10;

export const offsetCommitHandler = defineHandler(offsetCommit, async (request, context) => {
  const found = request.topics.map((topic) => find(topic, context));
  const existing = found.filter((one) => !(one.image instanceof KafkaError));
  const committed =
    existing.length === 0 && found.length > 0 ? [] : await commit(request, existing, context);
  let next = 0;
  return {
    topics: found.map(({ topic, image }) => {
      if (!(image instanceof KafkaError)) {
        // The answer says the topic as the request did.
        const { partitions } = committed[next++] as (typeof committed)[number];
        return { name: topic.name, topicId: topic.topicId, partitions };
      }
      return {
        name: topic.name,
        topicId: topic.topicId,
        partitions: topic.partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: image.code,
        })),
      };
    }),
  };
});

interface Found {
  readonly topic: Topic;
  readonly image: TopicImage | KafkaError;
}

function find(topic: Topic, context: RequestContext): Found {
  try {
    return { topic, image: topicNamed(topic, context.apiVersion >= idsVersionMin, context) };
  } catch (error) {
    if (error instanceof KafkaError) return { topic, image: error };
    throw error;
  }
}

function commit(request: Request, found: readonly Found[], context: RequestContext) {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch } = request;
  return context.broker.groups.commitOffsets({
    groupId,
    memberId,
    groupInstanceId,
    generationIdOrMemberEpoch,
    apiVersion: context.apiVersion,
    retentionTimeMs: request.retentionTimeMs,
    topics: found.map(({ topic, image }) => ({
      name: (image as TopicImage).name,
      topicId: (image as TopicImage).id,
      partitions: topic.partitions,
    })),
  });
}
