// Sequences of produce requests, right and wrong ones, made from a seed. A step says what a batch
// claims of its place among its producer's batches; which numbers these are each side finds out
// from what its own broker has stored and refused (places.ts).
//
// Between the phases of a sequence both brokers are restarted.

import { Prng } from '../../../src/base/prng.ts';

/** Two idempotent producers, and one that has a transactional id. */
export type Actor = 'one' | 'two' | 'transactional';

/**
 * Where a batch goes on, seen from those that are stored in its epoch. `head` and `tail` are the
 * halves of one that is stored, `refused head` and `refused tail` of the last one that was not.
 */
export type Place =
  | 'next'
  | 'again'
  | 'lower'
  | 'gap'
  | 'far'
  | 'overlap'
  | 'zero'
  | 'head'
  | 'tail'
  | 'wider'
  | 'refused'
  | 'refused head'
  | 'refused tail'
  | 'last'
  | 'none';

/** Of the producer: as it is, one up, one down, and further up. */
export type Epoch = 'current' | 'bumped' | 'behind' | 'ahead';

export interface Batch {
  readonly actor: Actor;
  readonly epoch: Epoch;
  readonly place: Place;
  /** With `again`, `head`, `tail` and `wider`: how many were stored behind it. */
  readonly back: number;
  readonly count: number;
  /** Larger than the topic takes. */
  readonly isLarge: boolean;
  readonly isTransactional: boolean;
}

export type Step =
  | { readonly kind: 'init'; readonly version: number; readonly actor: Actor }
  | {
      readonly kind: 'produce';
      readonly version: number;
      readonly acks: number;
      readonly partition: number;
      readonly batch: Batch;
    }
  | { readonly kind: 'add'; readonly version: number; readonly partition: number }
  | { readonly kind: 'end'; readonly version: number; readonly isCommit: boolean }
  /** Deletes that part of the records of a partition. */
  | { readonly kind: 'delete'; readonly partition: number; readonly part: number }
  | { readonly kind: 'producers' };

export type RestartKind = 'stop' | 'kill';

export interface Sequence {
  readonly seed: string;
  /** Segments end by the time of their records, some after each third record. */
  readonly segmentMs: number;
  readonly phases: readonly (readonly Step[])[];
}

export const partitions = [0, 1] as const;

/** The same seed makes the same steps. */
export function sequenceOf(seed: string, phaseCount: number): Sequence {
  const prng = new Prng(`producers ${seed}`);
  const generator = new Generator(prng);
  return {
    seed,
    segmentMs: prng.pick([3000, 3000, 7000, 604_800_000]),
    phases: Array.from({ length: phaseCount }, (_, index) => generator.steps(index === 0)),
  };
}

/** The same kinds for all sequences of a round. */
export function restartsOf(round: number, phaseCount: number): RestartKind[] {
  const prng = new Prng(`restarts ${round}`);
  const first = prng.pick<RestartKind>(['stop', 'kill']);
  const kinds: RestartKind[] = first === 'stop' ? ['stop', 'kill'] : ['kill', 'stop'];
  while (kinds.length < phaseCount - 1) kinds.push(prng.pick(['stop', 'kill']));
  return kinds.slice(0, phaseCount - 1);
}

class Generator {
  readonly #prng: Prng;
  /** How often a batch is out of its place. */
  readonly #wrong: number;
  readonly #protocol: 1 | 2;
  readonly #hasTransactions: boolean;

  constructor(prng: Prng) {
    this.#prng = prng;
    this.#wrong = prng.pick([0.15, 0.4, 0.7]);
    this.#protocol = prng.pick([1, 2]);
    this.#hasTransactions = prng.chance(0.4);
  }

  steps(isFirst: boolean): Step[] {
    const steps: Step[] = [];
    if (isFirst) {
      steps.push(this.#init('one'), this.#init('two'));
      if (this.#hasTransactions) steps.push(this.#init('transactional'));
    }
    const count = steps.length + 8 + this.#prng.int(12);
    while (steps.length < count) steps.push(...this.#some());
    return steps;
  }

  #some(): Step[] {
    const random = this.#prng.float();
    if (random < 0.03) return [this.#init(this.#actor())];
    if (random < 0.06) {
      const part = this.#prng.pick([0.3, 0.6, 1]);
      return [{ kind: 'delete', partition: this.#partition(), part }];
    }
    if (random < 0.1) return [{ kind: 'producers' }];
    if (this.#hasTransactions && random < 0.3) return this.#transaction();
    return this.#produces(this.#actor());
  }

  #actor(): Actor {
    return this.#prng.pick(['one', 'one', 'one', 'two'] as const);
  }

  #partition(): number {
    return this.#prng.pick([0, 0, 0, 1]);
  }

  #init(actor: Actor): Step {
    return { kind: 'init', version: this.#prng.int(6), actor };
  }

  #produces(actor: Actor): Step[] {
    const partition = this.#partition();
    const large = this.#prng.chance(0.12);
    if (!large) return [this.#produce(actor, partition)];
    // As a producer does whose batch is too large while the next one is on its way.
    const whole = this.#produce(actor, partition, { place: 'next', isLarge: true, count: 4 });
    const after = this.#produce(actor, partition, { place: 'far', epoch: 'current' });
    const halves = (['refused head', 'refused tail'] as const).map((place) =>
      this.#produce(actor, partition, { place, epoch: 'current' }),
    );
    const again = this.#prng.chance(0.5) ? [after] : [];
    return this.#prng.chance(0.5) ? [whole, ...again, ...halves] : [whole, ...halves, ...again];
  }

  #produce(actor: Actor, partition: number, given: Partial<Batch> = {}): Step {
    const isTransactional = actor === 'transactional';
    const [first, second] = [3 + this.#prng.int(9), 12 + this.#prng.int(2)];
    const isSecond = isTransactional ? this.#protocol === 2 : this.#prng.chance(0.5);
    const batch: Batch = {
      actor,
      epoch: this.#epoch(isTransactional),
      place: this.#place(),
      back: this.#prng.int(7),
      count: 1 + this.#prng.int(4),
      isLarge: false,
      isTransactional: isTransactional !== this.#prng.chance(0.02),
      ...given,
    };
    const acks = this.#prng.pick([-1, -1, 1]);
    return { kind: 'produce', version: isSecond ? second : first, acks, partition, batch };
  }

  #epoch(isTransactional: boolean): Epoch {
    const isOther = this.#prng.chance(isTransactional ? 0.02 : 0.06);
    return isOther ? this.#prng.pick(['bumped', 'bumped', 'behind', 'ahead']) : 'current';
  }

  #place(): Place {
    if (!this.#prng.chance(this.#wrong)) return 'next';
    return this.#prng.pick<Place>([
      ...(['again', 'again', 'again', 'again', 'lower', 'lower', 'gap', 'far', 'overlap'] as const),
      ...(['zero', 'head', 'tail', 'wider', 'refused', 'refused head', 'refused tail'] as const),
      ...(['last', 'none'] as const),
    ]);
  }

  #transaction(): Step[] {
    const steps: Step[] = [];
    const partition = this.#partition();
    const version = this.#protocol === 1 ? this.#prng.int(4) : 0;
    if (this.#protocol === 1) steps.push({ kind: 'add', version, partition });
    const count = this.#prng.int(4);
    for (let i = 0; i < count; i++) steps.push(this.#produce('transactional', partition));
    // Some stay open, over a restart too.
    if (this.#prng.chance(0.25)) return steps;
    const isCommit = this.#prng.chance(0.6);
    steps.push({ kind: 'end', version: this.#protocol === 2 ? 5 : this.#prng.int(5), isCommit });
    return steps;
  }
}
