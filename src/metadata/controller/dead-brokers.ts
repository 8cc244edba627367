// Which brokers the controller takes for dead, and when: a broker is fenced when its session with
// the store has ended and has not been renewed a moment later. A new controller that did not see
// the session of a broker end cannot know that it had one, and gives it a whole session time first.
// So does a controller whose store was away: a store that comes back ends sessions of brokers that
// live.
//
// Invariant: a broker that is dead is fenced while this node controls, however often that fails;
// one whose session is back is not.

import type { Clock, Io, Log, Timer } from '../../io/index.ts';
import { isExpectedFailure } from '../../storage/index.ts';

export interface DeadBrokersOptions {
  /** Of this process: it would be the last to hear of its own death. */
  readonly nodeId: number;
  /** Registered, and not fenced. */
  readonly serving: () => Iterable<number>;
  readonly fence: (brokerId: number) => Promise<void>;
  /** broker.session.timeout.ms; 0: nobody but this process can be alive. */
  readonly sessionMs: number;
  /** ClusterStore.steadyMs */
  readonly steadyMs: () => number;
  readonly onBug: (error: Error) => void;
}

/** A living process begins its next session as soon as it hears that one has ended. */
const renewalMsMax = 200;
const retryMs = 500;

export class DeadBrokers {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: DeadBrokersOptions;
  #alive: ReadonlySet<number> = new Set();
  /** Those without a session, and when they are fenced. */
  readonly #timers = new Map<number, Timer>();
  /** Those whose session ended before the eyes of this process, elected or not. */
  readonly #ended = new Set<number>();
  #isElected = false;

  constructor(io: Io, options: DeadBrokersOptions) {
    this.#clock = io.clock;
    this.#log = io.log;
    this.#options = options;
  }

  /** Resolves when those are fenced that cannot be alive. @throws what `fence` does */
  async onElected(): Promise<void> {
    const { nodeId, serving, sessionMs, fence } = this.#options;
    this.#isElected = true;
    for (const id of [...serving()]) {
      if (id === nodeId || this.#alive.has(id)) continue;
      if (sessionMs === 0) await fence(id);
      else this.#fenceAfter(id, this.#ended.has(id) ? this.#renewalMs() : sessionMs);
    }
  }

  onTermOver(): void {
    this.#isElected = false;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** Brokers that have a session now. */
  onAlive(alive: Iterable<number>): void {
    const before = this.#alive;
    this.#alive = new Set(alive);
    for (const id of this.#alive) {
      this.#timers.get(id)?.cancel();
      this.#timers.delete(id);
    }
    for (const id of before) {
      if (this.#alive.has(id)) continue;
      this.#ended.add(id);
      if (this.#isElected) this.#fenceAfter(id, this.#renewalMs());
    }
  }

  /** How long one whose session ended has to begin another one. */
  #renewalMs(): number {
    const { sessionMs, steadyMs } = this.#options;
    return Math.max(renewalMsMax, sessionMs - steadyMs());
  }

  #fenceAfter(id: number, delayMs: number): void {
    this.#timers.get(id)?.cancel();
    this.#timers.set(
      id,
      this.#clock.after(delayMs, () => {
        this.#timers.delete(id);
        this.#fence(id);
      }),
    );
  }

  #fence(id: number): void {
    this.#options.fence(id).catch((error: unknown) => {
      if (!isExpectedFailure(error)) {
        this.#options.onBug(error as Error);
      } else if (this.#isElected && !this.#alive.has(id)) {
        this.#log.warn(`broker ${id} is gone and is fenced later`, { error });
        this.#fenceAfter(id, retryMs);
      }
    });
  }
}
