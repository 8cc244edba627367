// Elections that nobody asks for: every so often a controller of several brokers leads partitions
// back to their preferred leaders, and elects uncleanly where a topic takes anybody and no decision
// has come by.
//
// Invariant: nothing is asked before the term has begun or after it is over, and one election
// of a kind at a time.

import type { Clock, Io, Log, Timer } from '../../io/index.ts';
import { isExpectedFailure } from '../../storage/index.ts';

export interface PeriodicElection {
  readonly name: string;
  readonly everyMs: number;
  /** Resolves with whether there is more to do at once. */
  readonly elect: () => Promise<boolean>;
}

export class PeriodicElections {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #elections: readonly PeriodicElection[];
  readonly #onBug: (error: Error) => void;
  readonly #timers = new Map<PeriodicElection, Timer>();
  #term = 0;

  constructor(
    io: Io,
    elections: readonly PeriodicElection[],
    { onBug }: { readonly onBug: (error: Error) => void },
  ) {
    this.#clock = io.clock;
    this.#log = io.log;
    this.#elections = elections;
    this.#onBug = onBug;
  }

  onElected(): void {
    this.onTermOver();
    for (const election of this.#elections) this.#rest(election, this.#term);
  }

  onTermOver(): void {
    this.#term += 1;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #rest(election: PeriodicElection, term: number): void {
    if (term !== this.#term) return;
    const timer = this.#clock.after(election.everyMs, () => void this.#hold(election, term));
    this.#timers.set(election, timer);
  }

  async #hold(election: PeriodicElection, term: number): Promise<void> {
    try {
      while (term === this.#term && (await election.elect()));
    } catch (error) {
      if (!isExpectedFailure(error)) this.#onBug(error as Error);
      else this.#log.warn(`${election.name} could not be elected`, { error });
    }
    this.#rest(election, term);
  }
}
