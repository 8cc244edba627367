// Records of one partition that were polled together.

import type { CallOptions } from '../client.ts';
import type { TopicPartition } from '../leader-requests.ts';
import { type ConsumerGroup, needGroup } from './consumer-group.ts';
import type { ConsumerRecord } from './consumer-record.ts';

/** Records of one partition that were polled together; `consumer.batches()` yields them. */
export class ConsumerBatch<R extends TopicPartition = ConsumerRecord> implements TopicPartition {
  /** The topic of all records of the batch. */
  readonly topic: string;
  /** The partition of all records of the batch. */
  readonly partition: number;
  /** At least one, in the order of their offsets. */
  readonly records: readonly R[];
  readonly #last: ConsumerRecord;
  readonly #group: ConsumerGroup | null;

  constructor(records: readonly ConsumerRecord[], group: ConsumerGroup | null) {
    const last = records.at(-1) as ConsumerRecord;
    this.topic = last.topic;
    this.partition = last.partition;
    this.records = records as unknown as readonly R[];
    this.#last = last;
    this.#group = group;
  }

  /** The offset of the last record; `commit` commits the one behind it. */
  get lastOffset(): number {
    return this.#last.offset;
  }

  /**
   * Commits that all of the partition is done up to the end of this batch. Throws what `commit` of
   * the consumer throws.
   */
  async commit(options: CallOptions & { readonly metadata?: string } = {}): Promise<void> {
    const { topic, partition } = this;
    const { offset, leaderEpoch } = this.#last;
    const { metadata = '' } = options;
    const place = { topic, partition, offset: offset + 1, leaderEpoch, metadata };
    await needGroup(this.#group).commit([place], options);
  }
}
