// How the console producer makes a record of a line.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Headers } from '../../client/index.ts';
import { UsageError } from '../command-line.ts';
import { LineReader } from './line-reader.ts';

function read(line: string, properties: Record<string, string> = {}): unknown {
  const reader = new LineReader('t', new Map(Object.entries(properties)));
  const { topic, key, value, headers } = reader.read(Buffer.from(line), 7);
  assert.equal(topic, 't');
  const text = (bytes: unknown): string | null => (bytes === null ? null : String(bytes));
  const list = [...new Headers(headers)];
  return {
    ...(key === undefined ? {} : { key: text(key) }),
    value: text(value),
    ...(list.length === 0
      ? {}
      : { headers: list.map((each) => `${each.key}=${text(each.value)}`) }),
  };
}

const withKey = { 'parse.key': 'true' };
const withBoth = { 'parse.key': 'true', 'parse.headers': 'true' };

describe('a line reader', () => {
  test('takes the whole line as value without properties', () => {
    assert.deepEqual(read('a\tb'), { value: 'a\tb' });
  });

  test('cuts the key off at the first separator', () => {
    assert.deepEqual(read('k\tv\tw', withKey), { key: 'k', value: 'v\tw' });
    assert.deepEqual(read('k::v', { ...withKey, 'key.separator': '::' }), { key: 'k', value: 'v' });
    assert.deepEqual(read('\tv', withKey), { key: '', value: 'v' });
  });

  test('reads headers before the key', () => {
    assert.deepEqual(read('h1:1,h2:a:b\tk\tv', withBoth), {
      key: 'k',
      value: 'v',
      headers: ['h1=1', 'h2=a:b'],
    });
  });

  test('takes other separators for headers', () => {
    const properties = {
      'parse.headers': 'true',
      'headers.delimiter': '|',
      'headers.separator': ';',
      'headers.key.separator': '=',
    };
    assert.deepEqual(read('a=1;b=2|v', properties), {
      key: null,
      value: 'v',
      headers: ['a=1', 'b=2'],
    });
  });

  test('reads the null marker as null, in headers, key and value', () => {
    const properties = { ...withBoth, 'null.marker': 'NIL' };
    assert.deepEqual(read('h:NIL\tNIL\tNIL', properties), {
      key: null,
      value: null,
      headers: ['h=null'],
    });
    assert.deepEqual(read('NIL\tk\tv', properties), { key: 'k', value: 'v' });
    assert.deepEqual(read('NIL', { 'null.marker': 'NIL' }), { key: null, value: null });
  });

  test('says which line has no separator, in the words of Kafka', () => {
    const message = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        assert.ok(error instanceof UsageError);
        return error.message;
      }
      return 'nothing was thrown';
    };
    assert.equal(
      message(() => read('nosep', withKey)),
      "No key separator found on line number 7: 'nosep'",
    );
    assert.equal(
      message(() => read('nosep', withBoth)),
      "No headers delimiter found on line number 7: 'nosep'",
    );
    assert.equal(
      message(() => read('h\tk\tv', withBoth)),
      "No header key separator found in pair 'h' on line number 7",
    );
  });

  test('takes what it finds with ignore.error', () => {
    assert.deepEqual(read('nosep', { ...withKey, 'ignore.error': 'true' }), {
      key: null,
      value: 'nosep',
    });
  });

  test('refuses separators that cannot be told apart, and unknown properties', () => {
    const same = { 'parse.headers': 'true', 'headers.separator': ':' };
    assert.throws(
      () => read('', same),
      /headers.separator and headers.key.separator may not be eq/,
    );
    assert.throws(
      () => read('', { ...withKey, 'key.separator': '' }),
      /key.separator may not be em/,
    );
    assert.throws(() => read('', { 'parse.keys': 'true' }), /no property parse.keys/);
  });
});
