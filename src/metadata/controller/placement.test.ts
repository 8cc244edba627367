// Where replicas go, over random clusters.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestController } from '../../../tests/doubles/metadata/controllers.ts';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { Prng } from '../../base/prng.ts';
import type { Random } from '../../io/index.ts';
import { placeReplicas } from './placement.ts';

test('replicas are distinct, in as many racks as there are, led by the living, evenly', () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = new Prng(`placement/${seed}`);
    const controller = new TestController({ seed });
    const rackCount = 1 + random.int(4);
    const perRack = 1 + random.int(3);
    const racks = new Map<number, string>();
    for (let id = 0; id < rackCount * perRack; id++) {
      racks.set(id, `r${id % rackCount}`);
      controller.addBroker(id, rackCount === 1 ? null : `r${id % rackCount}`);
    }
    const replicationFactor = 1 + random.int(racks.size);
    const partitionCount = racks.size * 4;
    const size = { partitionCount, replicationFactor };
    const placed = placeReplicas(controller.image, size, random);
    assert.deepEqual(
      placed,
      placeReplicas(controller.image, size, replay(seed, 2)),
      'the same random source places the same',
    );
    const led = new Map<number, number>();
    for (const replicas of placed) {
      assert.equal(new Set(replicas).size, replicationFactor);
      const used = new Set(replicas.map((id) => racks.get(id)));
      assert.equal(used.size, Math.min(rackCount, replicationFactor));
      led.set(replicas[0] as number, (led.get(replicas[0] as number) ?? 0) + 1);
    }
    assert.equal(placed.length, partitionCount);
    // Round robin within each turn of all brokers; the order is drawn anew between them, and a ring
    // may then go on where it stood.
    if (replicationFactor > 1) continue;
    for (const id of racks.keys()) {
      const count = led.get(id) ?? 0;
      assert.ok(count >= 2 && count <= 6, `broker ${id} leads ${count} partitions`);
    }
  }

  /** The source as it was before the placement: after the two draws of the test. */
  function replay(seed: number, draws: number): Prng {
    const random = new Prng(`placement/${seed}`);
    for (let i = 0; i < draws; i++) random.float();
    random.float();
    return random;
  }
});

test('a fenced broker follows but does not come first', () => {
  const controller = new TestController();
  controller.addBroker(1, 'a');
  controller.addBroker(2, 'a', true);
  controller.addBroker(3, 'b', true);
  const size = { partitionCount: 6, replicationFactor: 3 };
  for (const replicas of placeReplicas(controller.image, size, new Prng(1))) {
    assert.equal(replicas[0], 1);
    assert.deepEqual([...replicas].sort(), [1, 2, 3]);
  }
});

/** Chance falls alike, by one number. */
function fallen(chance: number): Random {
  return { int: (bound: number) => chance % bound } as Random;
}

test('replicas go where Kafka puts them', () => {
  // As its StripedReplicaPlacer answered; tests/interop/controller-rules asks it much more.
  const cases = [
    {
      brokers: [
        [1, 'a'],
        [2, 'a'],
        [3, 'b'],
        [4, 'b', true],
        [5, null],
      ],
      ...{ partitionCount: 6, replicationFactor: 2, chance: 5 },
      placed: '3,5 5,1 2,3 3,5 5,1 2,3',
    },
    {
      brokers: [
        [1, 'a'],
        [2, 'a'],
        [3, 'a'],
        [4, 'b'],
        [5, 'c', true],
      ],
      ...{ partitionCount: 5, replicationFactor: 3, chance: 1 },
      placed: '4,5,2 3,5,4 1,4,5 4,5,2 4,2,5',
    },
  ] as const;
  for (const { brokers, placed, chance, ...size } of cases) {
    const controller = new TestController();
    for (const [id, rack, isFenced = false] of brokers) controller.addBroker(id, rack, isFenced);
    assert.equal(placeReplicas(controller.image, size, fallen(chance)).join(' '), placed);
  }
});

test('a broker that shuts down gets nothing new', () => {
  const cluster = new ThreeBrokers();
  cluster.heartbeat(1, { wantShutDown: true });
  const size = { partitionCount: 4, replicationFactor: 2 };
  for (const replicas of placeReplicas(cluster.controller.image, size, new Prng(1))) {
    assert.ok(!replicas.includes(1));
  }
  const all = { partitionCount: 1, replicationFactor: 3 };
  assert.throws(() => placeReplicas(cluster.controller.image, all, new Prng(1)), {
    errorName: 'INVALID_REPLICATION_FACTOR',
  });
});
