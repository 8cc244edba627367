// How the keys of the port lie in etcd, which knows no folders: `<prefix>/<key>`, as base64 in
// JSON.
//
// Invariant: whatever is asked or removed begins with the prefix and a slash, so that clusters
// whose prefixes begin alike, /kafka and /kafka2, never see each other.

import { HttpError } from './http-answer-reader.ts';

export interface KeyRange {
  readonly key: string;
  readonly range_end: string;
}

export interface StoredEntry {
  /** Below the prefix. */
  readonly key: string;
  readonly value: Buffer;
  readonly modRevision: string;
}

export class EtcdKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = `${prefix}/`;
  }

  key(key: string): string {
    return base64(`${this.#prefix}${key}`);
  }

  /** Everything below the folder, at any depth, from the name on. */
  below(folder: string, from = ''): KeyRange {
    // "0" follows the slash.
    return { key: this.key(`${folder}/${from}`), range_end: this.key(`${folder}0`) };
  }

  /** Everything below the prefix. */
  all(): KeyRange {
    return { key: base64(this.#prefix), range_end: base64(`${this.#prefix.slice(0, -1)}0`) };
  }

  /** @throws HttpError when it is none, or not one of ours */
  parse(entry: unknown): StoredEntry {
    const { key, value = '', mod_revision: modRevision } = (entry ?? {}) as Record<string, unknown>;
    if (typeof key !== 'string' || typeof value !== 'string' || typeof modRevision !== 'string') {
      throw new HttpError('an entry of its answer makes no sense: is this an etcd?');
    }
    const whole = Buffer.from(key, 'base64').toString();
    if (!whole.startsWith(this.#prefix)) throw new HttpError('it answers with a foreign key');
    return {
      key: whole.slice(this.#prefix.length),
      value: Buffer.from(value, 'base64'),
      modRevision,
    };
  }
}

/** Of an entry of any prefix; empty: it is none. */
export function keyOf(entry: unknown): string {
  const { key } = (entry ?? {}) as { key?: unknown };
  return typeof key === 'string' ? Buffer.from(key, 'base64').toString() : '';
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
