// A fetch that found less than it asked for (min bytes) and waits, for as long as it allows
// (max wait), on every partition it reads. It counts the bytes that become visible and ends at
// the append that brings the missing ones, at the deadline, or when a partition can no longer be
// read the way the fetch believes (new leader, truncation, deletion).
//
// Invariant: it ends exactly once, and then no partition and no timer refers to it.

import type { Clock, Timer } from '../io/index.ts';

/** What a partition tells those who wait for its records. */
export interface VisibleBytesListener {
  /** Counts only what no open transaction keeps from read_committed consumers. */
  readonly isCommittedOnly: boolean;
  /** Sees the whole log: it waits for appends, and only notes where the watermark is. */
  readonly isFollower: boolean;
  /** This many bytes of records became visible to it. */
  onVisible(bytes: number): void;
  /** Nothing became visible to it, but the high watermark or the log's start moved. */
  onMoved(): void;
  /** The next read would answer differently: a new epoch, a truncation, the end. */
  onInterrupted(): void;
}

/** The side of a partition that a waiting fetch sees. */
export interface VisibleBytesSource {
  addListener(listener: VisibleBytesListener): void;
  removeListener(listener: VisibleBytesListener): void;
}

export interface FetchWaitOptions {
  readonly missingBytes: number;
  readonly maxWaitMs: number;
  readonly isCommittedOnly: boolean;
  readonly isFollower: boolean;
  readonly partitions: readonly VisibleBytesSource[];
  /**
   * Called once: for a consumer in a later microtask, so that the appends of one request are read
   * together; for a follower at the end of the turn, so that all appends of the turn travel
   * together, for each answer of it costs the cluster another fetch.
   */
  readonly onEnd: () => void;
}

export class FetchWaiter implements VisibleBytesListener {
  readonly isCommittedOnly: boolean;
  readonly isFollower: boolean;
  readonly #clock: Clock;
  readonly #partitions: readonly VisibleBytesSource[];
  readonly #onEnd: () => void;
  readonly #timer: Timer;
  #missingBytes: number;
  #isOver = false;

  constructor(clock: Clock, options: FetchWaitOptions) {
    this.isCommittedOnly = options.isCommittedOnly;
    this.isFollower = options.isFollower;
    this.#clock = clock;
    this.#partitions = options.partitions;
    this.#onEnd = options.onEnd;
    this.#missingBytes = options.missingBytes;
    this.#timer = clock.after(options.maxWaitMs, () => this.#end());
    for (const partition of this.#partitions) partition.addListener(this);
  }

  onVisible(bytes: number): void {
    this.#missingBytes -= bytes;
    if (this.#missingBytes <= 0) this.#end();
  }

  onMoved(): void {}

  onInterrupted(): void {
    this.#end();
  }

  /** The connection is gone: nobody is left to be answered. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    if (this.isFollower) this.#clock.nextTurn(this.#onEnd);
    else queueMicrotask(this.#onEnd);
  }

  #release(): void {
    this.#timer.cancel();
    for (const partition of this.#partitions) partition.removeListener(this);
  }
}
