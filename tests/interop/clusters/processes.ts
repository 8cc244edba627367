// Processes of a test by name. They end with the process of the test, whatever ends that.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

const hasSetpriv = spawnSync('setpriv', ['--version']).error === undefined;

/** Whoever starts it takes it along when it is killed. */
export function bound(command: readonly string[]): readonly string[] {
  return hasSetpriv ? ['setpriv', '--pdeathsig', 'KILL', ...command] : command;
}

const outputLengthMax = 40_000;

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

  /** Whoever starts it finds out by himself when it is ready. */
  spawn(name: string, command: readonly string[]): void {
    const onText = (text: string): void => {
      this.#output = (this.#output + text).slice(-outputLengthMax);
    };
    const child = this.#spawn(name, command, onText);
    child.once('error', ({ message }) => onText(`${name}: ${message}\n`));
    child.once('exit', () => this.#forget(name, child));
  }

  #spawn(name: string, command: readonly string[], onText: (text: string) => void): ChildProcess {
    const [program, ...args] = bound(command) as [string, ...string[]];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.set(name, child);
    child.stdout?.setEncoding('utf8').on('data', onText);
    child.stderr?.setEncoding('utf8').on('data', onText);
    return child;
  }

  #forget(name: string, child: ChildProcess): void {
    if (this.#children.get(name) === child) this.#children.delete(name);
  }

  start(name: string, command: readonly string[], readyPattern: RegExp, readyMs = 60_000): Started {
    let own = '';
    let onOutput = (): void => {};
    const child = this.#spawn(name, command, (text) => {
      own = (own + text).slice(-20_000);
      this.#output = (this.#output + text).slice(-outputLengthMax);
      onOutput();
    });
    const ready = new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${name} ${why}:\n${own}`));
      const timer = setTimeout(() => fail('is not ready'), readyMs);
      onOutput = (): void => {
        if (!readyPattern.test(own)) return;
        clearTimeout(timer);
        resolve();
      };
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        this.#forget(name, child);
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
