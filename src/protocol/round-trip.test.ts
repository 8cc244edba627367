// What is encoded is decoded to the same value, for every API at every version, over values that
// fast-check makes up from the schema itself: so a field added to a schema is tested by being
// there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { uuidFromBytes } from '../base/uuid.ts';
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeStruct,
  decodeVersioned,
  encodeRequest,
  encodeResponse,
  encodeStruct,
  encodeVersioned,
} from './codec.ts';
import { allApis } from './messages/index.ts';
import type { Field, Fields, ScalarType, Schema } from './schema.ts';
import { defaultOf, isIn } from './schema.ts';
import { allStructs } from './structs/index.ts';

type Value = Record<string, unknown>;

const safeInteger = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 2 ** 63, -(2 ** 63), 2 ** 32, -(2 ** 32), 2 ** 31, -(2 ** 31)),
);
const buffer = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));

const scalars: { readonly [Type in ScalarType]: fc.Arbitrary<unknown> } = {
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 0xffffffff }),
  int64: safeInteger,
  float64: fc.double({ noNaN: true }),
  bool: fc.boolean(),
  string: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.constant('x'.repeat(200))),
  bytes: buffer,
  records: fc.oneof(buffer, fc.constant(Buffer.alloc(1000, 7))),
  uuid: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((array) => uuidFromBytes(Buffer.from(array), 0)),
};

/** Values that a version can carry; the fields that it lacks have their default, as decoded. */
function structOf(fields: Fields, message: Schema, version: number): fc.Arbitrary<Value> {
  const members = Object.entries(fields).map(
    ([name, field]) =>
      [
        name,
        isIn(field.versions, version)
          ? fieldOf(field, message, version)
          : fc.constant(null).map(() => defaultOf(field)),
      ] as const,
  );
  return fc.record(Object.fromEntries(members)) as fc.Arbitrary<Value>;
}

function elementOf(field: Field, message: Schema, version: number): fc.Arbitrary<unknown> {
  if (typeof field.element === 'string') return scalars[field.element];
  return structOf(field.element as Fields, message, version);
}

function fieldOf(field: Field, message: Schema, version: number): fc.Arbitrary<unknown> {
  const plain =
    field.kind === 'scalar'
      ? scalars[field.scalar as ScalarType]
      : field.kind === 'array'
        ? fc.array(elementOf(field, message, version), { maxLength: 3 })
        : elementOf(field, message, version);
  const choices = [{ weight: 5, arbitrary: plain }];
  if (isIn(field.nullable, version) || field.scalar === 'records') {
    choices.push({ weight: 1, arbitrary: fc.constant(null) });
  }
  // A tagged field at its default is not on the wire at all, and must read as its default again.
  if (field.tag !== null) {
    choices.push({ weight: 3, arbitrary: fc.constant(null).map(() => defaultOf(field)) });
  }
  return fc.oneof(...choices);
}

function eachVersion(message: Schema, check: (version: number) => void): void {
  for (let version = message.versions.min; isIn(message.versions, version); version++) {
    check(version);
  }
}

/** fast-check's records have no prototype; ours have. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

const runs = { numRuns: 20, seed: 20 };

test('every version of every request reads back as it was written, behind its header', () => {
  for (const api of allApis) {
    eachVersion(api.request, (version) => {
      const clientId = fc.option(fc.string({ maxLength: 10 }));
      const correlationId = fc.integer();
      const body = structOf(api.request.fields, api.request, version);
      fc.assert(
        fc.property(clientId, correlationId, body, (clientId, correlationId, body) => {
          const frame = Buffer.concat(
            encodeRequest(api, version, { correlationId, clientId }, body),
          );
          assert.equal(frame.readInt32BE(0), frame.length - 4);
          const header = decodeRequestHeader(frame.subarray(4));
          assert.equal(header.apiKey, api.key);
          assert.equal(header.apiVersion, version);
          assert.equal(header.correlationId, correlationId);
          const hasClientId = api.name !== 'ControlledShutdown' || version > 0;
          assert.equal(header.clientId, hasClientId ? clientId : null);
          const decoded = decodeRequest(api, version, frame.subarray(4), header.bodyPosition);
          assert.deepStrictEqual(decoded, plain(body), `${api.name} v${version}`);
        }),
        runs,
      );
    });
  }
});

test('every version of every response reads back as it was written, behind its header', () => {
  for (const api of allApis) {
    eachVersion(api.response, (version) => {
      const body = structOf(api.response.fields, api.response, version);
      fc.assert(
        fc.property(fc.integer(), body, (correlationId, body) => {
          const frame = Buffer.concat(encodeResponse(api, version, correlationId, body));
          assert.equal(frame.readInt32BE(0), frame.length - 4);
          const decoded = decodeResponse(api, version, frame.subarray(4));
          assert.equal(decoded.correlationId, correlationId);
          assert.deepStrictEqual(decoded.body, plain(body), `${api.name} v${version}`);
        }),
        runs,
      );
    });
  }
});

test('every version of every struct reads back as it was written, with and without prefix', () => {
  for (const struct of allStructs) {
    eachVersion(struct, (version) => {
      fc.assert(
        fc.property(structOf(struct.fields, struct, version), (value) => {
          const expected = plain(value);
          const alone = encodeStruct(struct, version, value);
          assert.deepStrictEqual(decodeStruct(struct, version, alone), expected, struct.name);
          const versioned = encodeVersioned(struct, version, value);
          assert.deepStrictEqual(decodeVersioned(struct, versioned), { version, value: expected });
        }),
        runs,
      );
    });
  }
});
