// When a log is flushed by itself (flush.messages and flush.ms, both off by default: the broker's
// replicas are what keeps a record), and how: once for all who ask at the same time. A flush that
// is under way is joined if it started late enough, else the next one is shared by everybody who
// asks meanwhile.
//
// Invariant: recoveryPoint never exceeds what was synced, and its checkpoint never what is in the
// log: a start after a kill would take what a truncation cut for a loss. A sync that fails is
// final: the kernel may have dropped the pages it could not write and would report success the next
// time, so that nothing after it can be believed until the log was recovered from the disk.

import type { Clock } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { storageError } from '../files/storage-error.ts';
import type { LogConfig } from './log-config.ts';

export interface FlushTarget {
  readonly logEndOffset: number;
  /** Resolves once everything before the log's end, as it is at the call, is on disk. */
  sync(): Promise<void>;
  /** The recovery point must not pass it, though later batches may be on disk. */
  scanFrom(): number;
  onSyncFailure(error: unknown): void;
}

interface FlushRound {
  readonly upTo: number;
  readonly done: Promise<void>;
}

/** A write that a flush needed and could not do (a full disk): the flush may be tried again. */
export class FlushPostponed extends KafkaError {
  constructor(cause: Error) {
    super('KAFKA_STORAGE_ERROR', cause.message);
    this.name = 'FlushPostponed';
    this.cause = cause;
  }
}

export class LogFlusher {
  recoveryPoint: number;
  readonly #target: FlushTarget;
  readonly #checkpoint: (() => Promise<void>) | undefined;
  #running: FlushRound | null = null;
  #queued: Promise<void> | null = null;
  /** Where a truncation cut what the running round is syncing. */
  #ceiling = Number.POSITIVE_INFINITY;
  /** Where a truncation is about to cut, and what was synced before. */
  #cut: { readonly at: number; readonly recoveryPoint: number } | null = null;

  /** @param checkpoint writes the recovery point down, durably */
  constructor(target: FlushTarget, recoveryPoint: number, checkpoint?: () => Promise<void>) {
    this.#target = target;
    this.#checkpoint = checkpoint;
    this.recoveryPoint = recoveryPoint;
  }

  /**
   * An infinite offset asks for a round of its own, also when nothing is behind.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  flush(upTo: number): Promise<void> {
    if (upTo <= this.recoveryPoint) return Promise.resolve();
    // A round that waited for the one just ended starts in a moment: never two at a time.
    if (this.#running === null) return this.#queued ?? this.#start();
    if (this.#running.upTo >= upTo) return this.#running.done;
    this.#queued ??= this.#afterRunning(this.#running.done);
    return this.#queued;
  }

  /**
   * To be called, and waited for, before anything is cut of what the recovery point covers. Until
   * `onTruncated` nothing behind the offset counts as synced.
   *
   * @throws IoError: the checkpoint cannot be written, and nothing may be cut
   */
  async beforeTruncation(endOffset: number): Promise<void> {
    this.#cut = { at: endOffset, recoveryPoint: this.recoveryPoint };
    this.#lower(endOffset);
    await this.#checkpoint?.();
  }

  /** The log ends there: it was cut, or it was not to be cut after all. */
  onTruncated(endOffset: number): void {
    // It may have been lower than where the log ends now: in between there was less of it.
    this.recoveryPoint = Math.max(this.recoveryPoint, this.#cut?.recoveryPoint ?? 0);
    this.#cut = null;
    this.#lower(endOffset);
  }

  #lower(endOffset: number): void {
    this.recoveryPoint = Math.min(this.recoveryPoint, endOffset);
    this.#ceiling = Math.min(this.#ceiling, endOffset);
  }

  async #afterRunning(running: Promise<void>): Promise<void> {
    // Its failure is reported to those who waited for it; the next round fails on its own.
    await running.catch(() => undefined);
    this.#queued = null;
    await this.#start();
  }

  #start(): Promise<void> {
    this.#ceiling = this.#cut?.at ?? Number.POSITIVE_INFINITY;
    const upTo = this.#target.logEndOffset;
    const done = this.#sync(upTo);
    this.#running = { upTo, done };
    return done;
  }

  async #sync(upTo: number): Promise<void> {
    try {
      await this.#target.sync();
      const reached = Math.min(upTo, this.#ceiling, this.#target.scanFrom());
      this.recoveryPoint = Math.max(this.recoveryPoint, reached);
    } catch (error) {
      if (!(error instanceof FlushPostponed)) this.#target.onSyncFailure(error);
      // A broken invariant must not pass for a disk that failed.
      throw storageError(error);
    } finally {
      this.#running = null;
    }
  }
}

/** Says when flush.messages records, or flush.ms, have passed since the last flush began. */
export class FlushPolicy {
  readonly #clock: Clock;
  #recordsSinceFlush = 0;
  #oldestUnflushedMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True if the records are the ones that flush.messages waits for. */
  onAppend(recordCount: number, config: LogConfig): boolean {
    this.#recordsSinceFlush += recordCount;
    if (config.flushMs < Number.MAX_SAFE_INTEGER) this.#oldestUnflushedMs ??= this.#clock.now();
    return this.#recordsSinceFlush >= config.flushMessages;
  }

  onFlush(): void {
    this.#recordsSinceFlush = 0;
    this.#oldestUnflushedMs = null;
  }

  /** flush.ms is over. */
  isDue(nowMs: number, config: LogConfig): boolean {
    return this.#oldestUnflushedMs !== null && nowMs - this.#oldestUnflushedMs >= config.flushMs;
  }
}
