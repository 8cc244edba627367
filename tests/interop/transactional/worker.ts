// A program that is started again whenever it ends, as a supervisor would: each start is an
// incarnation. It can be killed, and it can be frozen while the next incarnation already works, so
// that it wakes up as a zombie.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Command } from './transactional-clients.ts';

export interface WorkerOptions {
  readonly name: string;
  command(incarnation: number): Promise<Command>;
  onLine?(incarnation: number, line: string): void;
}

export interface Zombie {
  /** Lets it go on. */
  thaw(): void;
}

/** One that has nothing more to do may have it in a while. */
const restartDelayMs = { afterDeath: 100, afterWork: 1_000 };

export class Worker {
  readonly name: string;
  /** How the incarnations ended, and how often. */
  readonly ends = new Map<string, number>();
  /** Lines said, by their first word. */
  readonly said = new Map<string, number>();
  readonly #options: WorkerOptions;
  readonly #children = new Set<ChildProcess>();
  #current: ChildProcess | null = null;
  #incarnation = 0;
  #isFinishing = false;
  #isDisposed = false;
  #onFinished: () => void = () => {};
  readonly #lines: string[] = [];
  #errors = '';

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.name = options.name;
  }

  async start(): Promise<void> {
    const incarnation = ++this.#incarnation;
    const [command, ...args] = await this.#options.command(incarnation);
    if (this.#isDisposed) return;
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#current = child;
    this.#children.add(child);
    child.stdin?.on('error', () => {});
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4_000);
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const word = /^[a-z]+/.exec(line)?.[0] ?? 'line';
      this.said.set(word, (this.said.get(word) ?? 0) + 1);
      this.#lines.push(`${incarnation}: ${line}`);
      if (this.#lines.length > 20) this.#lines.shift();
      if (word === 'fatal') this.#count(line.replace(/^fatal \S+ /, ''));
      this.#options.onLine?.(incarnation, line);
    });
    // When its output has been read to its end, too.
    child.once('close', (code, signal) => this.#onClose(child, code, signal));
    if (this.#isFinishing) child.stdin?.end();
  }

  #onClose(child: ChildProcess, code: number | null, signal: string | null): void {
    this.#children.delete(child);
    if (code !== 2) this.#count(signal ?? `exit ${code}`);
    if (this.#current !== child) return;
    this.#current = null;
    if (this.#isDisposed || (this.#isFinishing && code === 0)) {
      this.#onFinished();
      return;
    }
    const { afterDeath, afterWork } = restartDelayMs;
    setTimeout(() => void this.start(), code === 0 ? afterWork : afterDeath);
  }

  #count(end: string): void {
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
  }

  kill(): void {
    this.#current?.kill('SIGKILL');
  }

  /** Null if there is nothing to freeze, or it is already the program's last start. */
  async freeze(): Promise<Zombie | null> {
    const child = this.#current;
    if (child === null) return null;
    child.kill('SIGSTOP');
    this.#count('SIGSTOP');
    await this.start();
    return { thaw: () => void child.kill('SIGCONT') };
  }

  /** Ends those that an incarnation has replaced, wherever they are. */
  killZombies(): void {
    for (const child of this.#children) if (child !== this.#current) child.kill('SIGKILL');
  }

  /** Asks the program to end by itself, and starts it again until it does. */
  async finish(timeoutMs: number): Promise<void> {
    this.#isFinishing = true;
    const finished = new Promise<boolean>((resolve) => {
      this.#onFinished = () => resolve(true);
      setTimeout(() => resolve(false), timeoutMs).unref();
    });
    this.#current?.stdin?.end();
    if (!(await finished)) throw new Error(`does not end: ${this}\n${this.tail}`);
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const child of this.#children) child.kill('SIGKILL');
  }

  /** The last of what was said. */
  get tail(): string {
    return [...this.#lines, this.#errors].join('\n  ');
  }

  toString(): string {
    const counts = (map: Map<string, number>) =>
      [...map].map(([word, count]) => `${word} ${count}`).join(', ');
    return `${this.name}: ${counts(this.said)}; ended: ${counts(this.ends)}`;
  }
}
