// Changes of the in-sync replicas as AlterPartition has them, both ways: on the wire partitions are
// grouped by topic, and an answer that is refused has no state.

import type { AlterPartitionRequest, AlterPartitionResult } from '../../metadata/index.ts';
import {
  type alterPartition,
  KafkaError,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from '../../protocol/index.ts';

export function alterationOnWire(
  request: AlterPartitionRequest,
): RequestInput<typeof alterPartition> {
  const { brokerId, brokerEpoch } = request;
  const topics = Array.from(byTopic(request.partitions), ([topicId, partitions]) => ({
    topicId,
    partitions: partitions.map(({ partitionIndex, leaderEpoch, partitionEpoch, ...change }) => ({
      ...{ partitionIndex, leaderEpoch, partitionEpoch },
      newIsrWithEpochs: [...change.newIsr],
      leaderRecoveryState: change.leaderRecoveryState ?? 0,
    })),
  }));
  return { brokerId, brokerEpoch, topics };
}

export function alterationFromWire(
  request: RequestOf<typeof alterPartition>,
  version: number,
): AlterPartitionRequest {
  const { brokerId, brokerEpoch, topics } = request;
  const partitions = topics.flatMap(({ topicId, partitions: changes }) =>
    changes.map(({ newIsr, newIsrWithEpochs, leaderRecoveryState, ...change }) => ({
      topicId,
      ...change,
      // Before KIP-903 nobody said which life of a follower was meant.
      newIsr:
        version >= 3 ? newIsrWithEpochs : newIsr.map((id) => ({ brokerId: id, brokerEpoch: -1 })),
      leaderRecoveryState: leaderRecoveryState === 1 ? (1 as const) : (0 as const),
    })),
  );
  return { brokerId, brokerEpoch, partitions };
}

/** The answer on the wire. */
export function alterationAnswer(
  results: readonly AlterPartitionResult[],
): Omit<ResponseInput<typeof alterPartition>, 'throttleTimeMs'> {
  const topics = Array.from(byTopic(results), ([topicId, partitions]) => ({
    topicId,
    partitions: partitions.map(({ partitionIndex, error, partition }) => ({
      partitionIndex,
      errorCode: error?.code ?? 0,
      leaderId: partition?.leader ?? -1,
      leaderEpoch: partition?.leaderEpoch ?? -1,
      isr: [...(partition?.isr ?? [])],
      leaderRecoveryState: partition?.leaderRecoveryState ?? 0,
      partitionEpoch: partition?.partitionEpoch ?? -1,
    })),
  }));
  return { errorCode: 0, topics };
}

export function alterationResults(
  answer: ResponseOf<typeof alterPartition>,
): AlterPartitionResult[] {
  return answer.topics.flatMap(({ topicId, partitions }) =>
    partitions.map(({ partitionIndex, errorCode, ...state }): AlterPartitionResult => {
      const at = { topicId, partitionIndex };
      if (errorCode !== 0) {
        const { code, message } = KafkaError.fromCode(errorCode);
        return { ...at, error: { code, message }, partition: null };
      }
      const { leaderId: leader, leaderEpoch, partitionEpoch, isr } = state;
      const leaderRecoveryState = state.leaderRecoveryState === 1 ? 1 : 0;
      const partition = { leader, leaderEpoch, partitionEpoch, isr, leaderRecoveryState } as const;
      return { ...at, error: null, partition };
    }),
  );
}

function byTopic<Item extends { readonly topicId: string }>(
  items: readonly Item[],
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(item.topicId);
    if (group === undefined) groups.set(item.topicId, [item]);
    else group.push(item);
  }
  return groups;
}
