// Partitions that move to other brokers, and moves that are changed, cancelled or cut short.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorNameOf } from '../../../tests/doubles/metadata/controllers.ts';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { alterReassignments } from './reassignments.ts';

function fiveBrokers(options: ConstructorParameters<typeof ThreeBrokers>[0] = {}): ThreeBrokers {
  const cluster = new ThreeBrokers(options);
  for (const id of [4, 5]) cluster.controller.addBroker(id);
  return cluster;
}

function move(cluster: ThreeBrokers, replicas: readonly number[] | null, topic = 't') {
  const partitions = [{ topic, partition: 0, replicas }];
  return errorNameOf(cluster.controller.decide((m) => alterReassignments(m, { partitions }))[0]);
}

function place(cluster: ThreeBrokers) {
  const { replicas, addingReplicas, removingReplicas } = cluster.partition();
  return [replicas, addingReplicas, removingReplicas];
}

test('a move that is cancelled leaves what was there, also when the leader has to change', () => {
  const cluster = fiveBrokers();
  assert.equal(move(cluster, null), 'NO_REASSIGNMENT_IN_PROGRESS');
  move(cluster, [4, 5, 3]);
  assert.deepEqual(place(cluster), [
    [4, 5, 3, 1, 2],
    [4, 5],
    [1, 2],
  ]);
  cluster.fence(1);
  assert.equal(move(cluster, null), undefined);
  assert.deepEqual(place(cluster), [[3, 1, 2], [], []]);
  assert.deepEqual(cluster.members(), [3, [2, 3], [], []]);
});

test('a new target waits for who was on its way in already, and lets go who is not wanted', () => {
  const cluster = fiveBrokers();
  move(cluster, [1, 2, 4]);
  move(cluster, [1, 4, 5]);
  assert.deepEqual(place(cluster), [
    [1, 4, 5, 2, 3],
    [4, 5],
    [2, 3],
  ]);
  move(cluster, [1, 2, 3]);
  assert.deepEqual(place(cluster), [[1, 2, 3], [], []]);
});

test('who is only on its way in is not what an unclean election is left with', () => {
  const configs = [{ name: 'unclean.leader.election.enable', value: 'true' }];
  const cluster = fiveBrokers({ configs });
  cluster.fence(1, 2, 3);
  move(cluster, [4]);
  assert.equal(cluster.partition().leader, -1);
});

test('a target that dies holds the move up and loses nothing', () => {
  const cluster = fiveBrokers();
  move(cluster, [4, 2, 3]);
  cluster.fence(4);
  assert.deepEqual(place(cluster), [[4, 2, 3, 1], [4], [1]]);
  assert.deepEqual(cluster.members(), [1, [1, 2, 3], [], []]);
});

test('brokers that are there twice, unknown or none are no target', () => {
  const cluster = fiveBrokers();
  for (const target of [[1, 1], [1, 9], [], [-1]]) {
    assert.equal(move(cluster, target), 'INVALID_REPLICA_ASSIGNMENT');
  }
  assert.equal(move(cluster, [1], 'nowhere'), 'UNKNOWN_TOPIC_OR_PARTITION');
});
