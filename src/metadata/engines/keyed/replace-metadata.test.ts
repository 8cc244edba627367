// Metadata from elsewhere in a store of keys: all of them or none, and never over others.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../../sim/index.ts';
import { KeySystem, MemoryKeyStore } from '../../../../tests/doubles/metadata/key-stores.ts';
import { sampleMetadata } from '../../../../tests/doubles/metadata/sample-metadata.ts';
import type { Io } from '../../../io/index.ts';
import { broker, elected, notLost } from '../../cluster-store-contract.ts';
import { piecesOf, readWholeMetadata } from '../../moving/whole-metadata.ts';
import { readIdentity } from './identity.ts';
import { KeyedStore } from './keyed-store.ts';
import { type NewMetadata, replaceIn, restoreInto } from './replace-metadata.ts';

const sample = sampleMetadata();
const historyId = 'newHistoryAAAAAAAAAAAA';
const metadata: NewMetadata = { ...sample, historyId, pieces: () => piecesOf(sample) };

function open(io: Io, system: KeySystem): Promise<KeyedStore> {
  const options = { clusterId: null, mayCreate: false, sessionTimeoutMs: 9_000 };
  return KeyedStore.open(io, new MemoryKeyStore(system), options);
}

async function assertIsSample(io: Io, system: KeySystem): Promise<void> {
  const store = await open(io, system);
  const found = await readWholeMetadata(io, store);
  assert.deepEqual(found, { ...sample, historyId });
  await store.close();
}

describe('metadata that are taken to a store', () => {
  test('are there as they were, under the history that was given', async () => {
    await simulate(async (io) => {
      const system = new KeySystem(io);
      await restoreInto(io, new MemoryKeyStore(system), metadata);
      await assertIsSample(io, system);
      await restoreInto(io, new MemoryKeyStore(system), metadata);
      await assertIsSample(io, system);
    });
  });

  test('go on: a controller is elected in a newer epoch and appends behind them', async () => {
    await simulate(async (io) => {
      const system = new KeySystem(io);
      await restoreInto(io, new MemoryKeyStore(system), metadata);
      const store = await open(io, system);
      const { epoch, append } = await elected(store);
      assert.equal(epoch, sample.controllerEpoch + 1);
      await append('a');
      assert.equal(store.endOffset, sample.endOffset + 2);
      await assert.rejects(
        async () => {
          for await (const _ of store.read(0)) assert.fail('the log begins behind the snapshot');
        },
        { errorName: 'OFFSET_OUT_OF_RANGE' },
      );
      await store.close();
    });
  });

  test('are whole or not there, wherever it is cut short, and then it is run again', async () => {
    for (let cut = 0; ; cut++) {
      const isOver = await simulate(async (io) => {
        const system = new KeySystem(io);
        const keys = new MemoryKeyStore(system);
        let left = cut;
        keys.commit = async (change) => {
          if (left === 0) throw new Error('killed here');
          left -= 1;
          return await MemoryKeyStore.prototype.commit.call(keys, change);
        };
        try {
          await restoreInto(io, keys, metadata);
        } catch (error) {
          assert.equal((error as Error).message, 'killed here');
          await assert.rejects(open(io, system), { errorName: 'INCONSISTENT_CLUSTER_ID' });
          const first = { clusterId: null, mayCreate: true, sessionTimeoutMs: 9_000 };
          if (cut > 0) {
            await assert.rejects(KeyedStore.open(io, new MemoryKeyStore(system), first), {
              message: /run the partita cluster command again that was cut short$/,
            });
          }
          await restoreInto(io, new MemoryKeyStore(system), metadata);
        }
        await assertIsSample(io, system);
        const store = await open(io, system);
        await elected(store);
        await io.clock.sleep(5_000);
        const left2 = [...system.data.keys()].filter((key) => key.startsWith('folders/'));
        assert.equal(left2.length, 1, 'what was cut short is swept');
        await store.close();
        return left > 0;
      });
      if (isOver) break;
      assert.ok(cut < 100);
    }
  });

  test('are written once although an answer is lost', async () => {
    for (const loss of ['request', 'answer', 'late'] as const) {
      for (const key of ['epoch', 'pieces/', 'identity']) {
        await simulate(async (io) => {
          const system = new KeySystem(io);
          const keys = new MemoryKeyStore(system);
          keys.lose(
            (request) =>
              typeof request !== 'string' && request.some((step) => step.key.startsWith(key)),
            loss,
          );
          await restoreInto(io, keys, metadata);
          await keys.deliverLate();
          await assertIsSample(io, system);
        });
      }
    }
  });

  test('never replace others', async () => {
    await simulate(async (io) => {
      const system = new KeySystem(io);
      const options = { clusterId: null, mayCreate: true, sessionTimeoutMs: 9_000 };
      const store = await KeyedStore.open(io, new MemoryKeyStore(system), options);
      const before = new Map(system.data);
      await assert.rejects(restoreInto(io, new MemoryKeyStore(system), metadata), {
        message: /is of cluster .* and not empty$/,
      });
      assert.deepEqual(system.data, before);
      await store.close();
    });
  });

  test('give way to a cluster that begins there meanwhile', async () => {
    await simulate(async (io) => {
      const system = new KeySystem(io);
      const keys = new MemoryKeyStore(system);
      let changes = 0;
      keys.commit = async (change) => {
        changes += 1;
        const other = { ...metadata, clusterId: 'other' };
        if (changes === 2) await restoreInto(io, new MemoryKeyStore(system), other);
        return await MemoryKeyStore.prototype.commit.call(keys, change);
      };
      await assert.rejects(restoreInto(io, keys, metadata), {
        message: /^the cluster store .* is being written by another process$/,
      });
      const store = await open(io, system);
      assert.equal(store.clusterId, 'other');
      await store.close();
    });
  });
});

describe('metadata that take the place of others', () => {
  const replacing = async (io: Io, system: KeySystem, keys = new MemoryKeyStore(system)) => {
    const replaces = await readIdentity(keys);
    assert.ok(replaces !== null);
    const endOffset = 6_000;
    const next = { ...metadata, historyId: 'nextHistoryAAAAAAAAAAA', endOffset };
    await replaceIn(io, keys, { ...next, replaces, follows: [historyId] });
  };

  async function restored(io: Io): Promise<KeySystem> {
    const system = new KeySystem(io);
    await restoreInto(io, new MemoryKeyStore(system), metadata);
    const store = await open(io, system);
    const { append } = await elected(store);
    for (let nr = 0; nr < 10; nr++) await append(`record ${nr}`);
    await store.close();
    await io.clock.sleep(20_000);
    return system;
  }

  test('follow the history of before, and go on behind its end', async () => {
    await simulate(async (io) => {
      const system = await restored(io);
      await replacing(io, system);
      const store = await open(io, system);
      assert.equal(store.historyId, 'nextHistoryAAAAAAAAAAA');
      assert.deepEqual(store.followedHistories, [historyId]);
      assert.deepEqual((await readWholeMetadata(io, store)).records, sample.records);
      const { append } = await elected(store);
      await append('a');
      assert.equal(store.endOffset, 6_002);
      await io.clock.sleep(10_000);
      const old = [...system.data.keys()].filter((key) => /^log\/.*13[89]/.test(key));
      assert.deepEqual(old, [], 'the log of before is swept');
      await store.close();
    });
  });

  test('are refused while a broker lives', async () => {
    await simulate(async (io) => {
      const system = await restored(io);
      const store = await open(io, system);
      await store.register(broker(3), notLost);
      const before = new Map(system.data);
      await assert.rejects(replacing(io, system), { message: /has brokers alive \(3\): stop all/ });
      assert.deepEqual(system.data, before);
      await store.close();
    });
  });

  test('fence a controller of before, and are there once although answers are lost', async () => {
    for (const loss of ['request', 'answer', 'late'] as const) {
      for (const key of ['epoch', 'pieces/', 'identity']) {
        await simulate(async (io) => {
          const system = await restored(io);
          const store = await open(io, system);
          const { append } = await elected(store);
          const keys = new MemoryKeyStore(system);
          keys.lose(
            (request) =>
              typeof request !== 'string' && request.some((step) => step.key.startsWith(key)),
            loss,
          );
          await replacing(io, system, keys);
          await keys.deliverLate();
          await assert.rejects(append('late'), { errorName: 'NOT_CONTROLLER' });
          const next = await open(io, system);
          assert.equal(next.endOffset, 6_000);
          await next.close();
          await store.close();
        });
      }
    }
  });
});
