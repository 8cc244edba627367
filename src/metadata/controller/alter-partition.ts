// Takes the in-sync replicas that a leader reports (AlterPartition, KIP-497, KIP-903). When they
// hold all new replicas of a reassignment, the same record takes the old ones out.
//
// Invariants: a change is made by the leader of the present leader epoch, upon the present
// partition epoch; nobody enters an ISR who is fenced or shutting down, or whose fetches were those
// of an earlier life of the broker.

import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { changedPartition } from '../delta.ts';
import type { MetadataImage, PartitionImage } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type AlterPartitionRequest,
  type AlterPartitionResult,
  itemError,
  type PartitionAlteration,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { isSame } from './partition-change.ts';
import { type PartitionAt, PartitionUpdates } from './partition-updates.ts';
import { assertBrokerEpoch, canLead, isOnline } from './registered-broker.ts';

export function alterPartition(
  machine: ControllerMachine,
  request: AlterPartitionRequest,
): Decision<MetadataRecord, AlterPartitionResult[]> {
  const { image } = machine;
  const { brokerId } = request;
  assertBrokerEpoch(image, brokerId, request.brokerEpoch);
  const updates = new PartitionUpdates(machine);
  const response: AlterPartitionResult[] = [];
  const seen = new Set<string>();
  for (const alteration of request.partitions) {
    const { topicId, partitionIndex } = alteration;
    try {
      const key = `${partitionIndex} ${topicId}`;
      if (seen.has(key)) throw new KafkaError('INVALID_REQUEST', 'A partition is there twice.');
      seen.add(key);
      const at = alterable(image, brokerId, alteration);
      const partition = altered(updates, at, alteration);
      response.push({ topicId, partitionIndex, partition, error: null });
    } catch (error) {
      response.push({ topicId, partitionIndex, partition: null, error: itemError(error) });
    }
  }
  updates.report();
  return { records: updates.records, response };
}

/** @throws KafkaError NEW_LEADER_ELECTED when the change was made and somebody else leads by it */
function altered(
  updates: PartitionUpdates,
  at: PartitionAt,
  { newIsr, leaderRecoveryState = 0 }: PartitionAlteration,
): PartitionImage {
  const before = at.topic.partitions[at.partitionId] as PartitionImage;
  const isr = newIsr.map((replica) => replica.brokerId);
  // Also of the set that it has: a new partition epoch makes void what the leader asked for before
  // and had no answer to.
  const change = updates.change(at, { isr, leaderRecoveryState }) ?? updates.renewEpoch(at);
  const partition = changedPartition(before, change);
  if (partition.leader !== before.leader) {
    throw new KafkaError('NEW_LEADER_ELECTED', 'The reassignment is complete: another one leads.');
  }
  return partition;
}

/** The partition if this leader may make this change now. */
function alterable(
  image: MetadataImage,
  brokerId: number,
  alteration: PartitionAlteration,
): PartitionAt {
  const topic = image.topicById(alteration.topicId);
  if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_ID');
  const partition = topic.partitions[alteration.partitionIndex];
  if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
  const { leaderEpoch, partitionEpoch } = alteration;
  // A leader that is ahead of us has heard from a newer controller: we are the stale one.
  if (leaderEpoch > partition.leaderEpoch || partitionEpoch > partition.partitionEpoch) {
    throw new KafkaError('NOT_CONTROLLER', 'The broker knows a newer state of the partition.');
  }
  if (leaderEpoch < partition.leaderEpoch) throw new KafkaError('FENCED_LEADER_EPOCH');
  if (brokerId !== partition.leader) {
    throw new KafkaError('INVALID_REQUEST', `Broker ${brokerId} is not the leader.`);
  }
  if (partitionEpoch < partition.partitionEpoch) throw new KafkaError('INVALID_UPDATE_VERSION');
  assertIsr(image, partition, alteration);
  return { topic, partitionId: alteration.partitionIndex };
}

function assertIsr(
  image: MetadataImage,
  partition: PartitionImage,
  { newIsr, leaderRecoveryState = 0 }: PartitionAlteration,
): void {
  const ids = newIsr.map((replica) => replica.brokerId);
  if (new Set(ids).size !== ids.length || !ids.every((id) => partition.replicas.includes(id))) {
    throw new KafkaError('INVALID_REQUEST', 'The ISR must be a subset of the replicas.');
  }
  if (!ids.includes(partition.leader)) {
    throw new KafkaError('INVALID_REQUEST', 'The ISR must contain the leader.');
  }
  if (leaderRecoveryState === 1) {
    if (ids.length > 1) {
      throw new KafkaError('INVALID_REQUEST', 'A leader that recovers is alone in the ISR.');
    }
    if (partition.leaderRecoveryState === 0) {
      throw new KafkaError('INVALID_REQUEST', 'A leader that has recovered stays so.');
    }
  }
  if (isSame(ids, partition.isr)) return;
  for (const { brokerId, brokerEpoch } of newIsr) {
    const broker = image.brokers.get(brokerId);
    const isStale = brokerEpoch !== -1 && broker?.epoch !== brokerEpoch;
    const directory = partition.directories[partition.replicas.indexOf(brokerId)];
    // Its leader may not have heard yet that it has nothing any more.
    const isLost = directory !== undefined && !isOnline(broker, directory);
    if (isStale || isLost || !canLead(broker)) {
      throw new KafkaError('INELIGIBLE_REPLICA', `Broker ${brokerId} cannot join the ISR now.`);
    }
  }
}
