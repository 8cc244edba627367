// Other processes of ours: started with the same Node.js, told what to do by their arguments, heard
// by the lines that they print. Loaded only by who starts any.
//
// Invariant: a child outlives this process: nothing of it depends on a pipe to here but what it
// prints.

import { spawn } from 'node:child_process';
import { ioError } from './node-error.ts';

export interface ChildOptions {
  /** The script first. */
  readonly args: readonly string[];
  /** On top of this process's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Each whole line of its standard output; its standard error is this process's. */
  readonly onLine: (line: string) => void;
}

/** The exit code, or the signal that ended it. */
export type ChildEnd = number | string;

export interface Child {
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  /** Nothing happens when it has ended. */
  signal(name: 'SIGTERM' | 'SIGKILL'): void;
}

/** @throws IoError when the system does not start it */
export async function startChild({ args, env, onLine }: ChildOptions): Promise<Child> {
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) onLine(line);
  });
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 0));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(ioError('start another process', error)));
  });
  return { pid: child.pid ?? -1, ended, signal: (name) => child.kill(name) };
}
