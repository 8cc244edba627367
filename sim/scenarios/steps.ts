// Harm at every step of one small world: what the scenarios share that go through them one by one.
// The number of the step is the seed; the world is the same for all, so that each run is the one
// before with the harm one step later. How many steps there are is counted once, without harm.

import { Prng } from '../../src/base/prng.ts';
import { World } from '../world.ts';

/** One kind of harm, and after how many operations of its victim it is done. */
export interface Step<Kind> {
  readonly kind: Kind;
  readonly operation: number;
}

/** Does the harm, or none for null; resolves to the operations that its victim had in all. */
export type RunStep<Kind> = (world: World, kind: Kind, operation: number | null) => Promise<number>;

export class Steps<Kind extends string> {
  readonly #kinds: readonly Kind[];
  readonly #run: RunStep<Kind>;
  readonly #counts = new Map<Kind, Promise<number>>();

  constructor(kinds: readonly Kind[], run: RunStep<Kind>) {
    this.#kinds = kinds;
    this.#run = run;
  }

  /** Consecutive seeds do different kinds of harm; those of one kind come by as a shuffled deck. */
  async run(world: World, seed: number): Promise<void> {
    const kind = this.#kinds[seed % this.#kinds.length] as Kind;
    const count = await this.#countOf(world.seed, kind);
    const deck = new Prng(`steps of ${kind}`).shuffle(Array.from({ length: count }, (_, i) => i));
    const operation = deck[Math.floor(seed / this.#kinds.length) % count] as number;
    world.note(`${kind} at operation ${operation} of ${count}`);
    await this.#run(world, kind, operation);
  }

  /** So many consecutive seeds go through everything. */
  async total(worldSeed: string): Promise<number> {
    const counts = this.#kinds.map((kind) => this.#countOf(worldSeed, kind));
    return this.#kinds.length * Math.max(...(await Promise.all(counts)));
  }

  #countOf(worldSeed: string, kind: Kind): Promise<number> {
    const known = this.#counts.get(kind);
    if (known !== undefined) return known;
    const counting = this.#run(new World({ seed: worldSeed, faults: {} }), kind, null);
    this.#counts.set(kind, counting);
    return counting;
  }
}
