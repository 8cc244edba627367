// Bytes, text and uuids as Java's serializers of these names write them.

import type { Serde } from './serde.ts';

/** Java's ByteArraySerde: bytes as they are. */
export const bytes = (): Serde<Buffer, Uint8Array> => ({
  serialize(_topic, value) {
    if (value instanceof Uint8Array) return value;
    throw new TypeError(`bytes are a Uint8Array, not of type ${typeof value}: string() takes text`);
  },
  deserialize: (_topic, given) => given,
});

/**
 * Java's StringSerde: UTF-8. A lone surrogate, for which UTF-8 has no place, is refused (Java
 * writes a question mark in its place); bytes that are not UTF-8 are read as U+FFFD, as in Java.
 */
export const string = (): Serde<string> => ({
  serialize(_topic, value) {
    if (typeof value !== 'string') {
      throw new TypeError(`string() takes text, not a value of type ${typeof value}`);
    }
    if (!(value as WellFormed).isWellFormed()) {
      throw new RangeError('the text has half of a surrogate pair, which UTF-8 cannot hold');
    }
    return Buffer.from(value);
  },
  deserialize: (_topic, given) => given.toString(),
});

/** Of ES2024, which every Node.js from 20 on has. */
type WellFormed = string & { isWellFormed(): boolean };

const canonical = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Java's UUIDSerde: the 36 characters of a uuid, in lower case, as UTF-8. */
export const uuid = (): Serde<string> => ({
  serialize: (_topic, value) => Buffer.from(checked(value)),
  deserialize: (_topic, given) => checked(given.toString()),
});

function checked(text: string): string {
  if (typeof text === 'string' && canonical.test(text)) return text.toLowerCase();
  throw new TypeError(`${JSON.stringify(text)} is not a uuid of 36 characters`);
}
