// Plain values as bytes, for requests between brokers that Kafka has no message for: JSON that
// keeps maps, byte strings and numbers without an end. Whoever meets another version says so.
//
// Invariant: what `decodeValue` returns is equal to what `encodeValue` was given, or it throws.

import { KafkaError } from '../../protocol/index.ts';

/** Of the form and of what is said in it. */
const version = 1;

type Json = string | number | boolean | null | undefined | Json[] | { [key: string]: Json };

export function encodeValue(value: unknown): Buffer {
  return Buffer.from(JSON.stringify({ version, value: toJson(value) }));
}

/** @throws KafkaError UNSUPPORTED_VERSION, INVALID_REQUEST */
export function decodeValue(bytes: Buffer): unknown {
  let read: { readonly version?: unknown; readonly value?: Json };
  try {
    read = JSON.parse(bytes.toString('utf8')) ?? {};
  } catch {
    throw new KafkaError('INVALID_REQUEST', 'what a broker sent is no JSON');
  }
  if (read.version === version) return fromJson(read.value);
  const what = `what a broker sent is of version ${String(read.version)}`;
  throw new KafkaError('UNSUPPORTED_VERSION', `${what}, and this broker knows ${version}`);
}

/** Objects with a name that begins so are marks of what JSON does not have. */
const mark = '$';

function toJson(value: unknown): Json {
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  if (typeof value !== 'object' || value === null) return value as Json;
  if (value instanceof Uint8Array) {
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64') };
  }
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return { $map: entriesToJson(value) };
  const entries = Object.entries(value);
  if (entries.some(([name]) => name.startsWith(mark))) return { $object: entriesToJson(entries) };
  return Object.fromEntries(entries.map(([name, each]) => [name, toJson(each)]));
}

function entriesToJson(entries: Iterable<readonly [unknown, unknown]>): Json[] {
  return Array.from(entries, ([key, each]): Json => [toJson(key), toJson(each)]);
}

function fromJson(json: Json): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(fromJson);
  const [first] = Object.keys(json);
  if (first?.startsWith(mark)) return fromMark(first, json[first]);
  return Object.fromEntries(Object.entries(json).map(([name, each]) => [name, fromJson(each)]));
}

function fromMark(name: string, json: Json): unknown {
  if (name === '$number' && typeof json === 'string') return Number(json);
  if (name === '$bytes' && typeof json === 'string') return Buffer.from(json, 'base64');
  if (name === '$map' && Array.isArray(json)) return new Map(entriesFromJson(json));
  if (name === '$object' && Array.isArray(json)) return Object.fromEntries(entriesFromJson(json));
  throw new KafkaError('INVALID_REQUEST', `what a broker sent has a ${name}`);
}

function entriesFromJson(json: Json[]): [string, unknown][] {
  return json.map((entry) => {
    if (!Array.isArray(entry) || entry.length !== 2) {
      throw new KafkaError('INVALID_REQUEST', 'what a broker sent has an entry that is no pair');
    }
    return entry.map(fromJson) as [string, unknown];
  });
}
