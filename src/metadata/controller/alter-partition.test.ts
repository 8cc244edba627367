// The in-sync replicas that a leader reports.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorNameOf } from '../../../tests/doubles/metadata/controllers.ts';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { alterPartition } from './alter-partition.ts';
import type { PartitionAlteration } from './api.ts';
import { alterReassignments } from './reassignments.ts';

/** The leader's answer to what it says; by default that 1 and 2 are in sync. */
function alter(
  cluster: ThreeBrokers,
  more: Partial<PartitionAlteration> = {},
  { brokerId = 1, ids = [1, 2] }: { brokerId?: number; ids?: readonly number[] } = {},
) {
  const { leaderEpoch, partitionEpoch } = cluster.partition();
  const newIsr = ids.map((id) => ({ brokerId: id, brokerEpoch: cluster.epochOf(id) }));
  const at = { topicId: cluster.topicId, partitionIndex: 0, leaderEpoch, partitionEpoch };
  const partitions = [{ ...at, newIsr, ...more }];
  const request = { brokerId, brokerEpoch: cluster.epochOf(brokerId), partitions };
  return cluster.controller.decide((m) => alterPartition(m, request))[0];
}

test('what the leader says is taken under its epochs, and nothing else', () => {
  const cluster = new ThreeBrokers();
  const made = alter(cluster);
  assert.deepEqual([made?.partition?.isr, made?.partition?.partitionEpoch], [[1, 2], 1]);
  assert.deepEqual([cluster.partition().isr, cluster.partition().leaderEpoch], [[1, 2], 0]);
  const errorOf = (more: Partial<PartitionAlteration>, by: Parameters<typeof alter>[2] = {}) =>
    errorNameOf(alter(cluster, more, by));
  assert.equal(errorOf({ topicId: cluster.controller.uuid() }), 'UNKNOWN_TOPIC_ID');
  assert.equal(errorOf({ partitionIndex: 1 }), 'UNKNOWN_TOPIC_OR_PARTITION');
  assert.equal(errorOf({ partitionEpoch: 0 }), 'INVALID_UPDATE_VERSION');
  assert.equal(errorOf({ partitionEpoch: 9 }), 'NOT_CONTROLLER');
  assert.equal(errorOf({ leaderEpoch: -1 }), 'FENCED_LEADER_EPOCH');
  assert.equal(errorOf({}, { brokerId: 2 }), 'INVALID_REQUEST');
  assert.equal(errorOf({}, { ids: [2, 3] }), 'INVALID_REQUEST');
  assert.equal(errorOf({}, { ids: [1, 4] }), 'INVALID_REQUEST');
  assert.equal(errorOf({}, { ids: [1, 2, 2] }), 'INVALID_REQUEST');
});

test('who is fenced, shutting down, or fetched in an earlier life cannot be in sync', () => {
  const cluster = new ThreeBrokers();
  alter(cluster, {}, { ids: [1] });
  const all = { ids: [1, 2, 3] };
  cluster.fence(3);
  assert.equal(errorNameOf(alter(cluster, {}, all)), 'INELIGIBLE_REPLICA');
  cluster.heartbeat(3);
  const earlier = cluster.epochOf(3);
  cluster.restart(3, true);
  cluster.heartbeat(3);
  const newIsr = [
    { brokerId: 1, brokerEpoch: cluster.epochOf(1) },
    { brokerId: 3, brokerEpoch: earlier },
  ];
  assert.equal(errorNameOf(alter(cluster, { newIsr })), 'INELIGIBLE_REPLICA');
  cluster.create('led-by-3', [[3]]);
  cluster.heartbeat(3, { wantShutDown: true });
  assert.equal(errorNameOf(alter(cluster, {}, all)), 'INELIGIBLE_REPLICA');
  assert.equal(errorNameOf(alter(cluster, {}, { ids: [1, 2] })), undefined);
});

test('the set that is has a new epoch, and what was asked for under the old one is void', () => {
  const cluster = new ThreeBrokers();
  cluster.heartbeat(3, { wantShutDown: true });
  const { isr, partitionEpoch } = cluster.partition();
  const same = alter(cluster, {}, { ids: isr });
  assert.deepEqual([same?.error, same?.partition?.isr], [null, isr]);
  assert.ok(cluster.partition().partitionEpoch > partitionEpoch);
  assert.equal(errorNameOf(alter(cluster, { partitionEpoch })), 'INVALID_UPDATE_VERSION');
});

test('who leaves an ISR of min.insync.replicas stays eligible until it is in sync again', () => {
  const cluster = new ThreeBrokers();
  alter(cluster, {}, { ids: [1, 2] });
  assert.deepEqual(cluster.members(), [1, [1, 2], [], []]);
  alter(cluster, {}, { ids: [1] });
  assert.deepEqual(cluster.members(), [1, [1], [2], []]);
  alter(cluster, {}, { ids: [1, 3] });
  assert.deepEqual(cluster.members(), [1, [1, 3], [], []], 'the high watermark moves on');
});

test('the change that brings in the last new replica takes the old ones out', () => {
  const cluster = new ThreeBrokers();
  cluster.controller.addBroker(4);
  cluster.controller.decide((m) =>
    alterReassignments(m, { partitions: [{ topic: 't', partition: 0, replicas: [1, 2, 4] }] }),
  );
  const moving = cluster.partition();
  assert.deepEqual(
    [moving.replicas, moving.addingReplicas, moving.removingReplicas],
    [[1, 2, 4, 3], [4], [3]],
  );
  const made = alter(cluster, {}, { ids: [1, 2, 3, 4] });
  assert.equal(made?.error, null);
  const moved = cluster.partition();
  assert.deepEqual(
    [moved.replicas, moved.isr],
    [
      [1, 2, 4],
      [1, 2, 4],
    ],
  );
  assert.deepEqual([moved.addingReplicas, moved.removingReplicas], [[], []]);
  assert.deepEqual(made?.partition, moved);
  assert.equal(moved.leaderEpoch, moving.leaderEpoch + 1, 'nobody fetches as 3 any more');
});

test('a leader that is moved away hears that somebody else leads', () => {
  const cluster = new ThreeBrokers();
  cluster.controller.addBroker(4);
  cluster.controller.decide((m) =>
    alterReassignments(m, { partitions: [{ topic: 't', partition: 0, replicas: [4, 2, 3] }] }),
  );
  const made = alter(cluster, {}, { ids: [1, 2, 3, 4] });
  assert.equal(errorNameOf(made), 'NEW_LEADER_ELECTED');
  assert.deepEqual(cluster.partition().replicas, [4, 2, 3]);
  assert.equal(cluster.partition().leader, 4);
});
