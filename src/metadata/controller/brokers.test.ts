// Brokers that come and go, and what that does to leaders and in-sync replicas.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  errorNameOf,
  TEST_CLUSTER_ID,
  TestController,
} from '../../../tests/doubles/metadata/controllers.ts';
import type { PartitionAlteration } from './api.ts';
import { brokerHeartbeat, fenceBroker, registerBroker, unregisterBroker } from './brokers.ts';
import { electLeaders } from './leaders.ts';
import { alterPartition, createPartitions } from './partitions.ts';
import { allocateProducerIds } from './producer-ids.ts';
import { createTopics } from './topics.ts';

/** Three brokers and a topic with one partition on all of them, led by 1. */
function cluster(): { controller: TestController; topicId: string; epochs: number[] } {
  const controller = new TestController();
  const epochs = [1, 2, 3].map((id) => controller.addBroker(id));
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3] }];
  const [topic] = controller.decide((m) =>
    createTopics(m, { topics: [{ name: 't', assignments }] }),
  );
  return { controller, topicId: topic?.topicId as string, epochs };
}

function state(controller: TestController) {
  const partition = controller.image.partition('t', 0);
  assert.ok(partition);
  const { leader, isr, leaderEpoch, partitionEpoch } = partition;
  return { leader, isr, leaderEpoch, partitionEpoch };
}

describe('fencing', () => {
  test('a leader that dies is replaced by the next in-sync replica', () => {
    const { controller } = cluster();
    controller.decide((m) => fenceBroker(m, 1));
    assert.deepEqual(state(controller), {
      leader: 2,
      isr: [2, 3],
      leaderEpoch: 1,
      partitionEpoch: 1,
    });
    controller.decide((m) => fenceBroker(m, 3));
    assert.deepEqual(state(controller), { leader: 2, isr: [2], leaderEpoch: 1, partitionEpoch: 2 });
    controller.decide((m) => fenceBroker(m, 3));
    assert.equal(state(controller).partitionEpoch, 2);
  });

  test('the last in-sync replica stays it, leaderless, and leads when it is back', () => {
    const { controller, epochs } = cluster();
    for (const id of [1, 2, 3]) controller.decide((m) => fenceBroker(m, id));
    assert.deepEqual([state(controller).leader, state(controller).isr], [-1, [3]]);
    const heartbeat = (brokerId: number, currentMetadataOffset: number) => {
      const brokerEpoch = epochs[brokerId - 1] as number;
      const request = { brokerId, brokerEpoch, currentMetadataOffset };
      return controller.decide((m) => brokerHeartbeat(m, request));
    };
    assert.equal(heartbeat(1, 1000).isFenced, false);
    assert.equal(state(controller).leader, -1, 'it is not in sync');
    assert.deepEqual(heartbeat(3, 0), { isCaughtUp: false, isFenced: true, shouldShutDown: false });
    assert.equal(heartbeat(3, 1000).isFenced, false);
    assert.deepEqual([state(controller).leader, state(controller).isr], [3, [3]]);
  });

  test('a broker that wants to shut down is let go at once', () => {
    const { controller, epochs } = cluster();
    const [brokerEpoch] = epochs as [number];
    const heartbeat = { brokerId: 1, brokerEpoch, currentMetadataOffset: 99, wantShutDown: true };
    const result = controller.decide((m) => brokerHeartbeat(m, heartbeat));
    assert.deepEqual(result, { isCaughtUp: true, isFenced: true, shouldShutDown: true });
    assert.equal(state(controller).leader, 2);
    assert.throws(() => brokerHeartbeat(controller.machine, { ...heartbeat, brokerEpoch: 77 }), {
      errorName: 'STALE_BROKER_EPOCH',
    });
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
    const { controller } = cluster();
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

  test('a process that starts anew is fenced until it has caught up', () => {
    const { controller } = cluster();
    register(controller, { incarnationId: 'AAAAAAAAAAAAAAAAAAAAAQ' });
    assert.equal(controller.image.isAlive(1), false);
    assert.deepEqual([state(controller).leader, state(controller).isr], [2, [2, 3]]);
  });
});

test('a broker that is unregistered is gone, and its partitions have other leaders', () => {
  const { controller } = cluster();
  controller.decide((m) => unregisterBroker(m, 1));
  assert.equal(controller.image.brokers.has(1), false);
  assert.equal(state(controller).leader, 2);
  assert.throws(() => unregisterBroker(controller.machine, 1), {
    errorName: 'BROKER_ID_NOT_REGISTERED',
  });
});

test('alterPartition takes what the leader says under its epochs, and nothing else', () => {
  const { controller, topicId, epochs } = cluster();
  const alter = (more: Partial<PartitionAlteration>, brokerId = 1, ids = [1, 2]) => {
    const newIsr = ids.map((id) => ({ brokerId: id, brokerEpoch: epochs[id - 1] ?? -1 }));
    const now = controller.image.partition('t', 0);
    assert.ok(now);
    const { leaderEpoch, partitionEpoch } = now;
    const alteration = { topicId, partitionIndex: 0, leaderEpoch, partitionEpoch, newIsr, ...more };
    const brokerEpoch = epochs[brokerId - 1] as number;
    const request = { brokerId, brokerEpoch, partitions: [alteration] };
    return controller.decide((m) => alterPartition(m, request))[0];
  };
  const made = alter({});
  assert.deepEqual([made?.partition?.isr, made?.partition?.partitionEpoch], [[1, 2], 1]);
  assert.deepEqual(state(controller).isr, [1, 2]);
  assert.equal(state(controller).leaderEpoch, 0);
  const errorOf = (...args: Parameters<typeof alter>) => errorNameOf(alter(...args));
  assert.equal(errorOf({ topicId: controller.uuid() }), 'UNKNOWN_TOPIC_ID');
  assert.equal(errorOf({ partitionIndex: 1 }), 'UNKNOWN_TOPIC_OR_PARTITION');
  assert.equal(errorOf({ partitionEpoch: 0 }), 'INVALID_UPDATE_VERSION');
  assert.equal(errorOf({ partitionEpoch: 9 }), 'NOT_CONTROLLER');
  assert.equal(errorOf({ leaderEpoch: -1 }), 'FENCED_LEADER_EPOCH');
  assert.equal(errorOf({}, 2), 'INVALID_REQUEST');
  assert.equal(errorOf({}, 1, [2, 3]), 'INVALID_REQUEST');
  assert.equal(errorOf({}, 1, [1, 4]), 'INVALID_REQUEST');
  controller.decide((m) => fenceBroker(m, 3));
  assert.equal(errorOf({}, 1, [1, 2, 3]), 'INELIGIBLE_REPLICA');
});

test('elections: preferred when it is in sync, unclean only when nobody else is left', () => {
  const { controller, epochs } = cluster();
  const elect = (type: 'preferred' | 'unclean', all = false) =>
    controller
      .decide((m) => {
        const partitions = all ? null : [{ topic: 't', partition: 0 }];
        return electLeaders(m, { type, partitions });
      })
      .map(errorNameOf);
  assert.deepEqual(elect('preferred'), ['ELECTION_NOT_NEEDED']);
  assert.deepEqual(elect('preferred', true), []);
  controller.decide((m) => fenceBroker(m, 1));
  assert.deepEqual(elect('preferred'), ['PREFERRED_LEADER_NOT_AVAILABLE']);
  assert.deepEqual(elect('unclean'), ['ELECTION_NOT_NEEDED']);
  controller.decide((m) => fenceBroker(m, 2));
  controller.decide((m) => fenceBroker(m, 3));
  assert.deepEqual(elect('unclean'), ['ELIGIBLE_LEADERS_NOT_AVAILABLE']);
  const heartbeat = { brokerId: 1, brokerEpoch: epochs[0] as number, currentMetadataOffset: 99 };
  controller.decide((m) => brokerHeartbeat(m, heartbeat));
  assert.deepEqual(elect('unclean', true), [undefined]);
  const partition = controller.image.partition('t', 0);
  assert.deepEqual(
    [partition?.leader, partition?.isr, partition?.leaderRecoveryState],
    [1, [1], 1],
  );
});

test('createPartitions adds what is missing, placed or as assigned', () => {
  const { controller } = cluster();
  const create = (count: number, assignments: number[][] | null = null) =>
    errorNameOf(
      controller.decide((m) =>
        createPartitions(m, { topics: [{ name: 't', count, assignments }] }),
      )[0],
    );
  assert.equal(create(1), 'INVALID_PARTITIONS');
  assert.equal(create(0), 'INVALID_PARTITIONS');
  assert.equal(create(20_000), 'POLICY_VIOLATION');
  assert.equal(create(3, [[1, 2, 3]]), 'INVALID_REPLICA_ASSIGNMENT');
  assert.equal(create(2, [[1]]), 'INVALID_REPLICA_ASSIGNMENT');
  assert.equal(create(2, [[3, 2, 1]]), undefined);
  assert.equal(create(4), undefined);
  const partitions = controller.image.topic('t')?.partitions ?? [];
  assert.equal(partitions.length, 4);
  assert.deepEqual(partitions[1]?.replicas, [3, 2, 1]);
  for (const { replicas, isr } of partitions)
    assert.deepEqual([replicas.length, isr.length], [3, 3]);
  const topics = [{ name: 'none', count: 2 }];
  const [unknown] = controller.decide((m) => createPartitions(m, { topics }));
  assert.equal(errorNameOf(unknown), 'UNKNOWN_TOPIC_OR_PARTITION');
});

test('producer id blocks never overlap, and only a registered broker gets one', () => {
  const { controller, epochs } = cluster();
  const allocate = (brokerId: number, brokerEpoch = epochs[brokerId - 1] as number) =>
    controller.decide((m) => allocateProducerIds(m, { brokerId, brokerEpoch }));
  const firsts = [1, 2, 1].map((id) => allocate(id).firstProducerId);
  assert.deepEqual(firsts, [0, 1000, 2000]);
  assert.throws(() => allocate(1, 99), { errorName: 'STALE_BROKER_EPOCH' });
  assert.throws(() => allocate(9, 1), { errorName: 'BROKER_ID_NOT_REGISTERED' });
});
