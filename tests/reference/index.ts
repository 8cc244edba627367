// docs/client-reference.md: every option, method, function and type of the client library, from the
// TSDoc texts and signatures in src/client.
//
// declarations.ts   reads a source file
// public-names.ts   what src/client/index.ts exports
//
// Invariant: what a program can import is on the page, once, and no option, method, class or
// function is there without a text.

import { join } from 'node:path';
import { clientRules, type PropertyRule } from '../../src/client/client-options.ts';
import { consumerRules } from '../../src/client/consumer/consumer-options.ts';
import { ownErrors } from '../../src/client/error-hints.ts';
import { producerRules } from '../../src/client/producer/producer-options.ts';
import { saslKeys, sslKeys, sslOption } from '../../src/client/security-options.ts';
import { ErrorCode } from '../../src/protocol/index.ts';
import { projectRoot } from '../root.ts';
import type { Member } from './declarations.ts';
import { type PublicName, readPublicNames } from './public-names.ts';

const introduction = `# Reference of the client library

<!-- Written by \`npm run docs\`, from the TSDoc texts in src/client. -->

Every option, method, function and type that \`partita/client\` exports. [client.md](client.md) is
the guide, with examples; [errors.md](errors.md) explains every error by its name;
[values.md](values.md) says what each type of a serde is.

- An option may also be given under Java's name: \`{ 'linger.ms': 5 }\` is \`{ lingerMs: 5 }\`. An
  option that does not exist is refused with a \`ClientConfigError\`, and so is a value that is not
  possible.
- A name that ends in \`Ms\` is a number of milliseconds, one with \`Bytes\` a number of bytes.
- A method that asks brokers throws a \`KafkaError\` when they refuse or do not answer in time; its
  \`hint\` says what to do. A method of a client that was closed throws an \`IllegalStateError\`.
- Constructors take further parameters (\`io\`, \`shared\`): for tests, and for \`connect\`.
`;

const aboutErrors = `## Errors

Each has \`code\`, \`retriable\`, \`fatal\`, \`abortable\` and \`hint\`; [errors.md](errors.md)
explains the codes. A SchemaError has none of these: it is the \`cause\` of a SerdeError.

| Class | Code | What it is |
| --- | --- | --- |`;

type JavaNames = (option: string) => readonly string[];

const ofRules =
  (rules: Readonly<Record<string, PropertyRule>>): JavaNames =>
  (option) =>
    Object.keys(rules).filter((key) => rules[key]?.[0] === option);

/** Options that have names in Java; of all others the names end in Options. */
const javaNames: Readonly<Record<string, JavaNames>> = {
  ClientOptions: ofRules(clientRules),
  ProducerOptions: ofRules(producerRules),
  ConsumerOptions: ofRules(consumerRules),
  SecurityOptions: (option) => (option === 'securityProtocol' ? ['security.protocol'] : []),
  SslOptions: (option) => sslKeys.filter((key) => sslOption(key) === option),
  SaslOptions: (option) => [...saslKeys].filter(([, name]) => name === option).map(([key]) => key),
};

/** What a program works with, in the order of the page, and how it comes by it. */
const things: readonly (readonly [name: string, called: string, isMade: boolean])[] = [
  ['Producer', 'producer', true],
  ['Transaction', 'transaction', false],
  ['Consumer', 'consumer', true],
  ['ConsumerBatch', 'batch', false],
  ['SubscriptionPattern', 'pattern', true],
  ['Admin', 'admin', true],
  ['ClusterRequests', 'admin.cluster', false],
  ['AclRequests', 'admin.acls', false],
  ['CredentialRequests', 'admin.credentials', false],
  ['TokenRequests', 'admin.tokens', false],
  ['TransactionRequests', 'admin.transactions', false],
  ['ReplicaRequests', 'admin.replicas', false],
  ['Connection', 'connection', false],
  ['Headers', 'headers', true],
  ['Serde', 'serde', false],
  ['Decimal', 'decimal', false],
];

/** The text of docs/client-reference.md. Throws an Error that names what has no text. */
export function documentReference(
  names: ReadonlyMap<string, PublicName> = readPublicNames(
    join(projectRoot, 'src/client/index.ts'),
  ),
): string {
  const left = new Map([...names].filter(([, { text }]) => !text?.includes('@internal')));
  const take = (isTaken: (each: PublicName) => boolean): PublicName[] => {
    const taken = [...left.values()].filter(isTaken);
    for (const { name } of taken) left.delete(name);
    return taken;
  };
  const options = take(({ kind, name }) => kind === 'interface' && name.endsWith('Options'));
  const ordered = inOrder(options, [...Object.keys(javaNames), 'RunOptions', 'RunBatchOptions']);
  const errors = take(({ kind, name }) => kind === 'class' && name.endsWith('Error'));
  const functions = take(({ kind, signatures: [head] }) => {
    return kind === 'function' || (kind === 'const' && /^const \w+ = \(/.test(head ?? ''));
  });
  const shown = things.flatMap(([name, called, isMade]) =>
    take((each) => each.name === name).map((each) => documentThing(each, called, isMade)),
  );
  const constants = take(({ kind }) => kind === 'const');
  const types = take(({ kind }) => kind === 'interface' || kind === 'type');
  for (const { name } of left.values()) {
    throw new Error(`tests/reference/index.ts has no place for ${name}: add it to \`things\``);
  }
  const parts = [
    introduction,
    '## Options\n',
    `${contents(ordered.map(({ name }) => name))}\n`,
    ...ordered.map((each) => documentOptions(each, names)),
    '## Classes\n',
    `${contents(things.map(([name]) => name))}\n`,
    ...shown,
    '## Functions\n',
    ...functions.map(documentFunction),
    aboutErrors,
    ...errors.map(documentError),
    '\n## Constants\n',
    ...constants.map((each) => documentFunction(each)),
    '## Types\n',
    ...types.map(documentType),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

function inOrder(some: readonly PublicName[], first: readonly string[]): PublicName[] {
  const rank = ({ name }: PublicName): number => first.indexOf(name) + 1 || first.length + 1;
  return [...some].sort((a, b) => rank(a) - rank(b));
}

function documentOptions(options: PublicName, names: ReadonlyMap<string, PublicName>): string {
  const { name, text, bases, beside } = options;
  // RunBatchOptions refers to RunOptions for what both have.
  const inherited = bases.flatMap((base) => {
    const isShown = name !== 'RunBatchOptions' && !names.has(base);
    return isShown ? (beside.get(base)?.members ?? []) : [];
  });
  const java = javaNames[name];
  const rows = [...options.members, ...inherited].map((member) => {
    const what = told(`${name}.${member.name}`, member.text);
    const shown = `\`${member.name}\`${member.isOptional ? '' : ' (needed)'}`;
    const theirs = (java?.(member.name) ?? []).map((each) => `\`${each}\``).join(', ');
    return row([shown, ...(java === undefined ? [] : [theirs]), code(member), line(what)]);
  });
  const head = ['Option', ...(java === undefined ? [] : ["Java's name"]), 'Type', 'What it does'];
  const also = bases.filter((base) => names.has(base));
  return [
    `### ${name}\n`,
    `${linked(told(name, text))}\n`,
    ...(also.length === 0 ? [] : [`Also those of ${contents(also)}.\n`]),
    row(head),
    row(head.map(() => '---')),
    ...rows,
    '',
  ].join('\n');
}

function documentThing(thing: PublicName, called: string, isMade: boolean): string {
  const { name, text, members } = thing;
  const shown = members.filter((each) => isMade || each.name !== 'constructor');
  const parts = [`### ${name}\n`, `${linked(told(name, text))}\n`];
  for (const member of shown) {
    const what = told(`${name}.${member.name}`, member.text);
    if (what.includes('@internal')) continue;
    const signatures = shown.filter((each) => each.name === member.name);
    if (signatures[0] !== member) continue;
    parts.push(`#### ${headingOf(member, name, called)}\n`);
    parts.push(fenced(signatures.map(({ signature }) => signature).join('\n')));
    parts.push(`${linked(what)}\n`);
  }
  return parts.join('\n');
}

function headingOf({ name, signature }: Member, thing: string, called: string): string {
  if (name === 'constructor') return `new ${thing}`;
  if (name.startsWith('[')) return `${called}${name}`;
  return signature.startsWith('static ') ? `${thing}.${name}` : `${called}.${name}`;
}

function documentFunction({ name, text, signatures }: PublicName): string {
  return `### ${name}\n\n${fenced(signatures.join('\n'))}\n${linked(told(name, text))}\n`;
}

function documentError({ name, text, source, bases }: PublicName): string {
  const [, own] = /readonly code = '(\w+)'/.exec(source) ?? [];
  const isKafkas = name === 'KafkaError' || bases.includes('KafkaError');
  const link = own === undefined ? '' : `[${own}](errors.md#errors-of-this-library)`;
  const shown = isKafkas ? "[Kafka's](errors.md#kafkas-errors)" : link;
  return row([`\`${name}\``, shown, line(told(name, text))]);
}

function documentType({ kind, name, text, source, members }: PublicName): string {
  if (kind === 'interface') {
    for (const each of members) if (each.isMethod) told(`${name}.${each.name}`, each.text);
  }
  return `### ${name}\n\n${text === null ? '' : `${linked(text)}\n\n`}${fenced(source)}`;
}

/** @throws Error when there is no text */
function told(name: string, text: string | null): string {
  if (text !== null && text !== '') return text;
  throw new Error(`${name} has no TSDoc text: docs/client-reference.md needs one`);
}

const fenced = (source: string): string => `\`\`\`ts\n${source}\n\`\`\`\n`;

const contents = (names: readonly string[]): string =>
  names.map((name) => `[${name}](#${name.toLowerCase()})`).join(' · ');

function code({ isMethod, signature, type }: Member): string {
  const text = isMethod ? signature : type;
  return `\`${text.replace(/\s+/g, ' ').replace(/^\| /, '')}\``;
}

const line = (text: string): string => linked(text.replace(/\s*\n\s*/g, ' '));

/** Names of errors lead to their explanation, but not within examples. */
function linked(text: string): string {
  return text.replace(/^ {4}.*$|`[^`]*`|\b[A-Z]+_[A-Z_]+\b/gm, (found) => {
    const isError = Object.hasOwn(ErrorCode, found) || Object.hasOwn(ownErrors, found);
    return isError ? `[${found}](errors.md)` : found;
  });
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
