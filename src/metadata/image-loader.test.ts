// A loader that misses batches and begins again with a snapshot; and who takes snapshots.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import {
  plain,
  TEST_CLUSTER_ID,
  TestController,
} from '../../tests/doubles/metadata/controllers.ts';
import { StoreServer } from '../../tests/doubles/metadata/remote-stores.ts';
import { Prng } from '../base/prng.ts';
import { BrokerConfig } from '../config/index.ts';
import { changesBetween } from './changes.ts';
import type { ClusterStore } from './cluster-store.ts';
import { configRules } from './controller/config-rules.ts';
import { incrementalAlterConfigs } from './controller/configs.ts';
import { MetadataController } from './controller/metadata-controller.ts';
import { createPartitions } from './controller/partitions.ts';
import { createTopics, deleteTopics } from './controller/topics.ts';
import { type MetadataImage, ResourceType } from './image.ts';
import { ImageLoader } from './image-loader.ts';

test('a loader whose place in the log is gone tells what changed while it was away', () =>
  simulate(async (io) => {
    const server = await StoreServer.open(io);
    const [near, far] = [await server.connect(), await server.connect()];
    const loader = await ImageLoader.start(io, { store: near, bytesBetweenSnapshotsMax: 3000 });
    const rules = configRules(new BrokerConfig());
    const onBug = (error: Error): void => assert.fail(error);
    const controller = new MetadataController(io, { nodeId: 1, store: near, loader, rules, onBug });
    await controller.start();
    await controller.registerBroker({
      brokerId: 1,
      clusterId: near.clusterId,
      incarnationId: 'B'.repeat(21).concat('A'),
      listeners: [],
      fenced: false,
    });
    await controller.createTopics({ topics: [{ name: 'stays' }, { name: 'goes' }, { name: 'x' }] });
    const away = await ImageLoader.start(io, { store: far, bytesBetweenSnapshotsMax: 1 });
    const told: string[][] = [];
    away.subscribe((_, { topicsCreated, topicsDeleted, topicsChanged }) => {
      const names = [topicsCreated, topicsDeleted].map((map) =>
        [...map.values()]
          .map(({ name }) => name)
          .sort()
          .join(' '),
      );
      told.push([...names, [...topicsChanged.keys()].join(' ')]);
    });
    assert.deepEqual(told.splice(0), [['goes stays x', '', '']]);
    server.cut(far);
    await controller.deleteTopics({ topics: [{ name: 'goes' }] });
    await controller.createPartitions({ topics: [{ name: 'stays', count: 2 }] });
    await controller.createTopics({ topics: [{ name: 'new' }] });
    for (let i = 0; i < 100; i++) {
      await controller.createTopics({ topics: [{ name: 'brief' }] });
      await controller.deleteTopics({ topics: [{ name: 'brief' }] });
    }
    await io.clock.sleep(1000);
    assert.ok(server.local.logStartOffset > 0, 'the controller took snapshots');
    await server.heal(far);
    const stays = loader.image.topic('stays')?.id ?? '';
    const [created = '', ...rest] = told[0] ?? [];
    assert.equal(created.replace('brief ', ''), 'new');
    assert.deepEqual(rest, ['goes', stays]);
    assert.deepEqual(plain(away.image), plain(loader.image));
    assert.equal(away.image.offset, loader.image.offset);
    await controller.close();
  }));

test('no loader takes snapshots but that of the controller', () =>
  simulate(async (io) => {
    const server = await StoreServer.open(io);
    const [near, far] = [await server.connect(), await server.connect()];
    const saved: ClusterStore[] = [];
    for (const store of [near, far]) {
      const save = store.saveSnapshot.bind(store);
      store.saveSnapshot = (...args) => {
        saved.push(store);
        return save(...args);
      };
    }
    const loader = await ImageLoader.start(io, { store: near, bytesBetweenSnapshotsMax: 1 });
    await ImageLoader.start(io, { store: far, bytesBetweenSnapshotsMax: 1 });
    const rules = configRules(new BrokerConfig());
    const onBug = (error: Error): void => assert.fail(error);
    const controller = new MetadataController(io, { nodeId: 1, store: near, loader, rules, onBug });
    await controller.start();
    await io.clock.sleep(1000);
    assert.ok(saved.length > 0 && saved.every((store) => store === near));
    await controller.close();
    await assert.rejects(controller.saveSnapshot(), { errorName: 'NOT_CONTROLLER' });
  }));

test('what changed between two images is what differs, no less and for partitions no more', () => {
  const random = new Prng('changes');
  const controller = new TestController();
  controller.addBroker(1);
  const images: MetadataImage[] = [];
  for (let step = 0; step < 300; step++) {
    const name = `t${random.int(12)}`;
    const count = 1 + random.int(6);
    const topics = [{ name, count, partitionCount: count }];
    const value = random.chance(0.3) ? null : String(1000 + random.int(3));
    const ops = [{ name: 'retention.ms', value, op: value === null ? 1 : 0 }];
    const resources = [{ type: ResourceType.TOPIC, name, ops }];
    const choice = random.int(4);
    if (choice === 0) controller.decide((m) => createTopics(m, { topics }));
    else if (choice === 1) controller.decide((m) => deleteTopics(m, { topics: [{ name }] }));
    else if (choice === 2) controller.decide((m) => createPartitions(m, { topics }));
    else controller.decide((m) => incrementalAlterConfigs(m, { resources }));
    images.push(controller.image);
  }
  for (let round = 0; round < 200; round++) {
    const at = random.int(images.length);
    const before = images[at] as MetadataImage;
    const image = images[Math.min(images.length - 1, at + random.int(20))] as MetadataImage;
    assertDiffers(before, image);
  }
  assert.equal(controller.image.clusterId, TEST_CLUSTER_ID);
});

function assertDiffers(before: MetadataImage, image: MetadataImage): void {
  const changes = changesBetween(before, image);
  for (const topic of image.topics()) {
    const old = before.topicById(topic.id);
    assert.equal(changes.topicsCreated.get(topic.id), old === undefined ? topic : undefined);
    if (old === undefined) continue;
    const changed = changes.topicsChanged.get(topic.id) ?? new Set();
    for (const [index, partition] of topic.partitions.entries()) {
      const isSame: boolean = JSON.stringify(partition) === JSON.stringify(old.partitions[index]);
      assert.equal(changed.has(index), !isSame, `${topic.name}-${index}`);
    }
  }
  for (const topic of before.topics()) {
    const isGone = image.topicById(topic.id) === undefined;
    assert.equal(changes.topicsDeleted.has(topic.id), isGone);
  }
  const named = new Set(changes.configsChanged.map(({ name }) => name));
  const { TOPIC } = ResourceType;
  for (const name of [...before.topicsByName.keys(), ...image.topicsByName.keys()]) {
    const [old, now] = [before.configOf(TOPIC, name), image.configOf(TOPIC, name)];
    assert.equal(named.has(name), JSON.stringify([...old]) !== JSON.stringify([...now]), name);
  }
}
