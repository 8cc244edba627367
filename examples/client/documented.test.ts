// The snippets of docs/client.md are lines of the example, so that they run whenever it does.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../tests/root.ts';

/** Without indentation, which differs, and without empty lines. */
function linesOf(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return `\n${lines.filter((line) => line !== '').join('\n')}\n`;
}

test('every TypeScript snippet of docs/client.md is part of share-work.ts', () => {
  const read = (...path: string[]): string => readFileSync(join(projectRoot, ...path), 'utf8');
  const example = linesOf(read('examples', 'client', 'share-work.ts'));
  const snippets = [...read('docs', 'client.md').matchAll(/```ts\n([\s\S]*?)```/g)];
  assert.ok(snippets.length >= 4);
  for (const [, snippet] of snippets) {
    assert.ok(example.includes(linesOf(snippet as string)), `not in the example:\n${snippet}`);
  }
});
