// Images and deltas: however a log is cut, replaying it gives the same image, and what a delta
// says has changed is what has changed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  plain,
  TEST_CLUSTER_ID,
  TestController,
} from '../../tests/doubles/metadata/controllers.ts';
import { Prng } from '../base/prng.ts';
import type { ImageChanges } from './changes.ts';
import { fenceBroker, unregisterBroker } from './controller/brokers.ts';
import { incrementalAlterConfigs } from './controller/configs.ts';
import { brokerHeartbeat } from './controller/heartbeats.ts';
import { createPartitions } from './controller/partitions.ts';
import { allocateProducerIds } from './controller/producer-ids.ts';
import { alterClientQuotas } from './controller/quotas.ts';
import { createTopics, deleteTopics } from './controller/topics.ts';
import { MetadataDelta } from './delta.ts';
import { MetadataImage } from './image.ts';
import { recordsOf } from './image-records.ts';
import { decodeRecord, encodeRecord } from './records/index.ts';

/** A controller that made a random sequence of decisions of every kind. */
function randomHistory(seed: number, steps: number): TestController {
  const random = new Prng(`history/${seed}`);
  const controller = new TestController({ seed });
  for (let id = 1; id <= 4; id++) controller.addBroker(id, random.pick(['a', 'b', null]));
  for (let step = 0; step < steps; step++) randomDecision(controller, random, step);
  return controller;
}

function randomDecision(controller: TestController, random: Prng, step: number): void {
  const topics = [...controller.image.topics()];
  const brokerId = 1 + random.int(4);
  const brokerEpoch = controller.image.brokers.get(brokerId)?.epoch ?? -1;
  switch (random.int(9)) {
    case 0:
    case 1: {
      const size = { partitionCount: 1 + random.int(5), replicationFactor: 1 + random.int(2) };
      const configs = random.chance(0.4) ? [{ name: 'retention.ms', value: `${step}` }] : [];
      const name = `t${random.int(20)}`;
      controller.decide((m) => createTopics(m, { topics: [{ name, ...size, configs }] }));
      break;
    }
    case 2: {
      if (topics.length === 0) break;
      const { name } = random.pick(topics);
      controller.decide((m) => deleteTopics(m, { topics: [{ name }] }));
      break;
    }
    case 3: {
      if (topics.length === 0) break;
      const { name, partitions } = random.pick(topics);
      const count = partitions.length + 1 + random.int(3);
      controller.decide((m) => createPartitions(m, { topics: [{ name, count }] }));
      break;
    }
    case 4: {
      const topic = topics.length === 0 ? null : random.pick(topics).name;
      const op = random.int(2);
      const ops = [{ name: 'retention.ms', value: `${step}`, op }];
      const resources = [
        { type: 4, name: '', ops: [{ name: 'log.retention.ms', value: '9', op }] },
      ];
      if (topic !== null) resources.push({ type: 2, name: topic, ops });
      controller.decide((m) => incrementalAlterConfigs(m, { resources }));
      break;
    }
    case 5: {
      const value = random.chance(0.7) ? 1 + step : null;
      const entity = { user: random.chance(0.5) ? `u${random.int(3)}` : null };
      const entries = [{ entity, ops: [{ key: 'producer_byte_rate', value }] }];
      controller.decide((m) => alterClientQuotas(m, { entries }));
      break;
    }
    case 6:
      if (brokerEpoch >= 0) {
        controller.decide((m) => allocateProducerIds(m, { brokerId, brokerEpoch }));
      }
      break;
    case 7:
      if (random.chance(0.2) && brokerEpoch >= 0) {
        controller.decide((m) => unregisterBroker(m, brokerId));
      } else controller.decide((m) => fenceBroker(m, brokerId));
      break;
    case 8: {
      if (brokerEpoch < 0) {
        controller.addBroker(brokerId);
        break;
      }
      const heartbeat = { brokerId, brokerEpoch, currentMetadataOffset: 1e9 };
      controller.decide((m) => brokerHeartbeat(m, heartbeat));
    }
  }
}

test('a log gives the same image record by record, in batches, and from a snapshot', () => {
  for (let seed = 0; seed < 25; seed++) {
    const controller = randomHistory(seed, 150);
    const expected = plain(controller.image);
    for (const batchSize of [1, 2, 7, 1_000_000]) {
      assert.deepEqual(plain(controller.replayed(batchSize)), expected);
    }
    const delta = new MetadataDelta(MetadataImage.empty(TEST_CLUSTER_ID));
    for (const record of recordsOf(controller.image)) {
      delta.replay(decodeRecord(encodeRecord(record)));
    }
    const image = delta.apply({ endOffset: 9, controllerEpoch: 3, controllerId: 2 });
    assert.deepEqual(plain(image), expected);
    assert.deepEqual([image.offset, image.controllerEpoch, image.controllerId], [8, 3, 2]);
  }
});

test('changes applied to what one knew give what is there', () => {
  for (let seed = 0; seed < 25; seed++) {
    const { log } = randomHistory(seed, 120);
    const random = new Prng(`changes/${seed}`);
    const known = new Map<string, string>();
    let image = MetadataImage.empty(TEST_CLUSTER_ID);
    for (let at = 0; at < log.length; ) {
      const delta = new MetadataDelta(image);
      const end = Math.min(log.length, at + 1 + random.int(12));
      for (; at < end; at++) delta.replay(decodeRecord(log[at] as Buffer));
      const before = plain(image);
      const next = delta.apply({ endOffset: end, controllerEpoch: 1, controllerId: 1 });
      assert.deepEqual(plain(image), before, 'an image never changes');
      learn(known, next, delta.changes(next));
      image = next;
      const there = [...image.topics()].map((topic) => [topic.id, JSON.stringify(topic)]);
      assert.deepEqual([...known].sort(), there.sort());
    }
  }
});

/** Follows the changes as a broker does: opens, closes, updates partitions one by one. */
function learn(known: Map<string, string>, image: MetadataImage, changes: ImageChanges): void {
  for (const id of changes.topicsDeleted.keys()) assert.ok(known.delete(id), 'it was there');
  for (const [id, topic] of changes.topicsCreated) {
    assert.ok(!known.has(id));
    known.set(id, JSON.stringify(topic));
  }
  for (const [id, touched] of changes.topicsChanged) {
    const topic = JSON.parse(known.get(id) as string);
    for (const index of touched) topic.partitions[index] = image.topicById(id)?.partitions[index];
    known.set(id, JSON.stringify(topic));
  }
  const said = new Set(changes.configsChanged.map(({ type, name }) => `${type}/${name}`));
  for (const key of [...image.configs.keys(), ...changes.previous.configs.keys()]) {
    const isSame = image.configs.get(key) === changes.previous.configs.get(key);
    assert.ok(isSame || said.has(key), `${key} changed unsaid`);
  }
}

test('what a batch does not touch is shared with the image before', () => {
  const controller = randomHistory(3, 100);
  controller.decide((m) => createTopics(m, { topics: [{ name: 'touched' }, { name: 'other' }] }));
  const before = controller.image;
  controller.decide((m) => createPartitions(m, { topics: [{ name: 'touched', count: 9 }] }));
  const after = controller.image;
  assert.notEqual(after.topic('touched'), before.topic('touched'));
  assert.equal(after.topic('other'), before.topic('other'));
  assert.equal(after.topic('touched')?.partitions[0], before.topic('touched')?.partitions[0]);
  assert.equal(after.configs, before.configs);
  assert.equal(after.brokers, before.brokers);
});

test('a topic that comes and goes within a batch was never there', () => {
  const controller = new TestController();
  controller.addBroker(1);
  const start = controller.log.length;
  const image = controller.replayed(start);
  controller.decide((m) => createTopics(m, { topics: [{ name: 'brief' }] }));
  controller.decide((m) => deleteTopics(m, { topics: [{ name: 'brief' }] }));
  controller.decide((m) => createTopics(m, { topics: [{ name: 'brief', partitionCount: 2 }] }));
  const delta = new MetadataDelta(image);
  for (const bytes of controller.log.slice(start)) delta.replay(decodeRecord(bytes));
  const next = delta.apply({ endOffset: 99, controllerEpoch: 1, controllerId: 1 });
  const changes = delta.changes(next);
  assert.equal(changes.topicsDeleted.size, 0);
  assert.deepEqual(
    [...changes.topicsCreated.values()].map(({ name, partitions }) => [name, partitions.length]),
    [['brief', 2]],
  );
  assert.equal(next.partitionCount, 2);
});

test('a log that contradicts itself stops whoever reads it', () => {
  const controller = new TestController();
  controller.addBroker(1);
  controller.decide((m) => createTopics(m, { topics: [{ name: 'a' }] }));
  const topicId = controller.uuid();
  const image = controller.image;
  const replay = (record: Parameters<MetadataDelta['replayDecided']>[0]): void =>
    new MetadataDelta(image).replayDecided(record);
  assert.throws(() => replay({ type: 'TopicRecord', name: 'a', topicId }), /creates topic a twice/);
  assert.throws(() => replay({ type: 'RemoveTopicRecord', topicId }), /is not there/);
  assert.throws(
    () => replay({ type: 'PartitionChangeRecord', topicId, partitionId: 0 }),
    /did not/,
  );
  assert.throws(() => replay({ type: 'UnfenceBrokerRecord', id: 1, epoch: 77 }), /has epoch/);
  assert.throws(() => replay({ type: 'UnfenceBrokerRecord', id: 9, epoch: 0 }), /not registered/);
});
