// Blocks of producer ids.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { allocateProducerIds } from './producer-ids.ts';

test('producer id blocks never overlap, and only a registered broker gets one', () => {
  const cluster = new ThreeBrokers();
  const { controller } = cluster;
  const allocate = (brokerId: number, brokerEpoch = cluster.epochOf(brokerId)) =>
    controller.decide((m) => allocateProducerIds(m, { brokerId, brokerEpoch }));
  const firsts = [1, 2, 1].map((id) => allocate(id).firstProducerId);
  assert.deepEqual(firsts, [0, 1000, 2000]);
  assert.throws(() => allocate(1, 99), { errorName: 'STALE_BROKER_EPOCH' });
  assert.throws(() => allocate(9, 1), { errorName: 'STALE_BROKER_EPOCH' });
});
