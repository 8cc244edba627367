// What a run came by: how often something rare happened in it, so that a run says how much it has
// tried, and a scenario that does not try what it is there for is noticed. Brokers speak of these
// things in their logs (at level debug where an operator would not want to read it); a world counts
// the lines. No checker judges by them.

import type { LogFields } from '../src/io/io.ts';
import type { LogEntry } from '../src/io/log-line.ts';

/** Something to come by, and the line that says so. */
export interface Reach {
  readonly name: string;
  readonly line: RegExp;
  /** Of what the line says beside its words. */
  readonly where?: (fields: LogFields) => boolean;
  /** A few dozen seeds may well not come by it: it is printed, and not demanded. */
  readonly isRare?: boolean;
}

export class Reached {
  readonly #reaches: readonly Reach[];
  readonly #counts = new Map<string, number>();

  constructor(reaches: readonly Reach[] = []) {
    this.#reaches = reaches;
    for (const { name } of reaches) this.#counts.set(name, 0);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  onLog({ component, message, fields = {} }: LogEntry): void {
    if (this.#reaches.length === 0) return;
    const text = `${component} ${message}`;
    for (const { name, line, where } of this.#reaches) {
      if (line.test(text) && (where?.(fields) ?? true)) this.onReached(name);
    }
  }

  /** The scenario itself did it. */
  onReached(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Over several runs. */
  add(counts: ReadonlyMap<string, number>): void {
    for (const [name, count] of counts) {
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
    }
  }

  describe(): string {
    return [...this.#counts].map(([name, count]) => `${name} ${count}`).join(', ');
  }

  /** What was never come by. */
  missing(): string[] {
    const demanded = this.#reaches.filter(({ isRare }) => isRare !== true);
    return demanded.map(({ name }) => name).filter((name) => this.#counts.get(name) === 0);
  }
}
