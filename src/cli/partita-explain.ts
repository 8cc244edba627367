// partita explain: what an error means, what to do about it, and when it is met. The texts are
// those of docs/errors.md.

import { explainError, nearestError } from '../client/error-guide/index.ts';
import { kafkaCommand, parseFlags, UsageError } from './command-line.ts';

export async function run(args: readonly string[]): Promise<number> {
  const command = kafkaCommand('partita explain', 'What an error means, and what to do about it.')
    .usage('error NAME|CODE')
    .addHelpText(
      'after',
      '\nFor example:\n' +
        '  partita explain error NOT_ENOUGH_REPLICAS\n' +
        '  partita explain error 19\n' +
        '  partita explain error ECONNREFUSED\n' +
        '  partita explain error ILLEGAL_STATE      an error of this library\n\n' +
        'A name is taken in any case; Java names such as TopicExistsException find the nearest.\n' +
        'docs/errors.md has all of them.',
    );
  const isFlag = (arg: string): boolean => arg.startsWith('--');
  parseFlags(command, args.filter(isFlag));
  const [what, name, ...more] = args.filter((arg) => !isFlag(arg));
  if (what !== 'error' || name === undefined || more.length > 0) {
    throw new UsageError('say which: partita explain error NAME|CODE (see --help)');
  }
  const found = explainError(name);
  if (found === null) {
    const nearest = nearestError(name);
    const hint =
      nearest === null ? '; docs/errors.md has all of them' : `; did you mean ${nearest}?`;
    throw new UsageError(`there is no error ${name}${hint}`);
  }
  const { code, kind, meaning, remedy, example } = found;
  const lines = [
    `${found.name}${code === null ? '' : ` (${code})`}`,
    `  means:       ${meaning}`,
    `  kind:        ${kind}`,
    `  what to do:  ${remedy}`,
    ...(example === null ? [] : [`  for example: ${example}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}
