// replicated-reads.ts: what it lets pass and what it refuses. The bugs that it finds are in
// ../scenarios/replication-bugs.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskLosses } from './disk-losses.ts';
import { contentsOf, place } from './fixture.ts';
import { ReplicatedReads } from './replicated-reads.ts';

function lossesOf(): DiskLosses {
  return new DiskLosses({
    topics: [{ name: place.topic, minInSyncReplicas: 1 }],
    replicasOf: () => [1, 2],
    sentMs: () => 100,
  });
}

function readsOf({ mayStartLate = false, losses = lossesOf() } = {}): ReplicatedReads {
  return new ReplicatedReads({ losses, mayStartLate });
}

const read = (number: number, offset: number) => {
  return { ...place, producer: 'p', number, offset, timestamp: 1_000 };
};

test('an offset has one record for all readers', () => {
  const reads = readsOf();
  reads.onRecord('a', read(0, 0));
  reads.onRecord('b', read(0, 0));
  assert.throws(() => reads.onRecord('c', read(1, 0)), /was "p t 0 0" and is "p t 0 1" now/);
});

test('a reader is not sent back, and misses nothing unless records may be deleted', () => {
  const reads = readsOf();
  reads.onRecord('a', read(0, 0));
  reads.onRecord('a', read(1, 1));
  assert.throws(() => reads.onRecord('a', read(1, 1)), /although 2 was next/);
  assert.throws(() => readsOf().onRecord('a', read(1, 1)), /missed what is from 0 on/);
  readsOf({ mayStartLate: true }).onRecord('a', read(1, 1));
});

test('what was read, and what anybody was told of, has to be there', () => {
  const reads = readsOf();
  reads.onRecord('a', read(0, 0));
  reads.assertStillThere(contentsOf([0]));
  assert.throws(() => reads.assertStillThere(contentsOf([])), /is not there any more/);
  assert.throws(() => reads.assertStillThere(contentsOf([1])), /which is "p t 0 1" now/);
  reads.onHighWatermark('b', place, 3);
  assert.throws(() => reads.assertStillThere(contentsOf([0, 1])), /ends at 2, and b was told of 3/);
});

test('a new leader whose watermark is behind is no loss', () => {
  const reads = readsOf();
  reads.onHighWatermark('a', place, 1);
  reads.onHighWatermark('a', place, 0);
  reads.assertStillThere(contentsOf([0]));
});

test('nothing is promised of what lost disks may have taken', () => {
  const losses = lossesOf();
  const reads = readsOf({ losses });
  reads.onRecord('a', read(0, 0));
  reads.onHighWatermark('a', place, 1);
  losses.onLoss(1, 200);
  reads.assertStillThere(contentsOf([]));
  reads.onRecord('b', read(1, 0));
});
