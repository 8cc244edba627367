// Partitions that are added to a topic.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorNameOf } from '../../../tests/doubles/metadata/controllers.ts';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { createPartitions } from './partitions.ts';

test('createPartitions adds what is missing, placed or as assigned', () => {
  const { controller } = new ThreeBrokers();
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
