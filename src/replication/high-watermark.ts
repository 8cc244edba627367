// How far consumers may read a partition, who waits for that to move, and how many bytes become
// visible to him then: all that is below it, or what no open transaction keeps back. When it moves
// is decided by who leads (leader-state.ts).
//
// Invariants: it is within the log, and goes back only where the log was cut; whoever waits hears
// of the very move that he waits for.

import type { Clock } from '../io/index.ts';
import type { KafkaError } from '../protocol/index.ts';
import { AppendsAhead } from './appends-ahead.ts';
import type { VisibleBytesListener } from './fetch-waiter.ts';
import { OffsetWaiters } from './offset-waiters.ts';

/** The side of a log that bounds it, and says what read_committed consumers see of it. */
export interface ReadableLog {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly producers: { readonly hasUndecided: boolean };
  lastStableOffsetBelow(highWatermark: number): number;
}

export class HighWatermark {
  readonly #waiters: OffsetWaiters;
  readonly #listeners = new Set<VisibleBytesListener>();
  /** Those of them that see what lies beyond it; none at most brokers. */
  #followers: Set<VisibleBytesListener> | null = null;
  /** Appends beyond it. */
  readonly #hidden = new AppendsAhead();
  /** Appends below it that read_committed consumers do not see yet. */
  readonly #undecided = new AppendsAhead();
  #offset: number;

  constructor(clock: Clock, offset: number, log: ReadableLog) {
    this.#waiters = new OffsetWaiters(clock);
    this.#offset = within(log, offset);
  }

  get offset(): number {
    return this.#offset;
  }

  async wait(offset: number, deadlineMs: number): Promise<void> {
    await this.#waiters.wait(offset, deadlineMs);
  }

  failWaiters(error: KafkaError): void {
    this.#waiters.failAll(error);
  }

  addListener(listener: VisibleBytesListener): void {
    this.#listeners.add(listener);
    if (!listener.isFollower) return;
    this.#followers ??= new Set();
    this.#followers.add(listener);
  }

  removeListener(listener: VisibleBytesListener): void {
    this.#listeners.delete(listener);
    this.#followers?.delete(listener);
  }

  interruptListeners(): void {
    for (const listener of [...this.#listeners]) listener.onInterrupted();
  }

  /** Bytes that become visible when it reaches their end. */
  onAppended(endOffset: number, sizeBytes: number): void {
    this.#hidden.push(endOffset, sizeBytes);
    if (this.#followers === null) return;
    for (const follower of [...this.#followers]) follower.onVisible(sizeBytes);
  }

  /** Nothing is appended by this broker any more, for the time being. */
  forgetAppended(): void {
    this.#hidden.clear();
    this.#undecided.clear();
  }

  /** Up to the offset, if it is not there yet; no further than the log reaches. */
  advanceTo(offset: number, log: ReadableLog): void {
    const target = within(log, offset);
    if (target <= this.#offset) return;
    this.#offset = target;
    this.#waiters.onAdvance(target);
    if (this.#undecided.isEmpty && !log.producers.hasUndecided) {
      const bytes = this.#hidden.takeUpTo(target);
      this.#notify(bytes, bytes);
    } else {
      const bytes = this.#hidden.takeUpTo(target, this.#undecided);
      this.#notify(bytes, this.#undecided.takeUpTo(log.lastStableOffsetBelow(target)));
    }
  }

  /** The log ends at the offset at most. One that starts anew in front takes it along. */
  onTruncated(endOffset: number, log: ReadableLog): void {
    this.#offset = within(log, Math.min(this.#offset, endOffset));
    this.interruptListeners();
  }

  /** The log begins elsewhere: nothing became visible. */
  onLogStartMoved(): void {
    this.#notify(0, 0);
  }

  #notify(visibleBytes: number, stableBytes: number): void {
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) {
      const bytes = listener.isCommittedOnly ? stableBytes : visibleBytes;
      if (bytes > 0 && !listener.isFollower) listener.onVisible(bytes);
      else listener.onMoved();
    }
  }
}

function within({ logStartOffset, logEndOffset }: ReadableLog, offset: number): number {
  return Math.min(Math.max(offset, logStartOffset), logEndOffset);
}
