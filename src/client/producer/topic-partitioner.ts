// Picks the partition of a record of one topic: the one it names, the one its key hashes to (so
// that a Java program and we put a key in the same place), or, without a key, one partition until
// a batch of bytes went there and then another at random among those that have a leader (KIP-794).
//
// Invariant: a partition is left with its last batch full or sent, unless two batches of bytes went
// there: leaving earlier would only make batches smaller. A batch is full, too, when the next
// record has no room in it: that record goes elsewhere.

import type { Random } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { TopicMetadata } from '../metadata-cache.ts';
import type { PartitionQueue } from './partition-queue.ts';
import { partitionOfKey } from './partitioners.ts';
import type { ResolvedProducerOptions } from './producer-options.ts';
import type { ProducerRecord } from './producer-record.ts';
import type { SerializedRecord } from './record-stages.ts';

export class TopicPartitioner {
  readonly #random: Random;
  readonly #options: ResolvedProducerOptions;
  #sticky = -1;
  #stickyBytes = 0;
  /** Whether the last record went where records without a key go. */
  #isSticking = false;

  constructor(random: Random, options: ResolvedProducerOptions) {
    this.#random = random;
    this.#options = options;
  }

  /**
   * The partition's number; `queues` holds the topic's, by partition. Throws a KafkaError if the
   * record names a partition that the topic does not have.
   */
  partitionOf(
    topic: TopicMetadata,
    record: ProducerRecord,
    key: Uint8Array | null,
    queues: readonly (PartitionQueue | undefined)[],
  ): number {
    const count = topic.partitions.length;
    this.#isSticking = false;
    const given = record.partition ?? this.#chosen(topic, record, key);
    if (given !== undefined && given !== null) {
      if (Number.isInteger(given) && given >= 0 && given < count) return given;
      const who = given === record.partition ? '' : `the partitioner gave ${given}: `;
      throw new KafkaError(
        'UNKNOWN_TOPIC_OR_PARTITION',
        `${who}topic ${topic.name} has partitions 0 to ${count - 1}, not ${given}`,
      );
    }
    if (key !== null && !this.#options.ignoreKeys) return partitionOfKey(key, count);
    this.#isSticking = true;
    const isDone = this.#sticky < 0 || this.#sticky >= count || this.#isDone(queues);
    return isDone ? this.move(topic, queues) : this.#sticky;
  }

  /** The record goes elsewhere if it has no room in the batch that is open here. */
  get mayMove(): boolean {
    return this.#isSticking && this.#stickyBytes >= this.#options.batchSizeBytes;
  }

  /** The record took so much room in its batch, the head of a batch that it began included. */
  onAppended(bytes: number): void {
    if (this.#isSticking) this.#stickyBytes += bytes;
  }

  #isDone(queues: readonly (PartitionQueue | undefined)[]): boolean {
    const { batchSizeBytes } = this.#options;
    if (this.#stickyBytes < batchSizeBytes) return false;
    return this.#stickyBytes >= 2 * batchSizeBytes || !queues[this.#sticky]?.open;
  }

  /** The next partition of records without a key. */
  move(topic: TopicMetadata, queues: readonly (PartitionQueue | undefined)[]): number {
    const { available } = topic;
    this.#stickyBytes = 0;
    if (available.length === 0) this.#sticky = this.#random.int(topic.partitions.length);
    else this.#sticky = this.#pick(available, queues);
    return this.#sticky;
  }

  /** By chance, the more likely the less waits there (KIP-794, as Java's BuiltInPartitioner). */
  #pick(available: readonly number[], queues: readonly (PartitionQueue | undefined)[]): number {
    let max = 0;
    let sum = 0;
    if (this.#options.adaptive) {
      for (const each of available) {
        const count = queues[each]?.unsentCount ?? 0;
        sum += count;
        if (count > max) max = count;
      }
    }
    const total = (max + 1) * available.length - sum;
    // Where the same waits everywhere the weights are the same.
    if (max * available.length === sum)
      return available[this.#random.int(available.length)] as number;
    let left = this.#random.int(total);
    for (const each of available) {
      left -= max + 1 - (queues[each]?.unsentCount ?? 0);
      if (left < 0) return each;
    }
    return available.at(-1) as number;
  }

  #chosen(topic: TopicMetadata, record: ProducerRecord, key: Uint8Array | null): Chosen {
    const { partitioner } = this.#options;
    if (partitioner === null) return null;
    const given = ((record as SerializedRecord).given ?? record) as ProducerRecord;
    if (typeof partitioner === 'function') return partitioner(given, topic.partitions.length);
    return partitioner.partition(given, topic, key);
  }
}

type Chosen = number | null | undefined;
