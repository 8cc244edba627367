// What OffsetCommit and TxnOffsetCommit share: offsets are stored for partitions that exist, and
// the answer names every topic as the request did.

import type { CommitTopic, CommittedTopic } from '../../coordinator/index.ts';
import type { TopicImage } from '../../metadata/index.ts';
import { ErrorCode, KafkaError } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
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

/** Calls `commit` with the partitions that exist, unless there is none of those asked for. */
export async function commitKnownTopics<T extends RequestedTopic>(
  { topics, isById, context }: KnownTopics<T>,
  commit: (
    known: (Omit<CommitTopic, 'partitions'> & Pick<T, 'partitions'>)[],
  ) => Promise<CommittedTopic[]>,
): Promise<CommittedTopic[]> {
  const found = topics.map((topic) => find(topic, isById, context));
  const known = found.flatMap((image, index) => {
    if (image instanceof KafkaError) return [];
    const all: T['partitions'] = (topics[index] as T).partitions;
    const partitions = all.filter(({ partitionIndex }) => has(image, partitionIndex));
    return partitions.length === 0 ? [] : [{ name: image.name, topicId: image.id, partitions }];
  });
  const results = known.length === 0 ? [] : await resultsOf(known, commit);
  let next = 0;
  return topics.map(({ name, topicId, partitions }, index) => {
    const image = found[index] as TopicImage | KafkaError;
    const answers = partitions.map(({ partitionIndex }) => {
      if (has(image, partitionIndex)) return results[next++] as (typeof results)[number];
      const errorCode = image instanceof KafkaError ? image.code : missing;
      return { partitionIndex, errorCode };
    });
    return { name, topicId, partitions: answers };
  });
}

/** One for each partition, in their order: what is wrong with the group or producer is of all. */
async function resultsOf<K extends Pick<RequestedTopic, 'partitions'>>(
  known: readonly K[],
  commit: (known: K[]) => Promise<CommittedTopic[]>,
): Promise<CommittedTopic['partitions'][number][]> {
  try {
    return (await commit([...known])).flatMap(({ partitions }) => partitions);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return known.flatMap(({ partitions }) =>
      partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error.code })),
    );
  }
}

const missing = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;

function has(image: TopicImage | KafkaError, partitionIndex: number): boolean {
  return !(image instanceof KafkaError) && image.partitions[partitionIndex] !== undefined;
}

function find(
  topic: NamedTopic,
  isById: boolean,
  context: RequestContext,
): TopicImage | KafkaError {
  try {
    if (!isById) assertMayRead(topic.name, context);
    const image = topicNamed(topic, isById, context);
    if (isById) assertMayRead(image.name, context);
    return image;
  } catch (error) {
    if (error instanceof KafkaError) return error;
    throw error;
  }
}

function assertMayRead(name: string, context: RequestContext): void {
  assertMay(context, AclOperation.READ, AclResource.TOPIC, name);
}
