// `partita start --brokers N` as real processes, and what is started beside them, for the tests of
// a file: each in a folder of its own, and whatever was started ends with the test.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

export const launcher = join(projectRoot, 'bin/partita.js');
const brokerPattern = /^partita ready PLAINTEXT:\/\/127\.0\.0\.1:(\d+) .* node=(\d+) /gm;

/** Of the test that runs. */
export let directory = '';
const started: Started[] = [];

/** To be called once in a file. */
export function inOwnFolders(): void {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'partita-brokers-'));
  });
  afterEach(async () => {
    for (const each of started.splice(0)) await each.dispose();
    rmSync(directory, { recursive: true, force: true });
  });
}

/** A process of ours and what it printed. */
export class Started {
  readonly child: ChildProcess;
  readonly ended: Promise<number | string | null>;
  output = '';

  constructor(command: string, args: readonly string[]) {
    // A group of its own: signals reach what it started, too, as from a terminal.
    this.child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(this);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(code ?? signal));
    });
  }

  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 50) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no ${pattern} in:\n${this.output}`);
  }

  signalAll(signal: NodeJS.Signals): void {
    process.kill(-(this.child.pid as number), signal);
  }

  async dispose(): Promise<void> {
    try {
      this.signalAll('SIGKILL');
    } catch {
      // They have ended.
    }
    await this.ended;
  }
}

export function argumentsWith(...more: string[]): string[] {
  const overrides = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${directory}`];
  const flags = overrides.flatMap((override) => ['--override', override]);
  return [launcher, 'start', ...flags, ...more];
}

export async function startThree(
  ...more: string[]
): Promise<{ parent: Started; ports: Map<number, number> }> {
  const parent = new Started(process.execPath, argumentsWith('--brokers', '3', ...more));
  await parent.prints(/Ctrl-C stops all of them/);
  const ready = [...parent.output.matchAll(brokerPattern)];
  return { parent, ports: new Map(ready.map(([, port, node]) => [Number(node), Number(port)])) };
}

export async function childOf(parent: Started, number: number): Promise<number> {
  const { stdout } = await runProgram('ps', ['-o', 'pid=,args=', '--ppid', `${parent.child.pid}`]);
  const line = stdout.split('\n').find((each) => each.includes(`node.id=${number}`)) ?? '';
  return Number.parseInt(line, 10);
}

export function tool(
  name: string,
  port: number | undefined,
  ...args: string[]
): Promise<ProgramResult> {
  const server = ['--bootstrap-server', `127.0.0.1:${port}`];
  return runProgram(process.execPath, [launcher, name, ...server, ...args]);
}

export function tryStart(...args: string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, args, { timeoutMs: 60_000 });
}

export function assertRefusal({ code, stdout, stderr }: ProgramResult, pattern: RegExp): void {
  assert.equal(code, 1, `${stdout}${stderr}`);
  assert.match(stderr, pattern);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  assert.doesNotMatch(stdout, /ready/);
}
