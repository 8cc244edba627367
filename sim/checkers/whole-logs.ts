// The promise (files): what a broker that was stopped leaves of a log whose transactions are all
// decided is whole by itself, for Kafka's tools and for a start that has lost everything else.
// Batches are in order within their segments; every transaction that has a batch has its marker,
// and one that was aborted its entry in the index of the marker's segment; of every producer that
// the last snapshot knows the last batch is there.
//
// Of records it says nothing: readers judge them.

import { assert } from '../../src/base/assert.ts';
import {
  type BatchHeader,
  batchHeaders,
  decodeEndTransactionMarker,
  decodeRecords,
  isBatchCrcValid,
} from '../../src/protocol/index.ts';
import { decodeProducerSnapshot } from '../../src/storage/producers/producer-snapshot.ts';
import { decodeTransactionIndex } from '../../src/storage/segment/transaction-index.ts';
import type { FileSystem } from '../file-system.ts';

/** @param directory the folder of the partition */
export function assertWholeLog(files: FileSystem, directory: string): void {
  const found = new LogFiles(files, directory);
  const bases = found.basesOf('.log');
  assert(bases.length > 0, `${directory} has a segment`);
  const replay = new Replay(directory);
  for (const [at, base] of bases.entries()) {
    const end = bases[at + 1] ?? Number.POSITIVE_INFINITY;
    replay.onSegment(found.bytes(base, '.log'), { base, end });
    replay.assertIndexed(found.bytes(base, '.txnindex'), base);
  }
  replay.assertDecided();
  const taken = found.basesOf('.snapshot').at(-1);
  if (taken !== undefined) replay.assertRemembered(found.bytes(taken, '.snapshot'));
}

class LogFiles {
  readonly #bytes = new Map<string, Buffer>();

  constructor(files: FileSystem, directory: string) {
    for (const [path, { content }] of files.files(directory)) {
      const bytes = Buffer.alloc(content.sizeBytes);
      content.read(bytes, 0);
      this.#bytes.set(path.slice(path.lastIndexOf('/') + 1), bytes);
    }
  }

  /** Ascending. */
  basesOf(suffix: string): number[] {
    const names = [...this.#bytes.keys()].filter((name) => name.endsWith(suffix));
    return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
  }

  bytes(base: number, suffix: string): Buffer {
    const name = `${String(base).padStart(20, '0')}${suffix}`;
    return this.#bytes.get(name) ?? Buffer.alloc(0);
  }
}

class Replay {
  readonly #directory: string;
  #endOffset = 0;
  /** First offset of the transaction that a producer has open. */
  readonly #open = new Map<number, number>();
  /** Last batch by producer and its last offset. */
  readonly #lastSequences = new Map<string, number>();
  /** `producer first last` of what was aborted, by the segment's markers. */
  #aborted: string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  onSegment(bytes: Buffer, { base, end }: { base: number; end: number }): void {
    this.#aborted = [];
    this.#endOffset = Math.max(this.#endOffset, base);
    let sizeBytes = 0;
    for (const header of batchHeaders(bytes)) {
      const where = this.#nameOf(header);
      assert(header.baseOffset >= this.#endOffset, `${where} is out of order`);
      assert(header.lastOffset < end, `${where} reaches into the next segment`);
      assert(isBatchCrcValid(bytes, header), `${where} has a wrong CRC`);
      this.#endOffset = header.lastOffset + 1;
      sizeBytes += header.sizeBytes;
      if (header.isControl) this.#onMarker(bytes, header);
      else if (header.producerId >= 0) this.#onBatch(header);
    }
    assert(sizeBytes === bytes.length, `the segment ${base} of ${this.#directory} ends in a batch`);
  }

  #onBatch(header: BatchHeader): void {
    const { producerId, baseOffset, lastOffset, lastOffsetDelta } = header;
    const lastSequence = (header.baseSequence + lastOffsetDelta) % 2 ** 31;
    this.#lastSequences.set(`${producerId} ${lastOffset}`, lastSequence);
    if (!header.isTransactional || this.#open.has(producerId)) return;
    this.#open.set(producerId, baseOffset);
  }

  #onMarker(bytes: Buffer, header: BatchHeader): void {
    const { producerId, lastOffset } = header;
    const [record] = header.recordCount === 0 ? [] : decodeRecords(bytes, header);
    const marker = record === undefined ? null : decodeEndTransactionMarker(record);
    const firstOffset = this.#open.get(producerId);
    this.#open.delete(producerId);
    if (firstOffset === undefined || marker === null || marker.isCommit) return;
    this.#aborted.push(`${producerId} ${lastOffset}`);
  }

  assertIndexed(bytes: Buffer, base: number): void {
    const entries = decodeTransactionIndex(bytes);
    const indexed = new Set(entries.map((entry) => `${entry.producerId} ${entry.lastOffset}`));
    for (const aborted of this.#aborted) {
      const what = `the abort of producer and offset ${aborted}`;
      assert(indexed.has(aborted), `${what} is not in the index of ${this.#directory} at ${base}`);
    }
  }

  assertDecided(): void {
    for (const [producerId, offset] of this.#open) {
      const what = `the transaction of producer ${producerId} at offset ${offset}`;
      assert(false, `${what} of ${this.#directory} has lost its marker`);
    }
  }

  assertRemembered(snapshot: Buffer): void {
    const entries = decodeProducerSnapshot(snapshot);
    assert(entries !== null, `the last snapshot of ${this.#directory} is whole`);
    // Batches before a producer's last one may be compacted away.
    const last = new Map(entries.map((entry) => [entry.producerId, entry]));
    for (const { producerId, lastOffset, lastSequence } of last.values()) {
      if (lastOffset < 0) continue;
      const found = this.#lastSequences.get(`${producerId} ${lastOffset}`);
      const what = `the last batch of producer ${producerId} at offset ${lastOffset}`;
      assert(found !== undefined, `${what} of ${this.#directory} is lost`);
      assert(found === lastSequence, `${what} of ${this.#directory} ends with ${found}`);
    }
  }

  #nameOf({ baseOffset }: BatchHeader): string {
    return `the batch at offset ${baseOffset} of ${this.#directory}`;
  }
}
