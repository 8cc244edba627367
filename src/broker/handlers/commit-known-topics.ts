// What OffsetCommit and TxnOffsetCommit share: offsets are stored for topics that exist, and the
// answer names every topic as the request did.

import type { CommitTopic, CommittedTopic } from '../../coordinator/index.ts';
import type { TopicImage } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { RequestContext } from '../handler.ts';
import { type NamedTopic, topicNamed } from './topic-names.ts';

export interface KnownTopics<T> {
  readonly topics: readonly T[];
  /** Topics have ids instead of names. */
  readonly isById: boolean;
  readonly context: RequestContext;
}

interface RequestedTopic extends NamedTopic {
  readonly partitions: readonly { readonly partitionIndex: number }[];
}

/** Calls `commit` with the topics that exist, unless there is none of those asked for. */
export async function commitKnownTopics<T extends RequestedTopic>(
  { topics, isById, context }: KnownTopics<T>,
  commit: (
    known: (Omit<CommitTopic, 'partitions'> & Pick<T, 'partitions'>)[],
  ) => Promise<CommittedTopic[]>,
): Promise<CommittedTopic[]> {
  const found = topics.map((topic) => find(topic, isById, context));
  const known = found.flatMap((image, index) => {
    if (image instanceof KafkaError) return [];
    const { partitions } = topics[index] as T;
    return [{ name: image.name, topicId: image.id, partitions }];
  });
  const committed = known.length === 0 && found.length > 0 ? [] : await commit(known);
  let next = 0;
  return topics.map(({ name, topicId, partitions }, index) => {
    const image = found[index];
    if (!(image instanceof KafkaError)) {
      return { name, topicId, partitions: (committed[next++] as CommittedTopic).partitions };
    }
    const errorCode = image.code;
    const refused = partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }));
    return { name, topicId, partitions: refused };
  });
}

function find(
  topic: NamedTopic,
  isById: boolean,
  context: RequestContext,
): TopicImage | KafkaError {
  try {
    return topicNamed(topic, isById, context);
  } catch (error) {
    if (error instanceof KafkaError) return error;
    throw error;
  }
}
