// Bytes from programs that share no code with ours: Java's message classes, and brokers as recorded
// by kafkajs. They are the proof that a schema is right, which a round trip through one's own codec
// cannot give. golden/README.md tells where they come from.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeStruct, encodeStruct } from './codec.ts';
import { allApis } from './messages/index.ts';
import type { Fields, Schema } from './schema.ts';
import { isIn } from './schema.ts';
import { allStructs } from './structs/index.ts';

interface Golden {
  readonly file?: string;
  readonly message: string;
  readonly version: number;
  readonly hex: string;
  readonly value?: Record<string, unknown>;
}

const messages = new Map<string, Schema>(allStructs.map((struct) => [struct.name, struct]));
for (const api of allApis) {
  messages.set(api.request.name, api.request);
  messages.set(api.response.name, api.response);
}

/** The files stay with the sources; this test runs from a build folder somewhere below the root. */
function readGolden(name: string): Golden[] {
  let root = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', root))) root = new URL('..', root);
  const text = readFileSync(new URL(`src/protocol/golden/${name}`, root), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Golden);
}

function messageOf(golden: Golden): Schema {
  const message = messages.get(golden.message);
  assert(message !== undefined, golden.message);
  return message;
}

/** Kafka's JSON form to our values: buffers for base64, defaults for what is not there. */
function fromJson(fields: Fields, json: Record<string, unknown>): Record<string, unknown> {
  const value = { ...json };
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name];
    if (given === undefined || given === null) continue;
    if (field.scalar === 'bytes' || field.scalar === 'records') {
      value[name] = Buffer.from(given as string, 'base64');
    } else if (field.kind === 'struct') {
      value[name] = fromJson(field.element as Fields, given as Record<string, unknown>);
    } else if (field.kind === 'array' && typeof field.element !== 'string') {
      value[name] = (given as Record<string, unknown>[]).map((element) =>
        fromJson(field.element as Fields, element),
      );
    }
  }
  return value;
}

/** Every field that the JSON has reads as there; the others are free. */
function assertHolds(actual: unknown, expected: unknown, path: string): void {
  if (Buffer.isBuffer(expected) || expected === null || typeof expected !== 'object') {
    assert.deepEqual(actual, expected, path);
  } else if (Array.isArray(expected)) {
    assert.equal((actual as unknown[]).length, expected.length, path);
    expected.forEach((element, i) => {
      assertHolds((actual as unknown[])[i], element, `${path}[${i}]`);
    });
  } else {
    for (const [name, inner] of Object.entries(expected)) {
      assertHolds((actual as Record<string, unknown>)[name], inner, `${path}.${name}`);
    }
  }
}

function assertGolden(golden: Golden): void {
  const message = messageOf(golden);
  const title = `${golden.file ?? golden.message} v${golden.version}`;
  const bytes = Buffer.from(golden.hex, 'hex');
  const decoded = decodeStruct(message, golden.version, bytes);
  assert.equal(encodeStruct(message, golden.version, decoded).toString('hex'), golden.hex, title);
  if (golden.value === undefined) return;
  const value = fromJson(message.fields, golden.value);
  assertHolds(decoded, value, title);
  assert.equal(encodeStruct(message, golden.version, value).toString('hex'), golden.hex, title);
}

for (const source of ['kafka-clients-4.4.0', 'kafka-clients-3.9.1', 'kafkajs']) {
  test(`every message of ${source} is read and written byte for byte`, () => {
    const lines = readGolden(`${source}.jsonl`);
    assert.ok(lines.length > 50, `${source} has ${lines.length} lines`);
    for (const golden of lines) assertGolden(golden);
  });
}

test('every version of every request, response and struct has bytes from Java', () => {
  const seen = new Set<string>();
  for (const source of ['kafka-clients-4.4.0', 'kafka-clients-3.9.1']) {
    for (const { message, version } of readGolden(`${source}.jsonl`)) {
      seen.add(`${message} v${version}`);
    }
  }
  for (const message of messages.values()) {
    for (let version = message.versions.min; isIn(message.versions, version); version++) {
      assert.ok(seen.has(`${message.name} v${version}`), `${message.name} v${version}`);
    }
  }
});
