// Files of Java's JAAS: sections, each with login modules and their options.
//
//   Client {
//     org.apache.zookeeper.server.auth.DigestLoginModule required
//     username="kafka" password="secret";
//   };
//
// The same without a section is the value of a key: `sasl.jaas.config`.
//
// Invariant: a file that is not of this form is refused with its line and a remedy; no value is in
// a message, since it may be a password.

import { ConfigError } from '../../config/index.ts';

export interface JaasEntry {
  /** The Java class. */
  readonly loginModule: string;
  readonly options: ReadonlyMap<string, string>;
}

export type JaasSections = ReadonlyMap<string, readonly JaasEntry[]>;

/** @throws ConfigError that names the line */
export function parseJaas(text: string): JaasSections {
  const words = new Words(text);
  const sections = new Map<string, readonly JaasEntry[]>();
  while (!words.isAtEnd) {
    const name = words.word('the name of a section');
    words.take('{');
    const entries: JaasEntry[] = [];
    while (!words.isNext('}')) entries.push(parseEntry(words));
    words.take('}');
    if (!words.isNext(';')) throw words.unexpected('a semicolon behind the } of a section');
    words.take(';');
    sections.set(name, entries);
  }
  return sections;
}

/** The one login module of a `sasl.jaas.config`. @throws ConfigError that names the line */
export function parseJaasConfig(text: string): JaasEntry {
  const words = new Words(text);
  const entry = parseEntry(words);
  if (!words.isAtEnd) throw words.unexpected('nothing more: one login module and its options');
  return entry;
}

const flags = /^(required|requisite|sufficient|optional)$/i;

function parseEntry(words: Words): JaasEntry {
  const loginModule = words.word('a login module');
  if (words.isNext('=')) {
    throw words.unexpected(
      `a login module, and ${loginModule} is an option: ` +
        'take out the semicolon in front of it, which ends the login module',
    );
  }
  const flag = words.word('required');
  if (!flags.test(flag)) throw words.unexpected('required, requisite, sufficient or optional');
  const options = new Map<string, string>();
  while (!words.isNext(';')) {
    if (words.isNext('}')) throw words.unexpected('a semicolon behind the last option');
    const name = words.word('the name of an option');
    words.take('=');
    options.set(name, words.word('a value'));
  }
  words.take(';');
  return { loginModule, options };
}

interface Token {
  readonly kind: 'sign' | 'word';
  readonly text: string;
  readonly line: number;
}

class Words {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  isNext(sign: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'sign' && token.text === sign;
  }

  take(sign: string): void {
    if (!this.isNext(sign)) throw this.unexpected(sign);
    this.#at += 1;
  }

  word(what: string): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word') throw this.unexpected(what);
    this.#at += 1;
    return token.text;
  }

  unexpected(expected: string): ConfigError {
    const line = (this.#tokens[this.#at] ?? this.#tokens.at(-1))?.line ?? 1;
    const where = this.isAtEnd ? `the end, behind line ${line}` : `line ${line}`;
    return new ConfigError(null, `${where}: expected ${expected}`);
  }
}

/** Comments are Java's; quotes keep spaces and signs, and a backslash keeps a quote. */
function tokensOf(text: string): Token[] {
  const alternatives = [
    String.raw`//[^\n]*|/\*.*?\*/|\s+`,
    '(?<sign>[{};=])',
    String.raw`"(?<quoted>(?:[^"\\\n]|\\.)*)"`,
    String.raw`(?<bare>[^\s{};="]+)`,
  ];
  const pattern = new RegExp(alternatives.join('|'), 'gsy');
  const tokens: Token[] = [];
  let line = 1;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw new ConfigError(null, `line ${line}: a quote is not closed`);
    const { sign, quoted, bare } = match.groups as Record<string, string | undefined>;
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, line });
    const word = quoted?.replaceAll(/\\(.)/gs, '$1') ?? bare;
    if (word !== undefined) tokens.push({ kind: 'word', text: word, line });
    line += match[0].split('\n').length - 1;
  }
  return tokens;
}
