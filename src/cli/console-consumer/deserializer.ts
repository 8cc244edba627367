// Kafka's deserializers by the name of their Java class, as far as a console needs them: from
// bytes to what Java would print for the object.

import { readInt64 } from '../../base/int64.ts';
import { UsageError } from '../command-line.ts';
import { javaDouble, javaFloat } from './java-number.ts';

/** What to print: text, or bytes as they are. Throws if the bytes are no such value. */
export type Deserializer = (bytes: Buffer) => string | Buffer;

const raw: Deserializer = (bytes) => bytes;

function sized(name: string, sizeBytes: number, read: (bytes: Buffer) => string): Deserializer {
  return (bytes) => {
    if (bytes.length === sizeBytes) return read(bytes);
    throw new Error(
      `Size of data received by ${name} is not ${sizeBytes}: these are ${bytes.length} bytes`,
    );
  };
}

function readLong(bytes: Buffer): string {
  const value = readInt64(bytes, 0);
  return Number.isSafeInteger(value) ? String(value) : String(bytes.readBigInt64BE(0));
}

function readUuid(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new Error(`Error parsing data into UUID: '${text}'`);
}

const deserializers: Readonly<Record<string, Deserializer>> = {
  StringDeserializer: raw,
  ByteArrayDeserializer: raw,
  ByteBufferDeserializer: raw,
  BytesDeserializer: raw,
  IntegerDeserializer: sized('IntegerDeserializer', 4, (bytes) => String(bytes.readInt32BE(0))),
  LongDeserializer: sized('LongDeserializer', 8, readLong),
  ShortDeserializer: sized('ShortDeserializer', 2, (bytes) => String(bytes.readInt16BE(0))),
  FloatDeserializer: sized('FloatDeserializer', 4, (bytes) => javaFloat(bytes.readFloatBE(0))),
  DoubleDeserializer: sized('DoubleDeserializer', 8, (bytes) => javaDouble(bytes.readDoubleBE(0))),
  BooleanDeserializer: sized('BooleanDeserializer', 1, (bytes) => String(bytes[0] === 1)),
  UUIDDeserializer: readUuid,
};

/** null for bytes as they are. Throws a UsageError for a class that is not known. */
export function deserializerByName(className: string | undefined): Deserializer | null {
  if (className === undefined) return null;
  const name = className.trim().replace(/^.*\./, '');
  const found = deserializers[name] ?? deserializers[`${name}Deserializer`];
  if (found !== undefined) return found === raw ? null : found;
  throw new UsageError(
    `there is no deserializer ${className}: Java classes cannot be loaded; known are ` +
      Object.keys(deserializers).join(', '),
  );
}
