// Committed offsets: who may commit, what the next fetch returns, and when they are forgotten.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  errorOf,
  type TestShard,
  withShard,
} from '../../../../tests/doubles/coordinator/group-shard.ts';
import { ZERO_UUID } from '../../../base/uuid.ts';
import { onDeleteOffsets } from '../requests/offset-requests.ts';
import { describeGroup, listGroups } from '../requests/view-requests.ts';
import { fetchOffsets } from './fetch-offsets.ts';

const minute = 60_000;
const together = { config: { 'group.initial.rebalance.delay.ms': '100' } };

function fetchAll(at: TestShard, groupId = 'g') {
  return at.decide((machine) => fetchOffsets(machine.offsets, groupId, null));
}

function deleteTopicOffsets(at: TestShard, topic: string, groupId = 'g') {
  return errorOf(async () => {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0 }] }];
    const [deleted] = await at.decide((machine, outcome) =>
      onDeleteOffsets(machine, { groupId, topics }, outcome),
    );
    return deleted?.partitions[0]?.errorCode ?? 0;
  });
}

const named = (name: string, offset = 1) => ({
  name,
  topicId: ZERO_UUID,
  partitions: [
    {
      partitionIndex: 0,
      committedOffset: offset,
      committedLeaderEpoch: 7,
      committedMetadata: '',
      commitTimestamp: -1,
    },
  ],
});

test('what was committed is fetched, with metadata and leader epoch, also after a restart', () =>
  withShard(async (at) => {
    assert.equal(await at.commit({ offset: 5, metadata: 'where I was: ä' }), 'NONE');
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(await fetchAll(at), [
        {
          name: 't',
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: 5,
              committedLeaderEpoch: 7,
              metadata: 'where I was: ä',
              errorCode: 0,
            },
          ],
        },
      ]);
      await at.restart();
    }
  }));

test('what was never committed is -1 and no error', () =>
  withShard(async (at) => {
    const wanted = [{ name: 'x', partitionIndexes: [3] }];
    const [topic] = await at.decide((machine) => fetchOffsets(machine.offsets, 'nobody', wanted));
    assert.deepEqual(topic?.partitions[0], {
      partitionIndex: 3,
      committedOffset: -1,
      committedLeaderEpoch: -1,
      metadata: '',
      errorCode: 0,
    });
    assert.deepEqual(await fetchAll(at, 'nobody'), []);
  }));

test('metadata longer than the limit is refused, and the offset with it', () =>
  withShard(async (at) => {
    assert.equal(await at.commit({ metadata: 'ä'.repeat(2049) }), 'OFFSET_METADATA_TOO_LARGE');
    assert.equal(await at.committed(), -1);
    assert.equal(await at.commit({ metadata: 'ä'.repeat(2048) }), 'NONE');
  }));

test('a group without members takes commits from anybody, one with members from them alone', () =>
  withShard(async (at) => {
    assert.equal(await at.commit({ offset: 1 }), 'NONE');
    assert.equal(await at.commit({ generationIdOrMemberEpoch: 3 }), 'UNKNOWN_MEMBER_ID');
    const fresh = { groupId: 'fresh', generationIdOrMemberEpoch: 3 };
    assert.equal(await at.commit(fresh), 'ILLEGAL_GENERATION');
    const member = at.member();
    await at.settle(member);
    assert.equal(await at.commit({ offset: 2 }), 'UNKNOWN_MEMBER_ID');
    assert.equal(await member.commit(3), 'NONE');
    const stranger = { memberId: 'stranger', generationIdOrMemberEpoch: member.generationId };
    assert.equal(await at.commit(stranger), 'UNKNOWN_MEMBER_ID');
    assert.equal(await at.committed(), 3);
  }));

test('a commit of an old generation is refused', () =>
  withShard(async (at) => {
    const member = at.member();
    await at.settle(member);
    const old = { memberId: member.memberId, generationIdOrMemberEpoch: member.generationId };
    await at.settle(member);
    assert.equal(await at.commit(old), 'ILLEGAL_GENERATION');
  }));

test('members may commit while the others join, and not while the assignment is made', () =>
  withShard(async (at) => {
    const [a, b] = [at.member(), at.member()];
    await at.settle(a, b);
    const [leader, other] = a.isLeader ? [a, b] : [b, a];
    const joined = leader.join();
    await at.io.clock.sleep(1);
    assert.equal(await other.commit(10), 'NONE');
    await other.join();
    await joined;
    assert.equal(await other.commit(11), 'REBALANCE_IN_PROGRESS');
    assert.equal(await at.committed(), 10);
  }, together));

test('a commit is a sign of life', () =>
  withShard(async (at) => {
    const member = at.member();
    await at.settle(member);
    for (let round = 0; round < 5; round++) {
      await at.io.clock.sleep(7000);
      assert.equal(await member.commit(round), 'NONE');
    }
  }));

test('a group id of 64 KiB is refused, an empty one may commit', () =>
  withShard(async (at) => {
    assert.equal(await at.commit({ groupId: 'g'.repeat(65_536) }), 'INVALID_GROUP_ID');
    assert.equal(await at.commit({ groupId: '', offset: 9 }), 'NONE');
    assert.equal(await at.committed(''), 9);
  }));

for (const log of [{ messageBytesMax: 2000 }, { segmentBytesMax: 2000 }]) {
  const limit = Object.keys(log)[0];
  test(`a commit of more than ${limit} is written all the same`, () =>
    withShard(
      async (at) => {
        const topics = Array.from({ length: 200 }, (_, index) => named(`topic-${index}`, index));
        assert.equal(await at.commit({ topics }), 'NONE');
        await at.restart();
        assert.equal((await fetchAll(at)).length, 200);
        assert.equal(await at.committed('g', 'topic-150'), 150);
      },
      { log },
    ));
}

test('offsets of a group that is in use stay, and go when it was empty for the retention', () =>
  withShard(
    async (at) => {
      const member = at.member();
      await at.settle(member);
      await member.commit(5);
      for (let round = 0; round < 40; round++) {
        await at.io.clock.sleep(6000);
        assert.equal(await member.heartbeat(), 'NONE');
      }
      await member.leave();
      await at.io.clock.sleep(minute);
      assert.equal(await at.committed(), 5);
      await at.io.clock.sleep(2 * minute);
      assert.equal(await at.committed(), -1);
      assert.equal(await at.state(), 'Dead');
      await at.restart();
      assert.equal(await at.committed(), -1);
      assert.equal(await at.state(), 'Dead');
    },
    {
      config: {
        'offsets.retention.minutes': '2',
        'offsets.retention.check.interval.ms': '10000',
      },
    },
  ));

test('without members every offset lives from its commit on', () =>
  withShard(
    async (at) => {
      await at.commit({ topics: [named('early')] });
      await at.io.clock.sleep(minute);
      await at.commit({ topics: [named('late')] });
      await at.io.clock.sleep(1.5 * minute);
      assert.equal(await at.committed('g', 'early'), -1);
      assert.equal(await at.committed('g', 'late'), 1);
      await at.io.clock.sleep(minute);
      assert.equal(await at.state(), 'Dead');
    },
    {
      config: {
        'offsets.retention.minutes': '2',
        'offsets.retention.check.interval.ms': '10000',
      },
    },
  ));

test('an offset with a retention of its own keeps to it, also after a restart', () =>
  withShard(
    async (at) => {
      await at.commit({ topics: [named('short')], retentionTimeMs: 3000 });
      await at.commit({ topics: [named('long')] });
      await at.restart();
      await at.io.clock.sleep(2500);
      assert.equal(await at.committed('g', 'short'), 1);
      await at.io.clock.sleep(2000);
      assert.equal(await at.committed('g', 'short'), -1);
      assert.equal(await at.committed('g', 'long'), 1);
    },
    { config: { 'offsets.retention.check.interval.ms': '1000' } },
  ));

test('a group with members forgets what it does not consume any more', () =>
  withShard(
    async (at) => {
      await at.commit({ topics: [named('t'), named('left')] });
      const member = at.member();
      await at.settle(member);
      for (let round = 0; round < 30; round++) {
        await at.io.clock.sleep(6000);
        assert.equal(await member.heartbeat(), 'NONE');
      }
      assert.equal(await at.committed('g', 't'), 1);
      assert.equal(await at.committed('g', 'left'), -1);
    },
    {
      config: {
        'offsets.retention.minutes': '2',
        'offsets.retention.check.interval.ms': '10000',
      },
    },
  ));

test('offsets of a topic that the group consumes cannot be deleted, others can', () =>
  withShard(async (at) => {
    await at.commit({ topics: [named('t'), named('other')] });
    const member = at.member();
    await at.settle(member);
    assert.equal(await deleteTopicOffsets(at, 't'), 'GROUP_SUBSCRIBED_TO_TOPIC');
    assert.equal(await deleteTopicOffsets(at, 'other'), 'NONE');
    assert.equal(await at.committed('g', 'other'), -1);
    await member.leave();
    assert.equal(await deleteTopicOffsets(at, 't'), 'NONE');
    assert.equal(await deleteTopicOffsets(at, 't', 'nobody'), 'GROUP_ID_NOT_FOUND');
    const worker = at.member({ groupId: 'connect', protocolType: 'connect' });
    await at.settle(worker);
    assert.equal(await deleteTopicOffsets(at, 't', 'connect'), 'NON_EMPTY_GROUP');
  }));

test('a group is deleted with its offsets, once it is empty', () =>
  withShard(async (at) => {
    const member = at.member();
    await at.settle(member);
    await member.commit(5);
    const remove = () => errorOf(() => at.decide((m, outcome) => m.deleteGroup('g', outcome)));
    assert.equal(await remove(), 'NON_EMPTY_GROUP');
    await member.leave();
    assert.equal(await remove(), 'NONE');
    assert.equal(await remove(), 'GROUP_ID_NOT_FOUND');
    assert.equal(await at.committed(), -1);
    await at.restart();
    assert.equal(await at.committed(), -1);
    assert.equal(await at.state(), 'Dead');
    // A new group of the name begins anew.
    const next = at.member();
    await at.settle(next);
    assert.equal(next.generationId, 1);
  }));

test('groups are listed by state and type, and described with their members', () =>
  withShard(async (at) => {
    const member = at.member();
    await at.settle(member);
    await at.commit({ groupId: 'simple' });
    const list = (states: string[], types: string[] = []) =>
      at.decide((machine) => listGroups(machine, { states, types }).map((one) => one.groupId));
    assert.deepEqual((await list([])).sort(), ['g', 'simple']);
    assert.deepEqual(await list(['stable']), ['g']);
    assert.deepEqual(await list(['Empty'], ['Classic']), ['simple']);
    assert.deepEqual(await list([], ['consumer']), []);
    const described = await at.decide((machine) => describeGroup(machine, 'g', true));
    assert.equal(described.groupState, 'Stable');
    assert.equal(described.protocolData, 'range');
    const [one] = described.members;
    assert.equal(one?.clientHost, '/10.0.0.1');
    assert.equal(one?.memberAssignment.toString(), member.memberId);
    void member.join();
    await at.io.clock.sleep(1);
    const between = await at.decide((machine) => describeGroup(machine, 'g', true));
    assert.equal(between.protocolData, '');
    assert.equal(between.members[0]?.memberAssignment.length, 0);
  }));

test('a group that nobody knows is dead, and an error since version 6', () =>
  withShard(async (at) => {
    const old = await at.decide((machine) => describeGroup(machine, 'x', false));
    assert.deepEqual([old.errorCode, old.groupState], [0, 'Dead']);
    const recent = await at.decide((machine) => describeGroup(machine, 'x', true));
    assert.deepEqual([recent.errorCode, recent.errorMessage], [69, 'Group x not found.']);
  }));
