// Errors explained: what a code means, what to do, and when it is met. A door of its own, which
// `partita explain error` and the writer of docs/errors.md load, and no client does.
//
//   examples.ts   when each error of Kafka's is met

import { nearestName } from '../../base/nearest-name.ts';
import {
  ErrorCode,
  type ErrorName,
  errorKind,
  errorMessage,
  errorName,
} from '../../protocol/index.ts';
import { errorHints, ownErrors, systemHints } from '../error-hints.ts';
import { errorExamples } from './examples.ts';

export interface ErrorExplanation {
  readonly name: string;
  /** Kafka's number; null for an error of the system or of this library. */
  readonly code: number | null;
  /** KIP-1050's group. */
  readonly kind: string;
  readonly meaning: string;
  readonly remedy: string;
  readonly example: string | null;
}

const names = Object.keys(ErrorCode).filter((name) => name !== 'NONE') as Known[];
type Known = Exclude<ErrorName, 'NONE'>;

/** By name, in any case, or by code. */
export function explainError(nameOrCode: string): ErrorExplanation | null {
  const text = nameOrCode.trim();
  if (/^-?\d+$/.test(text)) {
    const code = Number(text);
    const name = errorName(code);
    return ErrorCode[name] === code && name !== 'NONE' ? ofKafka(name as Known) : null;
  }
  const name = text.toUpperCase().replaceAll('-', '_');
  if (names.includes(name as Known)) return ofKafka(name as Known);
  const own = ownErrors[name];
  const rest = { name, code: null, example: null };
  if (own !== undefined) return { ...rest, kind: 'ours', meaning: own[0], remedy: own[1] };
  const hint = systemHints[name];
  if (hint === undefined) return null;
  return { ...rest, kind: 'system', meaning: 'an error of the system or of TLS', remedy: hint };
}

/** The name that was meant, or null. Java's `TopicExistsException` and the like are tried, too. */
export function nearestError(text: string): string | null {
  const name = text
    .replace(/(Exception|Error)$/, '')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase();
  const known = [...names, ...Object.keys(ownErrors), ...Object.keys(systemHints)];
  const within = known.find((each) => each.includes(name) && name.length > 3);
  return nearestName(name, known) ?? within ?? null;
}

function ofKafka(name: Known): ErrorExplanation {
  const code = ErrorCode[name];
  return {
    name,
    code,
    kind: errorKind(code),
    meaning: errorMessage(code),
    remedy: errorHints[name],
    example: errorExamples[name],
  };
}

const opening = `# Errors

<!-- Written by \`npm run docs\`, from src/protocol/errors.ts and src/client/error-hints.ts. -->

Every error that a client throws has \`code\`, \`retriable\`, \`fatal\`, \`abortable\` and \`hint\`:
what to do, in a sentence. Where it is known, it also has \`api\`, \`broker\`, \`topic\`,
\`partition\`, \`offset\`, \`attempts\`, \`elapsedMs\` and \`cause\`. \`partita explain error NAME\`
(or its number) shows one of them.

\`\`\`ts
try {
  await producer.send({ topic: 'orders', value });
} catch (error) {
  if (!isClientError(error)) throw error;
  console.error(error.message, error.hint);
}
\`\`\`

\`instanceof\` and \`isClientError\` hold although the program has two copies of the library, one of
them bundled.

The kind is that of KIP-1050:

- *retriable*: the client tries again by itself until its time is up
- *refresh-retriable*: the same, after it has asked for newer metadata
- *abortable*: abort the transaction, the producer may go on
- *application-recoverable*: close the client and make a new one (\`fatal\`)
- *invalid-configuration*: change rights, settings or records first (\`fatal\`)
- *other*: it depends on the call

## Kafka's errors
`;

/** The text of docs/errors.md. */
export function documentErrors(): string {
  const kafka = names.map(ofKafka).sort((a, b) => (a.code ?? 0) - (b.code ?? 0));
  const own = Object.entries(ownErrors);
  const system = Object.entries(systemHints);
  return [
    opening,
    '| Code | Error | Kind | What it means | What to do | For example |',
    '|---|---|---|---|---|---|',
    ...kafka.map(({ code, name, kind, meaning, remedy, example }) =>
      row([`${code}`, name, kind, meaning, remedy, example ?? '']),
    ),
    '\n## Errors of this library\n',
    '| Code | What it means | What to do |',
    '|---|---|---|',
    ...own.map(([name, [meaning, remedy]]) => row([name, meaning, remedy])),
    '\n## Errors of the system and of TLS\n',
    'The codes are those of Node.js; `TLS` stands for those that are not listed.\n',
    '| Code | What to do |',
    '|---|---|',
    ...system.map(([name, remedy]) => row([name, remedy])),
    '',
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
