// Processes of a test by name. They end with the process of the test, whatever ends that.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

const hasSetpriv = spawnSync('setpriv', ['--version']).error === undefined;

/** Whoever starts it takes it along when it is killed. */
export function bound(command: readonly string[]): readonly string[] {
  return hasSetpriv ? ['setpriv', '--pdeathsig', 'KILL', ...command] : command;
}

export interface Started {
  readonly child: ChildProcess;
  /** Resolves when a line of its output matches; rejects when it ends before. */
  readonly ready: Promise<void>;
}

export class Processes {
  readonly #children = new Map<string, ChildProcess>();
  #output = '';

  get names(): string[] {
    return [...this.#children.keys()];
  }

  /** What all of them wrote of late. */
  get output(): string {
    return this.#output;
  }

  start(name: string, command: readonly string[], readyPattern: RegExp, readyMs = 60_000): Started {
    const [program, ...args] = bound(command) as [string, ...string[]];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.set(name, child);
    let own = '';
    const ready = new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${name} ${why}:\n${own}`));
      const timer = setTimeout(() => fail('is not ready'), readyMs);
      const onText = (text: string): void => {
        own = (own + text).slice(-20_000);
        this.#output = (this.#output + text).slice(-40_000);
        if (!readyPattern.test(own)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout?.setEncoding('utf8').on('data', onText);
      child.stderr?.setEncoding('utf8').on('data', onText);
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        if (this.#children.get(name) === child) this.#children.delete(name);
        fail(`ended with ${code ?? signal}`);
      });
    });
    ready.catch(() => {});
    return { child, ready };
  }

  pidOf(name: string): number | null {
    return this.#children.get(name)?.pid ?? null;
  }

  /** Does nothing to one that does not run. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#children.get(name)?.kill(signal);
  }

  async end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async endAll(): Promise<void> {
    await Promise.all(this.names.map((name) => this.end(name, 'SIGKILL')));
  }
}
