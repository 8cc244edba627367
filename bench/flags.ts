// The inputs of a bench: `--name value` for each of its defaults, and nothing else, so that a
// misspelt flag is an error and not a run with other inputs than one believes.

export type Flags = Record<string, number | string>;

/** The defaults, with what the arguments say instead; lists are given with commas. */
export function parseFlags<T extends Flags>(defaults: T, args: readonly string[]): T {
  const flags: Flags = { ...defaults };
  for (let index = 0; index < args.length; index += 2) {
    const name = (args[index] as string).replace(/^--/, '');
    const value = args[index + 1];
    const known = flags[name];
    if (known === undefined || value === undefined || args[index] === name) {
      const usage = Object.entries(defaults).map(([key, preset]) => `--${key} ${preset}`);
      throw new Error(`flags and their defaults: ${usage.join(' ')}`);
    }
    if (typeof known === 'number' && !Number.isFinite(Number(value))) {
      throw new Error(`--${name} takes a number, not '${value}'`);
    }
    flags[name] = typeof known === 'number' ? Number(value) : value;
  }
  return flags as T;
}

export function numbersOf(list: string): number[] {
  return list.split(',').map(Number);
}

/** The inputs of a bench that measures the same for several counts. */
export interface CountFlags {
  readonly rounds: number;
  readonly counts: string;
}

/** Each of the counts in turn, and again in each round. */
export function* countsOf({ rounds, counts }: CountFlags): Generator<number, void, undefined> {
  for (let round = 0; round < rounds; round++) yield* numbersOf(counts);
}
