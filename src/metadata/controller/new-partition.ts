// A partition on its first day: its replicas, those in sync (all that are alive), and its leader.

import { KafkaError } from '../../protocol/index.ts';
import type { MetadataImage, PartitionImage } from '../image.ts';
import { canLead, directoryForNew } from './registered-broker.ts';

export function newPartition(image: MetadataImage, replicas: readonly number[]): PartitionImage {
  const isr = replicas.filter((id) => canLead(image.brokers.get(id)));
  return {
    replicas,
    directories: replicas.map((id) => directoryForNew(image.brokers.get(id))),
    isr,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    addingReplicas: [],
    removingReplicas: [],
    leader: isr[0] as number,
    leaderEpoch: 0,
    partitionEpoch: 0,
    leaderRecoveryState: 0,
  };
}

/** @throws KafkaError INVALID_REPLICA_ASSIGNMENT */
export function assertAssignable(
  image: MetadataImage,
  partition: number,
  brokerIds: readonly number[],
  replicationFactor: number,
): void {
  const refuse = (why: string): never => {
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', `Partition ${partition}: ${why}`);
  };
  if (brokerIds.length === 0) refuse('the assignment names no broker.');
  if (new Set(brokerIds).size !== brokerIds.length) refuse('a broker is named twice.');
  if (brokerIds.length !== replicationFactor) {
    refuse(`${brokerIds.length} replicas, where other partitions have ${replicationFactor}.`);
  }
  for (const id of brokerIds) {
    if (image.brokers.has(id)) continue;
    const what = 'The manual partition assignment includes broker';
    const why = `${what} ${id}, but no such broker is registered.`;
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', why);
  }
  if (!brokerIds.some((id) => canLead(image.brokers.get(id)))) {
    refuse('all its brokers are fenced or shutting down.');
  }
}
