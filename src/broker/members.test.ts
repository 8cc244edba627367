// Brokers that are members of a cluster: how they come in, and how they ask each other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { TestCluster } from '../../tests/doubles/broker/members.ts';
import type { Io } from '../io/index.ts';
import { createTopics, encodeBatch, metadata, produce } from '../protocol/index.ts';

function withCluster(run: (io: Io, cluster: TestCluster) => Promise<void>): Promise<void> {
  return simulate(async (io) => {
    const cluster = await TestCluster.open(io);
    await run(io, cluster);
    await cluster.stop();
    assert.deepEqual(cluster.failures, []);
  });
}

test('three brokers that start at once are one cluster with one controller', () =>
  withCluster(async (_, cluster) => {
    await cluster.startAll([1, 2, 3]);
    const answers = [];
    for (const nodeId of [1, 2, 3]) {
      const client = await cluster.connect(nodeId);
      const { brokers, controllerId } = await client.request(metadata, { topics: [] });
      answers.push({ brokers: brokers.map(({ nodeId: id }) => id).sort(), controllerId });
      client.close();
    }
    const [first] = answers;
    assert.deepEqual(first?.brokers, [1, 2, 3]);
    assert.deepEqual(answers, [first, first, first]);
  }));

test('whichever broker is asked to, a topic is made on all of them', () =>
  withCluster(async (_, cluster) => {
    await cluster.startAll([1, 2, 3]);
    for (const nodeId of [1, 2, 3]) {
      const client = await cluster.connect(nodeId);
      const wanted = { assignments: [], configs: [] };
      const { topics } = await client.request(createTopics, {
        topics: [{ name: `t${nodeId}`, numPartitions: 3, replicationFactor: 3, ...wanted }],
      });
      assert.equal(topics[0]?.errorCode, 0, topics[0]?.errorMessage ?? '');
      client.close();
    }
  }));

test('what one leads the others fetch, and it is committed when the in-sync replicas have it', () =>
  withCluster(async (io, cluster) => {
    await cluster.startAll([1, 2, 3]);
    const client = await cluster.connect(1);
    const wanted = { assignments: [], configs: [{ name: 'min.insync.replicas', value: '3' }] };
    await client.request(createTopics, {
      topics: [{ name: 't', numPartitions: 1, replicationFactor: 3, ...wanted }],
    });
    await io.clock.sleep(500);
    const { topics } = await client.request(metadata, { topics: [{ name: 't' }] });
    const leader = await cluster.connect(topics[0]?.partitions[0]?.leaderId ?? -1);
    const records = encodeBatch({ records: [{ value: Buffer.from('a'), timestamp: 0 }] });
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
    const request = { acks: -1, timeoutMs: 5000, topicData };
    const answer = await leader.request(produce, request, { versionMax: 12 });
    assert.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, 0);
    const copies = [1, 2, 3].map((id) => {
      return io.disk.readFile(`/data-${id}/t-0/00000000000000000000.log`)?.toString('hex');
    });
    assert.ok((copies[0]?.length ?? 0) > 0);
    assert.deepEqual(copies, [copies[0], copies[0], copies[0]]);
    leader.close();
    client.close();
  }));
