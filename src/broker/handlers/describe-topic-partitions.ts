// DescribeTopicPartitions (KIP-966): the partitions of topics in name order, a page at a time.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { MetadataImage, TopicImage } from '../../metadata/index.ts';
import {
  describeTopicPartitions,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { AclOperation, AclResource, authorizedOperations, mayOnTopic } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { isInternalTopic, isTopicName, partitionAnswer } from './topic-answer.ts';

const { TOPIC_AUTHORIZATION_FAILED } = ErrorCode;

type Request = RequestOf<typeof describeTopicPartitions>;
type Answer = ResponseInput<typeof describeTopicPartitions>;

export const describeTopicPartitionsHandler = defineHandler(
  describeTopicPartitions,
  (request, context) => {
    const { image } = context;
    const { cursor } = request;
    const limit = limitOf(request, context);
    const topics: Answer['topics'][number][] = [];
    let left = limit;
    const isForAll = request.topics.length === 0;
    for (const name of namesOf(request, image)) {
      if (!mayOnTopic(context, AclOperation.DESCRIBE, name)) {
        if (!isForAll) topics.push(refusedTopic(name, TOPIC_AUTHORIZATION_FAILED));
        continue;
      }
      const topic = image.topic(name);
      if (topic === undefined) {
        const bits = authorizedOperations(context, AclResource.TOPIC, name);
        topics.push({ ...refusedTopic(name, missingCode(name)), topicAuthorizedOperations: bits });
        continue;
      }
      const from = cursor !== null && cursor.topicName === name ? cursor.partitionIndex : 0;
      const until = Math.min(topic.partitions.length, from + left);
      if (until > from) topics.push(topicPage(topic, context, { from, until }));
      left -= Math.max(0, until - from);
      if (until < topic.partitions.length) {
        return { topics, nextCursor: { topicName: name, partitionIndex: until } };
      }
    }
    return { topics, nextCursor: null };
  },
);

function limitOf(request: Request, context: RequestContext): number {
  const max = context.broker.config.get('max.request.partition.size.limit');
  return Math.max(1, Math.min(max, request.responsePartitionLimit));
}

/** Sorted, without duplicates, from the cursor on; no topics in the request means all. */
function namesOf(request: Request, image: MetadataImage): string[] {
  const wanted =
    request.topics.length === 0
      ? [...image.topics()].map(({ name }) => name)
      : request.topics.map(({ name }) => name);
  const first = request.cursor?.topicName ?? '';
  return [...new Set(wanted)].filter((name) => name >= first).sort();
}

function topicPage(
  topic: TopicImage,
  context: RequestContext,
  page: { readonly from: number; readonly until: number },
): Answer['topics'][number] {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.slice(page.from, page.until).map((partition, index) => ({
      ...partitionAnswer(topic, page.from + index, context.broker.replicas),
      eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
      lastKnownElr: partition.lastKnownElr,
    })),
    topicAuthorizedOperations: authorizedOperations(context, AclResource.TOPIC, topic.name),
  };
}

function missingCode(name: string): number {
  return isTopicName(name)
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION;
}

function refusedTopic(name: string, errorCode: number): Answer['topics'][number] {
  return { errorCode, name, topicId: ZERO_UUID, partitions: [] };
}
