// Log directories of brokers that live (KIP-858): which replica lies in which, as the broker says,
// and which of them failed. The replicas in a failed one leave their ISRs, and others lead.
//
// Invariant: nobody leads from a directory that its broker does not have.

import type { Uuid } from '../../base/uuid.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { BrokerRegistration, MetadataImage, PartitionImage } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type AssignReplicasRequest,
  type AssignReplicasResult,
  itemError,
  type ReplicaInDirectory,
  type ReportOfflineRequest,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { leaveIsr } from './leaders.ts';
import { type PartitionAt, PartitionUpdates } from './partition-updates.ts';
import { assertBrokerEpoch, DirectoryId, isOnline } from './registered-broker.ts';

/** Those of the broker that it had and that failed now. */
export function failedDirectories(
  { logDirs }: BrokerRegistration,
  offline: readonly Uuid[],
): readonly Uuid[] {
  return logDirs.filter((id) => offline.includes(id));
}

/** Without them; one that has lost all is not one that names none. */
export function withoutDirectories(
  broker: BrokerRegistration,
  failed: readonly Uuid[],
): BrokerRegistration {
  const logDirs = broker.logDirs.filter((id) => !failed.includes(id));
  return { ...broker, logDirs: logDirs.length > 0 ? logDirs : [DirectoryId.LOST] };
}

/** @param updates decided upon a broker that does not have them any more */
export function leaveDirectories(
  updates: PartitionUpdates,
  image: MetadataImage,
  { brokerId, failed }: { readonly brokerId: number; readonly failed: readonly Uuid[] },
): void {
  for (const topic of image.topics()) {
    for (const [partitionId, { replicas, directories }] of topic.partitions.entries()) {
      const directory = directories[replicas.indexOf(brokerId)];
      if (directory === undefined || !failed.includes(directory)) continue;
      leaveIsr(updates, { topic, partitionId }, brokerId);
    }
  }
}

export function assignReplicasToDirs(
  machine: ControllerMachine,
  request: AssignReplicasRequest,
): Decision<MetadataRecord, AssignReplicasResult[]> {
  const { image } = machine;
  const broker = assertBrokerEpoch(image, request.brokerId, request.brokerEpoch);
  const updates = new PartitionUpdates(machine);
  const response: AssignReplicasResult[] = [];
  const seen = new Set<string>();
  for (const replica of request.replicas) {
    const { topicId, partitionIndex } = replica;
    try {
      const key = `${partitionIndex} ${topicId}`;
      if (seen.has(key)) throw new KafkaError('INVALID_REQUEST', 'A replica is there twice.');
      seen.add(key);
      assign(updates, replicaOf(image, broker, replica), { broker, id: replica.directoryId });
      response.push({ topicId, partitionIndex, error: null });
    } catch (error) {
      response.push({ topicId, partitionIndex, error: itemError(error) });
    }
  }
  updates.report();
  return { records: updates.records, response };
}

function replicaOf(
  image: MetadataImage,
  broker: BrokerRegistration,
  { topicId, partitionIndex: partitionId }: ReplicaInDirectory,
): PartitionAt {
  const topic = image.topicById(topicId);
  if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_ID');
  const partition = topic.partitions[partitionId];
  if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
  if (!partition.replicas.includes(broker.id)) throw new KafkaError('NOT_LEADER_OR_FOLLOWER');
  return { topic, partitionId };
}

function assign(
  updates: PartitionUpdates,
  at: PartitionAt,
  { broker, id }: { readonly broker: BrokerRegistration; readonly id: Uuid },
): void {
  const { isr } = at.topic.partitions[at.partitionId] as PartitionImage;
  const directory = { brokerId: broker.id, id };
  if (isOnline(broker, id)) updates.change(at, { directory, election: 'online' });
  else updates.change(at, { directory, isr: isr.filter((each) => each !== broker.id) });
}

/** The broker lives and some of its replicas do not: they leave their ISRs. */
export function reportOffline(
  machine: ControllerMachine,
  request: ReportOfflineRequest,
): Decision<MetadataRecord, void> {
  const { image } = machine;
  const { brokerId } = request;
  const broker = assertBrokerEpoch(image, brokerId, request.brokerEpoch);
  const updates = new PartitionUpdates(machine, { broker: { ...broker, fenced: true } });
  const seen = new Set<string>();
  for (const { topicId, partitionIndex: partitionId } of request.partitions) {
    const topic = image.topicById(topicId);
    const partition = topic?.partitions[partitionId];
    const key = `${partitionId} ${topicId}`;
    if (topic === undefined || partition === undefined || seen.has(key)) continue;
    seen.add(key);
    if (partition.isr.includes(brokerId)) leaveIsr(updates, { topic, partitionId }, brokerId);
  }
  updates.report();
  return { records: updates.records, response: undefined };
}
