// The rule for the high watermark, who is behind, who may enter the in-sync set, and changes of it
// of which nobody knows yet whether they hold.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FollowerFetch, LeaderState } from './leader-state.ts';
import type { PartitionState } from './partition-state.ts';

const lagMsMax = 1000;

function stateOf(changes: Partial<PartitionState> = {}): PartitionState {
  const known = { metadataOffset: 0, leader: 1, leaderEpoch: 5, partitionEpoch: 10 };
  return { ...known, replicas: [1, 2, 3], isr: [1, 2, 3], ...changes };
}

function leaderOf(changes: Partial<PartitionState> = {}, epochStartOffset = 0): LeaderState {
  return new LeaderState({ nodeId: 1, state: stateOf(changes), epochStartOffset, nowMs: 0 });
}

function fetchOf(replicaId: number, fetchOffset: number, changes: Partial<FollowerFetch> = {}) {
  const life = { currentLeaderEpoch: 5, timeMs: 0, brokerEpoch: 7, connectionNumber: 0 };
  return { replicaId, fetchOffset, logStartOffset: 0, ...life, ...changes };
}

describe('the high watermark', () => {
  test('of a leader that is alone is what it has', () => {
    const leader = leaderOf({ replicas: [1], isr: [1] });
    assert.equal(leader.committedEnd(9, 1), 9);
  });

  test('is what each member of the in-sync set has', () => {
    const leader = leaderOf();
    assert.ok(leader.committedEnd(9, 1) < 0, 'nobody has said what he has');
    leader.onFetch(fetchOf(2, 8), 9);
    leader.onFetch(fetchOf(3, 4), 9);
    assert.equal(leader.committedEnd(9, 1), 4);
    leader.onFetch(fetchOf(3, 9), 9);
    assert.equal(leader.committedEnd(9, 1), 8);
    assert.equal(leader.committedEnd(6, 1), 6, 'and what the topic lets us count as having');
  });

  test('is not held back by replicas that are out of sync, however far they are', () => {
    const leader = leaderOf({ isr: [1, 2] });
    leader.onFetch(fetchOf(2, 9), 9);
    leader.onFetch(fetchOf(3, 8), 9);
    assert.equal(leader.committedEnd(9, 1), 9);
  });

  test('counts a member that is added before the controller has said so', () => {
    const leader = leaderOf({ isr: [1, 2] });
    leader.onFetch(fetchOf(2, 9), 9);
    leader.onFetch(fetchOf(3, 6), 6);
    leader.beginIsrChange([1, 2, 3]);
    assert.equal(leader.committedEnd(9, 1), 6);
  });

  test('counts a member that is removed until the metadata say so', () => {
    const leader = leaderOf({ isr: [1, 2, 3] });
    leader.onFetch(fetchOf(2, 9), 9);
    leader.onFetch(fetchOf(3, 6), 9);
    leader.beginIsrChange([1, 2]);
    assert.equal(leader.committedEnd(9, 1), 6);
    leader.onState(stateOf({ partitionEpoch: 11, isr: [1, 2] }), 0);
    assert.equal(leader.committedEnd(9, 1), 9);
  });

  test('counts both where one change adds and removes', () => {
    const leader = leaderOf({ isr: [1, 2] });
    leader.onFetch(fetchOf(2, 5), 9);
    leader.onFetch(fetchOf(3, 7), 9);
    leader.beginIsrChange([1, 3]);
    assert.equal(leader.committedEnd(9, 1), 5);
    leader.onFetch(fetchOf(2, 9), 9);
    assert.equal(leader.committedEnd(9, 1), 7);
  });

  test('stands still while fewer are in sync than min.insync.replicas demands', () => {
    const leader = leaderOf({ isr: [1] });
    assert.equal(leader.committedEnd(9, 2), -1);
    assert.equal(leader.committedEnd(9, 1), 9);
    const few = leaderOf({ replicas: [1], isr: [1] });
    assert.equal(few.committedEnd(9, 2), 9, 'more than there are replicas cannot be demanded');
    const change = leader.beginIsrChange([1, 2]);
    assert.equal(leader.committedEnd(9, 2), -1, 'what is on its way is not in sync yet');
    leader.onState(stateOf({ partitionEpoch: change.partitionEpoch + 1, isr: [1, 2] }), 0);
    assert.ok(leader.committedEnd(9, 2) < 0);
    leader.onFetch(fetchOf(2, 9), 9);
    assert.equal(leader.committedEnd(9, 2), 9);
  });

  test('waits in a new leader epoch until each member has fetched in it', () => {
    const leader = leaderOf({ isr: [1, 2] });
    leader.onFetch(fetchOf(2, 9), 9);
    const next = leaderOf({ leaderEpoch: 6, partitionEpoch: 11, isr: [1, 2] });
    assert.ok(next.committedEnd(9, 1) < 0);
  });
});

describe('a change of the in-sync set', () => {
  test('names the epochs it was decided in', () => {
    const change = leaderOf().beginIsrChange([1, 2]);
    assert.deepEqual(change, { leaderEpoch: 5, partitionEpoch: 10, isr: [1, 2] });
  });

  test('whose answer is lost stays on its way until a newer partition epoch shows', () => {
    const leader = leaderOf({ isr: [1, 2] });
    leader.onFetch(fetchOf(2, 9), 9);
    leader.onFetch(fetchOf(3, 6), 9);
    const change = leader.beginIsrChange([1, 2, 3]);
    assert.equal(leader.pendingIsrChange, change);
    assert.throws(() => leader.beginIsrChange([1, 2, 3]), /one change/);
    // Another change came first: the controller has refused ours.
    leader.onState(stateOf({ partitionEpoch: 11, isr: [1, 2] }), 0);
    assert.equal(leader.pendingIsrChange, null);
    assert.equal(leader.committedEnd(9, 1), 9);
    assert.equal(leader.beginIsrChange([1, 2, 3]).partitionEpoch, 11);
  });

  test('that is refused for good is over, and an old refusal ends no later one', () => {
    const leader = leaderOf({ isr: [1, 2] });
    const first = leader.beginIsrChange([1, 2, 3]);
    leader.onIsrChangeRefused(first);
    assert.equal(leader.pendingIsrChange, null);
    const second = leader.beginIsrChange([1]);
    leader.onIsrChangeRefused(first);
    assert.equal(leader.pendingIsrChange, second);
  });
});

describe('a replica is behind', () => {
  test('when it has not had everything for longer than the bound', () => {
    const leader = leaderOf();
    leader.onFetch(fetchOf(2, 9, { timeMs: 100 }), 9);
    leader.onFetch(fetchOf(3, 9, { timeMs: 900 }), 9);
    assert.deepEqual(leader.behind(12, 1100, lagMsMax), []);
    assert.deepEqual(leader.behind(12, 1101, lagMsMax), [2]);
    assert.deepEqual(leader.behind(12, 1901, lagMsMax), [2, 3]);
    assert.deepEqual(leader.behind(9, 9999, lagMsMax), [], 'nothing is missing');
  });

  test('not while it keeps pace under load, though it never has everything', () => {
    const leader = leaderOf();
    for (let at = 0; at < 10; at++) {
      const timeMs = at * 500;
      leader.onFetch(fetchOf(2, at * 10, { timeMs }), at * 10 + 10);
      leader.onFetch(fetchOf(3, at, { timeMs }), at * 10 + 10);
    }
    assert.deepEqual(leader.behind(200, 5000, lagMsMax), [3]);
  });

  test('only if it is in sync, and not before the bound has passed in this epoch', () => {
    const leader = leaderOf({ isr: [1, 2] });
    assert.deepEqual(leader.behind(9, lagMsMax, lagMsMax), []);
    assert.deepEqual(leader.behind(9, lagMsMax + 1, lagMsMax), [2]);
  });
});

describe('a replica may enter the in-sync set', () => {
  const highWatermark = 8;

  test('when it has reached the watermark', () => {
    const leader = leaderOf({ isr: [1, 2] });
    assert.equal(leader.mayEnter(3, 7, highWatermark), false, 'it has not fetched');
    leader.onFetch(fetchOf(3, 7), 9);
    assert.equal(leader.mayEnter(3, 7, highWatermark), false);
    leader.onFetch(fetchOf(3, 8), 9);
    assert.equal(leader.mayEnter(3, 7, highWatermark), true);
    assert.equal(leader.mayEnter(2, 7, highWatermark), false, 'it is in');
    leader.beginIsrChange([1, 2, 3]);
    assert.equal(leader.mayEnter(3, 7, highWatermark), false, 'it is on its way');
  });

  test('and the start of the leader epoch', () => {
    const leader = leaderOf({ isr: [1, 2] }, 20);
    leader.onFetch(fetchOf(3, 19), 25);
    assert.equal(leader.mayEnter(3, 7, highWatermark), false);
    leader.onFetch(fetchOf(3, 20), 25);
    assert.equal(leader.mayEnter(3, 7, highWatermark), true);
  });

  test('with a fetch of its present life', () => {
    const leader = leaderOf({ isr: [1, 2] });
    leader.onFetch(fetchOf(3, 9), 9);
    assert.equal(leader.mayEnter(3, 8, highWatermark), false);
    leader.onFetch(fetchOf(3, 9, { brokerEpoch: 8 }), 9);
    assert.equal(leader.mayEnter(3, 8, highWatermark), true);
    for (const brokerEpoch of [7, -1]) {
      const late = fetchOf(3, 4, { brokerEpoch });
      assert.throws(() => leader.onFetch(late, 9), { errorName: 'NOT_LEADER_OR_FOLLOWER' });
    }
    assert.equal(leader.mayEnter(3, 8, highWatermark), true);
  });

  test('with a fetch of its newest connection: what lay in the network counts no more', () => {
    const leader = leaderOf({ isr: [1, 2] });
    leader.onFetch(fetchOf(3, 9, { connectionNumber: 5 }), 9);
    const before = { ...leader.remote(3) };
    const late = fetchOf(3, 4, { connectionNumber: 4, timeMs: 100 });
    assert.throws(() => leader.onFetch(late, 9), { errorName: 'NOT_LEADER_OR_FOLLOWER' });
    assert.deepEqual(leader.remote(3), before);
    assert.equal(leader.mayEnter(3, 7, highWatermark), true);
    leader.onFetch(fetchOf(3, 8, { connectionNumber: 6 }), 9);
    assert.equal(leader.remote(3)?.logEndOffset, 8);
  });

  test('with a fetch that says in which life it was sent', () => {
    const leader = leaderOf({ isr: [1, 2] });
    leader.onFetch(fetchOf(3, 9, { brokerEpoch: -1 }), 9);
    assert.equal(leader.mayEnter(3, -1, highWatermark), false);
  });
});

test('replicas come and go with the metadata, and what the others have stays known', () => {
  const leader = leaderOf({ isr: [1, 2] });
  leader.onFetch(fetchOf(2, 9, { logStartOffset: 4 }), 9);
  assert.throws(() => leader.onFetch(fetchOf(4, 0), 9), { errorName: 'UNKNOWN_LEADER_EPOCH' });
  leader.onState(stateOf({ partitionEpoch: 11, replicas: [1, 2, 4], isr: [1, 2] }), 0);
  leader.onFetch(fetchOf(4, 9), 9);
  assert.equal(leader.mayEnter(4, 7, 9), true);
  assert.equal(leader.remote(3), undefined);
  assert.deepEqual(
    leader.remotes.map(({ id, logEndOffset, logStartOffset }) => [
      id,
      logStartOffset,
      logEndOffset,
    ]),
    [
      [2, 4, 9],
      [4, 0, 9],
    ],
  );
});
