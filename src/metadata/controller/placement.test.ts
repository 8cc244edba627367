// Where replicas go, over random clusters.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestController } from '../../../tests/doubles/metadata/controllers.ts';
import { Prng } from '../../base/prng.ts';
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
    // With one replica each, round robin is exact; with more, rings of racks move together.
    if (replicationFactor === 1) for (const id of racks.keys()) assert.equal(led.get(id), 4);
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
