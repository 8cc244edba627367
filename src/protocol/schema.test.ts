// The schema language: version ranges, and the types that TypeScript infers from a schema. The
// assignments here are checked by the compiler; that this file builds is half of its tests.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionFailed } from '../base/assert.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import { allApis, apiByKey } from './messages/index.ts';
import type { RequestInput, RequestOf, ResponseInput, StructInput, StructOf } from './schema.ts';
import {
  array,
  bytes,
  defaultsOf,
  defineApi,
  defineStruct,
  int16,
  int32,
  int64,
  isIn,
  parseVersions,
  records,
  string,
  struct,
  uuid,
} from './schema.ts';
import { allStructs } from './structs/index.ts';

const example = defineApi({
  name: 'Example',
  key: 999,
  versions: '0-3',
  flexible: '2+',
  request: {
    name: string('0+'),
    owner: string('0+', { nullable: '1+' }),
    limit: int32('0+', { default: 10 }),
    later: int64('2+'),
    parts: array('0+', { index: int32('0+'), records: records('0+') }),
    ids: array('1+', 'uuid'),
  },
  response: { errorCode: int16('0+'), leader: struct('0+', { id: int32('0+') }, { tag: 0 }) },
});

test('version ranges are read as Kafka writes them', () => {
  assert.deepEqual(parseVersions('0+'), { min: 0, max: 32767 });
  assert.deepEqual(parseVersions('3-7'), { min: 3, max: 7 });
  assert.deepEqual(parseVersions('5'), { min: 5, max: 5 });
  assert.ok(!isIn(parseVersions('none'), 0));
  for (const wrong of ['', '+', '1-', 'v1', '-1']) {
    assert.throws(() => parseVersions(wrong), AssertionFailed, wrong);
  }
});

test('what encoding may leave out is optional in the types, and nothing else is', () => {
  const least: RequestInput<typeof example> = { name: 'a', owner: null, parts: [] };
  const slices: RequestInput<typeof example> = {
    ...least,
    parts: [{ index: 0, records: [Buffer.alloc(1)] }],
    ids: [ZERO_UUID],
  };
  // @ts-expect-error: a field of every version without a default must be given
  const nameless: RequestInput<typeof example> = { owner: null, parts: [] };
  // @ts-expect-error: a name that no version has
  const unknown: ResponseInput<typeof example> = { errorCode: 0, error: 1 };
  // @ts-expect-error: null where no version has null
  const nulled: RequestInput<typeof example> = { name: null, owner: null, parts: [] };
  assert.ok(least && slices && nameless && unknown && nulled);
});

test('what was decoded has every field, and may be encoded again', () => {
  const decoded: RequestOf<typeof example> = {
    name: 'a',
    owner: null,
    limit: 1,
    later: 2,
    parts: [{ index: 1, records: null }],
    ids: [],
  };
  const again: RequestInput<typeof example> = decoded;
  // @ts-expect-error: limit is missing
  const partial: RequestOf<typeof example> = {
    name: 'a',
    owner: 'b',
    later: 2,
    parts: [],
    ids: [],
  };
  assert.ok(again && partial);
});

test('the defaults of a struct are those of its fields', () => {
  const shape = defineStruct({
    name: 'Shape',
    versions: '0',
    flexible: 'none',
    fields: {
      id: uuid('0+'),
      raw: bytes('0+'),
      at: int64('0+', { default: -1 }),
      list: array('0+', 'int8'),
    },
  });
  const value: StructOf<typeof shape> = { id: 'x', raw: Buffer.alloc(0), at: 0, list: [1] };
  const input: StructInput<typeof shape> = { id: 'x', raw: value.raw, list: value.list };
  assert.ok(input);
  const expected = { id: ZERO_UUID, raw: Buffer.alloc(0), at: -1, list: [] };
  assert.deepEqual(defaultsOf(shape.fields), expected);
});

test('every API is found under its key, and no name is used twice', () => {
  for (const api of allApis) assert.equal(apiByKey(api.key), api);
  const names = [...allApis.map((api) => api.name), ...allStructs.map((struct) => struct.name)];
  assert.equal(new Set(names).size, names.length);
  assert.equal(apiByKey(4), undefined);
  assert.equal(apiByKey(-1), undefined);
});

test('every key in scope is there, to the newest version of Kafka 4.4', () => {
  const keys = new Set(allApis.map((api) => api.key));
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const wanted = [...range(0, 3), ...range(8, 51), ...range(55, 58), ...range(60, 69)];
  for (const key of [...wanted, 71, 72, 74, 75]) assert.ok(keys.has(key), `API key ${key}`);
  const newest = { 0: 13, 1: 18, 2: 11, 3: 13, 8: 10, 9: 10, 10: 6, 18: 5, 22: 5, 28: 6, 66: 2 };
  for (const [key, max] of Object.entries(newest)) {
    assert.equal(apiByKey(Number(key))?.versions.max, max, `API key ${key}`);
  }
});
