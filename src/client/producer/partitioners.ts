// Partitioners: which partition a record goes to that names none. Java's own under their names, and
// the door for those of a program.

import { murmur2 } from '../../base/murmur2.ts';
import { ClientConfigError } from '../client-config-error.ts';
import type { TopicMetadata } from '../metadata-cache.ts';
import type { ProducerRecord } from './producer-record.ts';

/** Picks partitions. One object serves all topics of a producer. */
export interface Partitioner {
  /** Called once, with the producer's options, before the first record. */
  configure?(options: object): void;
  /**
   * The partition of a record, which is as it was given to `send`; `keyBytes` is its key as it is
   * sent. null leaves the choice to Java's default. What it throws fails that record alone.
   */
  partition(
    record: ProducerRecord,
    topic: TopicMetadata,
    keyBytes: Uint8Array | null,
  ): number | null;
  /** Called when the producer is closed. */
  close?(): void;
}

/** A partitioner in one line, which sees only how many partitions there are. */
export type PartitionerFunction = (
  record: ProducerRecord,
  partitionCount: number,
) => number | null | undefined;

/** How `defaultPartitioner` picks partitions. */
export interface DefaultPartitionerOptions {
  /** Records with a key go where those without go (partitioner.ignore.keys). Default false. */
  readonly ignoreKeys?: boolean;
  /**
   * Partitions with fewer batches waiting are picked more often
   * (partitioner.adaptive.partitioning.enable). Default true.
   */
  readonly adaptive?: boolean;
}

/**
 * Java's default (KIP-794): murmur2 of the key; records without a key stay with one partition for a
 * batch of bytes. The same as no partitioner at all.
 */
export function defaultPartitioner(options: DefaultPartitionerOptions = {}): Partitioner {
  return new BuiltInPartitioner(options);
}

/** As `defaultPartitioner`, but blind for how much waits where (Java's DefaultPartitioner). */
export function stickyPartitioner(): Partitioner {
  return new BuiltInPartitioner({ adaptive: false });
}

/** One partition for a batch of bytes, whatever the keys (Java's UniformStickyPartitioner). */
export function uniformStickyPartitioner(): Partitioner {
  return new BuiltInPartitioner({ adaptive: false, ignoreKeys: true });
}

/** One partition after the other, record by record, of those that have a leader; keys too. */
export function roundRobinPartitioner(): Partitioner {
  const counts = new Map<string, number>();
  return {
    partition(_record, { name, partitions, available }) {
      const count = counts.get(name) ?? 0;
      counts.set(name, (count + 1) % 0x8000_0000);
      if (available.length === 0) return count % partitions.length;
      return available[count % available.length] as number;
    },
  };
}

/** Done by topic-partitioner.ts, which sees the batches; by itself it knows keys alone. */
export class BuiltInPartitioner implements Partitioner {
  readonly ignoreKeys: boolean;
  readonly adaptive: boolean;

  constructor({ ignoreKeys = false, adaptive = true }: DefaultPartitionerOptions) {
    this.ignoreKeys = ignoreKeys;
    this.adaptive = adaptive;
  }

  partition(
    _record: ProducerRecord,
    { partitions }: TopicMetadata,
    keyBytes: Uint8Array | null,
  ): number | null {
    if (keyBytes === null || this.ignoreKeys) return null;
    return partitionOfKey(keyBytes, partitions.length);
  }
}

/** Where Java's producer puts a key. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitionCount;
}

const byClass: Readonly<Record<string, () => Partitioner>> = {
  'org.apache.kafka.clients.producer.RoundRobinPartitioner': roundRobinPartitioner,
  'org.apache.kafka.clients.producer.UniformStickyPartitioner': uniformStickyPartitioner,
  'org.apache.kafka.clients.producer.internals.DefaultPartitioner': stickyPartitioner,
};

/** `partitioner.class` of a properties file; empty is the default. */
export function partitionerOfClass(key: string, name: string): Partitioner | undefined {
  if (name === '') return undefined;
  if (Object.hasOwn(byClass, name)) return (byClass[name] as () => Partitioner)();
  const known = Object.keys(byClass).join(', ');
  throw new ClientConfigError(
    `${key} is "${name}", a class that is not here: give the option partitioner in the program, ` +
      `or one of ${known}`,
  );
}

/** Throws a ClientConfigError for what is no partitioner. */
export function assertPartitioner(partitioner: unknown): void {
  if (partitioner === undefined || typeof partitioner === 'function') return;
  const given = partitioner as Partial<Partitioner> | null;
  if (typeof given === 'object' && typeof given?.partition === 'function') return;
  throw new ClientConfigError(
    'partitioner is not a partitioner: give an object with partition(record, topic), or a function',
  );
}
