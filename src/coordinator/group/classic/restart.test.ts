// A coordinator that restarts: what was committed is there, and members that live go on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isParked,
  pending,
  type TestMember,
  withShard,
} from '../../../../tests/doubles/coordinator/group-shard.ts';
import { errorName } from '../../../protocol/index.ts';

const together = { config: { 'group.initial.rebalance.delay.ms': '100' } };

test('a stable group is as it was, and its members need not join again', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member()];
    await at.settle(...members);
    await members[0]?.commit(42, 'note');
    await at.restart();
    assert.equal(await at.state(), 'Stable');
    for (const member of members) {
      assert.equal(await member.heartbeat(), 'NONE');
      const before = member.assignment;
      await member.sync();
      assert.equal(member.assignment, before);
    }
    assert.equal(await at.committed(), 42);
    assert.equal(await members[1]?.commit(43), 'NONE');
  }, together));

test('sessions begin anew with the coordinator, and end as ever', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member()] as [TestMember, TestMember];
    await at.settle(...members);
    await at.io.clock.sleep(8000);
    await at.restart();
    await at.io.clock.sleep(8000);
    assert.equal(await members[0].heartbeat(), 'NONE');
    await at.io.clock.sleep(3000);
    assert.equal(await members[1].heartbeat(), 'UNKNOWN_MEMBER_ID');
    assert.equal(await members[0].heartbeat(), 'REBALANCE_IN_PROGRESS');
  }, together));

test('parked requests are answered when the coordinator goes', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member()] as [TestMember, TestMember];
    await at.settle(...members);
    const newcomer = pending(at.member().join());
    await at.io.clock.sleep(1);
    assert.ok(isParked(newcomer));
    await at.restart();
    assert.equal(errorName(newcomer.answer?.errorCode ?? 0), 'NOT_COORDINATOR');
  }, together));

test('a restart while members join loses none of them', () =>
  withShard(async (at) => {
    const old = at.member();
    await at.settle(old);
    const newcomers = [at.member(), at.member()];
    const parked = newcomers.map((member) => pending(member.join()));
    await at.io.clock.sleep(1);
    assert.ok(newcomers.every(({ memberId }) => memberId !== ''));
    await at.restart();
    for (const { answer } of parked)
      assert.equal(errorName(answer?.errorCode ?? 0), 'NOT_COORDINATOR');
    // The old one does not know that anything happened.
    assert.equal(await old.heartbeat(), 'NONE');
    const ids = newcomers.map(({ memberId }) => memberId);
    const joins = newcomers.map((member) => member.join());
    await at.io.clock.sleep(1);
    assert.equal(await old.heartbeat(), 'REBALANCE_IN_PROGRESS');
    await at.settle(old, ...[]);
    for (const joined of joins) assert.equal((await joined).errorCode, 0);
    assert.deepEqual(
      newcomers.map(({ memberId }) => memberId),
      ids,
    );
  }, together));

test('a restart between join and sync keeps everybody who joined', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member(), at.member()];
    await Promise.all(members.map((member) => member.join()));
    const follower = members.find(({ isLeader }) => !isLeader) as TestMember;
    const parked = pending(follower.sync());
    await at.io.clock.sleep(1);
    await at.restart();
    assert.equal(errorName(parked.answer?.errorCode ?? 0), 'NOT_COORDINATOR');
    for (const member of members) {
      assert.equal(errorName((await member.sync()).errorCode), 'REBALANCE_IN_PROGRESS');
    }
    await at.settle(...members);
    assert.deepEqual(
      members.map(({ generationId }) => generationId),
      [2, 2, 2],
    );
  }, together));

test('the first members of a new group survive a restart before their first generation', () =>
  withShard(async (at) => {
    const first = at.member();
    const parked = pending(first.join());
    await at.io.clock.sleep(10);
    assert.ok(isParked(parked));
    await at.restart();
    assert.equal((await first.join()).errorCode, 0);
  }, together));

test('an id that only a dead coordinator can have given is believed for a minute', () =>
  withShard(async (at) => {
    await at.settle(at.member({ groupId: 'other' }));
    await at.restart();
    await at.io.clock.sleep(60_000);
    const late = at.member();
    late.memberId = 'client-01234567-89ab-4cde-8f01-23456789abcd';
    assert.equal(errorName((await late.tryJoin()).errorCode), 'UNKNOWN_MEMBER_ID');
  }));

test('an unknown member that brings partitions is sent away, also after a restart', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member()] as [TestMember, TestMember];
    await at.settle(...members);
    // The first one falls silent, and the second goes on alone.
    await at.io.clock.sleep(8000);
    await members[1].heartbeat();
    await at.io.clock.sleep(3000);
    await at.settle(members[1]);
    await at.restart();
    members[0].owned = [0];
    assert.equal(errorName((await members[0].tryJoin()).errorCode), 'UNKNOWN_MEMBER_ID');
  }, together));

test('an empty group keeps its generation', () =>
  withShard(async (at) => {
    const member = at.member();
    await at.settle(member);
    await member.leave();
    await at.restart();
    assert.equal(await at.state(), 'Empty');
    const next = at.member();
    await at.settle(next);
    assert.equal(next.generationId, 3);
  }));

test('a request while the groups are loaded is told so', () =>
  withShard(async (at) => {
    const member = at.member();
    await at.settle(member);
    const restarted = at.restart();
    assert.equal(await member.heartbeat(), 'COORDINATOR_LOAD_IN_PROGRESS');
    await restarted;
    assert.equal(await member.heartbeat(), 'NONE');
  }));

test('an assignment too large for the log is refused to all, and the group goes on', () =>
  withShard(async (at) => {
    const members = [at.member(), at.member()];
    await Promise.all(members.map((member) => member.join()));
    const leader = members.find(({ isLeader }) => isLeader) as TestMember;
    const other = members.find(({ isLeader }) => !isLeader) as TestMember;
    const parked = pending(other.sync());
    const assignment = Buffer.alloc(10 * 1024 * 1024, 'x');
    const answer = await leader.sync([{ memberId: other.memberId, assignment }]);
    assert.equal(errorName(answer.errorCode), 'UNKNOWN_SERVER_ERROR');
    assert.equal(errorName(parked.answer?.errorCode ?? 0), 'UNKNOWN_SERVER_ERROR');
    await at.settle(...members);
    assert.equal(await at.state(), 'Stable');
  }, together));
