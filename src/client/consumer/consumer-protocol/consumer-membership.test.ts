// Members of KIP-848 groups against a scripted coordinator: join, reconcile, be fenced, leave.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, simulate, type WorldOptions } from '../../../../sim/index.ts';
import {
  GroupHarness,
  type GroupMemberProcess,
} from '../../../../tests/doubles/client/group-consumers.ts';
import { ScriptedCluster } from '../../../../tests/doubles/client/scripted-cluster.ts';
import { ScriptedConsumerGroups } from '../../../../tests/doubles/client/scripted-consumer-groups.ts';
import { Prng } from '../../../base/prng.ts';
import type { Io } from '../../../io/index.ts';
import { ErrorCode } from '../../../protocol/index.ts';
import { Consumer } from '../consumer.ts';
import type { ConsumerOptions } from '../consumer-options.ts';
import { SubscriptionPattern } from '../subscription.ts';

interface Scene {
  readonly io: Io;
  readonly cluster: ScriptedCluster;
  readonly groups: ScriptedConsumerGroups;
  readonly harness: GroupHarness;
  /** A process for another member. */
  start(): ReturnType<SimProcess['host']['start']>;
}

/** Two brokers, the topic `t` with six partitions. */
function scene(
  options: Partial<ConsumerOptions>,
  play: (scene: Scene) => Promise<void>,
  world: WorldOptions = {},
): Promise<void> {
  return simulate(async (io, { host }) => {
    const cluster = await ScriptedCluster.start(io, 2);
    const groups = new ScriptedConsumerGroups(io, cluster);
    cluster.addTopic('t', [1, 2, 1, 2, 1, 2]);
    const all = { groupProtocol: 'consumer', ...options } as const;
    const harness = new GroupHarness(cluster, io, () => host.start(), all);
    await play({ io, cluster, groups, harness, start: () => host.start() });
    for (const { failure } of harness.members) if (failure !== null) throw failure;
  }, world);
}

const total = (committed: Record<string, number>): number =>
  Object.values(committed).reduce((a, b) => a + b, 0);

test('members share, hand over only what moves, and commit before they give up', () =>
  scene({}, async ({ groups, harness }) => {
    harness.fill('t', 20);
    const a = harness.start('a');
    await harness.untilSeen(120);
    const b = harness.start('b');
    await harness.untilShared(6, a, b);
    assert.deepEqual(a.history, ['+ 0 1 2 3 4 5', '- 1 3 5']);
    harness.fill('t', 5);
    await harness.untilSeen(150);
    assert.equal(a.values.length + b.values.length, 150, 'no record came twice');
    await a.stop();
    await harness.untilShared(6, b);
    await b.stop();
    assert.equal(groups.members.size, 0);
    assert.equal(total(groups.committed()), 150);
  }));

test('the first heartbeat says everything, those of an idle member nothing', () =>
  scene({ clientRack: 'r', maxPollIntervalMs: 9000 }, async ({ groups, harness, io }) => {
    const a = harness.start('a');
    await harness.untilShared(6, a);
    await io.clock.sleep(5000);
    const [first] = groups.heartbeats;
    assert.equal(first?.memberEpoch, 0);
    assert.equal(first?.rackId, 'r');
    assert.equal(first?.rebalanceTimeoutMs, 9000);
    assert.deepEqual(first?.subscribedTopicNames, ['t']);
    assert.deepEqual(first?.topicPartitions, []);
    const last = groups.heartbeats.at(-1);
    assert.equal(last?.rackId, null);
    assert.equal(last?.rebalanceTimeoutMs, -1);
    assert.equal(last?.subscribedTopicNames, null);
    assert.equal(last?.topicPartitions, null);
    await a.stop();
    assert.equal(groups.heartbeats.at(-1)?.memberEpoch, -1);
  }));

test('a member that is fenced or forgotten loses everything and joins again', async () => {
  const names = ['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND'] as const;
  for (const name of names) {
    await scene({}, async ({ groups, harness }) => {
      const a = harness.start('a');
      await harness.untilShared(6, a);
      const id = a.consumer.groupMetadata().memberId;
      groups.remove(id);
      let left = 1;
      groups.verdict = (api) => (api === 'heartbeat' && left-- > 0 ? ErrorCode[name] : null);
      await harness.until('a loss', () => a.history.length >= 3);
      assert.deepEqual(a.history.slice(0, 3), ['+ 0 1 2 3 4 5', '! 0 1 2 3 4 5', '+ 0 1 2 3 4 5']);
      assert.equal(a.consumer.groupMetadata().memberId, id, 'the id stays');
      await a.stop();
    });
  }
});

test('a member that was thrown out is who it was until it joins again', async () => {
  for (const name of ['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID'] as const) {
    await scene({ enableAutoCommit: false }, async ({ groups, harness, io }) => {
      harness.fill('t', 1);
      const a = harness.start('a');
      await harness.untilSeen(6);
      const member = a.consumer.groupMetadata();
      assert.equal(member.generationId, groups.epoch);
      a.pauseMs = 30_000;
      await io.clock.sleep(1000);
      groups.remove(member.memberId);
      let left = 1;
      groups.verdict = (api) => (api === 'heartbeat' && left-- > 0 ? ErrorCode[name] : null);
      await harness.until('a refusal', () => left === 0);
      await io.clock.sleep(1000);
      await assert.rejects(a.consumer.commit(), { errorName: 'UNKNOWN_MEMBER_ID' });
      assert.equal(a.consumer.positions().length, 6);
      assert.deepEqual(a.consumer.groupMetadata(), member);
      await harness.until('a join', () => a.history.length === 3);
      assert.notEqual(a.consumer.groupMetadata().generationId, member.generationId);
      await a.stop();
    });
  }
});

test('a member that does not poll leaves and loses its partitions', () =>
  scene({ maxPollIntervalMs: 10_000 }, async ({ groups, harness, io }) => {
    const slow = harness.start('slow');
    const other = harness.start('other');
    await harness.untilShared(6, slow, other);
    slow.pauseMs = 25_000;
    await io.clock.sleep(8000);
    assert.equal(other.owned.size, 3);
    await harness.until('the other has all', () => other.owned.size === 6);
    assert.equal(groups.members.size, 1);
    await assert.rejects(slow.consumer.commit(), { errorName: 'UNKNOWN_MEMBER_ID' });
    await harness.untilShared(6, slow, other);
    assert.ok(slow.history.some((each) => each.startsWith('!')));
    await slow.stop();
    await other.stop();
  }));

test('a member that dies is replaced after the session timeout', () =>
  scene({}, async ({ harness }) => {
    const a = harness.start('a');
    const b = harness.start('b');
    await harness.untilShared(6, a, b);
    b.kill();
    await harness.untilShared(6, a);
    await a.stop();
  }));

test('a static member leaves for now with -2; a second one of its name is refused', () =>
  scene({ groupInstanceId: 'one' }, async ({ groups, harness }) => {
    const a = harness.start('a');
    await harness.untilShared(6, a);
    const twin = harness.start('twin');
    await twin.done;
    assert.equal((twin.failure as { errorName: string }).errorName, 'UNRELEASED_INSTANCE_ID');
    twin.failure = null;
    await twin.consumer.close();
    assert.equal(groups.members.size, 1, 'who never was in does not leave');
    await a.stop();
    assert.equal(groups.heartbeats.at(-1)?.memberEpoch, -2);
  }));

test('expressions: the broker matches a pattern, we match a RegExp', () =>
  scene({ metadataMaxAgeMs: 1000 }, async ({ groups, harness, cluster }) => {
    const a = harness.start('a', new SubscriptionPattern('t.*'));
    const b = harness.start('b', /t.*/);
    await harness.untilShared(6, a, b);
    cluster.addTopic('two', [1, 2]);
    await harness.untilShared(8, a, b);
    assert.ok(groups.heartbeats.some((each) => each.subscribedTopicRegex === 't.*'));
    assert.deepEqual(b.consumer.subscription(), ['t', 'two']);
    await a.stop();
    await b.stop();
  }));

test('an epoch that moves on under a commit is asked for again', () =>
  scene({ enableAutoCommit: false }, async ({ groups, harness }) => {
    harness.fill('t', 1);
    const a = harness.start('a');
    await harness.untilSeen(6);
    let left = 2;
    groups.verdict = (api) => {
      return api === 'commit' && left-- > 0 ? ErrorCode.STALE_MEMBER_EPOCH : null;
    };
    await a.consumer.commit();
    assert.equal(total(groups.committed()), 6);
    await a.stop();
  }));

test('the coordinator moves, is down, is loading: nothing is lost', () =>
  scene({}, async ({ groups, harness, cluster, io }) => {
    const a = harness.start('a');
    await harness.untilShared(6, a);
    groups.coordinator = 2;
    await io.clock.sleep(5000);
    let left = 3;
    groups.verdict = () => (left-- > 0 ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : null);
    await io.clock.sleep(5000);
    await cluster.stopNode(2);
    await io.clock.sleep(3000);
    await cluster.startNode(2);
    await io.clock.sleep(3000);
    assert.deepEqual(a.history, ['+ 0 1 2 3 4 5']);
    await a.stop();
  }));

test('what ends a membership is thrown by poll', async () => {
  for (const name of ['GROUP_AUTHORIZATION_FAILED', 'UNSUPPORTED_ASSIGNOR'] as const) {
    await scene({}, async ({ groups, harness }) => {
      groups.verdict = () => ErrorCode[name];
      const a = harness.start('a');
      await a.done;
      assert.equal((a.failure as { errorName: string }).errorName, name);
      a.failure = null;
      await a.consumer.close();
    });
  }
});

test('groups that churn: one owner at a time, every record is read', async () => {
  for (let seed = 0; seed < 10; seed++) {
    const options = { maxPollIntervalMs: 12_000 };
    await scene(options, (set) => churn(set, new Prng(`churn ${seed}`)), { seed });
  }
});

async function churn({ harness, io, groups }: Scene, prng: Prng): Promise<void> {
  let running: GroupMemberProcess[] = [];
  let filled = 0;
  for (let step = 0; step < 25; step++) {
    const member = running.length > 0 ? prng.pick(running) : null;
    if (member === null || prng.chance(0.4)) running.push(harness.start(`m${step}`));
    else if (prng.chance(0.3)) {
      running = running.filter((each) => each !== member);
      if (prng.chance(0.5)) member.kill();
      else await member.stop();
    } else if (prng.chance(0.2)) member.pauseMs = 25_000;
    if (prng.chance(0.2)) groups.coordinator = 1 + prng.int(2);
    harness.fill('t', 3);
    filled += 18;
    await io.clock.sleep(prng.int(6000));
  }
  if (running.length === 0) running.push(harness.start('last'));
  await harness.untilSeen(filled);
  await harness.until('all are back', () => running.every(({ pauseMs }) => pauseMs === 0));
  await harness.untilShared(6, ...running);
  for (const member of running) await member.stop();
  assert.equal(total(groups.committed()), filled);
}

test('a member that was thrown out because its program kept the event loop is told so', () =>
  scene({}, async ({ cluster, groups, harness, start }) => {
    harness.fill('t', 10);
    const incarnation = start();
    const { io } = incarnation;
    const { bootstrapServers } = cluster;
    const options = { bootstrapServers, groupId: 'g', groupProtocol: 'consumer' } as const;
    const consumer = new Consumer({ ...options, autoOffsetReset: 'earliest' }, io);
    consumer.subscribe(['t']);
    while ((await consumer.poll(1000)).length === 0);
    const commit = io.clock.sleep(1000).then(() => consumer.commit());
    groups.remove(consumer.groupMetadata().memberId);
    (incarnation as SimProcess).freeze(47_000);
    await assert.rejects(commit, /event loop was blocked for 4\d s; the group removed this member/);
  }));
