// producer-ids.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Io } from '../../src/io/index.ts';
import { brokerPort, Cluster } from '../cluster.ts';
import { takeProducerIds } from '../workloads/index.ts';
import type { World } from '../world.ts';
import { firstFailure, withLyingSync } from './planted-bugs.ts';
import { ProducerIdsOnce } from './producer-ids.ts';

test('an id that comes a second time is found', () => {
  const ids = new ProducerIdsOnce();
  ids.onProducerId(0);
  ids.onProducerId(1);
  assert.throws(() => ids.onProducerId(0), /producer id 0 was handed out twice/);
  assert.throws(() => ids.onProducerId(-1), /is none/);
});

/** Takes ids, and cuts the power five times. */
async function takeAndCut(world: World, plant: (io: Io) => Io): Promise<void> {
  const cluster = new Cluster(world, { plant, onExit: () => {} });
  const address = { host: cluster.broker.host.name, port: brokerPort };
  const ids = new ProducerIdsOnce();
  const { prng } = world;
  cluster.start();
  cluster.runClient('taker', (io) => takeProducerIds(io, { address, ids, prng }));
  for (let i = 0; i < 5; i++) {
    const { count } = ids;
    await world.run(() => ids.count > count || !cluster.broker.isUp);
    cluster.broker.powerCut();
    cluster.start();
  }
}

test('ids that are not durable when they are handed out are caught by power cuts', async () => {
  assert.equal(await firstFailure((world) => takeAndCut(world, (io) => io), 10), null);
  const failure = await firstFailure(
    (world) => takeAndCut(world, withLyingSync(/__cluster_metadata.*\.log$/)),
    40,
  );
  assert.match(String(failure), /handed out twice/);
});
