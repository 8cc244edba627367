// The values of --add-config.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddedConfigs } from './added-configs.ts';

const parse = (text: string): Record<string, string> => Object.fromEntries(parseAddedConfigs(text));

describe('--add-config', () => {
  test('takes pairs with commas between them', () => {
    assert.deepEqual(parse('a=1, b = 2 ,c='), { a: '1', b: '2', c: '' });
  });

  test('keeps the commas inside of brackets', () => {
    assert.deepEqual(parse('a=[x,y],b=1'), { a: 'x,y', b: '1' });
    assert.deepEqual(parse('cleanup.policy=[compact,delete]'), {
      'cleanup.policy': 'compact,delete',
    });
  });

  test('keeps further equal signs in the value', () => {
    assert.deepEqual(parse('a=b=c'), { a: 'b=c' });
  });

  test('refuses what is no pair', () => {
    assert.throws(() => parse('a=1,b'), /Invalid entity config 'b'.*"key=val"/);
    assert.throws(() => parse('=1'), /Invalid entity config/);
  });
});
