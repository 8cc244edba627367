// Lines as Java's BufferedReader cuts them, however the bytes are cut into chunks.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { UsageError } from '../command-line.ts';
import { LineSplitter } from './line-splitter.ts';

function linesOf(chunks: readonly string[]): string[] {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  for (const chunk of chunks) {
    splitter.push(Buffer.from(chunk, 'latin1'));
    for (let line = splitter.next(); line !== null; line = splitter.next()) {
      lines.push(line.toString('latin1'));
    }
  }
  const last = splitter.end();
  if (last !== null) lines.push(last.toString('latin1'));
  assert.equal(splitter.lineNumber, lines.length);
  return lines;
}

describe('a line splitter', () => {
  test('ends lines at \\n, \\r and \\r\\n', () => {
    assert.deepEqual(linesOf(['a\nb\rc\r\nd\n']), ['a', 'b', 'c', 'd']);
  });

  test('keeps empty lines, but none after the last line end', () => {
    assert.deepEqual(linesOf(['\n\n\r\n\ra\n']), ['', '', '', '', 'a']);
    assert.deepEqual(linesOf(['']), []);
  });

  test('takes what is left at the end as a line', () => {
    assert.deepEqual(linesOf(['a\nb']), ['a', 'b']);
    assert.deepEqual(linesOf(['a\r']), ['a']);
  });

  test('takes \\r\\n for one line end when a chunk ends between them', () => {
    assert.deepEqual(linesOf(['a\r', '\nb\r', 'c']), ['a', 'b', 'c']);
  });

  test('finds the same lines wherever the chunks are cut', () => {
    const prng = new Prng('line-splitter');
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: prng.int(60) }, () => prng.pick(['a', 'b', '\n', '\r']));
      const chunks: string[] = [];
      for (let from = 0; from < text.length; ) {
        const until = from + 1 + prng.int(7);
        chunks.push(text.slice(from, until).join(''));
        from = until;
      }
      const expected = text.join('').split(/\r\n|\n|\r/);
      if (expected.at(-1) === '') expected.pop();
      assert.deepEqual(linesOf(chunks), expected, JSON.stringify(chunks));
    }
  });

  test('refuses a line that would fill the memory', () => {
    const splitter = new LineSplitter(10);
    splitter.push(Buffer.from('short\n123456'));
    assert.equal(String(splitter.next()), 'short');
    assert.equal(splitter.next(), null);
    splitter.push(Buffer.from('78901'));
    assert.throws(
      () => splitter.next(),
      (error) => {
        return error instanceof UsageError && /line 2 is longer than 10 bytes/.test(error.message);
      },
    );
  });
});
