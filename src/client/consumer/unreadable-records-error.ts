// The error of a batch that cannot be read: it names the place, and the offset to go on from.

import { branded } from '../../base/brand.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { TopicPartition } from '../leader-requests.ts';

/**
 * A batch has a wrong CRC, or records that cannot be unpacked or decoded. `poll` throws it after
 * the records before it, and again until the position moves; records of other partitions are
 * handed out in between. To go on behind the batch:
 * `consumer.seek(error.topicPartition, error.nextOffset)`.
 */
export class UnreadableRecordsError extends KafkaError {
  static {
    branded(UnreadableRecordsError, 'UnreadableRecordsError');
  }
  readonly topicPartition: TopicPartition;
  override readonly topic: string;
  override readonly partition: number;
  /** Of the first record that cannot be read; the consumer's position. */
  override readonly offset: number;
  /** Behind the batch; behind `offset` alone where not even the batch's header can be read. */
  readonly nextOffset: number;

  constructor(
    { topic, partition }: TopicPartition,
    { offset, nextOffset }: { offset: number; nextOffset: number },
    because: string,
  ) {
    const remedy = `seek to ${nextOffset} to go on behind it`;
    super(
      'CORRUPT_MESSAGE',
      `the batch at offset ${offset} of ${topic}-${partition} ${because}: ${remedy}`,
    );
    this.name = 'UnreadableRecordsError';
    this.topicPartition = { topic, partition };
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.nextOffset = nextOffset;
  }

  override get retriable(): boolean {
    return false;
  }

  override get hint(): string {
    return `Seek to ${this.nextOffset} to go on behind the batch, or restore the partition.`;
  }
}
