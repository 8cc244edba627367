// What a walk over a log's batches, oldest first, knows of the transactions it meets: which batches
// were aborted, and which markers end a transaction of which nothing is left in the log.
//
// Invariant: a marker may go only after every batch of its transaction went, or a replay of the log
// would leave the transaction open.

import {
  type BatchHeader,
  ControlRecordType,
  controlRecordType,
  decodeRecords,
} from '../../protocol/index.ts';
import type { AbortedTransactionEntry } from '../segment/transaction-index.ts';

interface AbortedTransaction {
  readonly entry: AbortedTransactionEntry;
  /** A batch of it was met. */
  hasBatches: boolean;
}

export class CleanedTransactions {
  /** By first offset; those before `#begun` have begun. */
  #announced: AbortedTransactionEntry[] = [];
  #begun = 0;
  /** By producer id: under way at the place of the walk. */
  readonly #aborted = new Map<number, AbortedTransaction>();
  readonly #committed = new Set<number>();
  /** Those that the walk left and that keep a place in the transaction index. */
  #indexed: AbortedTransactionEntry[] = [];

  /** The aborted transactions that touch what is walked over next. */
  announce(entries: readonly AbortedTransactionEntry[]): void {
    // What was announced before has begun, but for what no batch was left of.
    const waiting = this.#announced.slice(this.#begun);
    this.#announced = waiting.concat(entries).sort((a, b) => a.firstOffset - b.firstOffset);
    this.#begun = 0;
  }

  /** The entries for the transaction index since this was last asked. */
  takeIndexed(): AbortedTransactionEntry[] {
    const indexed = this.#indexed;
    this.#indexed = [];
    return indexed;
  }

  /** True if nobody needs the batch's records. Every batch is to be met once, in order. */
  meet(buffer: Buffer, header: BatchHeader): boolean {
    this.#beginUpTo(header.lastOffset);
    return header.isControl ? this.#meetMarker(buffer, header) : this.#meetBatch(header);
  }

  #beginUpTo(offset: number): void {
    for (; this.#begun < this.#announced.length; this.#begun++) {
      const entry = this.#announced[this.#begun] as AbortedTransactionEntry;
      if (entry.firstOffset > offset) break;
      if (!this.#aborted.has(entry.producerId)) {
        this.#aborted.set(entry.producerId, { entry, hasBatches: false });
      }
    }
  }

  #meetMarker(buffer: Buffer, header: BatchHeader): boolean {
    const record = header.recordCount === 0 ? undefined : decodeRecords(buffer, header)[0];
    // Emptied by an earlier cleaning.
    if (record === undefined) return true;
    const { producerId } = header;
    switch (controlRecordType(record)) {
      case ControlRecordType.abort: {
        const aborted = this.#aborted.get(producerId);
        this.#aborted.delete(producerId);
        if (aborted === undefined || !aborted.hasBatches) return true;
        this.#indexed.push(aborted.entry);
        return false;
      }
      case ControlRecordType.commit:
        return !this.#committed.delete(producerId);
      default:
        return false;
    }
  }

  #meetBatch(header: BatchHeader): boolean {
    if (!header.isTransactional) return false;
    const aborted = this.#aborted.get(header.producerId);
    if (aborted === undefined) {
      this.#committed.add(header.producerId);
      return false;
    }
    aborted.hasBatches = true;
    return true;
  }
}
