// A seeded random source (xoshiro128** over splitmix32), for the simulator and for tests. The
// same seed gives the same sequence on every machine; forks are independent of how much their
// parent was used, so that adding a draw in one place does not shift all the others.

export class Prng {
  readonly seed: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number | string) {
    this.seed = String(seed);
    let state = 0x9e3779b9;
    for (let i = 0; i < this.seed.length; i++) {
      state = Math.imul(state ^ this.seed.charCodeAt(i), 0x85ebca6b) >>> 0;
      state = (state ^ (state >>> 13)) >>> 0;
    }
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** A source of its own, named, whose sequence depends only on the seed and the name. */
  fork(name: string): Prng {
    return new Prng(`${this.seed}/${name}`);
  }

  #u32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Uniform in [0, 1). */
  float(): number {
    return ((this.#u32() >>> 6) * 134217728 + (this.#u32() >>> 5)) / 9007199254740992;
  }

  /** Uniform integer in [0, bound). */
  int(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)] as T;
  }

  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const kept = items[i] as T;
      items[i] = items[j] as T;
      items[j] = kept;
    }
    return items;
  }

  bytes(count: number): Buffer {
    const buffer = Buffer.alloc(count);
    for (let i = 0; i < count; i++) buffer[i] = this.#u32() & 0xff;
    return buffer;
  }
}
