// Our command-line tools, many in one process after each other, for tests that start many: a start
// of Node.js takes longer than what most of them do. Run as a program it is that process, which is
// sent the words of a tool and sends what the tool printed, and its exit code.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/cli/main.ts';
import type { ProgramResult } from '../run-program.ts';

const path = fileURLToPath(import.meta.url);

export class OwnTools {
  readonly #child: ChildProcess = fork(path);
  #onResult: (result: ProgramResult) => void = () => {};
  #onEnd: (error: Error) => void = () => {};

  constructor() {
    this.#child.on('message', (result: ProgramResult) => this.#onResult(result));
    this.#child.on('exit', () => this.#onEnd(new Error('the process of the tools has ended')));
  }

  /** The name of a tool and its arguments; one after the other. */
  run(words: readonly string[]): Promise<ProgramResult> {
    return new Promise((resolve, reject) => {
      [this.#onResult, this.#onEnd] = [resolve, reject];
      this.#child.send(words);
    });
  }

  close(): void {
    this.#child.kill();
  }
}

async function run(words: readonly string[]): Promise<ProgramResult> {
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (text: string | Uint8Array) => {
      printed[name] += String(text);
      return true;
    };
  }
  return { code: await main(words), ...printed };
}

if (process.argv[1] === path) {
  process.on('message', (words: readonly string[]) => {
    void run(words).then((result) => process.send?.(result));
  });
}
