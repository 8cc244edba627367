// Decisions that nobody asks for: every so often a controller of several brokers leads partitions
// back to their preferred leaders, and elects uncleanly where a topic takes anybody and no decision
// has come by; every controller takes expired delegation tokens away.
//
// Invariant: nothing is decided before the term has begun or after it is over, and one decision
// of a kind at a time.

import type { Clock, Io, Log, Timer } from '../../io/index.ts';
import { isExpectedFailure } from '../../storage/index.ts';

export interface PeriodicDecision {
  readonly name: string;
  readonly everyMs: number;
  /** Resolves with whether there is more to do at once. */
  readonly decide: () => Promise<boolean>;
}

export class PeriodicDecisions {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #decisions: readonly PeriodicDecision[];
  readonly #onBug: (error: Error) => void;
  readonly #timers = new Map<PeriodicDecision, Timer>();
  #term = 0;

  constructor(
    io: Io,
    decisions: readonly PeriodicDecision[],
    { onBug }: { readonly onBug: (error: Error) => void },
  ) {
    this.#clock = io.clock;
    this.#log = io.log;
    this.#decisions = decisions;
    this.#onBug = onBug;
  }

  onElected(): void {
    this.onTermOver();
    for (const decision of this.#decisions) this.#rest(decision, this.#term);
  }

  onTermOver(): void {
    this.#term += 1;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #rest(decision: PeriodicDecision, term: number): void {
    if (term !== this.#term) return;
    const timer = this.#clock.after(decision.everyMs, () => void this.#decide(decision, term));
    this.#timers.set(decision, timer);
  }

  async #decide(decision: PeriodicDecision, term: number): Promise<void> {
    try {
      while (term === this.#term && (await decision.decide()));
    } catch (error) {
      if (!isExpectedFailure(error)) this.#onBug(error as Error);
      else this.#log.warn(`could not ${decision.name}`, { error });
    }
    this.#rest(decision, term);
  }
}
