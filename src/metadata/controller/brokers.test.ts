// Brokers that come and go, and what that does to leaders and in-sync replicas.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  TEST_CLUSTER_ID,
  type TestController,
} from '../../../tests/doubles/metadata/controllers.ts';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { registerBroker, unregisterBroker } from './brokers.ts';

function state(cluster: ThreeBrokers) {
  const { leader, isr, leaderEpoch, partitionEpoch } = cluster.partition();
  return { leader, isr, leaderEpoch, partitionEpoch };
}

describe('fencing', () => {
  test('a leader that dies is replaced by the next in-sync replica', () => {
    const cluster = new ThreeBrokers();
    cluster.fence(1);
    const first = { leader: 2, isr: [2, 3], leaderEpoch: 1, partitionEpoch: 1 };
    assert.deepEqual(state(cluster), first);
    cluster.fence(3);
    assert.deepEqual(state(cluster), { leader: 2, isr: [2], leaderEpoch: 1, partitionEpoch: 2 });
    cluster.fence(3);
    assert.equal(state(cluster).partitionEpoch, 2);
  });

  test('who leaves an ISR that is too small stays eligible, and leads when it is back', () => {
    const cluster = new ThreeBrokers();
    const { controller } = cluster;
    cluster.fence(1, 2, 3);
    assert.deepEqual(cluster.members(), [-1, [], [2, 3], [3]]);
    cluster.heartbeat(1);
    assert.equal(controller.image.isAlive(1), true);
    assert.equal(state(cluster).leader, -1, 'it left while there were enough without it');
    assert.equal(cluster.heartbeat(2, { currentMetadataOffset: 0 }).isFenced, true);
    cluster.heartbeat(2);
    assert.deepEqual(cluster.members(), [2, [2], [3], []]);
    assert.equal(cluster.partition().leaderRecoveryState, 0);
  });

  test('without that feature the last in-sync replica stays it, leaderless', () => {
    const cluster = new ThreeBrokers({ isElrEnabled: false });
    cluster.fence(1, 2, 3);
    assert.deepEqual(cluster.members(), [-1, [3], [], []]);
    cluster.heartbeat(1);
    assert.equal(state(cluster).leader, -1, 'it is not in sync');
    cluster.heartbeat(3);
    assert.deepEqual(cluster.members(), [3, [3], [], []]);
  });
});

describe('a process that starts anew', () => {
  test('is fenced until it has caught up, and its partitions are led by others', () => {
    const cluster = new ThreeBrokers();
    const { controller } = cluster;
    const before = cluster.epochOf(1);
    cluster.restart(1, false);
    assert.ok(cluster.epochOf(1) > before);
    assert.equal(controller.image.isAlive(1), false);
    assert.deepEqual([state(cluster).leader, state(cluster).isr], [2, [2, 3]]);
  });

  test('stays eligible if the life before ended cleanly, and not otherwise', () => {
    for (const isClean of [true, false]) {
      const cluster = new ThreeBrokers();
      cluster.fence(1);
      cluster.restart(2, isClean);
      assert.deepEqual(cluster.members(), [3, [3], isClean ? [2] : [], []]);
    }
  });

  test('is not eligible any more if it is unclean, whoever noticed its death first', () => {
    const cluster = new ThreeBrokers();
    cluster.fence(1, 2, 3);
    cluster.restart(2, false);
    cluster.heartbeat(2);
    assert.deepEqual(cluster.members(), [-1, [], [3], [3]], 'the other one may have more');
    cluster.restart(3, true);
    cluster.heartbeat(3);
    assert.deepEqual(cluster.members(), [3, [3], [], []]);
  });

  test('is unclean if it names another epoch than the last one, as a restored copy does', () => {
    const cluster = new ThreeBrokers();
    const previousBrokerEpoch = cluster.epochOf(2) - 1;
    cluster.fence(1);
    const incarnationId = cluster.controller.uuid();
    const process = { brokerId: 2, clusterId: TEST_CLUSTER_ID, incarnationId, listeners: [] };
    cluster.controller.decide((m) =>
      registerBroker(m, { ...process, previousBrokerEpoch }, { incarnationId: null }),
    );
    assert.deepEqual(cluster.members(), [3, [3], [], []]);
  });

  test('leads as the last known leader when nobody is in sync or eligible', () => {
    const cluster = new ThreeBrokers();
    cluster.fence(1, 2, 3);
    for (const id of [3, 2]) cluster.restart(id, false);
    cluster.heartbeat(2);
    assert.deepEqual(cluster.members(), [-1, [], [], [3]]);
    const { leaderEpoch } = state(cluster);
    cluster.heartbeat(3);
    assert.deepEqual(cluster.members(), [3, [3], [], []]);
    assert.equal(state(cluster).leaderEpoch, leaderEpoch + 1);
    assert.equal(cluster.partition().leaderRecoveryState, 1);
  });

  test('leads where it is the only replica', () => {
    for (const isFencedFirst of [false, true]) {
      const cluster = new ThreeBrokers({ configs: [] });
      cluster.create('single', [[2]]);
      if (isFencedFirst) cluster.fence(2);
      cluster.restart(2, false);
      assert.equal(cluster.partition('single').leader, -1);
      cluster.heartbeat(2);
      const { leader, isr } = cluster.partition('single');
      assert.deepEqual([leader, isr], [2, [2]]);
    }
  });
});

describe('registerBroker', () => {
  const register = (controller: TestController, more: object, living: string | null = null) =>
    controller.decide((m) =>
      registerBroker(
        m,
        { brokerId: 1, clusterId: TEST_CLUSTER_ID, incarnationId: 'new', listeners: [], ...more },
        { incarnationId: living },
      ),
    );

  test('a broker of another cluster, or beside a living one of its id, is refused', () => {
    const { controller } = new ThreeBrokers();
    const elsewhere = { clusterId: 'other' };
    assert.throws(() => register(controller, elsewhere), { errorName: 'INCONSISTENT_CLUSTER_ID' });
    assert.throws(() => register(controller, {}, 'someone'), {
      errorName: 'DUPLICATE_BROKER_REGISTRATION',
    });
    const ids = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAw'];
    const first = register(controller, { incarnationId: ids[0] }, ids[0] as string);
    assert.deepEqual(register(controller, { incarnationId: ids[0] }), first, 'a repeated request');
    assert.ok(register(controller, { incarnationId: ids[1] }).brokerEpoch > first.brokerEpoch);
  });

  test('a session that is renewed costs a new broker epoch and nothing else', () => {
    for (const isFenced of [false, true]) {
      const cluster = new ThreeBrokers();
      const { controller } = cluster;
      if (isFenced) cluster.fence(2);
      const before = cluster.members();
      const { incarnationId } = controller.image.brokers.get(2) ?? {};
      const request = { brokerId: 2, incarnationId, previousBrokerEpoch: cluster.epochOf(2) };
      const { brokerEpoch } = register(controller, request);
      assert.ok(brokerEpoch > request.previousBrokerEpoch);
      assert.deepEqual(register(controller, request), { brokerEpoch }, 'the answer was lost');
      assert.equal(cluster.epochOf(2), brokerEpoch);
      assert.equal(controller.image.isAlive(2), !isFenced);
      assert.deepEqual(cluster.members(), before);
    }
  });

  test('a cluster of one serves at once, in a new leader epoch unless all was synced', () => {
    for (const wasCleanShutdown of [true, false]) {
      const cluster = new ThreeBrokers();
      const { controller } = cluster;
      const life = { incarnationId: controller.uuid(), fenced: false, wasCleanShutdown };
      register(controller, life);
      const leaderEpoch = wasCleanShutdown ? 0 : 1;
      const { leader, isr } = state(cluster);
      assert.deepEqual([leader, isr, state(cluster).leaderEpoch], [1, [1, 2, 3], leaderEpoch]);
    }
  });
});

describe('a broker that is unregistered', () => {
  test('is gone, and its partitions have other leaders', () => {
    const cluster = new ThreeBrokers();
    const { controller } = cluster;
    controller.decide((m) => unregisterBroker(m, 1));
    assert.equal(controller.image.brokers.has(1), false);
    assert.deepEqual([state(cluster).leader, state(cluster).isr], [2, [2, 3]]);
    assert.throws(() => unregisterBroker(controller.machine, 1), {
      errorName: 'BROKER_ID_NOT_REGISTERED',
    });
  });

  test('comes back as one that lost what it had', () => {
    const cluster = new ThreeBrokers();
    cluster.fence(1, 2);
    cluster.controller.decide((m) => unregisterBroker(m, 2));
    assert.deepEqual(cluster.members(), [3, [3], [2], []]);
    cluster.restart(2, true);
    assert.deepEqual(cluster.members(), [3, [3], [], []]);
  });
});
