// Headers as programs write them, and what becomes of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Headers, type HeadersInput, headerListOf, noHeaders } from './headers.ts';

const shown = (headers: HeadersInput): (readonly [string, string | null])[] =>
  headerListOf(headers).map(({ key, value }) => [
    key,
    value === null ? null : Buffer.from(value).toString(),
  ]);

test('headers may be an object, a list of objects, a list of pairs, a Map or Headers', () => {
  const expected = [
    ['text', 'é'],
    ['bytes', 'b'],
    ['number', '1.5'],
    ['none', null],
    ['twice', '1'],
    ['twice', '2'],
  ];
  const pairs: [string, Uint8Array | string | number | null][] = [
    ['text', 'é'],
    ['bytes', new Uint8Array([98])],
    ['number', 1.5],
    ['none', null],
    ['twice', '1'],
    ['twice', 2],
  ];
  const bytes = Uint8Array.of(98);
  const object = { text: 'é', bytes, number: 1.5, none: null, twice: ['1', 2] };
  assert.deepEqual(shown(object), expected);
  assert.deepEqual(shown(pairs), expected);
  assert.deepEqual(shown(pairs.map(([key, value]) => ({ key, value }))), expected);
  assert.deepEqual(shown(new Headers(object)), expected);
  assert.deepEqual(shown(new Map(pairs.slice(0, 4))), expected.slice(0, 4));
});

test('a header whose value is undefined is left out, a list that is ready is not copied', () => {
  assert.deepEqual(shown({ a: undefined, b: 'b' }), [['b', 'b']]);
  assert.deepEqual(shown([{ key: 'a' }, { key: 'b', value: 'b' }]), [['b', 'b']]);
  assert.deepEqual(shown([['a', undefined]]), []);
  const ready = [{ key: 'a', value: Buffer.from('a') }];
  assert.equal(headerListOf(ready), ready);
});

test('what cannot be a header is refused with what can', () => {
  const refused: readonly [unknown, RegExp][] = [
    ['text', /headers are an object of values, or a list/],
    [[1], /headers are an object of values, or a list/],
    [[null], /headers are an object of values, or a list/],
    [[{ key: 1, value: 'x' }], /a key is a string, not of type number/],
    [{ a: true }, /the header a is of type boolean: .*a string, bytes, a number or null/],
    [{ a: { b: 1 } }, /the header a is of type object/],
    [{ a: [undefined] }, /the header a is of type undefined/],
  ];
  for (const [headers, message] of refused) {
    assert.throws(() => headerListOf(headers as HeadersInput), {
      name: 'InvalidArgumentError',
      message,
    });
  }
});

test('headers are found by name: the last, all of them, as text', () => {
  const headers = new Headers([
    ['a', '1'],
    ['b', null],
    ['a', '2'],
  ]);
  assert.equal(headers.length, 3);
  assert.deepEqual(headers.get('a'), Buffer.from('2'));
  assert.deepEqual(headers.getAll('a'), [Buffer.from('1'), Buffer.from('2')]);
  assert.equal(headers.text('a'), '2');
  assert.equal(headers.text('b'), null);
  assert.equal(headers.get('c'), undefined);
  assert.equal(headers.text('c'), undefined);
  assert.ok(headers.has('b') && !headers.has('c'));
  assert.deepEqual(
    [...headers].map(({ key }) => key),
    ['a', 'b', 'a'],
  );
  assert.equal(JSON.stringify(headers), '{"a":["1","2"],"b":null}');
});

test('a change copies what was received, and the empty headers of all records refuse it', () => {
  const received = Object.freeze([{ key: 'a', value: Buffer.from('1') }]);
  const headers = Headers.of(received);
  assert.equal([...headers][0], received[0]);
  headers.add('a', 2).set('b', 'x').set('b', 'y');
  assert.deepEqual(headers.toJSON(), { a: ['1', '2'], b: 'y' });
  assert.ok(headers.delete('a') && !headers.delete('a'));
  assert.equal(received.length, 1);
  assert.equal(noHeaders.length, 0);
  assert.equal(noHeaders.delete('a'), false);
  assert.throws(() => noHeaders.add('a', '1'), /shared by all records that have none/);
});
