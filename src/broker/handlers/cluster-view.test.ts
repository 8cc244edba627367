// What DescribeQuorum and DescribeCluster tell of several brokers, whichever of them is asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { TestCluster } from '../../../tests/doubles/broker/members.ts';
import type { Io } from '../../io/index.ts';
import { describeCluster, describeQuorum } from '../../protocol/index.ts';

const metadataLog = { topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] };

/** As a broker tells it. */
async function quorumOf(cluster: TestCluster, nodeId: number) {
  const client = await cluster.connect(nodeId);
  const answer = await client.request(describeQuorum, { topics: [metadataLog] });
  client.close();
  const partition = answer.topics[0]?.partitions[0];
  assert.ok(partition !== undefined && partition.errorCode === 0);
  return { ...partition, nodes: answer.nodes };
}

async function brokersOf(cluster: TestCluster, nodeId: number, includeFencedBrokers: boolean) {
  const client = await cluster.connect(nodeId);
  const includeClusterAuthorizedOperations = false;
  const body = { includeClusterAuthorizedOperations, includeFencedBrokers };
  const { brokers } = await client.request(describeCluster, body);
  client.close();
  return brokers.map(({ brokerId, isFenced }) => [brokerId, isFenced]);
}

function withThree(run: (io: Io, cluster: TestCluster) => Promise<void>): Promise<void> {
  return simulate(async (io) => {
    const cluster = await TestCluster.open(io);
    await cluster.startAll([1, 2, 3]);
    await run(io, cluster);
    await cluster.stop();
    assert.deepEqual(cluster.failures, []);
  });
}

test('every broker tells who controls, and how far each other has read the metadata', () =>
  withThree(async (io, cluster) => {
    // Each says so with its next heartbeat.
    await io.clock.sleep(5_000);
    const told = [];
    for (const nodeId of [1, 2, 3]) told.push(await quorumOf(cluster, nodeId));
    for (const { leaderId, highWatermark, currentVoters, observers, nodes } of told) {
      assert.equal(leaderId, told[0]?.leaderId);
      assert.deepEqual(
        currentVoters.map(({ replicaId }) => replicaId),
        [leaderId],
      );
      assert.deepEqual(
        [leaderId, ...observers.map(({ replicaId }) => replicaId)].sort(),
        [1, 2, 3],
      );
      assert.equal(nodes[0]?.nodeId, leaderId);
      for (const { logEndOffset, lastFetchTimestamp, lastCaughtUpTimestamp } of observers) {
        assert.equal(logEndOffset, highWatermark);
        assert.equal(lastCaughtUpTimestamp, lastFetchTimestamp);
      }
    }
  }));

test('a broker that is gone stays behind, with the time of its last word, and is fenced', () =>
  withThree(async (io, cluster) => {
    await io.clock.sleep(5_000);
    const { leaderId, highWatermark } = await quorumOf(cluster, 1);
    const [gone, asked] = [1, 2, 3].filter((id) => id !== leaderId) as [number, number];
    const goneAtMs = io.clock.now();
    await cluster.members.get(gone)?.broker.stop();
    cluster.members.delete(gone);
    await io.clock.sleep(30_000);
    const { observers, ...quorum } = await quorumOf(cluster, asked);
    const last = observers.find(({ replicaId }) => replicaId === gone);
    assert.ok(last !== undefined && last.logEndOffset <= quorum.highWatermark);
    assert.ok(last.logEndOffset >= highWatermark);
    assert.ok(Number(last.lastFetchTimestamp) <= goneAtMs + 10_000);
    const alive = [
      [asked, false],
      [leaderId, false],
    ].sort();
    assert.deepEqual(await brokersOf(cluster, asked, false), alive);
    assert.deepEqual(await brokersOf(cluster, asked, true), [...alive, [gone, true]].sort());
    await io.clock.sleep(300_000);
    const later = await quorumOf(cluster, asked);
    assert.deepEqual(
      later.observers.map(({ replicaId }) => replicaId),
      [asked],
    );
  }));
