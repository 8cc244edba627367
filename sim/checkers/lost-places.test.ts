// lost-places.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLostDirectory } from '../scenarios/lost-directory.ts';
import { type Attempt, assertNothingIntoTheVoid, assertOthersGoOn } from './lost-places.ts';
import { firstFailure, withoutPresenceProof } from './planted-bugs.ts';

const lostPlace = { topic: 't', partition: 0 };
const other = { topic: 't', partition: 1 };
const loss = { places: [lostPlace], lostMs: 1_000, boundMs: 100 };

function attempt(place: Attempt['place'], sentMs: number, isAcknowledged = true): Attempt {
  return { place, sentMs, acknowledgedMs: isAcknowledged ? sentMs + 1 : -1 };
}

test('nothing that is sent after the bound is acknowledged', () => {
  assertNothingIntoTheVoid(
    [attempt(lostPlace, 1_100), attempt(other, 2_000), attempt(lostPlace, 2_000, false)],
    loss,
  );
  assert.throws(
    () => assertNothingIntoTheVoid([attempt(lostPlace, 1_101)], loss),
    /t-0 101 ms after its directory was lost is acknowledged/,
  );
});

test('the others have to be served after the bound', () => {
  assertOthersGoOn([attempt(other, 1_200)], loss, [other]);
  for (const attempts of [[attempt(other, 1_050)], [attempt(other, 1_200, false)]]) {
    assert.throws(() => assertOthersGoOn(attempts, loss, [other]), /t-1 takes no records/);
  }
});

test('a broker that takes every name for the same is found out', async () => {
  const run = (world: Parameters<typeof runLostDirectory>[0]) =>
    runLostDirectory(world, { plant: withoutPresenceProof });
  const kind = /after its directory was lost is acknowledged/;
  assert.match((await firstFailure(run, 20, 1, kind)) ?? '', kind);
});
