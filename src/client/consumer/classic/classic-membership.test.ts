// Members of classic groups against a scripted coordinator: join, rebalance, die, be slow, move.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, simulate, type WorldOptions } from '../../../../sim/index.ts';
import {
  GroupHarness,
  type GroupMemberProcess,
} from '../../../../tests/doubles/client/group-consumers.ts';
import { ScriptedCluster } from '../../../../tests/doubles/client/scripted-cluster.ts';
import { type GroupApi, ScriptedGroups } from '../../../../tests/doubles/client/scripted-groups.ts';
import { Prng } from '../../../base/prng.ts';
import type { Io } from '../../../io/index.ts';
import { ErrorCode } from '../../../protocol/index.ts';
import type { AssignorName, ConsumerPartitionAssignor, GroupMember } from '../assignors/index.ts';
import { Consumer } from '../consumer.ts';
import type { ConsumerOptions } from '../consumer-options.ts';

interface Scene {
  readonly io: Io;
  readonly cluster: ScriptedCluster;
  readonly groups: ScriptedGroups;
  readonly harness: GroupHarness;
  readonly process: SimProcess;
}

/** Two brokers, the topic `t` with six partitions. */
function scene(
  options: Partial<ConsumerOptions>,
  play: (scene: Scene) => Promise<void>,
  world: WorldOptions = {},
): Promise<void> {
  return simulate(async (io, process) => {
    const cluster = await ScriptedCluster.start(io, 2);
    const groups = new ScriptedGroups(io, cluster);
    cluster.addTopic('t', [1, 2, 1, 2, 1, 2]);
    const harness = new GroupHarness(cluster, io, () => process.host.start(), options);
    await play({ io, cluster, groups, harness, process });
    for (const { failure } of harness.members) if (failure !== null) throw failure;
  }, world);
}

const total = (committed: Record<string, number>): number =>
  Object.values(committed).reduce((a, b) => a + b, 0);

test('a lone member gets everything, commits on close, and its successor goes on from there', () =>
  scene({}, async ({ groups, harness }) => {
    harness.fill('t', 50);
    const first = harness.start('first');
    await harness.untilSeen(300);
    await first.stop();
    assert.equal(total(groups.committed()), 300);
    assert.deepEqual(first.history, ['+ 0 1 2 3 4 5', '- 0 1 2 3 4 5']);
    assert.equal(groups.group.state, 'empty');
    harness.fill('t', 10);
    const second = harness.start('second');
    await harness.untilSeen(360);
    assert.equal(second.values.length, 60);
    await second.stop();
  }));

test('eager assignors: everything is given up before a rebalance, and shared after it', () =>
  scene({ partitionAssignmentStrategy: ['range'] }, async ({ harness }) => {
    const a = harness.start('a');
    await harness.untilShared(6, a);
    const b = harness.start('b');
    await harness.untilShared(6, a, b);
    assert.deepEqual(a.history, ['+ 0 1 2 3 4 5', '- 0 1 2 3 4 5', '+ 0 1 2']);
    assert.deepEqual(b.history, ['+ 3 4 5']);
    await a.stop();
    await harness.untilShared(6, b);
    await b.stop();
  }));

test('cooperative sticky: only partitions that move are given up, the rest is read on', () =>
  scene({ partitionAssignmentStrategy: ['cooperative-sticky'] }, async ({ harness, groups }) => {
    groups.delayMs = 2000;
    const a = harness.start('a');
    await harness.untilShared(6, a);
    const b = harness.start('b');
    await harness.until('a rebalance', () => groups.group.state === 'preparing');
    harness.fill('t', 5);
    await harness.untilSeen(30);
    assert.equal(groups.group.state, 'preparing', 'records come while the group rebalances');
    await harness.untilShared(6, a, b);
    const ends = a.history.filter((each) => each.startsWith('-'));
    assert.equal(ends.length, 1);
    assert.equal(ends[0]?.length, '- 3 4 5'.length);
    await b.stop();
    await harness.untilShared(6, a);
    await a.stop();
  }));

test('a member that dies is replaced after its session timeout', () =>
  scene({ sessionTimeoutMs: 10_000, autoCommitIntervalMs: 1000 }, async ({ harness, io }) => {
    const a = harness.start('a');
    const b = harness.start('b');
    await harness.untilShared(6, a, b);
    harness.fill('t', 10);
    await harness.untilSeen(60);
    const beganMs = io.clock.monotonic();
    b.kill();
    await harness.untilShared(6, a);
    const tookMs = io.clock.monotonic() - beganMs;
    assert.ok(tookMs > 6000 && tookMs < 16_000, `took ${tookMs} ms`);
    harness.fill('t', 10);
    await harness.untilSeen(120);
    await a.stop();
  }));

test('a member that does not poll leaves, loses its partitions and cannot commit', () =>
  scene({ maxPollIntervalMs: 20_000, autoCommitIntervalMs: 1000 }, async ({ harness, io }) => {
    const slow = harness.start('slow');
    const other = harness.start('other');
    await harness.untilShared(6, slow, other);
    const member = slow.consumer.groupMetadata();
    slow.pauseMs = 40_000;
    await io.clock.sleep(15_000);
    assert.equal(other.owned.size, 3, 'heartbeats go on while records are handled');
    await harness.until('the other has all', () => other.owned.size === 6);
    await assert.rejects(slow.consumer.commit(), { errorName: 'UNKNOWN_MEMBER_ID' });
    assert.deepEqual(slow.consumer.groupMetadata(), member, 'nor can its transactions');
    await harness.until('it came back', () => slow.pauseMs === 0 && slow.owned.size === 3);
    assert.ok(
      slow.history.some((each) => each.startsWith('!')),
      'it heard of the loss',
    );
    await slow.stop();
    await other.stop();
  }));

test('a member that was thrown out is who it was until it joins again', async () => {
  for (const name of ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'] as const) {
    await scene({ enableAutoCommit: false }, async ({ harness, groups, io }) => {
      harness.fill('t', 1);
      const a = harness.start('a');
      await harness.untilSeen(6);
      const member = a.consumer.groupMetadata();
      assert.equal(member.generationId, groups.group.generation);
      a.pauseMs = 30_000;
      await io.clock.sleep(1000);
      let left = 1;
      groups.verdict = (api) => (api === 'heartbeat' && left-- > 0 ? ErrorCode[name] : null);
      await harness.until('a refusal', () => left === 0);
      await io.clock.sleep(1000);
      await assert.rejects(a.consumer.commit(), { errorName: 'UNKNOWN_MEMBER_ID' });
      // What it has read can still be sent to a transaction, which takes offsets from nobody too.
      assert.equal(a.consumer.positions().length, 6);
      assert.deepEqual(a.consumer.groupMetadata(), member);
      await harness.until('a join', () => a.history.length === 3);
      assert.notEqual(a.consumer.groupMetadata().generationId, member.generationId);
      await a.stop();
    });
  }
});

test('a poll that waits for records for long is no sign of slowness', () =>
  scene({ maxPollIntervalMs: 10_000 }, async ({ harness, process, cluster, io }) => {
    const options = { bootstrapServers: cluster.bootstrapServers, groupId: 'g' };
    const consumer = new Consumer({ ...options, maxPollIntervalMs: 10_000 }, process.io);
    consumer.subscribe(['t']);
    const waiting = consumer.poll(60_000);
    await io.clock.sleep(50_000);
    assert.equal(consumer.assignment().length, 6);
    harness.fill('t', 1);
    assert.ok((await waiting).length > 0);
    await consumer.close();
  }));

test('the coordinator moves: members follow without a rebalance', () =>
  scene({}, async ({ harness, groups, io, cluster }) => {
    const a = harness.start('a');
    const b = harness.start('b');
    await harness.untilShared(6, a, b);
    const { generation } = groups.group;
    groups.coordinator = 2;
    await io.clock.sleep(10_000);
    harness.fill('t', 5);
    await harness.untilSeen(30);
    await a.consumer.commit();
    await b.consumer.commit();
    assert.equal(total(groups.committed()), 30);
    assert.equal(groups.group.generation, generation);
    groups.coordinator = 1;
    await cluster.stopNode(1);
    await io.clock.sleep(5000);
    await cluster.startNode(1);
    await io.clock.sleep(5000);
    assert.equal(groups.group.generation, generation, 'nor when it restarts');
    await a.stop();
    await b.stop();
  }));

test('a static member restarts under its name, and nobody rebalances', () =>
  scene({}, async ({ harness, groups }) => {
    const a = harness.start('a', ['t'], { groupInstanceId: 'one' });
    const b = harness.start('b', ['t'], { groupInstanceId: 'two' });
    await harness.untilShared(6, a, b);
    const { generation } = groups.group;
    const owned = [...b.owned];
    await b.stop();
    assert.equal(groups.group.members.size, 2, 'closing does not leave');
    const again = harness.start('b again', ['t'], { groupInstanceId: 'two' });
    await harness.until('it has its partitions', () => again.owned.size === 3);
    assert.deepEqual([...again.owned].sort(), owned.sort());
    assert.equal(groups.group.generation, generation);
    await a.stop();
    await again.stop();
  }));

test('an expression finds topics that come, and new partitions are shared', () =>
  scene({ metadataMaxAgeMs: 1000 }, async ({ harness, cluster }) => {
    const a = harness.start('a', /t.*/);
    const b = harness.start('b', /t.*/);
    await harness.untilShared(6, a, b);
    cluster.addTopic('two', [1, 2]);
    cluster.addTopic('not this', [1, 2]);
    await harness.untilShared(8, a, b);
    assert.deepEqual(a.consumer.subscription(), ['t', 'two']);
    cluster.addPartition('two', 1);
    cluster.addPartition('two', 1);
    await harness.untilShared(10, a, b);
    cluster.topics.delete('two');
    await harness.untilShared(6, a, b);
    await a.stop();
    await b.stop();
  }));

test('a subscription that changes makes the group rebalance', () =>
  scene({ partitionAssignmentStrategy: ['cooperative-sticky'] }, async ({ harness, cluster }) => {
    cluster.addTopic('u', [1, 1]);
    const a = harness.start('a');
    await harness.untilShared(6, a);
    a.consumer.subscribe(['u'], {
      onPartitionsAssigned: (places) => {
        for (const { topic, partition } of places) a.owned.add(`${topic} ${partition}`);
      },
      onPartitionsRevoked: () => a.owned.clear(),
    });
    await harness.until('the new topic', () => a.owned.has('u 0') && a.owned.has('u 1'));
    assert.deepEqual(
      a.consumer.assignment().map(({ topic }) => topic),
      ['u', 'u'],
    );
    a.isStopped = true;
    await a.done;
  }));

test('a topic that does not exist yet is found when it does', () =>
  scene({}, async ({ harness, cluster, io }) => {
    const a = harness.start('a', ['later']);
    await io.clock.sleep(3000);
    assert.equal(a.owned.size, 0);
    cluster.addTopic('later', [1, 2]);
    harness.fill('later', 3);
    await harness.untilSeen(6);
    await a.stop();
  }));

test('enforceRebalance makes a new generation', () =>
  scene({}, async ({ harness, groups }) => {
    const a = harness.start('a');
    await harness.untilShared(6, a);
    const { generation } = groups.group;
    a.consumer.enforceRebalance();
    await harness.until('another', () => groups.group.generation > generation);
    await harness.untilShared(6, a);
    await a.stop();
  }));

/** The error is answered three times, then all is well. */
function failsThrice(groups: ScriptedGroups, api: GroupApi, code: number): void {
  let left = 3;
  groups.verdict = (each) => (each === api && left-- > 0 ? code : null);
}

const survived: readonly (readonly [GroupApi, keyof typeof ErrorCode])[] = [
  ['join', 'COORDINATOR_LOAD_IN_PROGRESS'],
  ['join', 'NOT_COORDINATOR'],
  ['join', 'UNKNOWN_MEMBER_ID'],
  ['join', 'REBALANCE_IN_PROGRESS'],
  ['sync', 'REBALANCE_IN_PROGRESS'],
  ['sync', 'NOT_COORDINATOR'],
  ['sync', 'ILLEGAL_GENERATION'],
  ['sync', 'UNKNOWN_MEMBER_ID'],
  ['heartbeat', 'COORDINATOR_NOT_AVAILABLE'],
  ['heartbeat', 'REBALANCE_IN_PROGRESS'],
  ['heartbeat', 'ILLEGAL_GENERATION'],
  ['heartbeat', 'UNKNOWN_MEMBER_ID'],
  ['commit', 'NOT_COORDINATOR'],
  ['commit', 'COORDINATOR_LOAD_IN_PROGRESS'],
  ['commit', 'REBALANCE_IN_PROGRESS'],
  ['commit', 'ILLEGAL_GENERATION'],
  ['fetch', 'COORDINATOR_LOAD_IN_PROGRESS'],
  ['fetch', 'UNSTABLE_OFFSET_COMMIT'],
];

for (const [api, name] of survived) {
  test(`${name} in answer to ${api} is overcome`, () =>
    scene({ autoCommitIntervalMs: 500 }, async ({ harness, groups, io }) => {
      if (api === 'heartbeat' || api === 'commit') {
        const a = harness.start('a');
        await harness.untilShared(6, a);
        harness.fill('t', 10);
        failsThrice(groups, api, ErrorCode[name]);
      } else {
        failsThrice(groups, api, ErrorCode[name]);
        harness.fill('t', 10);
        harness.start('a');
      }
      await harness.untilSeen(60);
      await io.clock.sleep(20_000);
      harness.fill('t', 10);
      await harness.untilSeen(120);
      await harness.members[0]?.stop();
      assert.equal(total(groups.committed()), 120);
    }));
}

test('what ends a membership is thrown by poll, with the name of the group', () =>
  scene({}, async ({ process, cluster, groups }) => {
    const options = { bootstrapServers: cluster.bootstrapServers, groupId: 'g' };
    const codes = ['GROUP_AUTHORIZATION_FAILED', 'INCONSISTENT_GROUP_PROTOCOL'] as const;
    for (const name of codes) {
      const consumer = new Consumer(options, process.io);
      consumer.subscribe(['t']);
      groups.verdict = (api) => (api === 'join' ? ErrorCode[name] : null);
      await assert.rejects(consumer.poll(5000), { errorName: name, message: /group g/ });
      await assert.rejects(consumer.poll(5000), { errorName: name });
      groups.verdict = () => null;
      await consumer.poll(1000);
      assert.equal(consumer.assignment().length, 6, 'it can go on when the cause is gone');
      await consumer.close();
    }
    const fenced = new Consumer({ ...options, groupInstanceId: 'i' }, process.io);
    fenced.subscribe(['t']);
    await fenced.poll(1000);
    groups.verdict = () => ErrorCode.FENCED_INSTANCE_ID;
    await assert.rejects(fenced.poll(10_000), { errorName: 'FENCED_INSTANCE_ID' });
    await fenced.close();
  }));

test('what a listener throws, poll throws; the group goes on', () =>
  scene({}, async ({ process, cluster, harness }) => {
    const options = { bootstrapServers: cluster.bootstrapServers, groupId: 'g' };
    const consumer = new Consumer({ ...options, autoOffsetReset: 'earliest' }, process.io);
    consumer.subscribe(['t'], {
      onPartitionsAssigned: () => {
        throw new Error('no room');
      },
    });
    harness.fill('t', 1);
    await assert.rejects(consumer.poll(5000), /no room/);
    let count = 0;
    while (count < 6) count += (await consumer.poll(1000)).length;
    await consumer.close();
  }));

test('a listener may seek, commit and look at positions', () =>
  scene({}, async ({ process, cluster, harness, groups }) => {
    const options = { bootstrapServers: cluster.bootstrapServers, groupId: 'g' };
    harness.fill('t', 20);
    const consumer = new Consumer({ ...options, enableAutoCommit: false }, process.io);
    const positions: number[] = [];
    consumer.subscribe(['t'], {
      onPartitionsAssigned: async (places) => {
        for (const place of places) consumer.seek(place, 15);
        for (const place of places) positions.push(await consumer.position(place));
      },
      onPartitionsRevoked: () => consumer.commit(),
    });
    let count = 0;
    while (count < 30) count += (await consumer.poll(1000)).length;
    await consumer.close();
    assert.deepEqual(positions, [15, 15, 15, 15, 15, 15]);
    assert.equal(total(groups.committed()), 120);
  }));

test('close ends a poll that waits for the group', () =>
  scene({}, async ({ process, cluster, groups }) => {
    groups.delayMs = 30_000;
    const options = { bootstrapServers: cluster.bootstrapServers, groupId: 'g' };
    const consumer = new Consumer(options, process.io);
    consumer.subscribe(['t']);
    const waiting = consumer.poll(60_000);
    await process.io.clock.sleep(1000);
    await consumer.close();
    assert.deepEqual(await waiting, []);
    assert.equal(groups.group.members.size, 0, 'it left although it was still joining');
  }));

test('groups that churn: one owner at a time, every record is read', async () => {
  const strategies: AssignorName[][] = [['range'], ['cooperative-sticky'], ['sticky', 'range']];
  for (let seed = 0; seed < 12; seed++) {
    const partitionAssignmentStrategy = strategies[seed % 3] as AssignorName[];
    const options = {
      partitionAssignmentStrategy,
      sessionTimeoutMs: 8000,
      maxPollIntervalMs: 15_000,
    };
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
  scene({}, async ({ cluster, harness, process }) => {
    harness.fill('t', 10);
    const incarnation = process.host.start();
    const { io } = incarnation;
    const { bootstrapServers } = cluster;
    const options = { bootstrapServers, groupId: 'g', autoOffsetReset: 'earliest' } as const;
    const consumer = new Consumer(options, io);
    consumer.subscribe(['t']);
    while ((await consumer.poll(1000)).length === 0);
    const commit = io.clock.sleep(1000).then(() => consumer.commit());
    (incarnation as SimProcess).freeze(47_000);
    await assert.rejects(commit, {
      errorName: 'UNKNOWN_MEMBER_ID',
      message: /event loop was blocked for 4\d s; the group removed this member after 45 s \(sess/,
    });
  }));

test("an assignor of the program's own divides the partitions, by what members say", () => {
  /** Everything to the member that says `big`. */
  const create = (says: string, heard: string[]): ConsumerPartitionAssignor => ({
    name: 'big-first',
    subscriptionUserData: (topics) => Buffer.from(`${says} ${topics}`),
    assign: (members, topics) => {
      const owner = members.find(({ userData }) => String(userData) === 'big t') ?? members[0];
      const count = topics.get('t')?.partitionCount ?? 0;
      const places = Array.from({ length: count }, (_, partition) => ({ topic: 't', partition }));
      return new Map([[owner?.memberId ?? '', places]]);
    },
    onAssignment: (places) => heard.push(`${says}: ${places.length}`),
  });
  return scene({}, async ({ harness }) => {
    const heard: string[] = [];
    const start = (says: string): GroupMemberProcess =>
      harness.start(says, ['t'], { partitionAssignmentStrategy: [create(says, heard)] });
    const small = start('small');
    await harness.untilShared(6, small);
    const big = start('big');
    await harness.until('all at the big one', () => big.owned.size === 6);
    assert.equal(small.owned.size, 0);
    assert.equal(heard[0], 'small: 6');
    assert.deepEqual(heard.slice(-2).sort(), ['big: 6', 'small: 0']);
    await Promise.all([small.stop(), big.stop()]);
  });
});

test('an assignor that answers nonsense, or is none, is told so', () =>
  scene({}, async ({ cluster, io }) => {
    const { bootstrapServers } = cluster;
    const create = (assignor: object): Consumer =>
      new Consumer(
        {
          bootstrapServers,
          groupId: 'g',
          partitionAssignmentStrategy: [assignor as ConsumerPartitionAssignor],
        },
        io,
      );
    const consumer = create({
      name: 'twice',
      assign: (members: GroupMember[]) => {
        const places = [0, 0].map((partition) => ({ topic: 't', partition }));
        return new Map([[members[0]?.memberId, places]]);
      },
    });
    consumer.subscribe(['t']);
    await assert.rejects(
      consumer.poll(30_000),
      /assignor twice answers nonsense: t-0 is for .* and/,
    );
    await consumer.close();
    assert.throws(() => create({ name: 'range', assign: () => new Map() }), /built-in one: rename/);
    assert.throws(() => create({ name: 'x' }), /x without assign: give \{ name, assign \}/);
    assert.throws(() => create({ assign: () => new Map() }), /without a name/);
  }));
