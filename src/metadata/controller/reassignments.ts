// Moves partitions to other brokers (KIP-455). A reassignment first adds the new replicas to the
// old ones, and is complete when every new one is in sync; then the old ones go.
//
// Invariant: `replicas` of a partition that is being moved is the target followed by what is on
// its way out; without a change in who holds it nothing is written.

import { pushAll } from '../../base/push-all.ts';
import type { Uuid } from '../../base/uuid.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { MetadataImage, PartitionImage } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type AlterReassignmentsRequest,
  type AlterReassignmentsResult,
  itemError,
  type PartitionReassignment,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { canLead } from './registered-broker.ts';

interface Placement {
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export function alterReassignments(
  machine: ControllerMachine,
  request: AlterReassignmentsRequest,
): Decision<MetadataRecord, AlterReassignmentsResult[]> {
  const records: MetadataRecord[] = [];
  const response: AlterReassignmentsResult[] = [];
  const seen = new Set<string>();
  for (const each of request.partitions) {
    const { topic, partition } = each;
    try {
      const key = `${partition} ${topic}`;
      if (seen.has(key)) {
        throw new KafkaError('INVALID_REQUEST', `${topic}-${partition} is in the request twice.`);
      }
      seen.add(key);
      pushAll(records, reassignmentRecords(machine.image, each, request));
      response.push({ topic, partition, error: null });
    } catch (error) {
      response.push({ topic, partition, error: itemError(error) });
    }
  }
  return { records, response };
}

function reassignmentRecords(
  image: MetadataImage,
  { topic: name, partition: partitionId, replicas }: PartitionReassignment,
  { allowReplicationFactorChange = true }: AlterReassignmentsRequest,
): MetadataRecord[] {
  const topic = image.topic(name);
  if (topic === undefined) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${name}.`);
  }
  const before = topic.partitions[partitionId];
  if (before === undefined) {
    throw new KafkaError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `There is no partition ${partitionId} of topic ${name}.`,
    );
  }
  if (replicas === null) {
    if (!isReassigning(before)) throw new KafkaError('NO_REASSIGNMENT_IN_PROGRESS');
    return changeRecords(image, { topicId: topic.id, partitionId, before }, reverted(before));
  }
  assertTarget(image, replicas);
  const present = targetOf(before);
  if (!allowReplicationFactorChange && replicas.length !== present.length) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor would change from ${present.length} to ${replicas.length}.`,
    );
  }
  if (isSame(replicas, present)) return [];
  const placement = placementFor(before, replicas);
  return changeRecords(image, { topicId: topic.id, partitionId, before }, placement);
}

export function isReassigning(partition: PartitionImage): boolean {
  return partition.addingReplicas.length + partition.removingReplicas.length > 0;
}

/** What the replicas will be when the reassignment under way is complete. */
function targetOf({ replicas, removingReplicas }: PartitionImage): readonly number[] {
  return replicas.filter((id) => !removingReplicas.includes(id));
}

/** What the replicas were when the reassignment under way began. */
function originOf({ replicas, addingReplicas }: PartitionImage): readonly number[] {
  return replicas.filter((id) => !addingReplicas.includes(id));
}

function assertTarget(image: MetadataImage, replicas: readonly number[]): void {
  const refuse = (why: string): never => {
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', `The new replicas ${why}.`);
  };
  if (replicas.length === 0) refuse('are none');
  const seen = new Set<number>();
  for (const id of replicas) {
    if (id < 0) refuse(`name broker ${id}, which cannot be`);
    if (seen.has(id)) refuse(`name broker ${id} twice`);
    seen.add(id);
    if (!image.brokers.has(id)) refuse(`name broker ${id}, which is not registered`);
  }
}

function placementFor(before: PartitionImage, target: readonly number[]): Placement {
  const origin = originOf(before);
  const removingReplicas = origin.filter((id) => !target.includes(id));
  const addingReplicas = target.filter((id) => !origin.includes(id));
  const isComplete = target.every((id) => before.isr.includes(id));
  if (isComplete || addingReplicas.length === 0) {
    const isr = before.isr.filter((id) => target.includes(id));
    if (isr.length > 0) {
      return { replicas: target, isr, addingReplicas: [], removingReplicas: [] };
    }
  }
  const replicas = [...target, ...removingReplicas];
  const isr = before.isr.filter((id) => replicas.includes(id));
  return { replicas, isr, addingReplicas, removingReplicas };
}

function reverted(before: PartitionImage): Placement {
  const replicas = originOf(before);
  const isr = before.isr.filter((id) => replicas.includes(id));
  if (isr.length === 0) {
    throw new KafkaError(
      'INVALID_REPLICA_ASSIGNMENT',
      'No replica from before the reassignment is in sync: it cannot be cancelled.',
    );
  }
  return { replicas, isr, addingReplicas: [], removingReplicas: [] };
}

function changeRecords(
  image: MetadataImage,
  at: { readonly topicId: Uuid; readonly partitionId: number; readonly before: PartitionImage },
  placement: Placement,
): MetadataRecord[] {
  const { topicId, partitionId, before } = at;
  const { isr } = placement;
  const keepsLeader = before.leader === -1 || isr.includes(before.leader);
  const next = isr.find((id) => canLead(image.brokers.get(id))) ?? -1;
  const directories = placement.replicas.map((id) => {
    return before.directories[before.replicas.indexOf(id)] ?? ZERO_UUID;
  });
  const change = { type: 'PartitionChangeRecord', topicId, partitionId } as const;
  const leader = keepsLeader ? {} : { leader: next };
  return [{ ...change, ...placement, ...leader, directories }];
}

function isSame(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((id, index) => id === right[index]);
}
