// Brokers that are members of a cluster: how they come in, and how they ask each other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { TestCluster } from '../../tests/doubles/broker/members.ts';
import type { Io } from '../io/index.ts';
import { createTopics, metadata } from '../protocol/index.ts';

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
