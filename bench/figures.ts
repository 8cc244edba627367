// What benches print: lines of named figures, medians of rounds, and a checksum of what was moved,
// by which two runs are known to have done the same work.

export type Figures = Readonly<Record<string, number>>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Collects the figures of rounds under a name each, in the order in which names came up. */
export class Rounds {
  readonly #rounds = new Map<string, Figures[]>();

  add(name: string, figures: Figures): void {
    const rounds = this.#rounds.get(name);
    if (rounds === undefined) this.#rounds.set(name, [figures]);
    else rounds.push(figures);
  }

  /** One round of what takes long: each figure is printed at once, should it be cut short. */
  begin(name: string): { note(figures: Figures): void; end(): void } {
    const all: Record<string, number> = {};
    return {
      note: (figures) => {
        Object.assign(all, figures);
        printLine(`  ${name}`, figures, '');
      },
      end: () => this.add(name, all),
    };
  }

  get names(): string[] {
    return [...this.#rounds.keys()];
  }

  /** The median of each figure over the rounds. */
  medians(name: string): Record<string, number> {
    const rounds = this.#rounds.get(name) ?? [];
    const keys = Object.keys(rounds[0] ?? {});
    return Object.fromEntries(
      keys.map((key) => [key, median(rounds.map((round) => round[key] as number))]),
    );
  }

  /** Largest distance of a round from the median of the first figure, in percent of it. */
  noisePercent(name: string): number {
    const rounds = this.#rounds.get(name) ?? [];
    const [key] = Object.keys(rounds[0] ?? {});
    if (key === undefined) return 0;
    const values = rounds.map((round) => round[key] as number);
    const middle = median(values);
    const distances = values.map((value) => Math.abs(value - middle));
    return middle === 0 ? 0 : (100 * Math.max(...distances)) / middle;
  }

  print(): void {
    for (const name of this.names) {
      const noise = Math.round(this.noisePercent(name));
      const rounds = this.#rounds.get(name)?.length ?? 0;
      const spread = rounds > 1 ? `  (${rounds} rounds, ±${noise}%)` : '';
      printLine(name, this.medians(name), spread);
    }
  }

  /** One line per name of the second that has a partner among the first: first over second. */
  printRatios(of: string, over: string): void {
    for (const name of this.names) {
      if (!name.startsWith(of)) continue;
      const partner = `${over}${name.slice(of.length)}`;
      if (!this.#rounds.has(partner)) continue;
      const [left, right] = [this.medians(name), this.medians(partner)];
      const ratios = Object.fromEntries(
        Object.keys(left).map((key) => [key, (left[key] as number) / (right[key] as number)]),
      );
      printLine(`${of} / ${over}${name.slice(of.length)}`, ratios, '');
    }
  }
}

function printLine(name: string, figures: Figures, ending: string): void {
  const texts = Object.entries(figures).map(([key, value]) => `${key}=${format(value)}`);
  console.log(`${name.padEnd(36)} ${texts.join('  ')}${ending}`);
}

function format(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function printChecksum(checksum: number): void {
  console.log(`checksum ${checksum.toString(16).padStart(8, '0')}`);
}
