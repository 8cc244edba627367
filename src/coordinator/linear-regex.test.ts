// Regular expressions of clients: what is too large is refused before it is compiled.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { KafkaError } from '../protocol/index.ts';
import { compileLinearRegex, programSizeEstimate } from './linear-regex.ts';

const compile = (regex: string) => compileLinearRegex(regex, (reason) => reason);

/** The first costs the compiler seconds; with the others the structure is hard to see. */
const large = [
  'a{1000}'.repeat(500),
  '((a{1000}){1000}){1000}',
  '(([)]a{1000}){1000})',
  '(?:\\Q)\\Ea{1000}){1000}',
  '([[:alpha:])]a{1000}){1000}',
  '([]a)]b{1000}){1000}',
  '(\\)a{1000}){1000}',
  '(?P<n>a{1,}){900,1000}{1000}',
  '(?i)\\PL'.repeat(500),
  'a'.repeat(5000),
];

for (const regex of large) {
  test(`${regex.slice(0, 30)} is refused before it is compiled`, () => {
    assert.ok(regex.length > 4096 || programSizeEstimate(regex) > 4000);
    assert.throws(
      () => compile(regex),
      (error) => error instanceof KafkaError && /^(too large|longer than)/.test(error.message),
    );
  });
}

test('what people write is compiled', () => {
  const uuid = '[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}';
  assert.ok(compile(uuid).matches('01234567-89ab-cdef-0123-456789abcdef'));
  assert.ok(compile('(?i)orders[-_.]\\d{1,3}|\\Qa{1000}\\E').matches('Orders-17'));
  assert.ok(compile(Array.from({ length: 100 }, (_, i) => `topic-${i}`).join('|')));
});

test('the estimate is never below the size of the program', () => {
  const prng = new Prng(7);
  const parts = ['a', '[)b]', '[[:alpha:]{]', '\\)', '\\Q(\\E', '\\pL', '.', '|', '(?:', '(', ')'];
  const repeats = ['*', '+?', '{3}', '{2,}', '{1,7}', '{0,2}?'];
  let compiledCount = 0;
  for (let round = 0; round < 3000; round++) {
    let regex = '';
    for (let part = 0; part < 12; part++) {
      regex += prng.pick(parts);
      if (prng.chance(0.4)) regex += prng.pick(repeats);
    }
    try {
      const size = compile(regex).programSize();
      compiledCount += 1;
      // Begin, match and the capture of the whole.
      assert.ok(size <= programSizeEstimate(regex) + 4, `${regex}: ${size}`);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
  }
  assert.ok(compiledCount > 50, `${compiledCount}`);
});
