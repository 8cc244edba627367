// Which cluster a store is of: who may begin one, and what is refused with one line and no harm.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../../sim/index.ts';
import { KeySystem, MemoryKeyStore } from '../../../../tests/doubles/metadata/key-stores.ts';
import { KeyedStoreWorld } from '../../../../tests/doubles/metadata/keyed-stores.ts';
import type { Log, LogFields } from '../../../io/index.ts';
import { aliveIn, broker, elected, follow, notLost } from '../../cluster-store-contract.ts';
import { LAYOUT_VERSION } from './layout.ts';

function inWorld(body: (world: KeyedStoreWorld) => Promise<void>): Promise<void> {
  return simulate((io) => body(new KeyedStoreWorld(io)));
}

function put({ data }: KeySystem, key: string, value: unknown): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  data.set(key, { value: Buffer.from(text), version: 0, session: null });
}

/** One line, and nothing was written. */
async function refused(
  world: KeyedStoreWorld,
  options: Parameters<KeyedStoreWorld['connect']>[0],
  message: RegExp,
): Promise<void> {
  const before = new Map(world.system.data);
  await assert.rejects(world.connect(options), (error: Error) => {
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n'));
    return true;
  });
  assert.deepEqual(world.system.data, before, 'nothing was written');
}

describe('the identity of a store', () => {
  test('is one cluster when three brokers begin at the same moment', async () => {
    await inWorld(async (world) => {
      const stores = await Promise.all([world.connect(), world.connect(), world.connect()]);
      assert.equal(new Set(stores.map(({ clusterId }) => clusterId)).size, 1);
      assert.equal(new Set(stores.map(({ historyId }) => historyId)).size, 1);
      const { append } = await elected(stores[0]);
      await append('a');
      for (const store of stores) assert.deepEqual((await follow(store)).texts, ['a']);
      for (const store of stores) await store.close();
    });
  });

  test('is created once although an answer is lost', async () => {
    for (const loss of ['request', 'answer', 'late'] as const) {
      await simulate(async (io) => {
        const system = new KeySystem(io);
        const lossy = (): MemoryKeyStore => {
          const keys = new MemoryKeyStore(system);
          keys.lose((request) => typeof request !== 'string', loss);
          return keys;
        };
        const { KeyedStore } = await import('./keyed-store.ts');
        const options = { clusterId: 'c', mayCreate: true, sessionTimeoutMs: 9_000 };
        const keys = lossy();
        const store = await KeyedStore.open(io, keys, options);
        const { historyId } = store;
        await keys.deliverLate();
        const again = await KeyedStore.open(io, new MemoryKeyStore(system), options);
        assert.deepEqual([again.clusterId, again.historyId], ['c', historyId]);
        await store.close();
        await again.close();
      });
    }
  });

  test('has the cluster id that is given, and refuses another one', async () => {
    await inWorld(async (world) => {
      const store = await world.connect({ clusterId: 'mine' });
      assert.equal(store.clusterId, 'mine');
      await refused(world, { clusterId: 'other' }, /is of cluster mine, and other is meant/);
      await store.close();
    });
  });

  test('is not made in an empty store by a broker that has data', async () => {
    await inWorld(async (world) => {
      await refused(
        world,
        { clusterId: 'c', mayCreate: false },
        /is empty.*correct cluster\.store/,
      );
    });
  });

  test('of a layout that is not known is refused with both versions', async () => {
    await inWorld(async (world) => {
      put(world.system, 'identity', { layout: LAYOUT_VERSION + 1, cluster: 'of later' });
      const versions = `layout ${LAYOUT_VERSION + 1}, and this broker knows layout`;
      await refused(world, {}, new RegExp(`${versions} ${LAYOUT_VERSION}: upgrade this broker`));
      put(world.system, 'identity', { layout: 0 });
      await refused(world, {}, /layout 0, and this broker knows/);
    });
  });

  test('that Partita did not write is refused', async () => {
    await inWorld(async (world) => {
      for (const value of ['', 'garbage', '7', 'null', '{}', { layout: 1, clusterId: 'c' }]) {
        put(world.system, 'identity', value);
        await refused(world, {}, /the key identity holds .*did not write it/);
      }
      world.system.data.clear();
      put(world.system, 'end', 'somebody else');
      await refused(world, {}, /has the key end and no identity/);
    });
  });

  test('that is away is waited for, and told of', async () => {
    await simulate(async (io) => {
      const system = new KeySystem(io);
      const { KeyedStore } = await import('./keyed-store.ts');
      const options = { clusterId: null, mayCreate: true, sessionTimeoutMs: 9_000 };
      const keys = new MemoryKeyStore(system);
      keys.cut();
      io.clock.after(20_000, () => void keys.heal());
      const store = await KeyedStore.open(io, keys, options);
      await store.close();
      const away = new MemoryKeyStore(system);
      away.cut();
      const beganMs = io.clock.monotonic();
      await assert.rejects(KeyedStore.open(io, away, options), {
        message:
          /^the cluster store memory:\/\/keys is away .*: start it, or correct cluster\.store$/,
      });
      assert.ok(io.clock.monotonic() - beganMs < 40_000);
    });
  });

  test('that is gone under a running broker ends what it does here', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      const lost: string[] = [];
      const { epoch } = await store.elect({ nodeId: 1, onLost: () => lost.push('term') }).term;
      const seen = await follow(store);
      world.system.data.clear();
      await world.io.clock.sleep(60_000);
      assert.deepEqual(
        seen.errors.map(({ message }) => /^.*?(?=;)/.exec(message)?.[0]),
        ['the metadata log is gone, but 1 was read before: the store was emptied'],
      );
      assert.deepEqual([lost, store.isFailed], [['term'], true]);
      await assert.rejects(store.confirm(epoch), { errorName: 'NOT_CONTROLLER' });
      assert.equal(world.system.data.size, 0, 'it begins nothing in the emptied store');
      await store.close();
    });
  });
});

describe('what somebody else writes beside our keys', () => {
  test('is told of once, each key, and brokers go on', async () => {
    await simulate(async (simulated) => {
      const lines: string[] = [];
      const note = (_: string, fields: LogFields = {}): void =>
        void lines.push(`${fields.because}`);
      const log: Log = { debug() {}, info() {}, warn: note, error: note, child: () => log };
      const world = new KeyedStoreWorld({ ...simulated, log });
      const store = await world.connect();
      const { append } = await elected(store);
      const losses: Error[] = [];
      await store.register(broker(1), (error) => losses.push(error));
      for (const key of ['brokers/1', 'brokers/mine']) put(world.system, key, 'garbage');
      await world.io.clock.sleep(100_000);
      assert.deepEqual(
        lines.map((line) => /^the key \S+ holds 7 bytes that are no JSON/.exec(line)?.[0]),
        ['brokers/1', 'brokers/mine'].map((key) => `the key ${key} holds 7 bytes that are no JSON`),
      );
      assert.equal(losses.length, 1);
      await append('a');
      world.system.data.delete('brokers/1');
      await store.register(broker(1), notLost);
      assert.deepEqual([...aliveIn(store).keys()], [1]);
      await store.close();
    });
  });
});
