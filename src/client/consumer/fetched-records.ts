// What one fetch brought for one partition, taken out record by record. Batches are decoded when
// their turn comes, so that the network fetches on while records are handed out.
//
// A batch that cannot be read is an error that names the place, when its turn comes and not before.
//
// Invariants: offsets only grow; control records are never handed out, with read_committed
// neither are those of aborted transactions (KIP-98): a producer's batches count as aborted from
// the first offset that the broker names until its abort marker.

import {
  type BatchHeader,
  type BatchRecord,
  batchSizeAt,
  ControlRecordType,
  controlRecordType,
  decodeRecords,
  isBatchCrcValid,
  KafkaError,
  readBatchHeader,
} from '../../protocol/index.ts';
import { Headers, noHeaders } from '../headers.ts';
import type { TopicPartition } from '../leader-requests.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import { UnreadableRecordsError } from './unreadable-records-error.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchedOptions {
  readonly checkCrcs: boolean;
  /** Given with read_committed only. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
}

export class FetchedRecords {
  readonly sizeBytes: number;
  /** The offset behind everything that is here, up to a batch whose header cannot be read. */
  readonly endOffset: number;
  readonly #isBroken: boolean;
  /** The offset behind what was handed out or skipped so far. */
  nextOffset: number;
  /** Of the batches that the last `take` has begun. */
  takenBytes = 0;
  /** The leader epoch of what was handed out last; -1 unknown. */
  leaderEpoch = -1;
  readonly #place: TopicPartition;
  readonly #buffer: Buffer;
  readonly #options: FetchedOptions;
  /** By first offset; those before `#abortedBegun` have begun. */
  readonly #aborted: readonly AbortedTransaction[];
  #abortedBegun = 0;
  readonly #abortedProducers = new Set<number>();
  #position = 0;
  #header: BatchHeader | null = null;
  #records: readonly BatchRecord[] = [];
  #index = 0;

  /** `fetchOffset` is what was asked for: batches begin at or before it. */
  constructor(place: TopicPartition, buffer: Buffer, fetchOffset: number, options: FetchedOptions) {
    this.#place = place;
    this.#buffer = buffer;
    this.#options = options;
    this.sizeBytes = buffer.length;
    this.nextOffset = fetchOffset;
    this.#aborted = [...(options.abortedTransactions ?? [])].sort(
      (a, b) => a.firstOffset - b.firstOffset,
    );
    const { endOffset, isBroken } = endOf(buffer, fetchOffset);
    this.endOffset = endOffset;
    this.#isBroken = isBroken;
  }

  get isEmpty(): boolean {
    return this.endOffset === this.nextOffset && !this.#isBroken;
  }

  /**
   * Appends at most `max` records to `out`, and begins no batch once those taken from have
   * `bytesMax` bytes as they were fetched. Throws UnreadableRecordsError where they end.
   */
  take(max: number, out: ConsumerRecord[], bytesMax = Number.POSITIVE_INFINITY): number {
    let taken = 0;
    this.takenBytes = 0;
    while (taken < max) {
      const records = this.#records;
      const header = this.#header;
      if (header === null || this.#index >= records.length) {
        if (this.takenBytes >= bytesMax || !this.#nextBatch()) break;
        continue;
      }
      const { topic, partition } = this.#place;
      const timestampType = header.timestampType === 1 ? 'logAppendTime' : 'createTime';
      const leaderEpoch = header.partitionLeaderEpoch;
      const end = Math.min(records.length, this.#index + max - taken);
      while (this.#index < end) {
        const { offset, timestamp, key, value, headers } = records[this.#index++] as BatchRecord;
        if (offset < this.nextOffset) continue;
        this.nextOffset = offset + 1;
        out.push({
          topic,
          partition,
          offset,
          timestamp,
          timestampType,
          key,
          value,
          headers: headers.length === 0 ? noHeaders : Headers.of(headers),
          leaderEpoch,
        });
        taken++;
      }
      // A compacted batch may end with offsets that have no record any more.
      if (this.#index >= records.length) this.nextOffset = header.lastOffset + 1;
    }
    if (this.#index >= this.#records.length) this.#skipHidden();
    return taken;
  }

  /** Passes over batches that hold nothing for us, so that the position moves behind them. */
  #skipHidden(): void {
    while (this.#index >= this.#records.length && this.#isNextHidden()) this.#nextBatch();
  }

  #isNextHidden(): boolean {
    const size = batchSizeAt(this.#buffer, this.#position);
    if (size === null || this.#position + size > this.#buffer.length) return false;
    return isControlAt(this.#buffer, this.#position);
  }

  /** False at the end of what is here. */
  #nextBatch(): boolean {
    const buffer = this.#buffer;
    const sizeBytes = batchSizeAt(buffer, this.#position);
    if (sizeBytes === null || this.#position + sizeBytes > buffer.length) return false;
    const header = this.#readable(null, () => readBatchHeader(buffer, this.#position));
    if (this.#options.checkCrcs && !isBatchCrcValid(buffer, header)) {
      this.#fail(header, 'has a wrong CRC');
    }
    this.#records = [];
    this.#index = 0;
    this.#header = header;
    this.leaderEpoch = header.partitionLeaderEpoch;
    if (header.lastOffset >= this.nextOffset) {
      this.#records = this.#readable(header, () =>
        this.#isVisible(header) ? decodeRecords(buffer, header) : [],
      );
      if (this.#records.length === 0) this.nextOffset = header.lastOffset + 1;
    }
    this.#position += sizeBytes;
    this.takenBytes += sizeBytes;
    return true;
  }

  /** Without a header, of what it would be. */
  #readable<T>(header: BatchHeader | null, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return this.#fail(header, `cannot be read (${error.message})`);
    }
  }

  #fail(header: BatchHeader | null, because: string): never {
    const offset = Math.max(this.nextOffset, header?.baseOffset ?? 0);
    const nextOffset = Math.max(offset, header?.lastOffset ?? 0) + 1;
    this.nextOffset = offset;
    throw new UnreadableRecordsError(this.#place, { offset, nextOffset }, because);
  }

  #isVisible(header: BatchHeader): boolean {
    if (this.#options.abortedTransactions !== null && header.producerId >= 0) {
      for (; this.#abortedBegun < this.#aborted.length; this.#abortedBegun++) {
        const next = this.#aborted[this.#abortedBegun] as AbortedTransaction;
        if (next.firstOffset > header.lastOffset) break;
        this.#abortedProducers.add(next.producerId);
      }
      if (header.isControl) {
        const marker = decodeRecords(this.#buffer, header)[0];
        if (marker !== undefined && controlRecordType(marker) === ControlRecordType.abort) {
          this.#abortedProducers.delete(header.producerId);
        }
      } else if (header.isTransactional && this.#abortedProducers.has(header.producerId)) {
        return false;
      }
    }
    return !header.isControl;
  }
}

/** Behind the last complete batch, or where one begins that has no header that can be read. */
function endOf(buffer: Buffer, fetchOffset: number): { endOffset: number; isBroken: boolean } {
  let endOffset = fetchOffset;
  for (let position = 0; ; ) {
    const sizeBytes = batchSizeAt(buffer, position);
    if (sizeBytes === null || position + sizeBytes > buffer.length) {
      return { endOffset, isBroken: false };
    }
    try {
      endOffset = Math.max(endOffset, readBatchHeader(buffer, position).lastOffset + 1);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return { endOffset, isBroken: true };
    }
    position += sizeBytes;
  }
}

function isControlAt(buffer: Buffer, position: number): boolean {
  try {
    return readBatchHeader(buffer, position).isControl;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return false;
  }
}
