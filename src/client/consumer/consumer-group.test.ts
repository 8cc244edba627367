// What a group adds to a consumer, whichever protocol: commits, positions, autocommit, iteration.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  ScriptedCluster,
  type ScriptedPartition,
} from '../../../tests/doubles/client/scripted-cluster.ts';
import { ScriptedGroups } from '../../../tests/doubles/client/scripted-groups.ts';
import type { Io } from '../../io/index.ts';
import { ErrorCode, encodeBatch } from '../../protocol/index.ts';
import { Admin } from '../admin/index.ts';
import { ClientConfigError } from '../client-options.ts';
import { Consumer } from './consumer.ts';
import type { ConsumerOptions } from './consumer-options.ts';
import { SubscriptionPattern } from './subscription.ts';

interface Scene {
  readonly io: Io;
  readonly cluster: ScriptedCluster;
  readonly groups: ScriptedGroups;
  readonly partition: ScriptedPartition;
  create(options?: Partial<ConsumerOptions>): Consumer;
}

const place = { topic: 't', partition: 0 };

/** One broker, the topic `t` with one partition of 100 records in batches of 10. */
function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
  return simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io, 2);
    const groups = new ScriptedGroups(io, cluster);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    for (let i = 0; i < 10; i++) {
      const timestamp = io.clock.now() - (10 - i) * 60_000;
      const records = Array.from({ length: 10 }, () => ({ value: Buffer.from('v'), timestamp }));
      partition.append(encodeBatch({ records }));
    }
    const { bootstrapServers } = cluster;
    const create = (options: Partial<ConsumerOptions> = {}): Consumer =>
      new Consumer({ bootstrapServers, groupId: 'g', autoOffsetReset: 'earliest', ...options }, io);
    await play({ io, cluster, groups, partition, create });
  });
}

async function pollSome(consumer: Consumer): Promise<number> {
  for (let polls = 0; polls < 100; polls++) {
    const { length } = await consumer.poll(1000);
    if (length > 0) return length;
  }
  throw new Error('no records');
}

test('positions are what a commit would commit, and seekToCommitted goes back to it', () =>
  scene(async ({ create, groups }) => {
    const consumer = create({ enableAutoCommit: false, maxPollRecords: 10 });
    consumer.subscribe(['t']);
    await pollSome(consumer);
    assert.deepEqual(
      consumer.positions().map(({ partition, offset }) => [partition, offset]),
      [[0, 10]],
    );
    consumer.seekToCommitted();
    const [again] = await consumer.poll(1000);
    assert.equal(again?.offset, 0, 'nothing was committed: autoOffsetReset decides');
    await consumer.commit(consumer.positions());
    assert.deepEqual(groups.committed(), { '0 t': 10 });
    await pollSome(consumer);
    assert.equal(await consumer.position(place), 20);
    consumer.seekToCommitted([place]);
    assert.deepEqual(consumer.positions(), [], 'not known until it is looked up');
    assert.equal(await consumer.position(place), 10);
    const [record] = await consumer.poll(1000);
    assert.equal(record?.offset, 10);
    await consumer.close();
  }));

test('what poll returned is committed by the polls that follow, every autoCommitIntervalMs', () =>
  scene(async ({ io, groups, create }) => {
    const consumer = create({ autoCommitIntervalMs: 5000, maxPollRecords: 10 });
    consumer.subscribe(['t']);
    await pollSome(consumer);
    assert.deepEqual(groups.committed(), {});
    await io.clock.sleep(6000);
    assert.deepEqual(groups.committed(), {}, 'nothing is committed without a poll');
    await pollSome(consumer);
    await io.clock.sleep(100);
    assert.deepEqual(groups.committed(), { '0 t': 10 }, 'the second ten are not done yet');
    await consumer.close();
    assert.deepEqual(groups.committed(), { '0 t': 20 });
  }));

test('without enableAutoCommit only commits commit', () =>
  scene(async ({ groups, create }) => {
    const consumer = create({ enableAutoCommit: false, maxPollRecords: 10 });
    consumer.subscribe(['t']);
    await pollSome(consumer);
    await consumer.commit([{ ...place, offset: 7, metadata: 'seven' }]);
    const [committed, missing] = await consumer.committed([place, { topic: 't', partition: 1 }]);
    assert.deepEqual(committed, { ...place, offset: 7, leaderEpoch: -1, metadata: 'seven' });
    assert.equal(missing, null);
    await pollSome(consumer);
    await consumer.close();
    assert.deepEqual(groups.committed(), { '0 t': 7 });
    const next = create();
    next.subscribe(['t']);
    assert.equal((await next.poll(5000))[0]?.offset, 7);
    await next.close();
  }));

test('a commit of what is no offset is refused before it is sent', () =>
  scene(async ({ create }) => {
    const consumer = create();
    await assert.rejects(consumer.commit([{ ...place, offset: -1 }]), /t-0: -1 is no offset/);
    await assert.rejects(consumer.commit([{ ...place, offset: Number.NaN }]), /is no offset/);
    await consumer.close();
  }));

test('a commit that the broker refuses for good is thrown with its reason', () =>
  scene(async ({ create, groups }) => {
    const consumer = create({ enableAutoCommit: false });
    groups.verdict = (api) => (api === 'commit' ? ErrorCode.OFFSET_METADATA_TOO_LARGE : null);
    await assert.rejects(consumer.commit([{ ...place, offset: 1 }]), {
      errorName: 'OFFSET_METADATA_TOO_LARGE',
      message: /group g t-0/,
    });
    groups.verdict = (api) => (api === 'commit' ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : null);
    await assert.rejects(consumer.commit([{ ...place, offset: 1 }], { timeoutMs: 2000 }), {
      errorName: 'COORDINATOR_LOAD_IN_PROGRESS',
    });
    await consumer.close();
  }));

test('partitions assigned by hand go on where the group stopped', () =>
  scene(async ({ create, groups }) => {
    const first = create();
    await first.assign([{ ...place, offset: 40 }]);
    assert.equal((await first.poll(5000))[0]?.offset, 40);
    await first.commit([{ ...place, offset: 55 }]);
    await first.close();
    assert.deepEqual(groups.committed(), { '0 t': 100 }, 'close commits where it stands');
    const second = create();
    await second.commit([{ ...place, offset: 60 }]);
    await second.assign([place]);
    assert.equal(await second.position(place), 60);
    await second.close();
  }));

test('a loop that is left commits what it has seen, and the next one goes on there', () =>
  scene(async ({ create, groups }) => {
    const consumer = create();
    consumer.subscribe(['t']);
    let last = -1;
    for await (const { offset } of consumer) {
      last = offset;
      if (offset === 24) break;
    }
    assert.equal(last, 24);
    for await (const { offset } of consumer) {
      assert.equal(offset, 25);
      await consumer.close();
    }
    assert.deepEqual(groups.committed(), { '0 t': 26 });
  }));

test('without a committed offset reading begins where autoOffsetReset says', () =>
  scene(async ({ create }) => {
    const latest = create({ autoOffsetReset: 'latest' });
    latest.subscribe(['t']);
    await latest.poll(2000);
    assert.equal(await latest.position(place), 100);
    await latest.close();
  }));

test('autoOffsetReset by_duration begins with the first record that is young enough', () =>
  scene(async ({ create }) => {
    const consumer = create({ autoOffsetReset: 'by_duration:PT3M30S' });
    consumer.subscribe(['t']);
    assert.equal((await consumer.poll(5000))[0]?.offset, 70);
    await consumer.close();
    assert.throws(() => create({ autoOffsetReset: 'by_duration:3 minutes' }), ClientConfigError);
    assert.throws(() => create({ autoOffsetReset: 'by_duration:P' }), ClientConfigError);
  }));

test('autoOffsetReset none: every poll says so until a seek', () =>
  scene(async ({ create }) => {
    const consumer = create({ autoOffsetReset: 'none' });
    consumer.subscribe(['t']);
    const failure = { errorName: 'OFFSET_OUT_OF_RANGE', message: /the group has no offset of t-0/ };
    await assert.rejects(consumer.poll(5000), failure);
    await assert.rejects(consumer.poll(5000), failure);
    consumer.seek(place, 90);
    assert.equal((await consumer.poll(5000))[0]?.offset, 90);
    await consumer.close();
  }));

test('subscribing and assigning by hand exclude each other', () =>
  scene(async ({ create }) => {
    const consumer = create();
    await consumer.assign([place]);
    assert.throws(() => consumer.subscribe(['t']), /assigned by hand/);
    await consumer.unsubscribe();
    consumer.subscribe(['t']);
    await assert.rejects(consumer.assign([place]), /unsubscribe before/);
    await pollSome(consumer);
    await consumer.unsubscribe();
    assert.deepEqual(consumer.assignment(), []);
    const { generationId, memberId } = consumer.groupMetadata();
    assert.deepEqual([generationId, memberId], [-1, ''], 'who assigns by hand is no member');
    await consumer.assign([{ ...place, offset: 3 }]);
    assert.equal((await consumer.poll(5000))[0]?.offset, 3);
    assert.throws(() => consumer.subscribe(new SubscriptionPattern('t')), /by hand/);
    await consumer.close();
    const alone = new Consumer({ bootstrapServers: 'a:1' });
    assert.throws(() => alone.subscribe(['t']), /groupId is not set/);
    assert.throws(() => alone.groupMetadata(), ClientConfigError);
    await alone.close();
  }));

test('two polls at once are refused', () =>
  scene(async ({ create }) => {
    const consumer = create();
    consumer.subscribe(['t']);
    const first = consumer.poll(5000);
    await assert.rejects(consumer.poll(0), /a poll is under way/);
    await first;
    await consumer.close();
  }));

test('a group that is out of reach does not keep close from ending', () =>
  scene(async ({ create, cluster, io }) => {
    const consumer = create({ requestTimeoutMs: 2000 });
    consumer.subscribe(['t']);
    await pollSome(consumer);
    await cluster.stopNode(1);
    await cluster.stopNode(2);
    const beganMs = io.clock.monotonic();
    await consumer.close({ timeoutMs: 5000 });
    assert.ok(io.clock.monotonic() - beganMs < 20_000);
  }));

test('admin reads and sets the offsets of a group whose coordinator moves', () =>
  scene(async ({ io, cluster, groups }) => {
    const admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, io);
    let left = 2;
    groups.verdict = () => (left-- > 0 ? ErrorCode.NOT_COORDINATOR : null);
    const [altered] = await admin.alterConsumerGroupOffsets('g', [{ ...place, offset: 5 }]);
    assert.equal(altered?.error, null);
    groups.coordinator = 2;
    left = 1;
    const [found] = await admin.listConsumerGroupOffsets('g', { partitions: [place] });
    assert.equal(found?.offset, 5);
    await admin.close();
  }));

test('Java properties of a group become options', () => {
  const { options, warnings } = Consumer.optionsFromProperties(
    new Map([
      ['group.id', 'g'],
      ['group.protocol', 'CLASSIC'],
      ['auto.offset.reset', 'by_duration:PT1H'],
      ['enable.auto.commit', 'false'],
      [
        'partition.assignment.strategy',
        'org.apache.kafka.clients.consumer.CooperativeStickyAssignor, roundrobin,' +
          'org.apache.kafka.clients.consumer.RoundRobinAssignor',
      ],
      ['session.timeout.ms', '9000'],
    ]),
  );
  assert.deepEqual(warnings, []);
  assert.deepEqual(options, {
    groupId: 'g',
    groupProtocol: 'classic',
    autoOffsetReset: 'by_duration:PT1H',
    enableAutoCommit: false,
    partitionAssignmentStrategy: ['cooperative-sticky', 'roundrobin', 'roundrobin'],
    sessionTimeoutMs: 9000,
  });
});

test('contradictory options are named', () => {
  const create = (options: Partial<ConsumerOptions>) => () =>
    new Consumer({ bootstrapServers: 'a:1', ...options });
  assert.throws(create({ enableAutoCommit: true }), /needs a groupId/);
  assert.throws(create({ groupId: '' }), /groupId is empty/);
  assert.throws(create({ groupId: 'g', groupInstanceId: '' }), /groupInstanceId is empty/);
  assert.throws(create({ groupId: 'g', sessionTimeoutMs: 3000 }), /heartbeatIntervalMs is 3000/);
  assert.throws(create({ groupId: 'g', groupRemoteAssignor: 'x' }), /needs groupProtocol consumer/);
  const modern = { groupId: 'g', groupProtocol: 'consumer' } as const;
  assert.throws(create({ ...modern, heartbeatIntervalMs: 1 }), /heartbeatIntervalMs is given/);
  const unknown = ['best' as 'range'];
  assert.throws(create({ partitionAssignmentStrategy: unknown }), /expected range, roundrobin/);
});
