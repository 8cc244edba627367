// One reader that follows the metadata log: it catches up at its own pace, then is handed every
// batch in the turn in which it is committed. Engines have one for each watch; one that lost touch
// with its log resumes it.
//
// Invariants: the reader's batches are in order and without a gap, each once. It goes live in the
// same turn in which it saw that nothing is left to read, so no commit can fall between. What it
// reads follows what it delivered last: that batch is read again with what is behind it, since a
// store that was put back may have grown beyond it meanwhile.

import { KafkaError } from '../protocol/index.ts';
import { asFingerprint, baseOffsetOf, fingerprintOf, hasBatch } from './batch-fingerprint.ts';
import {
  type BatchFingerprint,
  type ClusterStore,
  type RolledBack,
  type StoreBatch,
  StoreRolledBackError,
  type StoreWatcher,
  type Subscription,
} from './cluster-store.ts';

export type FollowedLog = Pick<ClusterStore, 'endOffset' | 'historyId' | 'newestSnapshot' | 'read'>;

export class LogFollower implements Subscription {
  readonly #log: FollowedLog;
  readonly #watcher: StoreWatcher;
  readonly #historyId: string;
  #next: number;
  /** The batch before `#next`; null: not known. */
  #last: BatchFingerprint | null = null;
  /** Something was delivered: what follows begins exactly at `#next`. */
  #isAligned = false;
  #isLive = false;
  #isClosed = false;

  constructor(log: FollowedLog, from: number, watcher: StoreWatcher) {
    this.#log = log;
    this.#watcher = watcher;
    this.#next = from;
    this.#historyId = log.historyId;
  }

  /** Resolves when the watcher has all that was committed; what is committed later is offered. */
  async start(): Promise<void> {
    this.#assertNotRolledBack();
    await this.#takeSnapshot();
    await this.resume();
  }

  /**
   * Goes on where it was, or with the newest snapshot if the log no longer reaches back to there.
   * @throws StoreRolledBackError
   */
  async resume(): Promise<void> {
    this.#isLive = false;
    while (!this.#isClosed) {
      this.#assertNotRolledBack();
      if (this.#next >= this.#log.endOffset) {
        this.#isLive = true;
        return;
      }
      try {
        await this.#read();
      } catch (error) {
        const isGone = error instanceof KafkaError && error.errorName === 'OFFSET_OUT_OF_RANGE';
        if (!isGone) throw error;
        const isAnew = await this.#takeSnapshot();
        if (!isAnew && this.#last === null) throw error;
        // What follows may be there although the last one was trimmed.
        if (!isAnew) this.#last = null;
      }
    }
  }

  /** What was delivered last is still there. @throws StoreRolledBackError, and as the log does */
  async compare(): Promise<void> {
    this.#assertNotRolledBack();
    if (this.#last === null || this.#isClosed) return;
    if ((await hasBatch(this.#log, this.#last)) === false) throw this.#rolledBack('branched');
  }

  async #read(): Promise<void> {
    let known = this.#last;
    for await (const batch of this.#log.read(known === null ? this.#next : baseOffsetOf(known))) {
      if (this.#isClosed) return;
      if (known !== null) {
        if (fingerprintOf(batch) !== known) throw this.#rolledBack('branched');
        known = null;
        continue;
      }
      const gap = this.#gapBefore(batch);
      if (gap !== null) throw gap;
      this.#deliver(batch);
    }
  }

  /** Nobody knows what is offered until the next `resume`: the log may be another branch. */
  suspend(): void {
    this.#isLive = false;
  }

  /** A batch was committed. Whoever offers has missed none since the last `resume`. */
  offer(batch: StoreBatch): void {
    if (!this.#isLive || this.#isClosed) return;
    const gap = this.#gapBefore(batch);
    if (gap === null) this.#deliver(batch);
    else this.fail(gap);
  }

  #gapBefore({ baseOffset, endOffset }: StoreBatch): KafkaError | null {
    const follows = this.#isAligned ? baseOffset === this.#next : baseOffset <= this.#next;
    if (follows && endOffset > this.#next) return null;
    const why = `the metadata log has a gap: offset ${baseOffset} came where ${this.#next} was due`;
    return new KafkaError('KAFKA_STORAGE_ERROR', why);
  }

  #deliver(batch: StoreBatch): void {
    this.#isAligned = true;
    this.#next = batch.endOffset;
    this.#last = fingerprintOf(batch);
    this.#watcher.onBatch(batch);
  }

  /** Whether there is one of more than the watcher has. */
  async #takeSnapshot(): Promise<boolean> {
    const snapshot = await this.#log.newestSnapshot();
    if (snapshot === null || snapshot.endOffset <= this.#next || this.#isClosed) return false;
    await this.#watcher.onSnapshot(snapshot);
    this.#isAligned = true;
    this.#next = snapshot.endOffset;
    this.#last = asFingerprint(snapshot.lastBatch);
    return true;
  }

  #assertNotRolledBack(): void {
    const { endOffset, historyId } = this.#log;
    if (historyId !== this.#historyId) throw this.#rolledBack('replaced');
    if (endOffset < this.#next) throw this.#rolledBack('shorter');
  }

  #rolledBack(kind: RolledBack['kind']): StoreRolledBackError {
    const { endOffset, historyId } = this.#log;
    return new StoreRolledBackError({ kind, applied: this.#next, endOffset, historyId });
  }

  /** Nothing comes after it. */
  fail(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watcher.onError(error);
  }

  close(): void {
    this.#isClosed = true;
  }
}
