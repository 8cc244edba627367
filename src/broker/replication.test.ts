// Members of a cluster replicate what is produced: with acks=all it is on all of them, who falls
// behind leaves the in-sync set, and who comes back enters it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { recordsOf } from '../../tests/doubles/broker/brokers.ts';
import { TestCluster } from '../../tests/doubles/broker/members.ts';
import type { Io } from '../io/index.ts';
import {
  createTopics,
  type ErrorName,
  encodeBatch,
  errorName,
  fetch,
  metadata,
  produce,
} from '../protocol/index.ts';

const nodeIds = [1, 2, 3];

class Run {
  readonly io: Io;
  readonly cluster: TestCluster;

  constructor(io: Io, cluster: TestCluster) {
    this.io = io;
    this.cluster = cluster;
  }

  /** Led by broker 1. */
  async createTopic(configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const client = await this.cluster.connect(1);
    const assignments = [{ partitionIndex: 0, brokerIds: nodeIds }];
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const topic = { name: 't', numPartitions: -1, replicationFactor: -1, assignments };
    const { topics } = await client.request(createTopics, {
      topics: [{ ...topic, configs: entries }],
    });
    assert.equal(topics[0]?.errorCode, 0, topics[0]?.errorMessage ?? '');
    client.close();
  }

  async produce(value: string, { nodeId = 1, acks = -1 } = {}): Promise<ErrorName> {
    const client = await this.cluster.connect(nodeId);
    const records = encodeBatch({ records: recordsOf(this.io, [value]) });
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
    const request = { acks, timeoutMs: 5000, topicData };
    const { responses } = await client.request(produce, request, { versionMax: 12 });
    client.close();
    return errorName(responses[0]?.partitionResponses[0]?.errorCode ?? -1);
  }

  async state(): Promise<{ leader: number; isr: number[] }> {
    const client = await this.cluster.connect(1);
    const { topics } = await client.request(metadata, { topics: [{ name: 't' }] });
    client.close();
    const partition = topics[0]?.partitions[0];
    return { leader: partition?.leaderId ?? -1, isr: [...(partition?.isrNodes ?? [])].sort() };
  }

  async untilIsr(isr: readonly number[], withinMs: number): Promise<void> {
    const deadlineMs = this.io.clock.monotonic() + withinMs;
    for (;;) {
      const state = await this.state();
      if (String(state.isr) === String(isr)) return;
      assert.ok(this.io.clock.monotonic() < deadlineMs, `in sync are ${state.isr}, not ${isr}`);
      await this.io.clock.sleep(50);
    }
  }

  async highWatermark(): Promise<number> {
    const client = await this.cluster.connect(1);
    const wanted = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 };
    const topics = [{ topic: 't', partitions: [wanted] }];
    const request = { maxWaitMs: 0, minBytes: 0, topics };
    const { responses } = await client.request(fetch, request, { versionMax: 12 });
    client.close();
    return responses[0]?.partitions[0]?.highWatermark ?? -1;
  }
}

function withReplicas(run: (at: Run) => Promise<void>): Promise<void> {
  return simulate(async (io) => {
    const cluster = await TestCluster.open(io);
    await cluster.startAll(nodeIds);
    await run(new Run(io, cluster));
    await cluster.stop();
    assert.deepEqual(cluster.failures, []);
  });
}

test('what is acknowledged by all is on all', () =>
  withReplicas(async (at) => {
    await at.createTopic();
    for (const value of ['a', 'b', 'c']) assert.equal(await at.produce(value), 'NONE');
    assert.equal(await at.highWatermark(), 3);
    assert.deepEqual(await at.state(), { leader: 1, isr: [1, 2, 3] });
  }));

test('a broker that stops leaves the in-sync set, and enters it when it is back', () =>
  withReplicas(async (at) => {
    await at.createTopic({ 'min.insync.replicas': '2' });
    assert.equal(await at.produce('a'), 'NONE');
    await at.cluster.members.get(3)?.broker.stop();
    await at.untilIsr([1, 2], 30_000);
    assert.equal(await at.produce('b'), 'NONE');
    await at.cluster.start(3);
    await at.untilIsr([1, 2, 3], 30_000);
    assert.equal(await at.produce('c'), 'NONE');
    assert.equal(await at.highWatermark(), 3);
  }));

test('brokers that come back at once are in sync at once, not one fetch after the other', () =>
  withReplicas(async (at) => {
    await at.createTopic();
    assert.equal(await at.produce('a'), 'NONE');
    for (const id of [2, 3]) await at.cluster.members.get(id)?.broker.stop();
    await at.untilIsr([1], 30_000);
    await Promise.all([at.cluster.start(2), at.cluster.start(3)]);
    await at.untilIsr([1, 2, 3], 300);
  }));

test('a follower that catches up keeps its budget, and is in sync in the end', () =>
  withReplicas(async (at) => {
    await at.createTopic({ 'follower.replication.throttled.replicas': '0:3' });
    await at.cluster.members.get(3)?.broker.stop();
    await at.untilIsr([1, 2], 30_000);
    for (let i = 0; i < 20; i++) assert.equal(await at.produce('v'.repeat(10_000)), 'NONE');
    const beganMs = at.io.clock.monotonic();
    await at.cluster.start(3, {
      'follower.replication.throttled.rate': '10000',
      'replica.fetch.max.bytes': '10000',
    });
    await at.untilIsr([1, 2, 3], 60_000);
    const tookMs = at.io.clock.monotonic() - beganMs;
    // 200 kB, of which the first 110 kB or so are within the window of the budget.
    assert.ok(tookMs > 5_000, `it took ${tookMs} ms`);
  }));
