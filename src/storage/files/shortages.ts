// Says that a log directory is short of room or of descriptors: one line when it begins, one when
// it is over, however many requests, flushes and checkpoints meet it in between.
//
// Invariant: `onRefused` may be called for every request: it costs no look at the disk but the
// first time.

import { type Clock, type Io, IoError, type Log } from '../../io/index.ts';
import { isFull, isShortage, remedyOf } from './shortage.ts';

/** Nothing was refused for so long, and there is room again: it is over. */
const quietMs = 10_000;
/** Less is as good as nothing: the next append of some size is refused again. */
const roomBytesMin = 1024 * 1024;

interface Shortage {
  readonly kind: 'room' | 'descriptors';
  readonly beganMs: number;
  lastMs: number;
  refusals: number;
}

export class Shortages {
  readonly #io: Io;
  readonly #clock: Clock;
  readonly #log: Log;
  /** By log directory. */
  readonly #open = new Map<string, Shortage>();

  constructor(io: Io) {
    this.#io = io;
    this.#clock = io.clock;
    this.#log = io.log.child('storage');
  }

  /** Something was refused in the log directory, or in one of its folders. */
  onRefused(directory: string, reason: unknown): void {
    if (!isShortage(reason)) return;
    const nowMs = this.#clock.monotonic();
    const known = this.#open.get(directory);
    if (known !== undefined) {
      known.lastMs = nowMs;
      known.refusals++;
      return;
    }
    const kind = isFull(reason) ? 'room' : 'descriptors';
    this.#open.set(directory, { kind, beganMs: nowMs, lastMs: nowMs, refusals: 1 });
    const what =
      kind === 'room' ? `the disk of log directory ${directory} is full` : 'too many open files';
    this.#log.error(`${what}: writes are refused until there is room; ${remedyOf(reason)}`, {
      directory,
      usableBytes: this.#usableBytes(directory),
      because: (reason as Error).message,
    });
  }

  /** To be called now and then. */
  review(directory: string): void {
    const shortage = this.#open.get(directory);
    if (shortage === undefined) return;
    const { kind, beganMs, lastMs, refusals } = shortage;
    const nowMs = this.#clock.monotonic();
    if (nowMs - lastMs < quietMs) return;
    const usableBytes = this.#usableBytes(directory);
    if (kind === 'room' && usableBytes !== null && usableBytes < roomBytesMin) return;
    this.#open.delete(directory);
    const what = kind === 'room' ? 'has room again' : 'has descriptors again';
    const tookMs = Math.round(lastMs - beganMs);
    this.#log.warn(`log directory ${directory} ${what}: writes are taken`, {
      refusals,
      tookMs,
      usableBytes,
    });
  }

  /** null if nobody tells. */
  #usableBytes(directory: string): number | null {
    try {
      return this.#io.disk.space(directory).usableBytes;
    } catch (error) {
      if (error instanceof IoError) return null;
      throw error;
    }
  }
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}
