// What CreateTopics and DeleteTopics decide.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorNameOf, TestController } from '../../../tests/doubles/metadata/controllers.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import type { CreatableTopic, CreateTopicResult } from './api.ts';
import { createTopics, deleteTopics } from './topics.ts';

function withOneBroker(): TestController {
  const controller = new TestController();
  controller.addBroker(1);
  return controller;
}

function create(controller: TestController, ...topics: CreatableTopic[]): CreateTopicResult[] {
  return controller.decide((machine) => createTopics(machine, { topics }));
}

function errorOf(controller: TestController, topic: CreatableTopic): string | undefined {
  const [result] = create(controller, topic);
  assert.equal(result?.name, topic.name);
  if (result?.error) {
    assert.deepEqual([result.topicId, result.partitionCount], [ZERO_UUID, -1]);
    assert.equal(controller.image.topic(topic.name)?.id === result.topicId, false);
  }
  return errorNameOf(result);
}

describe('createTopics', () => {
  test('a topic gets the defaults, an id and a leader for each partition', () => {
    const rules = { partitionsDefault: 3 };
    const controller = new TestController({ rules });
    controller.addBroker(1);
    const [result] = create(controller, { name: 'orders' });
    assert.equal(result?.error, null);
    assert.deepEqual([result?.partitionCount, result?.replicationFactor], [3, 1]);
    const topic = controller.image.topic('orders');
    assert.equal(topic?.id, result?.topicId);
    assert.equal(controller.image.topicById(topic?.id as string), topic);
    assert.equal(controller.image.partitionCount, 3);
    for (const partition of topic?.partitions ?? []) {
      const { replicas, isr, leader, leaderEpoch, partitionEpoch } = partition;
      assert.deepEqual(
        { replicas, isr, leader, leaderEpoch, partitionEpoch },
        {
          replicas: [1],
          isr: [1],
          leader: 1,
          leaderEpoch: 0,
          partitionEpoch: 0,
        },
      );
    }
  });

  test('names that cannot be a folder or a metric are refused', () => {
    const controller = withOneBroker();
    for (const name of ['', '.', '..', 'a/b', 'ä', 'a b', 'x'.repeat(250), 'a\u0000']) {
      assert.equal(errorOf(controller, { name }), 'INVALID_TOPIC_EXCEPTION', name);
    }
    assert.equal(errorOf(controller, { name: 'x'.repeat(249) }), undefined);
    assert.equal(errorOf(controller, { name: '__cluster_metadata' }), 'INVALID_REQUEST');
  });

  test('names that differ only in dots and underscores collide, until the first is deleted', () => {
    const controller = withOneBroker();
    create(controller, { name: 'a.b_c' });
    assert.equal(errorOf(controller, { name: 'a_b.c' }), 'INVALID_TOPIC_EXCEPTION');
    assert.equal(errorOf(controller, { name: 'a.b_c' }), 'TOPIC_ALREADY_EXISTS');
    const both = create(controller, { name: 'x.y' }, { name: 'x_y' });
    assert.deepEqual(both.map(errorNameOf), [undefined, 'INVALID_TOPIC_EXCEPTION']);
    controller.decide((machine) => deleteTopics(machine, { topics: [{ name: 'a.b_c' }] }));
    assert.equal(errorOf(controller, { name: 'a_b.c' }), undefined);
  });

  test('a name that appears twice is answered once, with an error', () => {
    const controller = withOneBroker();
    const results = create(controller, { name: 'twice' }, { name: 'once' }, { name: 'twice' });
    assert.deepEqual(
      results.map((result) => [result.name, errorNameOf(result)]),
      [
        ['twice', 'INVALID_REQUEST'],
        ['once', undefined],
      ],
    );
  });

  test('counts and factors that cannot be are refused', () => {
    const controller = withOneBroker();
    const cases: [Omit<CreatableTopic, 'name'>, string][] = [
      [{ partitionCount: 0 }, 'INVALID_PARTITIONS'],
      [{ partitionCount: -2 }, 'INVALID_PARTITIONS'],
      [{ replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
      [{ replicationFactor: -2 }, 'INVALID_REPLICATION_FACTOR'],
      [{ replicationFactor: 2 }, 'INVALID_REPLICATION_FACTOR'],
      [{ partitionCount: 2147483647 }, 'POLICY_VIOLATION'],
    ];
    for (const [topic, expected] of cases) {
      assert.equal(errorOf(controller, { name: 't', ...topic }), expected);
    }
    assert.equal(controller.image.topicsByName.size, 0);
  });

  test('without a broker that could lead, nothing is placed', () => {
    const controller = new TestController();
    assert.equal(errorOf(controller, { name: 't' }), 'INVALID_REPLICATION_FACTOR');
    controller.addBroker(1, null, true);
    assert.equal(errorOf(controller, { name: 't' }), 'INVALID_REPLICATION_FACTOR');
    const assignments = [{ partitionIndex: 0, brokerIds: [1] }];
    assert.equal(errorOf(controller, { name: 't', assignments }), 'INVALID_REPLICA_ASSIGNMENT');
  });

  test('manual assignments are taken as they are, or refused for what is wrong with them', () => {
    const controller = withOneBroker();
    controller.addBroker(2);
    const assign = (...brokerIds: number[][]): CreatableTopic => ({
      name: 'manual',
      assignments: brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids })),
    });
    for (const wrong of [
      assign([]),
      assign([1, 1]),
      assign([1], [1, 2]),
      assign([3]),
      { name: 'manual', assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      { name: 'manual', assignments: [{ partitionIndex: -1, brokerIds: [1] }] },
      {
        name: 'manual',
        assignments: [0, 0].map((partitionIndex) => ({ partitionIndex, brokerIds: [1] })),
      },
    ]) {
      assert.equal(errorOf(controller, wrong), 'INVALID_REPLICA_ASSIGNMENT');
    }
    assert.equal(errorOf(controller, { ...assign([1]), partitionCount: 1 }), 'INVALID_REQUEST');
    assert.equal(errorOf(controller, { ...assign([1]), replicationFactor: 1 }), 'INVALID_REQUEST');
    const [result] = create(controller, assign([2, 1], [1, 2]));
    assert.deepEqual([result?.partitionCount, result?.replicationFactor], [2, 2]);
    const partitions = controller.image.topic('manual')?.partitions ?? [];
    assert.deepEqual(
      partitions.map(({ replicas, leader }) => [replicas, leader]),
      [
        [[2, 1], 2],
        [[1, 2], 1],
      ],
    );
  });

  test('configs are stored as given and refused when a topic cannot have them', () => {
    const controller = withOneBroker();
    const configured = (name: string, value: string | null): CreatableTopic => ({
      name: 'configured',
      configs: [{ name, value }],
    });
    assert.equal(errorOf(controller, configured('retention.ms', 'soon')), 'INVALID_CONFIG');
    assert.equal(errorOf(controller, configured('no.such.key', '1')), 'INVALID_CONFIG');
    assert.equal(errorOf(controller, configured('retention.ms', null)), 'INVALID_CONFIG');
    const [result] = create(controller, configured('retention.ms', '1000'));
    assert.deepEqual([...(result?.configs ?? [])], [['retention.ms', '1000']]);
    assert.deepEqual([...controller.image.configOf(2, 'configured')], [['retention.ms', '1000']]);
    controller.decide((machine) => deleteTopics(machine, { topics: [{ name: 'configured' }] }));
    create(controller, { name: 'configured' });
    assert.equal(controller.image.configOf(2, 'configured').size, 0);
  });

  test('validating decides the same and changes nothing', () => {
    const controller = withOneBroker();
    const topics = [{ name: 'ok' }, { name: 'not ok' }];
    const results = controller.decide((machine) =>
      createTopics(machine, { topics, validateOnly: true }),
    );
    assert.deepEqual(
      results.map(({ error, topicId, partitionCount }) => [
        error === null,
        topicId,
        partitionCount,
      ]),
      [
        [true, ZERO_UUID, 1],
        [false, ZERO_UUID, -1],
      ],
    );
    assert.equal(controller.image.topicsByName.size, 0);
  });

  test('a request for more than 10 000 partitions is refused as a whole', () => {
    const controller = withOneBroker();
    const results = create(
      controller,
      { name: 'half', partitionCount: 6000 },
      { name: 'more', partitionCount: 6000 },
    );
    for (const result of results) assert.equal(errorNameOf(result), 'POLICY_VIOLATION');
    assert.equal(controller.image.topicsByName.size, 0);
    assert.equal(create(controller, { name: 'all', partitionCount: 10_000 })[0]?.error, null);
    assert.equal(controller.image.partitionCount, 10_000);
  });
});

describe('deleteTopics', () => {
  test('topics go by name and by id, once each', () => {
    const controller = withOneBroker();
    const [a, b] = create(controller, { name: 'a' }, { name: 'b' });
    assert.ok(a && b);
    const results = controller.decide((machine) =>
      deleteTopics(machine, {
        topics: [
          { name: 'a' },
          { id: a.topicId },
          { id: b.topicId },
          { name: 'gone' },
          { id: controller.uuid() },
        ],
      }),
    );
    assert.deepEqual(
      results.map((result) => [result.name, errorNameOf(result)]),
      [
        ['a', undefined],
        ['a', 'INVALID_REQUEST'],
        ['b', undefined],
        ['gone', 'UNKNOWN_TOPIC_OR_PARTITION'],
        [null, 'UNKNOWN_TOPIC_ID'],
      ],
    );
    assert.deepEqual([...controller.image.topics()], []);
    assert.equal(controller.image.partitionCount, 0);
  });

  test('delete.topic.enable=false keeps every topic', () => {
    const controller = new TestController({ rules: { deleteTopicEnable: false } });
    controller.addBroker(1);
    create(controller, { name: 'kept' });
    const [result] = controller.decide((machine) =>
      deleteTopics(machine, { topics: [{ name: 'kept' }] }),
    );
    assert.equal(errorNameOf(result), 'TOPIC_DELETION_DISABLED');
    assert.ok(controller.image.topic('kept'));
  });
});
