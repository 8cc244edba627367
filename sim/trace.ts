// What happened in a world, as a running hash and, if asked for, as lines. Two runs of one seed
// must end with the same hash; when they do not, the lines of both runs show where they part.

export interface TraceOptions {
  /** How many of the last lines are kept. Default 0: only the hash. */
  readonly linesMax?: number;
  /** Receives each line as it happens. */
  readonly onLine?: (line: string) => void;
}

export class Trace {
  readonly #linesMax: number;
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #ring: string[] = [];
  #count = 0;
  #high = 0x811c9dc5;
  #low = 0x01000193;

  constructor(options: TraceOptions = {}) {
    this.#linesMax = options.linesMax ?? 0;
    this.#onLine = options.onLine;
  }

  get count(): number {
    return this.#count;
  }

  /** 16 hexadecimal digits over everything added so far. */
  get hash(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high) + hex(this.#low);
  }

  /** The last lines, oldest first. */
  get lines(): string[] {
    const at = this.#count % Math.max(this.#linesMax, 1);
    return this.#ring.length < this.#linesMax
      ? [...this.#ring]
      : [...this.#ring.slice(at), ...this.#ring.slice(0, at)];
  }

  add(timeMs: number, what: string): void {
    this.#mixNumber(timeMs);
    let { high, low } = { high: this.#high, low: this.#low };
    for (let i = 0; i < what.length; i++) {
      high = Math.imul(high ^ what.charCodeAt(i), 0x01000193);
      low = Math.imul(low + what.charCodeAt(i), 0x85ebca6b) ^ (low >>> 15);
    }
    this.#high = high;
    this.#low = low;
    if (this.#linesMax > 0 || this.#onLine !== undefined) this.#keep(timeMs, what);
    this.#count++;
  }

  #mixNumber(value: number): void {
    // Whole microseconds are enough, and integers are cheap to mix.
    const micros = Math.floor(value * 1000);
    this.#high = Math.imul(this.#high ^ (micros | 0), 0x9e3779b1);
    this.#low = Math.imul(this.#low + ((micros / 2 ** 32) | 0), 0xc2b2ae35) ^ (this.#high >>> 13);
  }

  #keep(timeMs: number, what: string): void {
    const line = `${timeMs.toFixed(3).padStart(12)} ${what}`;
    this.#onLine?.(line);
    if (this.#linesMax > 0) this.#ring[this.#count % this.#linesMax] = line;
  }
}

/** A few hexadecimal digits that stand for bytes in a trace line: their ends and their length. */
export function fingerprint(bytes: Uint8Array): string {
  const length = bytes.length;
  let hash = 0x811c9dc5 ^ length;
  const mix = (start: number, end: number): void => {
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  };
  if (length <= 256) {
    mix(0, length);
  } else {
    mix(0, 128);
    mix(length - 128, length);
  }
  return (hash >>> 0).toString(16);
}
