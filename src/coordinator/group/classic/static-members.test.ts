// Members with an instance id (KIP-345): their place survives their process.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isParked,
  pending,
  type TestMember,
  type TestShard,
  withShard,
} from '../../../../tests/doubles/coordinator/group-shard.ts';
import { consumerProtocolAssignment, encodeVersioned, errorName } from '../../../protocol/index.ts';
import { onLeave } from '../requests/member-requests.ts';

const together = { config: { 'group.initial.rebalance.delay.ms': '100' } };

async function settledPair(at: TestShard, version = 9) {
  const members = ['one', 'two'].map((instanceId) => at.member({ instanceId, version }));
  await at.settle(...members);
  const leader = members[0]?.isLeader ? 'one' : 'two';
  const follower = leader === 'one' ? 'two' : 'one';
  const memberOf = (instanceId: string) => (instanceId === 'one' ? members[0] : members[1]);
  return { leader, follower, memberOf };
}

test('a static member is in at once, with its instance in its id', () =>
  withShard(async (at) => {
    const answer = await at.member({ instanceId: 'one' }).tryJoin();
    assert.equal(answer.errorCode, 0);
    assert.match(answer.memberId, /^one-[0-9a-f-]{36}$/);
  }));

test('a follower that restarts takes its place back without a rebalance', () =>
  withShard(async (at) => {
    const { follower, memberOf } = await settledPair(at);
    const before = memberOf(follower);
    const again = at.member({ instanceId: follower });
    const answer = await again.join();
    assert.deepEqual([answer.errorCode, answer.generationId], [0, 1]);
    assert.notEqual(again.memberId, before?.memberId);
    assert.equal(await at.state(), 'Stable');
    // Its old assignment, which was given to its old id.
    await again.sync();
    assert.equal(again.assignment, before?.memberId);
    assert.equal(await again.heartbeat(), 'NONE');
    assert.equal(await before?.heartbeat(), 'FENCED_INSTANCE_ID');
    assert.equal(await before?.commit(5), 'FENCED_INSTANCE_ID');
    assert.equal(errorName((await before?.sync())?.errorCode ?? 0), 'FENCED_INSTANCE_ID');
  }, together));

test('a member that restarts before it joined again as it had to brings a rebalance', () =>
  withShard(async (at) => {
    const { leader, follower, memberOf } = await settledPair(at);
    const members = [leader, follower].map((name) => memberOf(name) as TestMember);
    for (const member of members) member.owned = member === members[0] ? [0] : [1, 2];
    const joins = members.map((member) => member.join());
    for (const join of joins) assert.equal((await join).errorCode, 0);
    const assignments = members.map(({ memberId, owned }) => ({
      memberId,
      assignment: encodeVersioned(consumerProtocolAssignment, 0, {
        assignedPartitions: [{ topic: 't', partitions: [owned[0] as number] }],
      }),
    }));
    await Promise.all(members.map((member) => member.sync(member.isLeader ? assignments : [])));
    assert.equal(await at.state(), 'Stable');
    await at.restart();
    const again = pending(at.member({ instanceId: follower }).join());
    await at.io.clock.sleep(1);
    assert.ok(isParked(again));
    assert.equal(await members[0]?.heartbeat(), 'REBALANCE_IN_PROGRESS');
  }, together));

test('a leader that restarts is told to skip the assignment', () =>
  withShard(async (at) => {
    const { leader } = await settledPair(at);
    const again = at.member({ instanceId: leader });
    const answer = await again.join();
    assert.equal(answer.skipAssignment, true);
    assert.equal(answer.leader, again.memberId);
    assert.equal(answer.members?.length, 2);
    assert.equal(await at.state(), 'Stable');
  }, together));

test('before version 9 a leader that restarts is not told that it leads', () =>
  withShard(async (at) => {
    const { leader, memberOf } = await settledPair(at, 8);
    const again = at.member({ instanceId: leader, version: 8 });
    const answer = await again.join();
    assert.equal(answer.leader, memberOf(leader)?.memberId);
    assert.deepEqual(answer.members, []);
  }, together));

test('a static member that comes back with another subscription begins a rebalance', () =>
  withShard(async (at) => {
    const { leader, follower, memberOf } = await settledPair(at);
    const again = at.member({ instanceId: follower, topics: ['t', 'u'] });
    const joined = pending(again.join());
    await at.io.clock.sleep(1);
    assert.ok(isParked(joined));
    await memberOf(leader)?.join();
    await at.io.clock.sleep(1);
    assert.equal(joined.answer?.generationId, 2);
  }, together));

test('a second process with the same instance id fences the first in the middle of a join', () =>
  withShard(async (at) => {
    const { follower, memberOf } = await settledPair(at);
    const first = memberOf(follower);
    if (first === undefined) throw new Error('a pair has a follower');
    first.topics = ['other'];
    const parked = pending(first.tryJoin());
    await at.io.clock.sleep(1);
    void at.member({ instanceId: follower }).join();
    await at.io.clock.sleep(1);
    assert.equal(errorName(parked.answer?.errorCode ?? 0), 'FENCED_INSTANCE_ID');
  }, together));

test('a static member that is away keeps its place until its session ends', () =>
  withShard(async (at) => {
    const { leader, memberOf } = await settledPair(at);
    const here = memberOf(leader);
    const joined = pending(here?.join() ?? Promise.reject(new Error('nobody')));
    await at.io.clock.sleep(9000);
    assert.ok(isParked(joined));
    await at.io.clock.sleep(1500);
    assert.equal(joined.answer?.members?.length, 1);
  }, together));

test('an operator removes members by their instance ids', () =>
  withShard(async (at) => {
    await settledPair(at);
    const leave = (instanceIds: string[]) =>
      at.decide((machine, outcome) =>
        onLeave(
          machine,
          {
            apiVersion: 4,
            request: {
              groupId: 'g',
              memberId: '',
              members: instanceIds.map((groupInstanceId) => ({
                memberId: '',
                groupInstanceId,
                reason: null,
              })),
            },
          },
          outcome,
        ),
      );
    const answer = await leave(['one', 'nobody', 'two']);
    assert.deepEqual(
      answer.members?.map(({ errorCode }) => errorName(errorCode)),
      ['NONE', 'UNKNOWN_MEMBER_ID', 'NONE'],
    );
    assert.equal(await at.state(), 'Empty');
  }, together));

test('a static member that restarts while its coordinator does finds its place', () =>
  withShard(async (at) => {
    const { follower, memberOf } = await settledPair(at);
    await at.restart();
    const again = at.member({ instanceId: follower });
    assert.equal((await again.join()).generationId, 1);
    await again.sync();
    assert.equal(again.assignment, memberOf(follower)?.memberId);
  }, together));
