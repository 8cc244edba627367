// Java's .properties format, both ways.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { ConfigError } from './config-error.ts';
import { decodeProperties, formatProperties, parseProperties } from './properties.ts';

const read = (text: string): Record<string, string> => Object.fromEntries(parseProperties(text));

describe('properties', () => {
  test('a key ends at =, : or white space, and the value starts after them', () => {
    assert.deepEqual(read('a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf   6\ng\nh=\ni==7\nj = :8'), {
      a: '1',
      b: '2',
      c: '3',
      d: '4',
      e: '5',
      f: '6',
      g: '',
      h: '',
      i: '=7',
      j: ':8',
    });
  });

  test('comments start with # or !, after any white space, and blank lines are nothing', () => {
    assert.deepEqual(read('# a=1\n  ! b=2\n\n \t\nc=#3\n'), { c: '#3' });
  });

  test('an odd number of backslashes at the end continues a line without its leading space', () => {
    assert.deepEqual(read('hosts=a,\\\n    b,\\\r\n\tc\nnext=1\\\\\nlast=2\\'), {
      hosts: 'a,b,c',
      next: '1\\',
      last: '2',
    });
  });

  test('a comment is not continued, and a continuation that looks like a comment is none', () => {
    assert.deepEqual(read('# comment \\\na=1\nb=x\\\n#y'), { a: '1', b: 'x#y' });
  });

  test('escapes stand for control characters, code units and themselves', () => {
    assert.deepEqual(read('a\\ b\\=c\\:d=\\t\\n\\r\\f\\u00e9\\ud83d\\ude00\\q\\\\'), {
      'a b=c:d': '\t\n\r\fé😀q\\',
    });
  });

  test('a broken \\u escape is an error that shows it', () => {
    assert.throws(
      () => parseProperties('a=\\u12g4'),
      (error) => error instanceof ConfigError && error.message.includes('\\u12g4'),
    );
  });

  test('the last of two equal keys wins, and trailing space of a value stays', () => {
    assert.deepEqual(read('a=1\na=2 '), { a: '2 ' });
  });

  test('bytes that are no UTF-8 are read as ISO-8859-1', () => {
    assert.equal(decodeProperties(Buffer.from('a=é')), 'a=é');
    assert.equal(decodeProperties(Buffer.from('a=é', 'latin1')), 'a=é');
  });

  test('what is written reads back the same', () => {
    const prng = new Prng('properties');
    const alphabet = [...' =:#!\\\t\n\r\fab.é€\u0000', '\ud83d'];
    for (let round = 0; round < 300; round++) {
      const word = (): string =>
        Array.from({ length: prng.int(8) }, () => prng.pick(alphabet)).join('');
      const pairs = new Map(Array.from({ length: 4 }, () => [word() || 'k', word()]));
      assert.deepEqual(parseProperties(formatProperties(pairs, ['made up'])), pairs);
    }
  });
});
