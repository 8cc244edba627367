// The headers of a record (KIP-82): names with bytes, in order, a name as often as it was added.
//
// Invariant: order and duplicates are kept both ways; a value is bytes or null once it is in here.

import type { RecordHeader } from '../protocol/index.ts';
import { InvalidArgumentError } from './errors.ts';

/** Text is sent as UTF-8, a number as its decimal text; null is a header without a value. */
export type HeaderValue = Uint8Array | string | number | null;

/**
 * What a program may give as headers: an object, in which a list stands for a name that occurs
 * several times, a list of `{ key, value }` or of `[key, value]`, or `Headers`. A value that is
 * `undefined` leaves its header out.
 */
export type HeadersInput =
  | { readonly [key: string]: HeaderValue | undefined | readonly HeaderValue[] }
  | Iterable<{ readonly key: string; readonly value?: HeaderValue | undefined }>
  | Iterable<readonly [key: string, value: HeaderValue | undefined]>;

/** A header as it is kept and received. */
export interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

/**
 * The headers of one record, in the order in which they were added.
 *
 *     record.headers.text('trace-id');          // the last of that name, as text
 *     for (const { key, value } of record.headers) console.log(key, value);
 */
export class Headers implements Iterable<Header> {
  #list: readonly Header[];
  /** Whether `#list` is ours alone and may be changed in place. */
  #isOwn: boolean;

  /**
   * Headers of a program; none without an argument. Throws an InvalidArgumentError (which is a
   * TypeError) for what cannot be a header.
   */
  constructor(headers?: HeadersInput) {
    this.#list = headers === undefined ? [] : (headerListOf(headers).map(asReceived) as Header[]);
    this.#isOwn = true;
  }

  /**
   * @internal Headers that were decoded already: `list` is taken as it is, and copied before a
   * change.
   */
  static of(list: readonly Header[]): Headers {
    const headers = new this();
    headers.#list = list;
    headers.#isOwn = false;
    return headers;
  }

  /** How many headers there are; a name that occurs twice counts twice. */
  get length(): number {
    return this.#list.length;
  }

  /** All headers in order, for `for … of`. */
  [Symbol.iterator](): IterableIterator<Header> {
    return this.#list[Symbol.iterator]();
  }

  /** Whether there is a header of that name. */
  has(key: string): boolean {
    return this.#list.some((each) => each.key === key);
  }

  /** The value of the last header of that name (as Java's lastHeader); undefined without one. */
  get(key: string): Buffer | null | undefined {
    return this.#list.findLast((each) => each.key === key)?.value;
  }

  /** The values of all headers of that name, in order. */
  getAll(key: string): (Buffer | null)[] {
    return this.#list.filter((each) => each.key === key).map(({ value }) => value);
  }

  /** The value of the last header of that name as UTF-8 text; undefined without one. */
  text(key: string): string | null | undefined {
    const value = this.get(key);
    return value == null ? value : value.toString();
  }

  /**
   * Adds a header behind the others, also when there is one of that name. Throws an
   * InvalidArgumentError for what cannot be a header.
   */
  add(key: string, value: HeaderValue): this {
    this.#own().push(asReceived({ key: headerKeyOf(key), value: headerValueOf(key, value) }));
    return this;
  }

  /** Puts one header in place of all of that name. Throws as `add` does. */
  set(key: string, value: HeaderValue): this {
    this.delete(key);
    return this.add(key, value);
  }

  /** Takes away all headers of that name. True if there was one. */
  delete(key: string): boolean {
    const kept = this.#list.filter((each) => each.key !== key);
    if (kept.length === this.#list.length) return false;
    this.#own();
    this.#list = kept;
    return true;
  }

  /** An object for the eye and for JSON: texts, and a list where a name occurs more than once. */
  toJSON(): Record<string, string | null | (string | null)[]> {
    const entries = [...new Set(this.#list.map(({ key }) => key))].map((key) => {
      const texts = this.getAll(key).map((value) => value?.toString() ?? null);
      return [key, texts.length === 1 ? (texts[0] as string | null) : texts] as const;
    });
    return Object.fromEntries(entries);
  }

  #own(): Header[] {
    if (this === noHeaders) {
      throw new InvalidArgumentError(
        'these headers are shared by all records that have none: new Headers()',
      );
    }
    if (!this.#isOwn) this.#list = [...this.#list];
    this.#isOwn = true;
    return this.#list as Header[];
  }
}

/** Those of every record that has none. */
export const noHeaders: Headers = Headers.of(Object.freeze([]));

/**
 * What a program gave as the list that a record batch takes. A list that is one already is returned
 * as it is. Throws a TypeError for what cannot be a header.
 */
export function headerListOf(headers: HeadersInput): readonly RecordHeader[] {
  if (Array.isArray(headers) && headers.every(isReady)) return headers;
  if (typeof headers !== 'object' || headers === null) throw new InvalidArgumentError(expected);
  const list: RecordHeader[] = [];
  if (Symbol.iterator in headers) {
    for (const each of headers) {
      if (typeof each !== 'object' || each === null) throw new InvalidArgumentError(expected);
      const isPair = Array.isArray(each);
      const { key, value } = isPair ? { key: each[0], value: each[1] } : (each as RecordHeader);
      if (value !== undefined)
        list.push({ key: headerKeyOf(key), value: headerValueOf(key, value) });
    }
    return list;
  }
  for (const [key, value] of Object.entries(headers)) {
    if (Array.isArray(value))
      for (const each of value) list.push({ key, value: headerValueOf(key, each) });
    else if (value !== undefined) list.push({ key, value: headerValueOf(key, value) });
  }
  return list;
}

const expected =
  'headers are an object of values, or a list of { key, value }; ' +
  'a value is a string, bytes, a number or null';

function isReady(header: RecordHeader | null | undefined): boolean {
  if (typeof header?.key !== 'string') return false;
  return header.value === null || header.value instanceof Uint8Array;
}

function headerKeyOf(key: unknown): string {
  if (typeof key === 'string') return key;
  throw new InvalidArgumentError(`${expected}; a key is a string, not ${shown(key)}`);
}

function headerValueOf(key: unknown, value: unknown): Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'number') return Buffer.from(String(value));
  throw new InvalidArgumentError(`the header ${String(key)} is ${shown(value)}: ${expected}`);
}

function asReceived({ key, value }: RecordHeader): Header {
  if (value === null || Buffer.isBuffer(value)) return { key, value };
  return { key, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength) };
}

const shown = (value: unknown): string => (value === null ? 'null' : `of type ${typeof value}`);
