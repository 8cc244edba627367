// Who has which role, by what the image says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestController } from '../../../tests/doubles/metadata/controllers.ts';
import { javaHashBucket } from '../../base/java-hash-code.ts';
import { TRANSACTION_TOPIC } from '../../coordinator/index.ts';
import { MetadataImage, type PartitionImage } from '../../metadata/index.ts';
import { ImageWhereabouts } from './whereabouts.ts';

function whereaboutsIn(image: () => MetadataImage): ImageWhereabouts {
  return new ImageWhereabouts({ nodeId: 1, image, controllerId: () => 4 });
}

/** The topic has one partition for each leader. */
function imageWith(name: string, leaders: readonly number[]): MetadataImage {
  const partitions = leaders.map(
    (leader): PartitionImage => ({
      ...{
        replicas: [1],
        directories: [],
        isr: [1],
        ...{ eligibleLeaderReplicas: [], lastKnownElr: [] },
        addingReplicas: [],
        removingReplicas: [],
      },
      ...{ leader, leaderEpoch: 0, partitionEpoch: 0, leaderRecoveryState: 0 },
    }),
  );
  const empty = MetadataImage.empty('cluster');
  const topicsByName = empty.topicsByName.set(name, { name, id: name, partitions });
  return new MetadataImage({ ...empty, topicsByName });
}

test('a broker is alone until another one is registered, be it fenced', () => {
  const controller = new TestController();
  const whereabouts = whereaboutsIn(() => controller.image);
  assert.equal(whereabouts.isAlone, true);
  controller.addBroker(1);
  assert.equal(whereabouts.isAlone, true);
  controller.addBroker(2, null, true);
  assert.equal(whereabouts.isAlone, false);
});

test('a leader is the one of the newest image; of what is not there nobody leads', () => {
  let image = imageWith('t', [3, -1]);
  const whereabouts = whereaboutsIn(() => image);
  const leaderOf = (topic: string, partition: number) =>
    whereabouts.nodeOf({ role: 'leader', topic, partition });
  assert.deepEqual(
    [0, 1, 2].map((partition) => leaderOf('t', partition)),
    [3, -1, -1],
  );
  assert.equal(leaderOf('u', 0), -1);
  image = imageWith('t', [2]);
  assert.equal(leaderOf('t', 0), 2);
});

test('the coordinator of an id leads the partition that the id is kept in', () => {
  const leaders = [5, 6, 7];
  const whereabouts = whereaboutsIn(() => imageWith(TRANSACTION_TOPIC, leaders));
  for (const transactionalId of ['a', 'b', 'order-17', 'ß']) {
    const node = whereabouts.nodeOf({ role: 'coordinator', transactionalId });
    assert.equal(node, leaders[javaHashBucket(transactionalId, 3)]);
  }
  const none = whereaboutsIn(() => imageWith('t', [1]));
  assert.equal(none.nodeOf({ role: 'coordinator', transactionalId: 'a' }), -1);
});

test('the controller, and a node that is meant itself, are not looked up in the image', () => {
  const whereabouts = whereaboutsIn(() => MetadataImage.empty('cluster'));
  assert.equal(whereabouts.nodeOf({ role: 'controller' }), 4);
  assert.equal(whereabouts.nodeOf({ role: 'node', nodeId: 9 }), 9);
});
