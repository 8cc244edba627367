// What every command of `partita` is, and how one ends: with an exit code, and without a stack
// trace for what its user did. Nothing of the tools' flags is here (command-line.ts): a broker has
// none, and starts without the library that reads them.

import { AssertionFailed } from '../base/assert.ts';
import { type Io, IoError } from '../io/index.ts';

/** What the user asked for cannot be done; the message is one line that says what to change. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** The help or the version was asked for, and is printed. */
export class HelpShown extends Error {
  constructor() {
    super('the help was shown');
    this.name = 'HelpShown';
  }
}

/** `key=value`, as flags take them. @throws UsageError */
export function parsePair(text: string, flag: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`${flag} takes key=value, not '${text}'`);
  return [text.slice(0, at), text.slice(at + 1)];
}

export interface Tool {
  /** Returns the exit code. */
  run(args: readonly string[]): Promise<number>;
}

/**
 * Runs a tool; what its user did wrong, and what a broker or the system refuses, becomes one line
 * on stderr. A broken invariant keeps its stack: it is a bug of ours.
 */
export async function runTool(name: string, tool: Tool, args: readonly string[]): Promise<number> {
  try {
    return await tool.run(args);
  } catch (error) {
    if (error instanceof HelpShown) return 0;
    if (error instanceof AssertionFailed || !(error instanceof Error)) throw error;
    process.stderr.write(`${name}: ${error.message.replaceAll('\n', ' ')}\n`);
    if (process.env.PARTITA_TRACE) process.stderr.write(`${error.stack}\n`);
    return 1;
  }
}

/** @throws UsageError */
export function readText(io: Io, path: string): string {
  try {
    const content = io.disk.readFile(path);
    if (content !== null) return content.toString('utf8');
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw new UsageError(`cannot read ${path}: ${error.message}`);
  }
  throw new UsageError(`there is no file ${path}`);
}
