// Plain values over a wire: what comes out is what went in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError } from '../../protocol/index.ts';
import { decodeValue, encodeValue } from './wire-values.ts';

function crossed(value: unknown): unknown {
  return decodeValue(encodeValue(value));
}

test('maps, bytes and numbers without an end arrive as they were sent', () => {
  const value = {
    ...{ text: 'ß', none: null, flag: false, list: [1, [2, 'x']], big: 2 ** 53 - 1 },
    configs: new Map([['a', 'b']]),
    nested: new Map([['m', new Map([[1, { salt: Buffer.from([0, 255]) }]])]]),
    limit: Number.NEGATIVE_INFINITY,
  };
  assert.deepEqual(crossed(value), value);
  assert.equal(crossed(undefined), undefined);
  assert.deepEqual(crossed(new Uint8Array([1, 2])), Buffer.from([1, 2]));
});

test('names that look like our marks are names', () => {
  const value = { $map: [[1, 2]], $bytes: 'AA==', plain: { $number: 'NaN' } };
  assert.deepEqual(crossed(value), value);
});

test('what another version says is refused, and so is what is no value', () => {
  const refusal = (text: string): string => {
    try {
      decodeValue(Buffer.from(text));
      return 'none';
    } catch (error) {
      return error instanceof KafkaError ? error.errorName : 'a bug';
    }
  };
  assert.equal(refusal('{"version":2,"value":1}'), 'UNSUPPORTED_VERSION');
  assert.equal(refusal('null'), 'UNSUPPORTED_VERSION');
  assert.equal(refusal('{'), 'INVALID_REQUEST');
  assert.equal(refusal('{"version":1,"value":{"$set":[]}}'), 'INVALID_REQUEST');
  assert.equal(refusal('{"version":1,"value":{"$map":[1]}}'), 'INVALID_REQUEST');
});
