// Values for performance tests.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../command-line.ts';
import { monotonicPayloads, randomPayloads, textPayloads } from './payloads.ts';

describe('payloads', () => {
  test('random ones have the size that was asked for, and letters only', () => {
    const payloads = randomPayloads(50);
    const texts = Array.from({ length: 20 }, (_, index) => String(payloads(index)));
    for (const text of texts) assert.match(text, /^[A-Z]{50}$/);
    assert.equal(new Set(texts).size, 20);
    assert.equal(String(randomPayloads(50)(0)), texts[0]);
    assert.equal(randomPayloads(2_000_000)(0).length, 2_000_000);
  });

  test('monotonic ones are the number of the record', () => {
    assert.deepEqual(
      [0, 1, 41].map((index) => String(monotonicPayloads(index))),
      ['0', '1', '41'],
    );
  });

  test('those of a text are its pieces between delimiters', () => {
    const payloads = textPayloads('file', 'a|bc|d||', '|');
    const seen = new Set(Array.from({ length: 100 }, (_, index) => String(payloads(index))));
    assert.deepEqual([...seen].sort(), ['a', 'bc', 'd']);
    assert.throws(() => textPayloads('file', '', '\n'), UsageError);
  });
});
