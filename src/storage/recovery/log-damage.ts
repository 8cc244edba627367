// What lies behind bytes of a segment that are no batch: another whole batch, at which a walk can
// go on, or nothing. Damage may have taken the lengths that lead from one batch to the next, so
// that they are searched for: by the magic number, a plausible header and the CRC.
//
// Invariants: what is found is a batch of the log and not bytes of a value that look like one: the
// batches from it on reach the end, or pass a place that the index knows. The work is linear in
// the bytes: where too many false headers had to be followed the answer is that it is unclear.

import {
  type BatchHeader,
  batchSizeAt,
  isBatchCrcValid,
  RECORD_BATCH_OVERHEAD,
} from '../../protocol/index.ts';
import type { PooledFile } from '../files/open-files.ts';
import type { OffsetIndex } from '../segment/offset-index.ts';
import {
  headerOrNull,
  isCrcValidInFile,
  offsetProblem,
  type ScanEnd,
  type ScannedBatch,
  type ScanRange,
  scanBatches,
} from './log-scan.ts';

const WINDOW_BYTES = 1024 * 1024;
const MAGIC_AT = 16;
/** Bytes under CRCs that may be computed in vain: this many times the bytes searched, and … */
const VAIN_SHARE = 4;
/** … this many more. */
const VAIN_BYTES = 16 * 1024 * 1024;

export interface DamagedPlace {
  /** Where the bytes begin that are no batch, or not one that may be there. */
  readonly position: number;
  /** End of the segment's file. */
  readonly end: number;
  /** The segment's. */
  readonly baseOffset: number;
  /** Batches behind the damage do not begin before it. */
  readonly offsetMin: number;
  /** As it was written before the damage; null if it is lost. */
  readonly index: OffsetIndex | null;
}

export interface BatchBehind {
  readonly position: number;
  readonly baseOffset: number;
}

/**
 * `nothing`: no whole batch is there. `unclear`: there are some, of which nobody can tell whether
 * they are the log's.
 */
export type Behind = BatchBehind | 'nothing' | 'unclear';

export async function findBehind(file: PooledFile, place: DamagedPlace): Promise<Behind> {
  return await new BatchSearch(file, place).run();
}

/** No whole batch at all, not even one with a bit that flipped: the end of a write. */
export async function isPartOfBatch(file: PooledFile, place: DamagedPlace): Promise<boolean> {
  const start = Buffer.alloc(Math.min(RECORD_BATCH_OVERHEAD, place.end - place.position));
  await file.read(start, place.position);
  const sizeBytes = batchSizeAt(start, 0);
  if (start.length < RECORD_BATCH_OVERHEAD || sizeBytes === null) return true;
  return headerOrNull(start, 0) === null || sizeBytes > place.end - place.position;
}

/**
 * As scanBatches(), in the order of offsets, but goes on behind what is damaged; the visitor is
 * told of the first batch behind it. A problem is of bytes behind which there is no batch.
 */
export async function walkAcross(
  segment: { readonly log: PooledFile; readonly baseOffset: number },
  range: ScanRange,
  visit: (batch: ScannedBatch, isBehindDamage: boolean) => boolean | string,
): Promise<ScanEnd> {
  const { log, baseOffset } = segment;
  let from = range.from;
  let offsetMin = baseOffset;
  let isOver = false;
  for (let isBehind = false; ; isBehind = true) {
    const scanned = await scanBatches(log, { from, end: range.end }, (batch) => {
      const problem = offsetProblem(batch.header, baseOffset, offsetMin);
      if (problem !== null) return problem;
      const verdict = visit(batch, isBehind);
      isBehind = false;
      offsetMin = batch.header.lastOffset + 1;
      isOver = verdict !== true;
      return verdict;
    });
    if (isOver || scanned.problem === null) return scanned;
    const { position } = scanned;
    const { end } = range;
    const behind = await findBehind(log, { position, end, baseOffset, offsetMin, index: null });
    if (typeof behind !== 'object') return scanned;
    from = behind.position;
  }
}

class BatchSearch {
  readonly #file: PooledFile;
  readonly #place: DamagedPlace;
  #vainBytesLeft: number;
  #hasSeenBatch = false;

  constructor(file: PooledFile, place: DamagedPlace) {
    this.#file = file;
    this.#place = place;
    this.#vainBytesLeft = VAIN_SHARE * (place.end - place.position) + VAIN_BYTES;
  }

  async run(): Promise<Behind> {
    const { end } = this.#place;
    const buffer = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, end - this.#place.position));
    let position = this.#place.position;
    while (end - position >= RECORD_BATCH_OVERHEAD) {
      const window = buffer.subarray(0, Math.min(buffer.length, end - position));
      const bytes = await this.#file.read(window, position);
      if (bytes < RECORD_BATCH_OVERHEAD) break;
      const found = await this.#searchWindow(window.subarray(0, bytes), position);
      if (typeof found !== 'number') return found;
      position = found;
    }
    return this.#hasSeenBatch ? 'unclear' : 'nothing';
  }

  /** What was found, or the position from which to search on. */
  async #searchWindow(window: Buffer, position: number): Promise<Behind | number> {
    const last = window.length - RECORD_BATCH_OVERHEAD;
    for (let at = 0; at <= last; at++) {
      const magic = window.indexOf(2, at + MAGIC_AT);
      if (magic < 0 || magic - MAGIC_AT > last) break;
      at = magic - MAGIC_AT;
      const header = this.#plausibleHeader(window, at, position);
      if (header === null) continue;
      if (this.#vainBytesLeft < 0) return 'unclear';
      if (!(await this.#isValid(window, header, position + at))) continue;
      this.#hasSeenBatch = true;
      const chainEnd = await this.#followChain(position + at);
      if (chainEnd === 'of the log') {
        return { position: position + at, baseOffset: header.baseOffset };
      }
      return chainEnd;
    }
    return position + last + 1;
  }

  #plausibleHeader(window: Buffer, at: number, position: number): BatchHeader | null {
    // Offsets from 2^53 on are none; lengths must end in the file.
    if (window[at] !== 0) return null;
    const sizeBytes = batchSizeAt(window, at) as number;
    if (sizeBytes < RECORD_BATCH_OVERHEAD || sizeBytes > this.#place.end - position - at)
      return null;
    return headerOrNull(window, at);
  }

  async #isValid(window: Buffer, header: BatchHeader, position: number): Promise<boolean> {
    this.#vainBytesLeft -= header.sizeBytes;
    const isInWindow = header.position + header.sizeBytes <= window.length;
    if (isInWindow) return isBatchCrcValid(window, header);
    return await isCrcValidInFile(this.#file, position, header);
  }

  /** Whether the batches from the position on are the log's; else where they end. */
  async #followChain(from: number): Promise<'of the log' | number> {
    const { end, baseOffset, index } = this.#place;
    let next = this.#place.offsetMin;
    let isKnown = false;
    let skipped = 0;
    const seen = await scanBatches(this.#file, { from, end }, ({ header, buffer, position }) => {
      // The first one is known to be whole; it may be one of another place.
      const problem = offsetProblem(header, baseOffset, next);
      if (problem !== null) {
        if (position === from) skipped = header.sizeBytes;
        return problem;
      }
      if (!isBatchCrcValid(buffer, header)) return 'its CRC is wrong';
      next = header.lastOffset + 1;
      isKnown = index?.has(header.lastOffset, position) ?? false;
      return !isKnown;
    });
    if (isKnown || (seen.problem === null && seen.position >= end)) return 'of the log';
    return seen.position + skipped;
  }
}
