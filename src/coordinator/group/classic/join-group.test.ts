// Who may join a classic group, under which id, and what it is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pending, withShard } from '../../../../tests/doubles/coordinator/group-shard.ts';
import { errorName } from '../../../protocol/index.ts';

const generatedId = /^client-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('a dynamic member comes twice, the second time with the id it was given', () =>
  withShard(async (at) => {
    const member = at.member();
    const first = await member.tryJoin();
    assert.equal(errorName(first.errorCode), 'MEMBER_ID_REQUIRED');
    assert.match(first.memberId, generatedId);
    member.memberId = first.memberId;
    const second = await member.tryJoin();
    assert.equal(second.errorCode, 0);
    assert.equal(second.memberId, first.memberId);
    assert.equal(second.leader, first.memberId);
    assert.equal(second.generationId, 1);
  }));

test('a client older than version 4 is in at once', () =>
  withShard(async (at) => {
    const answer = await at.member({ version: 3 }).tryJoin();
    assert.equal(answer.errorCode, 0);
    assert.match(answer.memberId, generatedId);
  }));

test('an id that was given and not used for a session is forgotten, and the group with it', () =>
  withShard(async (at) => {
    const member = at.member({ sessionTimeoutMs: 6000 });
    member.memberId = (await member.tryJoin()).memberId;
    assert.equal(await at.state(), 'Empty');
    await at.io.clock.sleep(6100);
    assert.equal(await at.state(), 'Dead');
    assert.equal(errorName((await member.tryJoin()).errorCode), 'UNKNOWN_MEMBER_ID');
  }));

test('an id that nobody gave is unknown', () =>
  withShard(async (at) => {
    const member = at.member();
    member.memberId = 'made-up';
    assert.equal(errorName((await member.tryJoin()).errorCode), 'UNKNOWN_MEMBER_ID');
    assert.equal(await at.state(), 'Dead');
    await at.settle(at.member());
    assert.equal(errorName((await member.tryJoin()).errorCode), 'UNKNOWN_MEMBER_ID');
  }));

test('a session timeout outside the bounds is refused', () =>
  withShard(async (at) => {
    for (const sessionTimeoutMs of [5999, 1_800_001]) {
      const { errorCode } = await at.member({ sessionTimeoutMs }).tryJoin();
      assert.equal(errorName(errorCode), 'INVALID_SESSION_TIMEOUT');
    }
    assert.equal(await at.state(), 'Dead');
  }));

test('the first members are waited for, each gives the next another delay', () =>
  withShard(
    async (at) => {
      const startMs = at.io.clock.monotonic();
      const joins = [pending(at.member().join())];
      await at.io.clock.sleep(2000);
      joins.push(pending(at.member().join()));
      await at.io.clock.sleep(2000);
      assert.deepEqual(
        joins.map(({ answer }) => answer),
        [null, null],
      );
      const third = await at.member().join();
      assert.equal(third.generationId, 1);
      // 0 + 3 s, a member came: + 3 s, another came: + 3 s.
      assert.equal(Math.round((at.io.clock.monotonic() - startMs) / 1000), 9);
      await at.io.clock.sleep(1);
      const leader = joins.find(({ answer }) => (answer?.members?.length ?? 0) > 0);
      assert.equal(leader?.answer?.members?.length, 3);
    },
    { config: { 'group.initial.rebalance.delay.ms': '3000' } },
  ));

test('the first rebalance ends with the rebalance timeout, however many come', () =>
  withShard(
    async (at) => {
      const startMs = at.io.clock.monotonic();
      const first = at.member({ rebalanceTimeoutMs: 7000 }).join();
      let isOver = false;
      void first.then(() => {
        isOver = true;
      });
      while (!isOver) {
        void at.member({ rebalanceTimeoutMs: 7000 }).join();
        await at.io.clock.sleep(500);
      }
      const tookMs = at.io.clock.monotonic() - startMs;
      assert.ok(tookMs >= 7000 && tookMs < 7600, `${tookMs} ms`);
    },
    { config: { 'group.initial.rebalance.delay.ms': '3000' } },
  ));

test('the protocol is the one most members prefer among those that all support', () =>
  withShard(
    async (at) => {
      const members = [
        at.member({ protocols: ['sticky', 'robin', 'range'] }),
        at.member({ protocols: ['robin', 'range'] }),
        at.member({ protocols: ['range', 'robin', 'other'] }),
        at.member({ protocols: ['other', 'robin', 'range'] }),
      ];
      const answers = await Promise.all(members.map((member) => member.join()));
      for (const { protocolName } of answers) assert.equal(protocolName, 'robin');
    },
    { config: { 'group.initial.rebalance.delay.ms': '100' } },
  ));

test('a member that shares no protocol with the others is refused and disturbs nobody', () =>
  withShard(async (at) => {
    const settled = at.member({ protocols: ['range', 'robin'] });
    await at.settle(settled);
    for (const options of [
      { protocols: ['sticky'] },
      { protocols: [] },
      { protocols: ['range'], protocolType: 'connect' },
    ]) {
      const { errorCode } = await at.member(options).tryJoin();
      assert.equal(errorName(errorCode), 'INCONSISTENT_GROUP_PROTOCOL');
    }
    assert.equal(await settled.heartbeat(), 'NONE');
  }));

test('an empty group takes no member without a protocol, and any protocol type', () =>
  withShard(async (at) => {
    const refused = await at.member({ protocols: [] }).tryJoin();
    assert.equal(errorName(refused.errorCode), 'INCONSISTENT_GROUP_PROTOCOL');
    assert.equal(await at.state(), 'Dead');
    const first = at.member();
    await at.settle(first);
    await first.leave();
    assert.equal((await at.member({ protocolType: 'connect' }).join()).errorCode, 0);
  }));

test('a full group refuses newcomers and keeps its members', () =>
  withShard(
    async (at) => {
      const [a, b] = [at.member(), at.member()];
      const joins = [a.join(), b.join()];
      await Promise.all(joins);
      await at.assign(a, b);
      const { errorCode, memberId } = await at.member().join();
      assert.equal(errorName(errorCode), 'GROUP_MAX_SIZE_REACHED');
      assert.equal(memberId, '');
      assert.equal(await a.heartbeat(), 'NONE');
      await b.leave();
      const third = at.member();
      const joined = third.join();
      await Promise.all([a.join(), joined]);
      assert.equal((await joined).errorCode, 0);
    },
    { config: { 'group.max.size': '2', 'group.initial.rebalance.delay.ms': '100' } },
  ));

test('an answer to a join that was lost is given again without a new rebalance', () =>
  withShard(async (at) => {
    const [a, b] = [at.member(), at.member()];
    await at.settle(a);
    const second = b.join();
    await at.io.clock.sleep(10);
    const first = await a.join();
    await second;
    const again = await a.join();
    assert.deepEqual(again, first);
    await at.assign(a, b);
    // In a stable group a follower that lost its answer finds it, too.
    assert.equal((await b.join()).generationId, 2);
    assert.equal(await at.state(), 'Stable');
  }));

test('a leader that joins again wants the assignment computed anew', () =>
  withShard(async (at) => {
    const leader = at.member();
    await at.settle(leader);
    assert.equal((await leader.join()).generationId, 2);
    assert.equal(await at.state(), 'CompletingRebalance');
  }));

test('a member that subscribes to something else begins a rebalance', () =>
  withShard(
    async (at) => {
      const [a, b] = [at.member(), at.member()];
      await at.settle(a, b);
      const follower = a.isLeader ? b : a;
      const leader = a.isLeader ? a : b;
      follower.topics = ['t', 'u'];
      const joined = follower.join();
      await at.io.clock.sleep(10);
      assert.equal(await leader.heartbeat(), 'REBALANCE_IN_PROGRESS');
      await leader.join();
      assert.equal((await joined).generationId, 2);
    },
    { config: { 'group.initial.rebalance.delay.ms': '100' } },
  ));

test('names too long for the records of the group are refused', () =>
  withShard(async (at) => {
    const { errorCode } = await at.member({ clientId: 'c'.repeat(32_767) }).tryJoin();
    assert.equal(errorName(errorCode), 'INVALID_REQUEST');
  }));
