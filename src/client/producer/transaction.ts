// What the function given to `producer.transaction` works with: the producer, as long as this
// transaction lasts.

import type { GroupMetadata } from '../consumer/consumer-group.ts';
import type { OffsetToCommit } from '../consumer/group-offsets.ts';
import { IllegalStateError } from '../errors.ts';
import type { TopicTable, Untyped } from '../topics.ts';
import type { DeliveryCallback, RecordMetadata, RecordOf } from './producer-record.ts';

/** What a transaction needs of its producer. */
export interface TransactionalProducer<Topics> {
  send(record: RecordOf<Topics>): Promise<RecordMetadata>;
  write(record: RecordOf<Topics>, callback?: DeliveryCallback | null): boolean;
  drained(): Promise<void>;
  sendOffsetsToTransaction(
    offsets: readonly OffsetToCommit[],
    groupMetadata: GroupMetadata,
  ): Promise<void>;
}

/**
 * What the function given to `producer.transaction` works with. Once that function has ended, every
 * call throws an IllegalStateError.
 */
export class Transaction<Topics extends TopicTable = Untyped> {
  #producer: TransactionalProducer<Topics> | null;

  constructor(producer: TransactionalProducer<Topics>) {
    this.#producer = producer;
  }

  /** As `producer.send`. Need not be awaited: the commit waits for it, and fails if it failed. */
  send(record: RecordOf<Topics>): Promise<RecordMetadata> {
    return this.#open.send(record);
  }

  /** As `producer.write`. */
  write(record: RecordOf<Topics>, callback: DeliveryCallback | null = null): boolean {
    return this.#open.write(record, callback);
  }

  /** As `producer.drained`. */
  drained(): Promise<void> {
    return this.#open.drained();
  }

  /** As `producer.sendOffsetsToTransaction`. */
  sendOffsets(offsets: readonly OffsetToCommit[], groupMetadata: GroupMetadata): Promise<void> {
    return this.#open.sendOffsetsToTransaction(offsets, groupMetadata);
  }

  /** @internal From now on every call throws. */
  end(): void {
    this.#producer = null;
  }

  get #open(): TransactionalProducer<Topics> {
    if (this.#producer !== null) return this.#producer;
    throw new IllegalStateError(
      'this transaction is over: await within the function what belongs to it',
    );
  }
}
