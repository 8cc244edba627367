// Brokers that say that they live, and brokers that want to go.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { brokerHeartbeat } from './heartbeats.ts';

const caughtUp = { isCaughtUp: true, isFenced: false, shouldShutDown: false };
const wantShutDown = { wantShutDown: true };

test('a broker serves when it has seen its own registration, and not when it wants to wait', () => {
  const cluster = new ThreeBrokers();
  cluster.restart(1, true);
  const early = { currentMetadataOffset: cluster.epochOf(1) - 1 };
  const waits = { isCaughtUp: false, isFenced: true, shouldShutDown: false };
  assert.deepEqual(cluster.heartbeat(1, early), waits);
  assert.equal(cluster.heartbeat(1, { wantFence: true }).isFenced, true);
  const own = { currentMetadataOffset: cluster.epochOf(1) };
  assert.deepEqual(cluster.heartbeat(1, own), caughtUp);
  assert.equal(cluster.controller.image.isAlive(1), true);
  assert.throws(() => cluster.heartbeat(1, { brokerEpoch: 77 }), {
    errorName: 'STALE_BROKER_EPOCH',
  });
});

test('a broker that shuts down hands over while it serves, and goes when all have heard', () => {
  const cluster = new ThreeBrokers();
  const { machine } = cluster.controller;
  const seen = machine.endOffset - 1;
  for (const id of [2, 3]) cluster.heartbeat(id);
  assert.deepEqual(cluster.heartbeat(1, wantShutDown), caughtUp);
  assert.deepEqual(cluster.members(), [2, [2, 3], [], []]);
  const { fenced, inControlledShutdown } = machine.image.brokers.get(1) ?? {};
  assert.deepEqual([fenced, inControlledShutdown], [false, true]);
  cluster.heartbeat(2);
  cluster.heartbeat(3, { currentMetadataOffset: seen });
  assert.equal(cluster.heartbeat(1, wantShutDown).shouldShutDown, false, '3 sends clients to it');
  cluster.heartbeat(3);
  const gone = { isCaughtUp: true, isFenced: true, shouldShutDown: true };
  assert.deepEqual(cluster.heartbeat(1, wantShutDown), gone);
  assert.equal(machine.image.isAlive(1), false);
});

test('a broker that hangs holds up one that shuts down until it is fenced', () => {
  const cluster = new ThreeBrokers();
  cluster.heartbeat(1, wantShutDown);
  cluster.heartbeat(2);
  assert.equal(cluster.heartbeat(1, wantShutDown).shouldShutDown, false);
  cluster.fence(3);
  cluster.heartbeat(2);
  assert.equal(cluster.heartbeat(1, wantShutDown).shouldShutDown, true);
});

test('brokers that all shut down do not wait for each other', () => {
  const cluster = new ThreeBrokers();
  const going = new Set([1, 2, 3]);
  for (let round = 0; round < 3; round++) {
    for (const id of [...going]) {
      if (cluster.heartbeat(id, wantShutDown).shouldShutDown) going.delete(id);
    }
  }
  assert.deepEqual([...going], []);
  assert.equal(cluster.partition().leader, -1);
  assert.notDeepEqual(cluster.partition().eligibleLeaderReplicas, []);
});

test('a controller that takes over lets a broker go that was shutting down', () => {
  const cluster = new ThreeBrokers();
  for (const id of [2, 3]) cluster.heartbeat(id);
  cluster.heartbeat(1, wantShutDown);
  const { heartbeats } = cluster.controller.machine;
  heartbeats.metadataOffsets.clear();
  heartbeats.shutdownOffsets.clear();
  assert.equal(cluster.heartbeat(1, wantShutDown).shouldShutDown, false);
  for (const id of [2, 3]) cluster.heartbeat(id);
  assert.equal(cluster.heartbeat(1, wantShutDown).shouldShutDown, true);
});

test('a broker that leads nothing goes at once', () => {
  const cluster = new ThreeBrokers();
  assert.equal(cluster.heartbeat(3, wantShutDown).shouldShutDown, true);
  assert.deepEqual(cluster.members(), [1, [1, 2], [], []]);
});

test('a broker whose session has ended stays fenced, for nobody would notice its death', () => {
  const cluster = new ThreeBrokers();
  cluster.fence(2);
  const request = {
    ...{ brokerId: 2, brokerEpoch: cluster.epochOf(2) },
    currentMetadataOffset: cluster.controller.machine.endOffset - 1,
  };
  const beat = (hasSession: boolean) =>
    cluster.controller.decide((m) => brokerHeartbeat(m, request, { hasSession }));
  assert.equal(beat(false).isFenced, true);
  assert.equal(beat(true).isFenced, false);
});

test('a broker that was fenced on its way out stays out in that life', () => {
  const cluster = new ThreeBrokers();
  cluster.heartbeat(1, wantShutDown);
  cluster.fence(1);
  assert.equal(cluster.heartbeat(1).isFenced, true);
  assert.equal(cluster.heartbeat(1, wantShutDown).shouldShutDown, true);
  cluster.restart(1, true);
  assert.equal(cluster.heartbeat(1).isFenced, false);
});
