// Picks the partition of a record of one topic: the one it names, the one its key hashes to (so
// that a Java program and we put a key in the same place), or, without a key, one partition until
// a batch of bytes went there and then another at random among those that have a leader (KIP-794).

import { murmur2 } from '../../base/murmur2.ts';
import type { Random } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { TopicMetadata } from '../metadata-cache.ts';
import type { ResolvedProducerOptions } from './producer-options.ts';
import type { ProducerRecord } from './producer-record.ts';

export class TopicPartitioner {
  readonly #random: Random;
  readonly #options: ResolvedProducerOptions;
  #sticky = -1;
  #stickyBytes = 0;

  constructor(random: Random, options: ResolvedProducerOptions) {
    this.#random = random;
    this.#options = options;
  }

  /** Throws a KafkaError if the record names a partition that the topic does not have. */
  partitionOf(topic: TopicMetadata, record: ProducerRecord, key: Uint8Array | null): number {
    const count = topic.partitions.length;
    const given = record.partition ?? this.#options.partitioner?.(record, count);
    if (given !== undefined) {
      if (Number.isInteger(given) && given >= 0 && given < count) return given;
      throw new KafkaError(
        'UNKNOWN_TOPIC_OR_PARTITION',
        `topic ${topic.name} has partitions 0 to ${count - 1}, not ${given}`,
      );
    }
    if (key !== null) return (murmur2(key) & 0x7fff_ffff) % count;
    if (this.#sticky < 0 || this.#sticky >= count) this.#move(topic);
    else if (this.#stickyBytes >= this.#options.batchSizeBytes) this.#move(topic);
    this.#stickyBytes += record.value?.length ?? 0;
    return this.#sticky;
  }

  #move(topic: TopicMetadata): void {
    const { available } = topic;
    this.#stickyBytes = 0;
    this.#sticky =
      available.length === 0
        ? this.#random.int(topic.partitions.length)
        : (available[this.#random.int(available.length)] as number);
  }
}
