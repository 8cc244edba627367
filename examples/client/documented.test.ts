// The snippets of the README and of docs/client.md are lines of the examples (of a test where a log
// is damaged), so that they run whenever those do.

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

test('every TypeScript snippet of README.md and docs/client.md is part of an example', () => {
  const read = (...path: string[]): string => {
    const text = readFileSync(join(projectRoot, ...path), 'utf8');
    // A program elsewhere has the package.
    return text.replace("'../../src/client/index.ts'", "'partita'");
  };
  const examples = [
    linesOf(read('examples', 'client', 'share-work.ts')),
    linesOf(read('examples', 'client', 'typed-orders.ts')),
    linesOf(read('examples', 'stock-price-consumer', 'workers.ts')),
    linesOf(read('examples', 'transactions', 'exactly-once.ts')),
    linesOf(read('examples', 'stock-price-producer', 'stock-price.ts')),
    linesOf(read('examples', 'stock-price-producer', 'stock-price-producer.ts')),
    linesOf(read('tests', 'e2e', 'unreadable-batches.test.ts')),
  ];
  const documents = read('README.md') + read('docs', 'client.md');
  const snippets = [...documents.matchAll(/```ts\n([\s\S]*?)```/g)];
  assert.ok(snippets.length >= 5);
  for (const [, snippet] of snippets) {
    const lines = linesOf(snippet as string);
    const isRun = examples.some((example) => example.includes(lines));
    assert.ok(isRun, `in no example:\n${snippet}`);
  }
});
