// Who leads: elections asked for by an operator, those that a broker's coming and going makes
// necessary, and the two that are made from time to time: back to the preferred leaders, and
// uncleanly where a topic takes anybody.

import type { Decision } from '../../machine/index.ts';
import { ErrorCode, KafkaError } from '../../protocol/index.ts';
import type { MetadataImage, PartitionImage } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import { type ElectLeadersRequest, type ElectLeadersResult, itemError } from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { type PartitionAt, PartitionUpdates } from './partition-updates.ts';

export function electLeaders(
  machine: ControllerMachine,
  request: ElectLeadersRequest,
): Decision<MetadataRecord, ElectLeadersResult[]> {
  const { image } = machine;
  const updates = new PartitionUpdates(machine);
  const response: ElectLeadersResult[] = [];
  const seen = new Set<string>();
  for (const { topic, partition } of request.partitions ?? everyPartition(image)) {
    const key = `${partition} ${topic}`;
    // One change of a partition in a decision: the second answer would be that of the first.
    if (seen.has(key)) continue;
    seen.add(key);
    try {
      elect(updates, partitionOf(image, topic, partition), request.type);
      response.push({ topic, partition, error: null });
    } catch (error) {
      const failure = itemError(error);
      // Who asked for all of them wants to hear of those that changed or should have.
      const isQuiet = request.partitions === null && failure.code === ErrorCode.ELECTION_NOT_NEEDED;
      if (!isQuiet) response.push({ topic, partition, error: failure });
    }
  }
  updates.report();
  return { records: updates.records, response };
}

function* everyPartition(image: MetadataImage) {
  for (const topic of image.topics()) {
    for (const partition of topic.partitions.keys()) yield { topic: topic.name, partition };
  }
}

function partitionOf(image: MetadataImage, name: string, partitionId: number): PartitionAt {
  const topic = image.topic(name);
  if (topic === undefined) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${name}`);
  }
  if (topic.partitions[partitionId] === undefined) {
    const message = `No such partition as ${name}-${partitionId}`;
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message);
  }
  return { topic, partitionId };
}

function elect(
  updates: PartitionUpdates,
  at: PartitionAt,
  type: ElectLeadersRequest['type'],
): void {
  const { leader, replicas } = at.topic.partitions[at.partitionId] as PartitionImage;
  const isPreferred = type === 'preferred';
  if (isPreferred ? leader === replicas[0] : leader !== -1) {
    throw new KafkaError('ELECTION_NOT_NEEDED');
  }
  if (updates.change(at, { election: type }) !== null) return;
  throw isPreferred
    ? new KafkaError('PREFERRED_LEADER_NOT_AVAILABLE', 'The preferred leader was not available.')
    : new KafkaError(
        'ELIGIBLE_LEADERS_NOT_AVAILABLE',
        'Eligible topic partition leaders are not available.',
      );
}

/** The broker stops serving: it leaves every ISR, and others lead, if there are any. */
export function leaveIsrs(updates: PartitionUpdates, image: MetadataImage, brokerId: number): void {
  for (const topic of image.topics()) {
    for (const [partitionId, { isr }] of topic.partitions.entries()) {
      if (isr.includes(brokerId)) leaveIsr(updates, { topic, partitionId }, brokerId);
    }
  }
}

export function leaveIsr(updates: PartitionUpdates, at: PartitionAt, brokerId: number): void {
  const { isr } = at.topic.partitions[at.partitionId] as PartitionImage;
  updates.change(at, { isr: isr.filter((id) => id !== brokerId) });
}

/**
 * The broker lost what it had not synced: it is neither in sync nor eligible any more, also where
 * it was the last one.
 */
export function leaveUncleanly(
  updates: PartitionUpdates,
  image: MetadataImage,
  brokerId: number,
): void {
  for (const topic of image.topics()) {
    for (const [partitionId, partition] of topic.partitions.entries()) {
      const { isr, eligibleLeaderReplicas: elr } = partition;
      if (!isr.includes(brokerId) && !elr.includes(brokerId)) continue;
      updates.change(
        { topic, partitionId },
        { isr: isr.filter((id) => id !== brokerId), stoppedUncleanly: brokerId },
      );
    }
  }
}

/** Somebody may lead who could not before: partitions without a leader elect. */
export function electWhereNobodyLeads(updates: PartitionUpdates, image: MetadataImage): void {
  for (const topic of image.topics()) {
    for (const [partitionId, { leader }] of topic.partitions.entries()) {
      if (leader === -1) updates.change({ topic, partitionId }, {});
    }
  }
}

export function leadsAny(image: MetadataImage, brokerId: number): boolean {
  for (const topic of image.topics()) {
    for (const { leader } of topic.partitions) if (leader === brokerId) return true;
  }
  return false;
}

/** Names the leader again, which begins a new leader epoch. */
export function* newEpochsOf(
  image: MetadataImage,
  brokerId: number,
): Generator<MetadataRecord, void, undefined> {
  for (const topic of image.topics()) {
    for (const [partitionId, { leader }] of topic.partitions.entries()) {
      if (leader !== brokerId) continue;
      yield { type: 'PartitionChangeRecord', topicId: topic.id, partitionId, leader };
    }
  }
}

/** Of one decision, so that its batch stays small; the next one goes on. */
const electionsMax = 1000;

/**
 * Leads back to the preferred replicas, as far as those are in sync: to be asked every
 * leader.imbalance.check.interval.seconds. The response says whether to ask again at once.
 */
export function rebalanceLeaders(machine: ControllerMachine): Decision<MetadataRecord, boolean> {
  const updates = new PartitionUpdates(machine);
  for (const topic of machine.image.topics()) {
    for (const [partitionId, { leader, replicas }] of topic.partitions.entries()) {
      if (leader === replicas[0]) continue;
      updates.change({ topic, partitionId }, { election: 'preferred' });
      if (updates.records.length >= electionsMax) return elected(updates, true);
    }
  }
  return elected(updates, false);
}

/**
 * Elects where nobody leads and the topic takes anybody: to be asked every
 * unclean.leader.election.interval.ms, for what no other decision has come by.
 */
export function electUncleanLeaders(machine: ControllerMachine): Decision<MetadataRecord, boolean> {
  const updates = new PartitionUpdates(machine);
  for (const topic of machine.image.topics()) {
    if (!updates.rulesOf(topic).mayElectUncleanly) continue;
    for (const [partitionId, { leader }] of topic.partitions.entries()) {
      if (leader !== -1) continue;
      updates.change({ topic, partitionId }, {});
      if (updates.records.length >= electionsMax) return elected(updates, true);
    }
  }
  return elected(updates, false);
}

function elected(updates: PartitionUpdates, response: boolean): Decision<MetadataRecord, boolean> {
  updates.report();
  return { records: updates.records, response };
}
