// OffsetForLeaderEpoch: where a leader epoch ended in our log. Consumers ask after a change of
// leader whether what they have read is still there (KIP-320).

import { KafkaError, offsetForLeaderEpoch, type RequestOf } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay, mayOnCluster } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

interface Asking {
  readonly context: RequestContext;
  readonly maySeeAll: boolean;
}

type Wanted = RequestOf<typeof offsetForLeaderEpoch>['topics'][number]['partitions'][number];

export const offsetForLeaderEpochHandler = defineHandler(
  offsetForLeaderEpoch,
  (request, context) => {
    // A follower asks about every topic.
    const maySeeAll = mayOnCluster(context, AclOperation.CLUSTER_ACTION);
    return {
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((wanted) => answer(topic, wanted, { context, maySeeAll })),
      })),
    };
  },
);

function answer(topic: string, wanted: Wanted, { context, maySeeAll }: Asking) {
  const none = { partition: wanted.partition, leaderEpoch: -1, endOffset: -1 };
  try {
    if (!maySeeAll) assertMay(context, AclOperation.DESCRIBE, AclResource.TOPIC, topic);
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
