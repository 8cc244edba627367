// How a classic group comes from one generation to the next, whoever comes, goes or dies.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isParked,
  pending,
  type TestMember,
  type TestShard,
  withShard,
} from '../../../../tests/doubles/coordinator/group-shard.ts';
import { errorName } from '../../../protocol/index.ts';

const together = { config: { 'group.initial.rebalance.delay.ms': '100' } };

/** A stable group: its leader first. */
async function settled(at: TestShard, count: number): Promise<TestMember[]> {
  const members = Array.from({ length: count }, () => at.member());
  await at.settle(...members);
  return members.sort((a, b) => Number(b.isLeader) - Number(a.isLeader));
}

async function keepAlive(at: TestShard, forMs: number, members: readonly TestMember[]) {
  for (let passedMs = 0; passedMs < forMs; passedMs += 3000) {
    for (const member of members) await member.heartbeat();
    await at.io.clock.sleep(Math.min(3000, forMs - passedMs));
  }
}

test('a member that is silent for its session is out, and the others share its part', () =>
  withShard(async (at) => {
    const [a, b] = (await settled(at, 2)) as [TestMember, TestMember];
    await keepAlive(at, 10_500, [a]);
    assert.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS');
    assert.equal(await b.heartbeat(), 'UNKNOWN_MEMBER_ID');
    const { generationId, members } = await a.join();
    assert.equal(generationId, 2);
    assert.equal(members?.length, 1);
  }, together));

test('a member that does not rejoin in its rebalance timeout is out', () =>
  withShard(async (at) => {
    const [a, b] = (await settled(at, 2)) as [TestMember, TestMember];
    const newcomer = at.member();
    const joins = [newcomer.join(), a.join()].map(pending);
    // It lives, and is slow.
    await keepAlive(at, 29_000, [b]);
    assert.ok(joins[0] !== undefined && isParked(joins[0]));
    await keepAlive(at, 2000, [b]);
    assert.equal(joins[0]?.answer?.generationId, 2);
    assert.equal(joins[1]?.answer?.generationId, 2);
    assert.equal(await b.heartbeat(), 'UNKNOWN_MEMBER_ID');
  }, together));

test('whoever waits for our answer needs no heartbeats', () =>
  withShard(async (at) => {
    const [a, b] = (await settled(at, 2)) as [TestMember, TestMember];
    const newcomer = at.member({ rebalanceTimeoutMs: 60_000 });
    const waiting = [newcomer.join(), a.join()];
    await keepAlive(at, 45_000, [b]);
    await b.join();
    const [one, two] = await Promise.all(waiting);
    assert.deepEqual([one?.errorCode, two?.errorCode], [0, 0]);
  }, together));

test('a leader that dies before its sync leaves the others in a new rebalance', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member(), at.member()];
    await Promise.all(members.map((member) => member.join()));
    const leader = members.find(({ isLeader }) => isLeader) as TestMember;
    const others = members.filter(({ isLeader }) => !isLeader);
    const syncs = others.map((member) => pending(member.sync()));
    await at.io.clock.sleep(9000);
    assert.deepEqual(
      syncs.map(({ answer }) => answer),
      [null, null],
    );
    await at.io.clock.sleep(1500);
    for (const { answer } of syncs) {
      assert.equal(errorName(answer?.errorCode ?? 0), 'REBALANCE_IN_PROGRESS');
    }
    assert.equal(await leader.heartbeat(), 'UNKNOWN_MEMBER_ID');
    await at.settle(...others);
    assert.equal(others[0]?.generationId, 2);
  }, together));

test('members that never ask for their assignment are out after the rebalance timeout', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member()];
    await Promise.all(members.map((member) => member.join()));
    const leader = members.find(({ isLeader }) => isLeader) as TestMember;
    const silent = members.find(({ isLeader }) => !isLeader) as TestMember;
    await leader.sync();
    await keepAlive(at, 30_500, [leader, silent]);
    assert.equal(await silent.heartbeat(), 'UNKNOWN_MEMBER_ID');
    assert.equal(await leader.heartbeat(), 'REBALANCE_IN_PROGRESS');
  }, together));

test('a heartbeat is answered by what the group is doing', () =>
  withShard(async (at) => {
    const [a, b] = (await settled(at, 2)) as [TestMember, TestMember];
    assert.equal(await a.heartbeat(), 'NONE');
    a.generationId -= 1;
    assert.equal(await a.heartbeat(), 'ILLEGAL_GENERATION');
    a.generationId += 1;
    const joined = a.join();
    await at.io.clock.sleep(1);
    assert.equal(await b.heartbeat(), 'REBALANCE_IN_PROGRESS');
    await b.join();
    await joined;
    assert.equal(await at.state(), 'CompletingRebalance');
    assert.equal(await a.heartbeat(), 'NONE');
    assert.equal(await at.member().heartbeat(), 'UNKNOWN_MEMBER_ID');
    const stranger = at.member({ groupId: 'nobody' });
    assert.equal(await stranger.heartbeat(), 'UNKNOWN_MEMBER_ID');
  }, together));

test('a sync of another generation, or out of turn, is refused', () =>
  withShard(async (at) => {
    const [a, b] = (await settled(at, 2)) as [TestMember, TestMember];
    b.generationId += 1;
    assert.equal(errorName((await b.sync()).errorCode), 'ILLEGAL_GENERATION');
    b.generationId -= 1;
    // In a stable group it is the assignment again.
    assert.equal((await b.sync()).assignment.toString(), b.memberId);
    void a.join();
    await at.io.clock.sleep(1);
    assert.equal(errorName((await b.sync()).errorCode), 'REBALANCE_IN_PROGRESS');
    assert.equal(errorName((await at.member().sync()).errorCode), 'UNKNOWN_MEMBER_ID');
  }, together));

test('a member that leaves during a rebalance is not waited for', () =>
  withShard(async (at) => {
    const [a, b, c] = (await settled(at, 3)) as [TestMember, TestMember, TestMember];
    const joins = [a.join(), b.join()].map(pending);
    await at.io.clock.sleep(1);
    assert.ok(joins[0] !== undefined && isParked(joins[0]));
    assert.equal(await c.leave(), 'NONE');
    await at.io.clock.sleep(1);
    for (const { answer } of joins) assert.equal(answer?.generationId, 2);
    await at.assign(a, b);
    assert.equal(await at.state(), 'Stable');
  }, together));

test('a member that leaves while its join is parked hears that it is out', () =>
  withShard(async (at) => {
    const [a, b] = (await settled(at, 2)) as [TestMember, TestMember];
    b.topics = ['other'];
    const parked = pending(b.tryJoin());
    await at.io.clock.sleep(1);
    assert.ok(isParked(parked));
    await b.leave();
    await at.io.clock.sleep(1);
    assert.equal(errorName(parked.answer?.errorCode ?? 0), 'UNKNOWN_MEMBER_ID');
    assert.equal((await a.join()).errorCode, 0);
  }, together));

test('a leader that leaves during the sync phase ends it for everybody', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member()];
    await Promise.all(members.map((member) => member.join()));
    const leader = members.find(({ isLeader }) => isLeader) as TestMember;
    const other = members.find(({ isLeader }) => !isLeader) as TestMember;
    const sync = pending(other.sync());
    await leader.leave();
    await at.io.clock.sleep(1);
    assert.equal(errorName(sync.answer?.errorCode ?? 0), 'REBALANCE_IN_PROGRESS');
    await at.settle(other);
    assert.ok(other.isLeader);
  }, together));

test('when the last member leaves the group is empty', () =>
  withShard(async (at) => {
    const [a, b] = (await settled(at, 2)) as [TestMember, TestMember];
    await a.leave();
    await b.leave();
    assert.equal(await at.state(), 'Empty');
    assert.equal(await a.leave(), 'UNKNOWN_MEMBER_ID');
    assert.equal(await at.member({ groupId: 'nobody' }).leave(), 'UNKNOWN_MEMBER_ID');
  }, together));

test('a pending member holds up the join phase until it comes or gives up its id', () =>
  withShard(async (at) => {
    const [a] = (await settled(at, 1)) as [TestMember];
    const hesitant = at.member();
    hesitant.memberId = (await hesitant.tryJoin()).memberId;
    const joined = pending(a.join());
    await at.io.clock.sleep(1000);
    assert.ok(isParked(joined));
    assert.equal(await hesitant.leave(), 'NONE');
    await at.io.clock.sleep(1);
    assert.equal(joined.answer?.errorCode, 0);
  }));

test('rebalances that run into each other make no member unknown', () =>
  withShard(async (at) => {
    const members = Array.from({ length: 12 }, () => at.member());
    let unknown = 0;
    const live = async (member: TestMember, delayMs: number): Promise<void> => {
      await at.io.clock.sleep(delayMs);
      let isSynced = false;
      for (let round = 0; round < 60; round++) {
        if (!isSynced) {
          const { errorCode } = await member.join();
          if (errorName(errorCode) === 'UNKNOWN_MEMBER_ID') unknown += 1;
          assert.equal(errorCode, 0);
          const synced = errorName((await member.sync()).errorCode);
          if (synced === 'UNKNOWN_MEMBER_ID') unknown += 1;
          isSynced = synced === 'NONE';
          continue;
        }
        await at.io.clock.sleep(100);
        const beat = await member.heartbeat();
        if (beat === 'UNKNOWN_MEMBER_ID') unknown += 1;
        isSynced = beat === 'NONE';
      }
    };
    await Promise.all(members.map((member, index) => live(member, index * 37)));
    assert.equal(unknown, 0);
    assert.equal(await at.state(), 'Stable');
    assert.equal(new Set(members.map(({ generationId }) => generationId)).size, 1);
  }, together));
