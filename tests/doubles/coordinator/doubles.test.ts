// The doubles of coordinators: each is shown to do what the tests that use it take for granted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestConsumer, TestTopics, withConsumers } from './consumers.ts';
import { withShard as withGroups } from './group-shard.ts';
import { LeadingShards, withInternalPartition } from './internal-partition.ts';
import { TestMachine } from './transaction-machine.ts';
import { withShard as withTransactions } from './transaction-shard.ts';

test('a coordinator that follows another one leads in the next epoch', async () => {
  await withInternalPartition({ topic: 'internal' }, async (_, partition) => {
    const closed: number[] = [];
    const shards = new LeadingShards(partition, () => {
      const { leaderEpoch } = partition;
      const close = (): void => void closed.push(leaderEpoch);
      return { loaded: Promise.resolve(), start: () => {}, close };
    });
    await shards.restart();
    await shards.restart();
    assert.equal(partition.leaderEpoch, 1);
    assert.deepEqual(closed, [0]);
  });
});

test('a group of two settles and its members hold what the leader gave them', async () => {
  await withGroups(async (at) => {
    const [a, b] = [at.member(), at.member()];
    await at.settle(a);
    const second = b.join();
    await at.io.clock.sleep(10);
    assert.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS');
    await a.join();
    await second;
    await at.assign(a, b);
    assert.deepEqual([a.assignment, b.assignment], [a.memberId, b.memberId]);
    assert.equal(await at.state(), 'Stable');
  });
});

test('a group of one has all partitions with its first heartbeat', async () => {
  await withConsumers(new TestTopics({ t: 2 }), async (at) => {
    const consumer = new TestConsumer(at);
    assert.equal(await consumer.join(), 'NONE');
    assert.deepEqual(consumer.owned, ['t-0', 't-1']);
    assert.equal(consumer.epoch, 1);
    assert.equal(await at.state(), 'Stable');
  });
});

test('a transaction is begun, ended and begun again', () => {
  const at = new TestMachine();
  assert.deepEqual(at.init(), { producerId: 4000, producerEpoch: 0 });
  assert.equal(at.add(), 'NONE');
  assert.equal(at.summary, 'Ongoing 4000/0');
  assert.deepEqual(at.end(), { producerId: 4000, producerEpoch: 1 });
  assert.equal(at.summary, 'PrepareCommit 4000/1');
  at.complete();
  assert.equal(at.summary, 'CompleteCommit 4000/1');
  assert.equal(at.add({ topics: [{ name: 'u', partitions: [1, 2] }] }), 'NONE');
  assert.deepEqual([...at.known.partitions], [['u', new Set([1, 2])]]);
});

test('a transaction is committed in every partition it has', async () => {
  await withTransactions(async (at) => {
    const producer = await at.begin(['t-0', 't-1', 't-2']);
    assert.deepEqual(await at.end(producer), { producerId: 4000, producerEpoch: 1 });
    await at.io.clock.sleep(10);
    assert.deepEqual(at.takeSent(), ['1: commit 4000/1 t-0 t-1', '2: commit 4000/1 t-2']);
    assert.equal(await at.state(), 'CompleteCommit 4000/1');
  });
});
