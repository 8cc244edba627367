// Kafka's own command-line tools, many in one Java process after each other (tools/Tools.java): a
// start of Java costs more processor time than what most of them do. Each gets its own input and
// is told by its own output and exit code; those of the same time run in processes of their own.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { ProgramResult } from '../run-program.ts';

export interface ToolOptions {
  readonly input?: string;
  /** Ends the process with SIGKILL; 120 000 by default. */
  readonly timeoutMs?: number;
}

export class ResidentTools {
  readonly #command: () => Promise<readonly [string, ...string[]]>;
  readonly #idle: ToolProcess[] = [];

  constructor(command: () => Promise<readonly [string, ...string[]]>) {
    this.#command = command;
  }

  /** A class and its arguments. */
  async run(
    words: readonly string[],
    { input = '', timeoutMs = 120_000 }: ToolOptions = {},
  ): Promise<ProgramResult> {
    const process = this.#idle.pop() ?? new ToolProcess(await this.#command());
    const result = await process.run([Buffer.from(input).toString('base64'), ...words], timeoutMs);
    if (result.code !== null) this.#idle.push(process);
    return result;
  }
}

/** Holds up the end of the test's process only while a tool runs; then it ends with it. */
class ToolProcess {
  readonly #child: ChildProcess;
  #output: Buffer = Buffer.alloc(0);
  #onOutput: () => void = () => {};
  #hasEnded = false;

  constructor([command, ...args]: readonly [string, ...string[]]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.stdin?.on('error', () => {});
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#output = Buffer.concat([this.#output, chunk]);
      this.#onOutput();
    });
    const onEnd = (): void => {
      this.#hasEnded = true;
      this.#onOutput();
    };
    this.#child.once('error', onEnd).once('close', onEnd);
  }

  async run(words: readonly string[], timeoutMs: number): Promise<ProgramResult> {
    this.#hold('ref');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    this.#child.stdin?.write(`${words.join('\t')}\n`);
    try {
      return await new Promise((resolve) => {
        this.#onOutput = () => {
          const result = this.#takeResult();
          if (result !== null) resolve(result);
        };
      });
    } finally {
      clearTimeout(timer);
      this.#hold('unref');
    }
  }

  /** "exit-code stdout-bytes stderr-bytes" in a line, and those bytes. */
  #takeResult(): ProgramResult | null {
    const end = this.#output.indexOf('\n');
    const [code = 0, outBytes = 0, errBytes = 0] = this.#output
      .toString('latin1', 0, Math.max(end, 0))
      .split(' ')
      .map(Number);
    const [outEnd, errEnd] = [end + 1 + outBytes, end + 1 + outBytes + errBytes];
    if (end < 0 || this.#output.length < errEnd) {
      return this.#hasEnded ? { code: null, stdout: '', stderr: 'it did not end' } : null;
    }
    const stdout = this.#output.toString('utf8', end + 1, outEnd);
    const stderr = this.#output.toString('utf8', outEnd, errEnd);
    this.#output = this.#output.subarray(errEnd);
    return { code, stdout, stderr };
  }

  #hold(how: 'ref' | 'unref'): void {
    const { stdin, stdout } = this.#child;
    for (const each of [this.#child, stdin as Socket, stdout as Socket]) each[how]();
  }
}
