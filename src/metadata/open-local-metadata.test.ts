// The whole of it in one process: decide, commit, publish, stop, start again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate, World } from '../../sim/index.ts';
import { errorNameOf } from '../../tests/doubles/metadata/controllers.ts';
import { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { openLocalMetadata } from './open-local-metadata.ts';
import type { Metadata } from './open-metadata.ts';

const clusterId = 'clusterAAAAAAAAAAAAAAA';

function open(io: Io): Promise<Metadata> {
  const config = new BrokerConfig();
  return openLocalMetadata(io, { directory: '/data', clusterId, nodeId: 1, config });
}

function register(metadata: Metadata, incarnation: number, wasCleanShutdown = false) {
  return metadata.controller.registerBroker({
    brokerId: 1,
    clusterId,
    incarnationId: `${String(incarnation).padStart(21, 'A')}A`,
    listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
    fenced: false,
    wasCleanShutdown,
  });
}

test('an answer leaves when the image of this process shows what it says', () =>
  simulate(async (io) => {
    const metadata = await open(io);
    const { brokerEpoch } = await register(metadata, 1);
    assert.equal(metadata.image().brokers.get(1)?.epoch, brokerEpoch);
    assert.equal(metadata.image().features.get('metadata.version'), 25);
    const seen: string[] = [];
    metadata.subscribe((image, changes) => {
      for (const topic of changes.topicsCreated.values())
        seen.push(`${topic.name}@${image.offset}`);
    });
    const [result] = await metadata.controller.createTopics({ topics: [{ name: 'a' }] });
    assert.equal(metadata.image().topic('a')?.id, result?.topicId);
    assert.deepEqual(seen, [`a@${metadata.image().offset}`]);
    const block = await metadata.controller.allocateProducerIds({ brokerId: 1, brokerEpoch });
    assert.deepEqual(block, { firstProducerId: 0, count: 1000 });
    const late: string[] = [];
    metadata.subscribe((_, changes) => {
      late.push(...[...changes.topicsCreated.values()].map(({ name }) => name));
    });
    assert.deepEqual(late, ['a']);
    await metadata.close();
    await assert.rejects(metadata.controller.createTopics({ topics: [{ name: 'b' }] }), {
      errorName: 'NOT_CONTROLLER',
    });
  }));

test('a new start finds everything; only an unclean one begins new leader epochs', () =>
  simulate(async (io) => {
    const epochs: number[] = [];
    for (const [life, wasClean] of [true, true, false].entries()) {
      const metadata = await open(io);
      const { brokerEpoch } = await register(metadata, life, wasClean);
      if (life === 0) await metadata.controller.createTopics({ topics: [{ name: 'a' }] });
      epochs.push(metadata.image().partition('a', 0)?.leaderEpoch as number);
      const block = await metadata.controller.allocateProducerIds({ brokerId: 1, brokerEpoch });
      assert.equal(block.firstProducerId, life * 1000);
      if (life === 1) await metadata.saveSnapshot();
      await metadata.close();
    }
    assert.deepEqual(epochs, [0, 0, 1]);
  }));

test('two topics of one name asked for in one turn: one is made, one hears that it exists', () =>
  simulate(async (io) => {
    const metadata = await open(io);
    await register(metadata, 1);
    const results = await Promise.all(
      [1, 2].map(() => metadata.controller.createTopics({ topics: [{ name: 'a' }] })),
    );
    assert.deepEqual(
      results.map(([result]) => errorNameOf(result)),
      [undefined, 'TOPIC_ALREADY_EXISTS'],
    );
    await metadata.close();
  }));

test('a full disk refuses, forgets what was decided, and goes on when there is room', async () => {
  const world = new World({ seed: 1 });
  let isOver = false;
  world.startProcess('host', async (io) => {
    const metadata = await open(io);
    await register(metadata, 1);
    const { faults } = world;
    world.faults = { ...faults, disk: { ...faults.disk, writeFailChance: 1 } };
    const create = () => metadata.controller.createTopics({ topics: [{ name: 'a' }] });
    await assert.rejects(create(), { errorName: 'KAFKA_STORAGE_ERROR' });
    assert.equal(metadata.image().topic('a'), undefined);
    world.faults = faults;
    await io.clock.sleep(1);
    assert.equal((await create())[0]?.error, null);
    isOver = true;
  });
  await world.run(() => isOver);
});

test('what was answered before a power cut is there after it', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const world = new World({ seed, faults: { disk: { syncMsMean: 2 } } });
    const host = world.host('host');
    const answered = new Set<string>();
    for (let life = 0; life < 3; life++) {
      let hasStarted = false;
      world.startProcess('host', async (io) => {
        const metadata = await open(io);
        await register(metadata, life);
        for (const name of answered) assert.ok(metadata.image().topic(name), name);
        hasStarted = true;
        for (let i = 0; ; i++) {
          const name = `t${life}-${i}`;
          void metadata.controller.createTopics({ topics: [{ name }] }).then(([result]) => {
            if (result?.error === null) answered.add(name);
          });
          if (i % 7 === 6) await metadata.saveSnapshot();
          await io.clock.sleep(1);
        }
      });
      await world.run(() => hasStarted);
      await world.advance(20 + (seed % 7) * 3);
      host.powerCut();
    }
    assert.ok(answered.size > 10, `${answered.size} answered`);
  }
});
