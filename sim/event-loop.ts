// Virtual time. Events run one at a time in order of their time, then of their creation; time
// stands still while one runs. After each event the real event loop turns once, so that every
// promise that the event settled has run its continuations before the next event: this, and that
// nothing in a world waits for anything real, is what makes a run a function of its seed.
//
// This is the one file of the simulator that knows Node's event loop.

import { Heap } from '../src/base/heap.ts';

/** Events of an owner that is no longer alive are dropped; those of a frozen one are late. */
export interface EventOwner {
  readonly isAlive: boolean;
  /** It runs nothing before that time. */
  readonly frozenUntilMs: number;
}

export class ScheduledEvent {
  timeMs: number;
  readonly sequence: number;
  readonly owner: EventOwner | null;
  callback: (() => void) | null;

  constructor(timeMs: number, sequence: number, owner: EventOwner | null, callback: () => void) {
    this.timeMs = timeMs;
    this.sequence = sequence;
    this.owner = owner;
    this.callback = callback;
  }

  cancel(): void {
    this.callback = null;
  }
}

/** Turns of one setImmediate phase: Node polls the system only between phases. */
const eventsPerPhase = 64;

export class EventLoop {
  #timeMs = 0;
  #sequence = 0;
  #eventCount = 0;
  #isRunning = false;
  #failure: { error: unknown } | null = null;
  readonly #queue = new Heap<ScheduledEvent>(
    (left, right) =>
      left.timeMs < right.timeMs ||
      (left.timeMs === right.timeMs && left.sequence < right.sequence),
  );

  get timeMs(): number {
    return this.#timeMs;
  }

  /** How many events have run. */
  get eventCount(): number {
    return this.#eventCount;
  }

  get isIdle(): boolean {
    return this.#queue.size === 0;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  schedule(delayMs: number, callback: () => void, owner: EventOwner | null = null): ScheduledEvent {
    const timeMs = delayMs > 0 ? ticked(this.#timeMs + delayMs) : this.#timeMs;
    const event = new ScheduledEvent(timeMs, this.#sequence++, owner, callback);
    this.#queue.push(event);
    return event;
  }

  /** Ends the current run, and every later one, with this error. The first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Runs events until `isDone`, or until the next event lies behind `untilMs`: time then is
   * `untilMs`. Resolves to whether `isDone` was met. Rejects with what an event threw.
   */
  run(untilMs: number, isDone: () => boolean): Promise<boolean> {
    if (this.#isRunning) {
      return Promise.reject(new Error('the world is running already: wait for that run first'));
    }
    this.#isRunning = true;
    return new Promise<boolean>((resolve, reject) => {
      // Turns that are left over from a phase must not drive the next run.
      let isOver = false;
      const finish = (settle: () => void): void => {
        isOver = true;
        this.#isRunning = false;
        settle();
      };
      const turn = (): void => {
        if (isOver) return;
        try {
          const outcome = this.#turn(untilMs, isDone);
          if (outcome !== null) finish(() => resolve(outcome));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const phase = (): void => {
        if (isOver) return;
        for (let i = 0; i < eventsPerPhase; i++) setImmediate(turn);
        setImmediate(phase);
      };
      phase();
    });
  }

  /** null: go on. */
  #turn(untilMs: number, isDone: () => boolean): boolean | null {
    if (this.#failure !== null) throw this.#failure.error;
    if (isDone()) return true;
    const event = this.#next(untilMs);
    if (event === null) return false;
    this.#timeMs = event.timeMs;
    this.#eventCount++;
    const callback = event.callback as () => void;
    event.callback = null;
    callback();
    return null;
  }

  #next(untilMs: number): ScheduledEvent | null {
    for (;;) {
      const event = this.#queue.peek();
      if (event === undefined || event.timeMs > untilMs) {
        if (Number.isFinite(untilMs)) this.#timeMs = Math.max(this.#timeMs, ticked(untilMs));
        return null;
      }
      this.#queue.pop();
      if (event.callback === null || event.owner?.isAlive === false) continue;
      const frozenUntilMs = event.owner?.frozenUntilMs ?? 0;
      if (frozenUntilMs <= event.timeMs) return event;
      event.timeMs = ticked(frozenUntilMs);
      this.#queue.push(event);
    }
  }
}

/** Rounds up to 1/1024 ms: sums and differences of such times are exact. */
function ticked(timeMs: number): number {
  return Math.ceil(timeMs * 1024) / 1024;
}
