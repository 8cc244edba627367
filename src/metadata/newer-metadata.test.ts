// Metadata of a newer release: whoever does not know what they say applies nothing of it, and goes
// with a line that names both versions.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { errorNameOf, TestController } from '../../tests/doubles/metadata/controllers.ts';
import { KeySystem, MemoryKeyStore } from '../../tests/doubles/metadata/key-stores.ts';
import type { Io } from '../io/index.ts';
import { elected } from './cluster-store-contract.ts';
import { registerBroker } from './controller/brokers.ts';
import { supportedFeatures, updateFeatures } from './controller/features.ts';
import { KeyedStore } from './engines/keyed/index.ts';
import { ImageLoader } from './image-loader.ts';
import { encodeRecord } from './records/index.ts';

const topic = encodeRecord({ type: 'TopicRecord', name: 'a', topicId: 'topicAAAAAAAAAAAAAAAAA' });
const level = (name: string, featureLevel: number): Buffer =>
  encodeRecord({ type: 'FeatureLevelRecord', name, featureLevel });
/** Of frame version 1, key 99, record version 0. */
const unknownRecord = Buffer.from([1, 99, 0, 0]);
/** A topic's record in a version that is not known. */
const newerRecord = Buffer.from([1, 2, 9, 0]);

async function inCluster(
  body: (io: Io, store: KeyedStore, append: (...records: Buffer[]) => Promise<void>) => unknown,
): Promise<void> {
  await simulate(async (io) => {
    const options = { clusterId: null, mayCreate: true, sessionTimeoutMs: 9_000 };
    const store = await KeyedStore.open(io, new MemoryKeyStore(new KeySystem(io)), options);
    const { epoch } = await elected(store);
    const append = (...records: Buffer[]): Promise<void> =>
      store.append(records, { expectedEnd: store.endOffset, controllerEpoch: epoch });
    await append(level('metadata.version', 25));
    await body(io, store, append);
    await store.close();
  });
}

const newer: readonly (readonly [what: string, record: Buffer, line: RegExp])[] = [
  ['an unknown record', unknownRecord, /metadata\.version 25; up to 33 .*key 99\): upgrade/],
  ['an unknown version', newerRecord, /metadata\.version 25; up to 33 .*v9.*\): upgrade/],
  ['a newer level', level('metadata.version', 34), /metadata\.version 34; up to 33 .*: upgrade/],
  ['a feature of ours', level('partita.version', 1), /partita\.version 1; up to 0 .*: upgrade/],
  ['another feature', level('transaction.version', 3), /transaction\.version 3; up to 2 .*: upg/],
];

describe('metadata of a newer release', () => {
  for (const [what, record, line] of newer) {
    test(`${what}: a broker that starts is refused`, () =>
      inCluster(async (io, store, append) => {
        await append(topic, record);
        const started = ImageLoader.start(io, { store, isOfSeveral: true });
        await assert.rejects(started, { errorName: 'UNSUPPORTED_VERSION', message: line });
      }));

    test(`${what}: a broker that runs stops, and nothing of the batch is applied`, () =>
      inCluster(async (io, store, append) => {
        const failures: Error[] = [];
        const onFailure = (error: Error): void => void failures.push(error);
        const loader = await ImageLoader.start(io, { store, isOfSeveral: true, onFailure });
        const { offset } = loader.image;
        await append(topic, record);
        await append(topic);
        await io.clock.sleep(20_000);
        assert.equal(failures.length, 1);
        assert.match(failures[0]?.message ?? '', line);
        assert.equal(loader.image.offset, offset);
        assert.equal(loader.image.topic('a'), undefined);
        await loader.close();
      }));
  }

  test('a broker on its own switches off what only Kafka serves, and nothing of ours', () =>
    inCluster(async (io, store, append) => {
      await append(level('share.version', 1));
      const loader = await ImageLoader.start(io, { store });
      assert.equal(loader.image.features.get('share.version'), 1);
      await loader.close();
      await append(level('partita.version', 1));
      await assert.rejects(ImageLoader.start(io, { store }), { errorName: 'UNSUPPORTED_VERSION' });
    }));
});

describe('a level of a feature', () => {
  const older = new Map(supportedFeatures).set('metadata.version', {
    minVersion: 7,
    maxVersion: 25,
  });

  test('is raised when every broker supports it, and not before', () => {
    const controller = new TestController({});
    const life = { fenced: false, incarnationId: controller.uuid() };
    const both = [supportedFeatures, older].map((features, index) => ({
      ...{ brokerId: index + 1, clusterId: controller.image.clusterId, listeners: [], features },
      ...{ ...life, incarnationId: controller.uuid() },
    }));
    controller.decide((m) => updateFeatures(m, { updates: [raised(25)] }));
    for (const each of both) {
      controller.decide((m) => registerBroker(m, each, { incarnationId: null }));
    }
    const raise = () => controller.decide((m) => updateFeatures(m, { updates: [raised(26)] }));
    const [refused] = raise();
    assert.ok(refused !== undefined && errorNameOf(refused) === 'INVALID_UPDATE_VERSION');
    assert.match(refused.error?.message ?? '', /Broker 2 only supports versions 7-25\./);
    const upgraded = { ...both[1], features: supportedFeatures, incarnationId: controller.uuid() };
    controller.decide((m) => registerBroker(m, upgraded as never, { incarnationId: null }));
    assert.equal(raise()[0]?.error, null);
    const again = { ...both[1], incarnationId: controller.uuid() };
    assert.throws(
      () => controller.decide((m) => registerBroker(m, again as never, { incarnationId: null })),
      {
        errorName: 'UNSUPPORTED_VERSION',
        message: /finalized version 26 of metadata\.version.* between 7 and 25, inclusive/,
      },
    );
  });
});

function raised(maxVersionLevel: number) {
  return { feature: 'metadata.version', maxVersionLevel, upgradeType: 'upgrade' } as const;
}
