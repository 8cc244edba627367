// Tools of the form `tool [options] ACTION [options]`.

import { UsageError } from './command-line.ts';

/** Short spellings that some of these tools have. */
const shortFlags: Readonly<Record<string, string>> = {
  '-b': '--bootstrap-server',
  '-C': '--bootstrap-controller',
  '-c': '--command-config',
  '-i': '--id',
  '-h': '--help',
};

/**
 * The action and the flags, wherever they stand; null for the action when only help or the
 * version is asked for.
 */
export function splitAction(
  args: readonly string[],
  actions: readonly string[],
): { action: string | null; flags: string[] } {
  const flags = args.map((arg) => shortFlags[arg] ?? arg);
  if (flags.includes('--help') || flags.includes('--version')) return { action: null, flags };
  for (let index = 0; index < flags.length; index++) {
    const arg = flags[index] as string;
    if (actions.includes(arg)) {
      return { action: arg, flags: flags.filter((_, at) => at !== index) };
    }
    if (!arg.startsWith('-')) {
      throw new UsageError(`there is no action '${arg}': use one of ${actions.join(', ')}`);
    }
    const takesNext = !arg.includes('=') && !actions.includes(flags[index + 1] ?? '');
    if (takesNext) index++;
  }
  throw new UsageError(`too few arguments: name one of ${actions.join(', ')} (see --help)`);
}
