// DescribeTopicPartitions (KIP-966): topics with the replicas that may become leader although
// they are not in the ISR. A cursor leads from page to page; a topic may lie on several.

import type { ClientConnection } from '../../network/index.ts';
import { describeTopicPartitions, type ResponseOf } from '../../protocol/index.ts';
import { errorOf, type TopicDescription } from './admin-results.ts';

type Topic = ResponseOf<typeof describeTopicPartitions>['topics'][number];

export interface TopicPagesOptions {
  /** The most partitions of one answer. */
  readonly pagePartitionsMax: number;
  readonly timeoutMs: number;
}

/** Topics in the order of their names. */
export async function describeByPages(
  connection: ClientConnection,
  names: readonly string[],
  { pagePartitionsMax, timeoutMs }: TopicPagesOptions,
): Promise<TopicDescription[]> {
  const topics = new Map<string, Topic>();
  for (let cursor: { topicName: string; partitionIndex: number } | null = null; ; ) {
    const body = {
      topics: [...names].sort().map((name) => ({ name })),
      responsePartitionLimit: pagePartitionsMax,
      cursor,
    };
    const page: ResponseOf<typeof describeTopicPartitions> = await connection.request(
      describeTopicPartitions,
      body,
      { timeoutMs },
    );
    for (const topic of page.topics) {
      const name = topic.name ?? '';
      const begun = topics.get(name);
      const partitions = [...(begun?.partitions ?? []), ...topic.partitions];
      topics.set(name, { ...topic, partitions });
    }
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  return [...topics.values()].map((topic) => descriptionOf(topic, []));
}

/** A topic in an answer of Metadata or of DescribeTopicPartitions. */
interface AnsweredTopic
  extends Pick<
    Topic,
    'errorCode' | 'name' | 'topicId' | 'isInternal' | 'topicAuthorizedOperations'
  > {
  readonly partitions: readonly AnsweredPartition[];
}

type AnsweredPartition = Omit<
  Topic['partitions'][number],
  'errorCode' | 'eligibleLeaderReplicas' | 'lastKnownElr'
> &
  Partial<Pick<Topic['partitions'][number], 'eligibleLeaderReplicas' | 'lastKnownElr'>>;

/** `noElr` stands for eligible leader replicas that the answer does not tell. */
export function descriptionOf(
  topic: AnsweredTopic,
  noElr: readonly number[] | null,
): TopicDescription {
  return {
    name: topic.name ?? '',
    error: errorOf(topic.errorCode, null),
    topicId: topic.topicId,
    isInternal: topic.isInternal,
    authorizedOperations: topic.topicAuthorizedOperations,
    partitions: topic.partitions
      .map((partition) => ({
        partition: partition.partitionIndex,
        leader: partition.leaderId,
        leaderEpoch: partition.leaderEpoch,
        replicas: partition.replicaNodes,
        isr: partition.isrNodes,
        offlineReplicas: partition.offlineReplicas,
        eligibleLeaderReplicas: partition.eligibleLeaderReplicas ?? noElr,
        lastKnownElr: partition.lastKnownElr ?? noElr,
      }))
      .sort((a, b) => a.partition - b.partition),
  };
}
