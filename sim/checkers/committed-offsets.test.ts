// committed-offsets.ts: what it lets pass, what it refuses, and planted bugs that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupCoordinator } from '../../src/coordinator/index.ts';
import type { GroupLoadPlan } from '../scenarios/group-run.ts';
import { runGroups } from '../scenarios/groups.ts';
import { CommittedOffsets, type SeenCommit } from './committed-offsets.ts';
import { firstFailure, withLyingSync, withPatch } from './planted-bugs.ts';

const place = { groupId: 'g', topic: 't', partition: 0 };
const commit = (offset: number): SeenCommit => ({ offset, metadata: `m${offset}` });

function acknowledge(commits: CommittedOffsets, offset: number, wasRepeated = false): void {
  commits.onAcknowledged(commits.onSent(place, commit(offset)), wasRepeated);
}

function fetch(commits: CommittedOffsets, offset: number | null): void {
  commits.onFetched(commits.onFetch(place), offset === null ? null : commit(offset));
}

test('a fetch returns the commit that was acknowledged last', () => {
  const commits = new CommittedOffsets();
  fetch(commits, null);
  acknowledge(commits, 1);
  fetch(commits, 1);
  acknowledge(commits, 2);
  fetch(commits, 2);
  assert.throws(() => fetch(commits, 1), /acknowledged commit 2 "m2" is lost/);
  assert.throws(() => fetch(commits, null), /commit 1 "m1" is lost/);
  assert.throws(() => fetch(commits, 3), /nobody committed 3 "m3"/);
});

test('only where there may be an older coordinator is an older commit shown', () => {
  const commits = new CommittedOffsets();
  commits.mayLag = true;
  acknowledge(commits, 1);
  acknowledge(commits, 2);
  fetch(commits, null);
  fetch(commits, 1);
  assert.throws(() => fetch(commits, 3), /nobody committed 3 "m3"/);
  const begun = commits.onFetch(place);
  commits.mayLag = false;
  commits.onFetched(begun, commit(1));
  fetch(commits, 2);
  assert.throws(() => fetch(commits, 1), /acknowledged commit 2 "m2" is lost/);
  assert.throws(() => fetch(commits, null), /is lost/);
});

test('an offset and its metadata belong together', () => {
  const commits = new CommittedOffsets();
  acknowledge(commits, 1);
  const asked = commits.onFetch(place);
  assert.throws(() => commits.onFetched(asked, { offset: 2, metadata: 'm1' }), /became 2/);
});

test('commits and fetches that are under way at the same time may come in any order', () => {
  const commits = new CommittedOffsets();
  acknowledge(commits, 1);
  const [two, three] = [commits.onSent(place, commit(2)), commits.onSent(place, commit(3))];
  const early = commits.onFetch(place);
  commits.onAcknowledged(three, false);
  commits.onAcknowledged(two, false);
  commits.onFetched(early, commit(1));
  fetch(commits, 2);
  fetch(commits, 3);
  assert.throws(() => fetch(commits, 1), /is lost/);
});

test('a commit without an answer may happen at any time, and what was seen stays', () => {
  const commits = new CommittedOffsets();
  commits.onSent(place, commit(1));
  acknowledge(commits, 2);
  fetch(commits, 2);
  fetch(commits, 1);
  commits.onSent(place, commit(3));
  fetch(commits, 3);
  assert.throws(() => fetch(commits, 2), /acknowledged commit 3 "m3" is lost/);
});

test('a commit that was repeated may happen again', () => {
  const commits = new CommittedOffsets();
  acknowledge(commits, 1, true);
  acknowledge(commits, 2);
  fetch(commits, 2);
  fetch(commits, 1);
});

test('a coordinator that answers before a commit is appended is caught', async () => {
  const { commitOffsets } = GroupCoordinator.prototype;
  const patch = {
    async commitOffsets(this: GroupCoordinator, ...args: Parameters<typeof commitOffsets>) {
      const real = commitOffsets.apply(this, args).catch(() => []);
      // Whoever is no member is still told so.
      const known = await Promise.race([real, Promise.resolve(null)]);
      if (known !== null) return known;
      const { topics } = args[0];
      return topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
      }));
    },
  };
  const failure = await withPatch(GroupCoordinator.prototype, patch, () =>
    firstFailure((world) => runGroups(world, 'kill'), 60, 6),
  );
  assert.match(String(failure), /acknowledged commit .* is lost|two owners/);
});

test('offsets that are not synced before they are acknowledged are caught', async () => {
  const plant = withLyingSync(/__consumer_offsets.*\.log$/);
  const change = { change: (plan: GroupLoadPlan) => ({ ...plan, plant }) };
  const failure = await firstFailure((world) => runGroups(world, 'power cut', change), 40);
  assert.match(String(failure), /is lost|two owners/);
});
