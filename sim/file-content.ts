// The bytes of one file, twice: as programs see them (the page cache) and as the platter has them.
// Between the two lie the writes that were not synced, in order; a power cut keeps some of them.
//
// Invariant: what was pending when a sync started is on the platter when it has succeeded, and
// nothing that was synced is changed by a power cut, except where later writes overlap it.

import type { Prng } from '../src/base/prng.ts';

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

const pageBytes = 4096;
const sectorBytes = 512;

/** Above this the system writes back on its own, oldest first. */
const pendingBytesMax = 4 * 1024 * 1024;

/** A buffer that grows, and whose bytes behind its size are zero. */
class Extent {
  bytes: Buffer;
  sizeBytes: number;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.bytes = bytes;
    this.sizeBytes = bytes.length;
  }

  copy(): Extent {
    return new Extent(Buffer.from(this.bytes.subarray(0, this.sizeBytes)));
  }

  apply(change: Change): void {
    if (change.kind === 'truncate') this.#resize(change.sizeBytes);
    else this.put(change.bytes, change.position);
  }

  put(bytes: Buffer, position: number): void {
    const end = position + bytes.length;
    if (end > this.sizeBytes) this.#resize(end);
    bytes.copy(this.bytes, position);
  }

  #resize(sizeBytes: number): void {
    if (sizeBytes > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(sizeBytes, 2 * this.bytes.length, 256));
      this.bytes.copy(grown, 0, 0, this.sizeBytes);
      this.bytes = grown;
    } else if (sizeBytes < this.sizeBytes) {
      this.bytes.fill(0, sizeBytes, this.sizeBytes);
    }
    this.sizeBytes = sizeBytes;
  }
}

export class FileContent {
  #cached = new Extent();
  #durable = new Extent();
  #pending: Change[] = [];
  #pendingBytes = 0;
  /** How many changes have left #pending: positions in the whole history survive. */
  #settledCount = 0;

  get sizeBytes(): number {
    return this.#cached.sizeBytes;
  }

  get hasUnsynced(): boolean {
    return this.#pending.length > 0;
  }

  /** A mark for `settle`: everything written before now. */
  get changeCount(): number {
    return this.#settledCount + this.#pending.length;
  }

  read(target: Buffer, position: number): number {
    const cached = this.#cached;
    const end = Math.min(position + target.length, cached.sizeBytes);
    return end <= position ? 0 : cached.bytes.copy(target, 0, position, end);
  }

  write(bytes: Buffer, position: number): void {
    this.#change({ kind: 'write', position, bytes: Buffer.from(bytes) }, bytes.length);
  }

  truncate(sizeBytes: number): void {
    this.#change({ kind: 'truncate', sizeBytes }, 0);
  }

  #change(change: Change, sizeBytes: number): void {
    this.#cached.apply(change);
    this.#pending.push(change);
    this.#pendingBytes += sizeBytes;
    if (this.#pendingBytes > pendingBytesMax) {
      this.settle(this.#settledCount + (this.#pending.length >> 1));
    }
  }

  /** Puts the changes before the mark on the platter. */
  settle(mark: number): void {
    for (const change of this.#takeUntil(mark)) this.#durable.apply(change);
  }

  /** A sync that failed: the changes count as clean, but only some prefix reached the platter. */
  settleBadly(mark: number, prng: Prng): void {
    const changes = this.#takeUntil(mark);
    const kept = prng.int(changes.length + 1);
    for (const change of changes.slice(0, kept)) this.#durable.apply(change);
  }

  #takeUntil(mark: number): Change[] {
    const count = Math.max(mark - this.#settledCount, 0);
    const taken = this.#pending.splice(0, count);
    this.#settledCount += taken.length;
    for (const change of taken) {
      if (change.kind === 'write') this.#pendingBytes -= change.bytes.length;
    }
    return taken;
  }

  /** Flips one bit, in the cache and on the platter. */
  flipBit(position: number, bit: number): void {
    for (const extent of [this.#cached, this.#durable]) {
      if (position < extent.sizeBytes) {
        extent.bytes[position] = (extent.bytes[position] as number) ^ (1 << bit);
      }
    }
  }

  /** What is left is what the platter had, plus whatever the system happened to write back. */
  powerCut(prng: Prng): void {
    const pending = this.#takeUntil(this.changeCount);
    if (pending.length > 0) {
      const style = prng.float();
      if (style < 0.15) for (const change of pending) this.#durable.apply(change);
      else if (style < 0.6) this.#tear(pending, prng);
      else if (style < 0.8) this.#scatter(pending, prng);
    }
    this.#cached = this.#durable.copy();
  }

  /** A prefix of the changes, and of the next write a part. */
  #tear(pending: readonly Change[], prng: Prng): void {
    const kept = prng.int(pending.length);
    for (const change of pending.slice(0, kept)) this.#durable.apply(change);
    const torn = pending[kept] as Change;
    if (torn.kind === 'truncate') return;
    const sizeBefore = this.#durable.sizeBytes;
    const reached = prng.int(torn.bytes.length + 1);
    const end = torn.position + reached;
    const cut = prng.chance(0.5) ? end - (end % sectorBytes) : end;
    const partBytes = Math.max(cut - torn.position, 0);
    this.#durable.put(torn.bytes.subarray(0, partBytes), torn.position);
    // The size may be on the platter before the bytes are.
    if (prng.chance(0.3)) {
      const restBytes = torn.bytes.length - partBytes;
      const start = Math.max(torn.position + partBytes, sizeBefore);
      const missing = torn.position + torn.bytes.length - start;
      if (restBytes > 0 && missing > 0) this.#durable.put(filler(missing, prng), start);
    }
  }

  /** Every page on its own has seen some prefix of the changes, and so has the size. */
  #scatter(pending: readonly Change[], prng: Prng): void {
    const count = pending.length;
    const sizeBefore = this.#durable.sizeBytes;
    const sizeCut = prng.int(count + 1);
    const cuts = new Map<number, number>();
    const cutOf = (page: number): number => {
      let cut = cuts.get(page);
      if (cut === undefined) {
        cut = prng.pick([0, count, prng.int(count + 1)]);
        cuts.set(page, cut);
      }
      return cut;
    };
    const isGarbage = prng.chance(0.3);
    let sizeBytes = sizeBefore;
    const result = this.#durable;
    pending.forEach((change, index) => {
      if (change.kind === 'truncate') {
        if (index >= sizeCut) return;
        sizeBytes = change.sizeBytes;
        result.apply(change);
        return;
      }
      const end = change.position + change.bytes.length;
      if (index < sizeCut && end > sizeBytes) {
        if (isGarbage) result.put(prng.bytes(end - sizeBytes), sizeBytes);
        sizeBytes = end;
      }
      for (let at = change.position; at < end; ) {
        const pageEnd = Math.min((Math.floor(at / pageBytes) + 1) * pageBytes, end);
        if (index < cutOf(Math.floor(at / pageBytes))) {
          const part = change.bytes.subarray(at - change.position, pageEnd - change.position);
          result.put(part, at);
        }
        at = pageEnd;
      }
    });
    result.apply({ kind: 'truncate', sizeBytes });
  }

  clone(): FileContent {
    const copy = new FileContent();
    copy.#cached = this.#cached.copy();
    copy.#durable = this.#durable.copy();
    copy.#pending = [...this.#pending];
    copy.#pendingBytes = this.#pendingBytes;
    copy.#settledCount = this.#settledCount;
    return copy;
  }
}

function filler(sizeBytes: number, prng: Prng): Buffer {
  return prng.chance(0.5) ? Buffer.alloc(sizeBytes) : prng.bytes(sizeBytes);
}
