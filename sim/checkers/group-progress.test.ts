// group-progress.ts: what it lets pass, what it refuses, and planted bugs that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupCoordinator } from '../../src/coordinator/index.ts';
import type { GroupLoadPlan } from '../scenarios/group-run.ts';
import { runGroups } from '../scenarios/groups.ts';
import { GroupProgress } from './group-progress.ts';
import { firstFailure, withPatch } from './planted-bugs.ts';

const impatient = (plan: GroupLoadPlan): GroupLoadPlan => ({ ...plan, settledMsMax: 60_000 });
const place = { groupId: 'g', topic: 't', partition: 0 };

function show(progress: GroupProgress, life: string, offsets: readonly number[]): void {
  for (const offset of offsets) progress.onRecord(life, place, offset);
}

test('a group reads on where it stopped, or again what it was shown before', () => {
  const progress = new GroupProgress();
  show(progress, 'a', [0, 1, 2]);
  progress.onCommitted(place, 2);
  show(progress, 'b', [2, 3]);
  show(progress, 'c', [0, 1]);
  assert.ok(progress.hasSeen(place, 4));
  assert.ok(!progress.hasSeen(place, 5));
});

test('records that are skipped, or handed out in another order, are refused', () => {
  const progress = new GroupProgress();
  show(progress, 'a', [0, 1]);
  assert.throws(() => show(progress, 'a', [3]), /a was handed 3, and 2 was expected/);
  assert.throws(() => show(progress, 'a', [1]), /a was handed 1, and 2 was expected/);
  assert.throws(() => show(progress, 'b', [3]), /b was handed 3, and at most 2 was expected/);
  progress.onAssigned('a', place);
  show(progress, 'a', [1, 2]);
});

test('what nobody was shown is not committed', () => {
  const progress = new GroupProgress();
  show(progress, 'a', [0]);
  progress.onCommitted(place, 1);
  assert.throws(() => progress.onCommitted(place, 2), /2 is committed, but 1 was never shown/);
});

test('a coordinator whose fetches point behind the commits is caught', async () => {
  const { fetchOffsets } = GroupCoordinator.prototype;
  const patch = {
    async fetchOffsets(this: GroupCoordinator, ...args: Parameters<typeof fetchOffsets>) {
      const topics = await fetchOffsets.apply(this, args);
      return topics.map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((each) => ({
          ...each,
          committedOffset: each.committedOffset + (each.committedOffset > 0 ? 1 : 0),
        })),
      }));
    },
  };
  const failure = await withPatch(GroupCoordinator.prototype, patch, () =>
    firstFailure((world) => runGroups(world, 'kill'), 10),
  );
  assert.match(String(failure), /was expected|was never shown|became/);
});

test('a coordinator that answers nobody but the leader of a group is caught', async () => {
  const { syncGroup } = GroupCoordinator.prototype;
  const patch = {
    async syncGroup(this: GroupCoordinator, ...args: Parameters<typeof syncGroup>) {
      const answer = await syncGroup.apply(this, args);
      return args[0].assignments.length > 0 ? answer : new Promise<never>(() => {});
    },
  };
  const failure = await withPatch(GroupCoordinator.prototype, patch, () =>
    firstFailure(
      (world) => runGroups(world, 'kill', { kinds: ['eager'], change: impatient }),
      10,
      2,
    ),
  );
  assert.match(String(failure), /no progress when all is healed/);
});
