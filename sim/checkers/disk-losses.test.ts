// disk-losses.ts: how long a record is promised to be there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskLosses } from './disk-losses.ts';
import { place } from './fixture.ts';

const record = { ...place, producer: 'p', number: 0 };

function lossesOf(minInSyncReplicas: number): DiskLosses {
  return new DiskLosses({
    topics: [{ name: place.topic, minInSyncReplicas }],
    replicasOf: () => [1, 2, 3],
    sentMs: () => 100,
  });
}

test('a record is promised while fewer replicas than acknowledged it have lost something', () => {
  const losses = lossesOf(2);
  assert.equal(losses.isPromised(record), true);
  losses.onLoss(1, 200);
  losses.onLoss(1, 300);
  assert.equal(losses.isPromised(record), true);
  losses.onLoss(2, 400);
  assert.equal(losses.isPromised(record), false);
});

test('what was lost before the record was sent does not count, nor what others lost', () => {
  const losses = lossesOf(1);
  losses.onLoss(1, 50);
  losses.onLoss(4, 200);
  assert.equal(losses.isPromised(record), true);
  assert.equal(losses.isPromisedAll(place), false);
});

test('with more in-sync replicas demanded than there are, all of them count', () => {
  const losses = lossesOf(5);
  losses.onLoss(1, 200);
  losses.onLoss(2, 200);
  assert.equal(losses.isPromised(record), true);
  losses.onLoss(3, 200);
  assert.equal(losses.isPromised(record), false);
});

test('an unclean restart counts where a disk was lost, too, and is no loss by itself', () => {
  const losses = lossesOf(2);
  for (const id of [2, 3]) losses.onUncleanRestart(id, 200);
  losses.onLoss(4, 200);
  assert.equal(losses.isPromised(record), true);
  losses.onLoss(1, 300);
  assert.equal(losses.isPromised(record), false);
});
