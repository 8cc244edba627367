// OffsetForLeaderEpoch: where a leader epoch ended in our log. Consumers ask after a change of
// leader whether what they have read is still there (KIP-320).

import { KafkaError, offsetForLeaderEpoch, type RequestOf } from '../../protocol/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

type Wanted = RequestOf<typeof offsetForLeaderEpoch>['topics'][number]['partitions'][number];

export const offsetForLeaderEpochHandler = defineHandler(
  offsetForLeaderEpoch,
  (request, context) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((wanted) => answer(topic, wanted, context)),
    })),
  }),
);

function answer(topic: string, wanted: Wanted, context: RequestContext) {
  const none = { partition: wanted.partition, leaderEpoch: -1, endOffset: -1 };
  try {
    const partition = context.broker.replicas.get(topic, wanted.partition);
    if (partition === undefined) {
      const isKnown = context.image.partition(topic, wanted.partition) !== undefined;
      throw new KafkaError(isKnown ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION');
    }
    partition.assertLeader(wanted.currentLeaderEpoch);
    const { epoch, endOffset } = partition.logView.endOffsetForEpoch(wanted.leaderEpoch);
    return { ...none, errorCode: 0, leaderEpoch: epoch, endOffset };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { ...none, errorCode: error.code };
  }
}
