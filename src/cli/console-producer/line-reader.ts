// Makes a record of a line: headers, key and value, with the separators that the properties of
// the console producer name. Works on bytes; only header names become text.

import type { ProducerRecord } from '../../client/index.ts';
import { UsageError } from '../command-line.ts';

export class LineReader {
  readonly #topic: string;
  readonly #parsesKey: boolean;
  readonly #parsesHeaders: boolean;
  readonly #ignoresErrors: boolean;
  readonly #keySeparator: Buffer;
  readonly #headersDelimiter: Buffer;
  readonly #headersSeparator: string;
  readonly #headersKeySeparator: string;
  readonly #nullMarker: Buffer | null;

  /** Throws a UsageError for an unknown property and for separators that contradict each other. */
  constructor(topic: string, properties: ReadonlyMap<string, string>) {
    const text = (key: string, fallback: string): string => properties.get(key) ?? fallback;
    const flag = (key: string): boolean => text(key, 'false').trim().toLowerCase() === 'true';
    assertKnown(properties);
    this.#topic = topic;
    this.#parsesKey = flag('parse.key');
    this.#parsesHeaders = flag('parse.headers');
    this.#ignoresErrors = flag('ignore.error');
    this.#headersSeparator = text('headers.separator', ',');
    this.#headersKeySeparator = text('headers.key.separator', ':');
    this.#keySeparator = Buffer.from(text('key.separator', '\t'));
    this.#headersDelimiter = Buffer.from(text('headers.delimiter', '\t'));
    const marker = properties.get('null.marker');
    this.#nullMarker = marker === undefined ? null : Buffer.from(marker);
    this.#assertDistinct(properties);
  }

  /** Whether a line is nothing but a value: the quick way. */
  get isPlain(): boolean {
    return !this.#parsesKey && !this.#parsesHeaders && this.#nullMarker === null;
  }

  /** Throws a UsageError that quotes the line if it lacks a separator. */
  read(line: Buffer, lineNumber: number): ProducerRecord {
    if (this.isPlain) return { topic: this.#topic, value: line };
    let position = 0;
    const cut = (separator: Buffer, name: string): Buffer | null => {
      const at = line.indexOf(separator, position);
      if (at >= 0) {
        const part = line.subarray(position, at);
        position = at + separator.length;
        return part;
      }
      if (this.#ignoresErrors) return null;
      throw new UsageError(`No ${name} found on line number ${lineNumber}: '${line}'`);
    };
    const headers = this.#parsesHeaders ? cut(this.#headersDelimiter, 'headers delimiter') : null;
    const key = this.#parsesKey ? cut(this.#keySeparator, 'key separator') : null;
    return {
      topic: this.#topic,
      key: this.#orNull(key),
      value: this.#orNull(line.subarray(position)),
      headers: this.#readHeaders(this.#orNull(headers), lineNumber),
    };
  }

  #orNull(bytes: Buffer | null): Buffer | null {
    if (bytes === null || this.#nullMarker === null) return bytes;
    return bytes.equals(this.#nullMarker) ? null : bytes;
  }

  #readHeaders(bytes: Buffer | null, lineNumber: number): { key: string; value: Buffer | null }[] {
    if (bytes === null) return [];
    const pairs = bytes.toString('utf8').split(this.#headersSeparator);
    // Java's split drops empty parts at the end, but never the only one.
    while (pairs.length > 1 && pairs.at(-1) === '') pairs.pop();
    return pairs.map((pair) => {
      const at = pair.indexOf(this.#headersKeySeparator);
      if (at < 0) {
        if (this.#ignoresErrors) return { key: pair, value: null };
        throw new UsageError(
          `No header key separator found in pair '${pair}' on line number ${lineNumber}`,
        );
      }
      const key = pair.slice(0, at);
      if (this.#nullMarker?.equals(Buffer.from(key))) {
        throw new UsageError(
          `Header keys should not be equal to the null marker '${key}' as they can't be null`,
        );
      }
      const value = Buffer.from(pair.slice(at + this.#headersKeySeparator.length));
      return { key, value: this.#orNull(value) };
    });
  }

  #assertDistinct(properties: ReadonlyMap<string, string>): void {
    const separators: [name: string, text: string][] = [];
    if (this.#parsesKey) separators.push(['key.separator', String(this.#keySeparator)]);
    if (this.#parsesHeaders) {
      separators.push(['headers.delimiter', String(this.#headersDelimiter)]);
      separators.push(['headers.separator', this.#headersSeparator]);
      separators.push(['headers.key.separator', this.#headersKeySeparator]);
    }
    const empty = separators.find(([, text]) => text === '');
    if (empty !== undefined) throw new UsageError(`${empty[0]} may not be empty`);
    const marker = properties.get('null.marker');
    if (marker !== undefined) separators.push(['null.marker', marker]);
    for (const [index, [name, text]] of separators.entries()) {
      const same = separators.slice(index + 1).find((each) => each[1] === text);
      // After the headers comes the key: both may end with a tab.
      if (same === undefined || `${name} ${same[0]}` === 'key.separator headers.delimiter')
        continue;
      throw new UsageError(`${name} and ${same[0]} may not be equal`);
    }
  }
}

const knownProperties: ReadonlySet<string> = new Set([
  'topic',
  'parse.key',
  'parse.headers',
  'ignore.error',
  'key.separator',
  'headers.delimiter',
  'headers.separator',
  'headers.key.separator',
  'null.marker',
]);

function assertKnown(properties: ReadonlyMap<string, string>): void {
  for (const key of properties.keys()) {
    if (knownProperties.has(key)) continue;
    throw new UsageError(
      `the line reader has no property ${key}; it has ${[...knownProperties].slice(1).join(', ')}`,
    );
  }
}
