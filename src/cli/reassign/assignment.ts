// The JSON of kafka-reassign-partitions: where the replicas of partitions are, or are to be.

import type { TopicPartition } from '../../client/index.ts';
import { UsageError } from '../command-line.ts';

export interface PartitionPlan extends TopicPartition {
  /** Broker ids, the preferred leader first. */
  readonly replicas: readonly number[];
  /** A path for each replica; `any` leaves it where it is. */
  readonly logDirs: readonly string[];
}

export const anyDirectory = 'any';

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

export function sortedPlans<P extends TopicPartition>(plans: readonly P[]): P[] {
  return [...plans].sort((a, b) => {
    if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
    return a.partition - b.partition;
  });
}

/** As Kafka's tool writes it, so that it can be kept for a way back. */
export function planJson(plans: readonly PartitionPlan[]): string {
  const partitions = sortedPlans(plans).map(({ topic, partition, replicas, logDirs }) => {
    return { topic, partition, replicas, log_dirs: logDirs };
  });
  return JSON.stringify({ version: 1, partitions });
}

/** @throws UsageError that says what is wrong with the text */
export function parsePlan(text: string): PartitionPlan[] {
  const { partitions } = parseVersioned(text) as { partitions?: unknown };
  if (!Array.isArray(partitions)) throw new UsageError('Partition reassignment has no partitions');
  if (partitions.length === 0) throw new UsageError('Partition reassignment list cannot be empty');
  const seen = new Set<string>();
  return partitions.map((each: unknown) => {
    const plan = parsePartition(each);
    const name = nameOf(plan);
    if (seen.has(name)) {
      throw new UsageError(`Partition reassignment contains duplicate topic partitions: ${name}`);
    }
    seen.add(name);
    return plan;
  });
}

function parsePartition(value: unknown): PartitionPlan {
  const fail = (reason: string): never => {
    throw new UsageError(`Partition reassignment: ${JSON.stringify(value)} ${reason}`);
  };
  const fields = (value ?? {}) as Record<string, unknown>;
  const { topic, partition, replicas, log_dirs: logDirs } = fields;
  if (typeof topic !== 'string') return fail('has no topic');
  if (!isId(partition)) return fail('has no partition number');
  if (!Array.isArray(replicas) || !replicas.every(isId)) return fail('has no list of replicas');
  if (replicas.length === 0) fail('has an empty list of replicas');
  const twice = replicas.filter((id, index) => replicas.indexOf(id) !== index);
  if (twice.length > 0) {
    throw new UsageError(
      `Partition replica lists may not contain duplicate entries: ${topic}-${partition} ` +
        `contains multiple entries for ${twice.join(',')}`,
    );
  }
  if (logDirs === undefined) {
    return { topic, partition, replicas, logDirs: replicas.map(() => anyDirectory) };
  }
  if (!Array.isArray(logDirs) || !logDirs.every((path) => typeof path === 'string')) {
    return fail('has log_dirs that are no paths');
  }
  if (logDirs.length !== replicas.length) {
    fail('has another number of log_dirs than of replicas');
  }
  return { topic, partition, replicas, logDirs };
}

/** The topics of --topics-to-move-json-file. */
export function parseTopicsToMove(text: string): string[] {
  const { topics } = parseVersioned(text) as { topics?: unknown };
  if (!Array.isArray(topics)) throw new UsageError('The list of topics to move is missing');
  const names = topics.map((each: { topic?: unknown } | null) => {
    if (typeof each?.topic === 'string') return each.topic;
    throw new UsageError(`${JSON.stringify(each)} names no topic`);
  });
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return names;
  throw new UsageError(`List of topics to reassign contains duplicate entries: ${twice}`);
}

function parseVersioned(text: string): object {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`Failed to parse the JSON: ${(error as Error).message}`);
  }
  const value = (json ?? {}) as { version?: unknown };
  if (value.version === undefined || value.version === 1) return value;
  throw new UsageError(`Not supported version field value ${value.version}`);
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
