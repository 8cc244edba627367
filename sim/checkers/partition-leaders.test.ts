// partition-leaders.ts: what it lets pass and what it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskLosses } from './disk-losses.ts';
import { place } from './fixture.ts';
import { PartitionLeaders } from './partition-leaders.ts';

function leadersOf(): { leaders: PartitionLeaders; losses: DiskLosses } {
  const losses = new DiskLosses({
    topics: [{ name: place.topic, minInSyncReplicas: 1 }],
    replicasOf: () => [1, 2],
    sentMs: () => 0,
  });
  return { losses, leaders: new PartitionLeaders(losses) };
}

test('an epoch has one leader, a broker may lead in many', () => {
  const { leaders } = leadersOf();
  leaders.onLeader(place, 0, 1);
  leaders.onLeader(place, 2, 1);
  leaders.onLeader(place, 0, 1);
  assert.deepEqual(leaders.leadersOf(place), [1, null, 1]);
  assert.throws(() => leaders.onLeader(place, 0, 2), /broker 1 and broker 2 both lead/);
});

test('the watermark goes back with the epoch or the broker, and not otherwise', () => {
  const { leaders } = leadersOf();
  leaders.onHighWatermark(place, 0, 1, 5);
  leaders.onHighWatermark(place, 1, 2, 3);
  leaders.onHighWatermark(place, 1, 2, 3);
  assert.throws(() => leaders.onHighWatermark(place, 1, 2, 2), /goes back from 3 to 2 in epoch 1/);
});

test('the end of a partition does not go back, whoever leads, while disks are kept', () => {
  const { leaders, losses } = leadersOf();
  leaders.onEnd(place, 0, 1, 5);
  leaders.onEnd(place, 1, 2, 5);
  assert.throws(() => leaders.onEnd(place, 1, 2, 4), /goes back from 5 .* to 4/);
  losses.onLoss(2, 1);
  leaders.onEnd(place, 2, 1, 4);
});

test('where the watermark was a fetch is in range, unless the records were deleted', () => {
  const { leaders } = leadersOf();
  leaders.onOutOfRange(place, 1, 5, 7);
  assert.throws(() => leaders.onOutOfRange(place, 1, 5, 5), /at 5, .* is out of range in epoch 1/);
});
