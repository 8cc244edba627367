// The runner as a program: what it prints and how it exits.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.js', import.meta.url));

function run(...args: string[]): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

test('a seed that is good is told with its trace, the same one each time', () => {
  const first = run('--scenario', 'journal', '--seed', '7', '--twice');
  assert.equal(first.status, 0, first.stdout);
  assert.match(first.stdout, /journal seed 7 trace [0-9a-f]{16}\njournal: seed 7 is good/);
  const second = run('--scenario', 'journal', '--seed', '7');
  assert.equal(second.stdout.split('\n')[0], first.stdout.split('\n')[0]);
});

test('a scenario that is not known is told with those that are', () => {
  const { status, stdout } = run('--scenario', 'nonsense');
  assert.equal(status, 2);
  assert.match(stdout, /no scenario nonsense; there are: journal/);
});
