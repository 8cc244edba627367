// Ends a broker of a cluster for trying (`--brokers`) a minute after the process that keeps its
// store is gone; until then it goes on with what it leads.
//
// Invariant: looks are counted and not time: one that was stopped itself has waited for nobody.

import { Deferred } from '../base/deferred.ts';
import type { Io, Timer } from '../io/index.ts';
import type { ClusterStore } from '../metadata/index.ts';

const awayMsMax = 60_000;
const lookMs = 1_000;
/** A store that answered within so long is there. */
const freshMs = 3_000;

export class StoreWatch {
  readonly #io: Io;
  readonly #say: (line: string) => void;
  readonly #away = new Deferred<void>();
  #timer: Timer | null = null;
  #awayMs = 0;

  constructor(io: Io, say: (line: string) => void) {
    this.#io = io;
    this.#say = say;
  }

  /** Resolves when the store was away for a minute. */
  get away(): Promise<void> {
    return this.#away.promise;
  }

  begin(store: Pick<ClusterStore, 'viewAgeMs'>): void {
    this.#awayMs = store.viewAgeMs < freshMs ? 0 : this.#awayMs + lookMs;
    if (this.#awayMs < awayMsMax) {
      this.#timer = this.#io.clock.after(lookMs, () => this.begin(store));
      return;
    }
    this.#say(`the cluster store was away for ${awayMsMax / 1000} s: this broker ends`);
    this.#away.resolve();
  }

  end(): void {
    this.#timer?.cancel();
  }
}
