// Kills workers and the broker at random moments, and freezes workers until after their successor
// has begun. What it does when comes from a seed; what the processes make of it does not.

import type { Prng } from '../../../src/base/prng.ts';
import type { TransactionBroker } from './transaction-broker.ts';
import type { Worker, Zombie } from './worker.ts';

export interface Haunted {
  readonly broker: TransactionBroker;
  readonly workers: readonly Worker[];
}

const pauseMsMax = 3_000;
const downMsMax = 1_500;
const frozenMsMax = 6_000;

export class Nemesis {
  readonly #prng: Prng;
  readonly #haunted: Haunted;
  readonly counts = { brokerKills: 0, kills: 0, freezes: 0 };

  constructor(prng: Prng, haunted: Haunted) {
    this.#prng = prng;
    this.#haunted = haunted;
  }

  /** Leaves the broker and the workers running, and no zombie. */
  async haunt(durationMs: number): Promise<void> {
    const { broker, workers } = this.#haunted;
    const endMs = performance.now() + durationMs;
    while (performance.now() < endMs) {
      await sleep(200 + this.#prng.int(pauseMsMax));
      if (this.#prng.chance(0.25)) {
        this.counts.brokerKills++;
        await broker.kill9();
        // Every other time a worker dies while it can reach nobody.
        if (this.#prng.chance(0.5)) this.#any(workers).kill();
        await sleep(this.#prng.int(downMsMax));
        await broker.start();
        continue;
      }
      const worker = this.#any(workers);
      if (this.#prng.chance(0.7)) {
        this.counts.kills++;
        worker.kill();
      } else {
        this.counts.freezes++;
        this.#thawLater(await worker.freeze());
      }
    }
    for (const worker of workers) worker.killZombies();
  }

  #any(workers: readonly Worker[]): Worker {
    return workers[this.#prng.int(workers.length)] as Worker;
  }

  #thawLater(zombie: Zombie | null): void {
    setTimeout(() => zombie?.thaw(), 500 + this.#prng.int(frozenMsMax)).unref();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
