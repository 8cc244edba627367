// Moves partitions to other brokers (KIP-455). A reassignment first adds the new replicas to the
// old ones, and is complete when every new one is in sync; then the old ones go, in the record that
// says so (partition-change.ts), whoever causes it.
//
// Invariant: `replicas` of a partition that is being moved is the target followed by what is on
// its way out.

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
import type { PartitionTarget } from './partition-change.ts';
import { PartitionUpdates } from './partition-updates.ts';

export function alterReassignments(
  machine: ControllerMachine,
  request: AlterReassignmentsRequest,
): Decision<MetadataRecord, AlterReassignmentsResult[]> {
  const updates = new PartitionUpdates(machine);
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
      reassign(machine.image, updates, { ...each, ...request });
      response.push({ topic, partition, error: null });
    } catch (error) {
      response.push({ topic, partition, error: itemError(error) });
    }
  }
  updates.report();
  return { records: updates.records, response };
}

function reassign(
  image: MetadataImage,
  updates: PartitionUpdates,
  wanted: PartitionReassignment & Pick<AlterReassignmentsRequest, 'allowReplicationFactorChange'>,
): void {
  const { topic: name, partition: partitionId, replicas } = wanted;
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
  const at = { topic, partitionId };
  if (replicas === null) {
    if (!isReassigning(before)) throw new KafkaError('NO_REASSIGNMENT_IN_PROGRESS');
    updates.change(at, reverted(before, updates.rulesOf(topic).mayElectUncleanly));
    return;
  }
  assertTarget(image, replicas);
  const { allowReplicationFactorChange = true } = wanted;
  const present = targetOf(before);
  if (!allowReplicationFactorChange && replicas.length !== present.length) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor is changed from ${present.length} to ${replicas.length}`,
    );
  }
  updates.change(at, movedTo(before, replicas));
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

/**
 * Whoever has a replica and is not wanted goes, also if it was only on its way in. A replica that
 * is on its way in and is wanted still is waited for.
 */
function movedTo(before: PartitionImage, target: readonly number[]): PartitionTarget {
  const removingReplicas = before.replicas.filter((id) => !target.includes(id)).sort(ascending);
  const addingReplicas = target
    .filter((id) => !before.replicas.includes(id) || before.addingReplicas.includes(id))
    .sort(ascending);
  const replicas = [...target, ...removingReplicas];
  // Who is only on its way in has nothing: it must not be what an unclean election is left with.
  return { replicas, addingReplicas, removingReplicas, election: 'online' };
}

const ascending = (a: number, b: number): number => a - b;

function reverted(before: PartitionImage, mayElectUncleanly: boolean): PartitionTarget {
  const replicas = originOf(before);
  const isr = before.isr.filter((id) => replicas.includes(id));
  const place = { replicas, addingReplicas: [], removingReplicas: [] };
  const [first] = replicas;
  if (first === undefined) {
    throw new KafkaError(
      'INVALID_REPLICA_ASSIGNMENT',
      'Invalid replica assignment: addingReplicas contains all replicas.',
    );
  }
  if (isr.length > 0) return { ...place, isr };
  if (!mayElectUncleanly) {
    throw new KafkaError(
      'INVALID_REPLICA_ASSIGNMENT',
      'No replica from before the reassignment is in sync: going back would need an unclean ' +
        'election.',
    );
  }
  return { ...place, isr: [first] };
}
