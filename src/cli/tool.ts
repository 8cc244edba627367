// What every command of `partita` is, and how one ends: with an exit code, and without a stack
// trace for what its user did. Nothing of the tools' flags is here (command-line.ts): a broker has
// none, and starts without the library that reads them. Nothing is imported here: a broker has
// files of its own (tests/write-bundle.ts), in which each import would stand a second time.

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
    // By name: a broker's files hold classes of their own.
    if (!(error instanceof Error) || error.name === 'AssertionFailed') throw error;
    process.stderr.write(`${name}: ${error.message.replaceAll('\n', ' ')}\n`);
    if (process.env.PARTITA_TRACE) process.stderr.write(`${error.stack}\n`);
    return 1;
  }
}
