// The network between the brokers of a test: the loopback of this machine, or, where it lets us, a
// network namespace for each, in which what one sends to another can be lost in one direction.
//
// Invariant: what is cut vanishes in silence, as on a broken line: nobody is refused and nothing
// ends. (The sender is told a hardware address that nobody has.)

import { spawnSync } from 'node:child_process';

export interface TestNetwork {
  /** Whether lines can be cut. */
  readonly canCut: boolean;
  hostOf(name: string): string;
  /** The command as it runs at that place. */
  commandAt(name: string, command: readonly string[]): readonly string[];
  /** What one sends to the other is lost from now on. */
  cut(from: string, to: string): void;
  heal(): void;
  dispose(): void;
}

export const loopback: TestNetwork = {
  canCut: false,
  hostOf: () => '127.0.0.1',
  commandAt: (_, command) => command,
  cut: () => {
    throw new Error('the loopback cannot be cut');
  },
  heal: () => {},
  dispose: () => {},
};

function ip(lines: readonly string[], mayFail = false): void {
  const { status, stderr } = spawnSync('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
  if (status !== 0 && !mayFail) throw new Error(`ip: ${stderr}`);
}

/** Why there are no namespaces here; null: there are. */
export function whyNoNamespaces(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const name = `partita-try-${process.pid}`;
  const added = spawnSync('ip', ['netns', 'add', name]);
  if (added.status !== 0) return `this machine makes no network namespaces: ${added.stderr}`;
  spawnSync('ip', ['netns', 'del', name]);
  return null;
}

let networkCount = 0;

/** A bridge in this process's namespace, where the clients are, and a line to each place. */
export class NamespaceNetwork implements TestNetwork {
  readonly canCut = true;
  readonly #names: readonly string[];
  readonly #prefix: string;
  readonly #id: string;
  readonly #cuts = new Set<string>();

  constructor(names: readonly string[]) {
    this.#names = names;
    // Names of links are short; several tests may run on one machine.
    const number = networkCount++;
    this.#id = `p${process.pid.toString(36)}${number === 0 ? '' : number}`;
    this.#prefix = `10.${100 + (process.pid % 100)}.${((process.pid >> 7) + 50 * number) % 250}`;
    const lines = [
      `link add ${this.#id} type bridge`,
      `addr add ${this.#prefix}.254/24 dev ${this.#id}`,
      `link set ${this.#id} up`,
    ];
    names.forEach((name, index) => {
      const space = this.#spaceOf(name);
      const outer = `${this.#id}v${index}`;
      const inner = `${this.#id}w${index}`;
      lines.push(
        `netns add ${space}`,
        `link add ${outer} type veth peer name ${inner}`,
        `link set ${outer} master ${this.#id}`,
        `link set ${outer} up`,
        `link set ${inner} netns ${space}`,
      );
    });
    ip(lines);
    names.forEach((name, index) => {
      const space = this.#spaceOf(name);
      const inner = `${this.#id}w${index}`;
      const inside = [
        `link set ${inner} name eth0`,
        `addr add ${this.hostOf(name)}/24 dev eth0`,
        'link set eth0 up',
        'link set lo up',
      ];
      const { status, stderr } = spawnSync('ip', ['-n', space, '-batch', '-'], {
        input: `${inside.join('\n')}\n`,
      });
      if (status !== 0) throw new Error(`ip: ${stderr}`);
    });
  }

  hostOf(name: string): string {
    return `${this.#prefix}.${this.#names.indexOf(name) + 1}`;
  }

  #spaceOf(name: string): string {
    return `${this.#id}-${name}`;
  }

  commandAt(name: string, command: readonly string[]): readonly string[] {
    return ['ip', 'netns', 'exec', this.#spaceOf(name), ...command];
  }

  cut(from: string, to: string): void {
    const nobody = '02:00:00:00:de:ad';
    this.#cuts.add(`${from} ${to}`);
    this.#neighbour(from, ['replace', this.hostOf(to), 'lladdr', nobody, 'nud', 'permanent']);
  }

  heal(): void {
    for (const line of this.#cuts) {
      const [from, to] = line.split(' ') as [string, string];
      this.#neighbour(from, ['del', this.hostOf(to)]);
    }
    this.#cuts.clear();
  }

  #neighbour(at: string, words: readonly string[]): void {
    const all = ['-n', this.#spaceOf(at), 'neigh', ...words, 'dev', 'eth0'];
    const { status, stderr } = spawnSync('ip', all);
    if (status !== 0) throw new Error(`ip ${all.join(' ')}: ${stderr}`);
  }

  dispose(): void {
    for (const name of this.#names) spawnSync('ip', ['netns', 'del', this.#spaceOf(name)]);
    spawnSync('ip', ['link', 'del', this.#id]);
  }
}
