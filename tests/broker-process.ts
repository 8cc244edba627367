// A broker as its users run it: a process of its own, started by its launcher, spoken to over
// TCP, stopped by a signal. For end-to-end and interop tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from './root.ts';

export interface BrokerProcessOptions {
  /** Holds the broker's data; a temporary one that `dispose` removes if not given. */
  readonly directory?: string;
  /** Configuration on top of the defaults, as `--override` takes it. */
  readonly config?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** A server.properties. */
  readonly file?: string;
  /** `ulimit -n` of the process: files and connections it may have open. */
  readonly descriptorsMax?: number;
}

const readyPattern = /^partita ready (\w+):\/\/(.+):(\d+) cluster=(\S+) node=(\d+) in (\d+) ms$/m;
const readyTimeoutMs = 60_000;

export class BrokerProcess {
  readonly directory: string;
  /** Of the next start: another release, in another folder. */
  launcher = join(projectRoot, 'bin/partita.js');
  readonly #options: BrokerProcessOptions;
  #child: ChildProcess | null = null;
  #port = 0;
  #output = '';

  private constructor(options: BrokerProcessOptions) {
    this.#options = options;
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'partita-test-'));
  }

  static async start(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
    const broker = new BrokerProcess(options);
    await broker.start();
    return broker;
  }

  get bootstrapServers(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** All that the process wrote to stdout and stderr, over all its starts. */
  get output(): string {
    return this.#output;
  }

  /** Waits until the output of the process matches; fails after ten seconds. */
  async outputMatches(pattern: RegExp): Promise<void> {
    for (let waitedMs = 0; !pattern.test(this.#output); waitedMs += 20) {
      if (waitedMs > 10_000) throw new Error(`no ${pattern} in:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /**
   * Starts the process (again, on the same port), with flags for this start, and waits for its
   * ready line.
   */
  async start(flags: readonly string[] = []): Promise<void> {
    const overrides: Record<string, string> = {
      listeners: `PLAINTEXT://127.0.0.1:${this.#port}`,
      'log.dirs': this.directory,
      ...this.#options.config,
    };
    const args = Object.entries(overrides)
      .flatMap(([key, value]) => ['--override', `${key}=${value}`])
      .concat(flags);
    const { descriptorsMax, file } = this.#options;
    const files = file === undefined ? [] : [file];
    const command = [process.execPath, this.launcher, 'start', ...files, ...args];
    if (descriptorsMax !== undefined) {
      command.unshift('sh', '-c', `ulimit -n ${descriptorsMax}; exec "$@"`, 'sh');
    }
    const [program, ...rest] = command as [string, ...string[]];
    const child = spawn(program, rest, {
      env: { ...process.env, ...this.#options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const before = this.#output.length;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ready line in ${readyTimeoutMs} ms:\n${this.#output}`)),
        readyTimeoutMs,
      );
      const onText = (text: string): void => {
        this.#output += text;
        const ready = readyPattern.exec(this.#output.slice(before));
        if (ready === null) return;
        this.#port = Number(ready[3]);
        clearTimeout(timer);
        resolve();
      };
      child.stdout?.setEncoding('utf8').on('data', onText);
      child.stderr?.setEncoding('utf8').on('data', onText);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        reject(new Error(`the broker ended with ${code ?? signal}:\n${this.#output}`));
      });
    });
  }

  /** Sends the signal and waits for the process to end; returns its exit code or signal. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
      child.once('exit', (code, byName) => resolve(code ?? byName)),
    );
    child.kill(signal);
    return ended;
  }

  stop(): Promise<number | NodeJS.Signals | null> {
    return this.end('SIGTERM');
  }

  kill9(): Promise<number | NodeJS.Signals | null> {
    return this.end('SIGKILL');
  }

  /** Ends the process and removes its data if the directory was a temporary one. */
  async dispose(): Promise<void> {
    await this.kill9();
    if (this.#options.directory === undefined) {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}
