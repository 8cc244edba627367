// The simulator's own proof: a server that takes every precaution survives, and leaving any one
// out is found within a few seeds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { type Flaw, journal, runJournal } from './journal.ts';

async function firstFailure(flaw: Flaw, seedCount: number): Promise<Error | null> {
  for (let seed = 0; seed < seedCount; seed++) {
    const scenario = { ...journal, run: (world: World) => runJournal(world, flaw) };
    try {
      await runScenario(scenario, { seed });
    } catch (error) {
      return error as Error;
    }
  }
  return null;
}

test('a journal that takes every precaution keeps what it acknowledged', async () => {
  assert.equal(await firstFailure('none', 60), null);
});

test('a journal that forgets to sync is caught', async () => {
  assert.match(String(await firstFailure('sync', 60)), /acknowledged entries are lost/);
});

test('a journal that forgets to sync its directory is caught', async () => {
  assert.match(String(await firstFailure('directory sync', 60)), /acknowledged entries are lost/);
});

test('a journal that appends behind a torn tail is caught', async () => {
  assert.match(String(await firstFailure('truncation', 60)), /acknowledged entries are lost/);
});

test('two runs of one seed leave the same trace, and other seeds leave others', async () => {
  const hashes = new Set<string>();
  for (let seed = 100; seed < 110; seed++) {
    const { hash } = await runScenario(journal, { seed });
    assert.equal((await runScenario(journal, { seed })).hash, hash);
    hashes.add(hash);
  }
  assert.equal(hashes.size, 10);
});

test('a journal that greets with what it recovered but did not sync is caught', async () => {
  const failure = await firstFailure('sync before greeting', 300);
  assert.match(String(failure), /acknowledged entries are lost/);
});
