// A broker on its own that is taken to a store: whatever is cut short, there is one owner, and
// nothing is missing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { KeySystem, MemoryKeyStore } from '../../../tests/doubles/metadata/key-stores.ts';
import { BrokerConfig } from '../../config/index.ts';
import type { Disk, Io } from '../../io/index.ts';
import { KeyedStore } from '../engines/keyed/index.ts';
import { openLocalMetadata } from '../open-local-metadata.ts';
import { type AdoptedBroker, adopt } from './adoption.ts';
import { readStoppedMetadata, readWholeMetadata } from './whole-metadata.ts';

const clusterId = 'clusterAAAAAAAAAAAAAAA';
const broker: AdoptedBroker = {
  ...{ nodeId: 1, clusterId, logDirs: ['/data'], metadataDir: '/data' },
};
const cleanMark = '/data/.kafka_cleanshutdown';

function openAlone(io: Io) {
  const config = new BrokerConfig();
  return openLocalMetadata(io, { directory: '/data', clusterId, nodeId: 1, config });
}

/** It has a topic, and was stopped cleanly; resolves with the epoch of its registration. */
async function usedAlone(io: Io): Promise<number> {
  const metadata = await openAlone(io);
  const { brokerEpoch } = await metadata.controller.registerBroker({
    ...{ brokerId: 1, clusterId, fenced: false, incarnationId: 'incarnationAAAAAAAAAAA' },
    listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
  });
  await metadata.controller.createTopics({ topics: [{ name: 'orders', partitionCount: 3 }] });
  await metadata.close();
  const file = io.disk.open(cleanMark, 'create');
  file.write([Buffer.from('{"version":0,"brokerEpoch":-1}')], 0);
  file.close();
  return brokerEpoch;
}

function open(io: Io, system: KeySystem): Promise<KeyedStore> {
  const options = { clusterId, mayCreate: false, sessionTimeoutMs: 9_000 };
  return KeyedStore.open(io, new MemoryKeyStore(system), options);
}

const isRefused = { errorName: 'INCONSISTENT_CLUSTER_ID' };

/** What the store has is what the folder had, and the folder starts nobody. */
async function assertAdopted(io: Io, system: KeySystem, brokerEpoch: number): Promise<void> {
  const store = await open(io, system);
  const found = await readWholeMetadata(io, store);
  assert.deepEqual(found, await readStoppedMetadata(io, '/data', clusterId));
  assert.ok(found.records.some((each) => each.type === 'TopicRecord' && each.name === 'orders'));
  await store.close();
  await assert.rejects(openAlone(io), {
    message: /^the metadata in \/data were handed over to .*: start with cluster\.store=memory:/,
  });
  const mark = JSON.parse(String(io.disk.readFile(cleanMark)));
  assert.deepEqual(mark, { version: 0, brokerEpoch });
}

/** Every change of the disk and of the store counts as a step; the process ends before one. */
class Killer {
  left: number;

  constructor(left: number) {
    this.left = left;
  }

  step(): void {
    if (this.left === 0) throw new Error('killed here');
    this.left -= 1;
  }

  disk(disk: Disk): Disk {
    const changes = ['rename', 'open', 'remove', 'syncDirectory'];
    return new Proxy(disk, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (changes.includes(String(name))) this.step();
          return method.apply(target, args);
        };
      },
    });
  }

  keys(system: KeySystem): MemoryKeyStore {
    const keys = new MemoryKeyStore(system);
    keys.commit = async (change) => {
      this.step();
      return await MemoryKeyStore.prototype.commit.call(keys, change);
    };
    return keys;
  }
}

describe('a broker on its own that is adopted', () => {
  test('is in the store with all that it has, and nowhere else', async () => {
    await simulate(async (io) => {
      const system = new KeySystem(io);
      const brokerEpoch = await usedAlone(io);
      const { wasDone } = await adopt(io, new MemoryKeyStore(system), broker);
      assert.equal(wasDone, false);
      await assertAdopted(io, system, brokerEpoch);
      assert.equal((await adopt(io, new MemoryKeyStore(system), broker)).wasDone, true);
      await assertAdopted(io, system, brokerEpoch);
    });
  });

  test('has one owner at most wherever it is cut short, and is run again', async () => {
    let isThrough = false;
    for (let cut = 0; !isThrough; cut++) {
      await simulate(async (io) => {
        const system = new KeySystem(io);
        const brokerEpoch = await usedAlone(io);
        const killer = new Killer(cut);
        try {
          await adopt({ ...io, disk: killer.disk(io.disk) }, killer.keys(system), broker);
          isThrough = true;
        } catch (error) {
          assert.equal((error as Error).message, 'killed here');
          const isInStore = system.data.has('identity');
          const alone = await openAlone(io).catch(() => null);
          assert.ok(alone === null || !isInStore, `two owners after ${cut} steps`);
          await alone?.close();
          await adopt(io, new MemoryKeyStore(system), broker);
        }
        await assertAdopted(io, system, brokerEpoch);
      });
      assert.ok(cut < 100);
    }
  });

  test('is not taken over a store that has something, and goes on alone', async () => {
    await simulate(async (io) => {
      const system = new KeySystem(io);
      await usedAlone(io);
      const options = { clusterId: 'other', mayCreate: true, sessionTimeoutMs: 9_000 };
      const store = await KeyedStore.open(io, new MemoryKeyStore(system), options);
      await assert.rejects(adopt(io, new MemoryKeyStore(system), broker), {
        message: /is of cluster other and not empty: name another prefix$/,
      });
      await store.close();
      await (await openAlone(io)).close();
    });
  });

  test('is not taken to another store once it is on its way to one', async () => {
    await simulate(async (io) => {
      const [system, other] = [new KeySystem(io), new KeySystem(io)];
      await usedAlone(io);
      const killer = new Killer(6);
      const cut = adopt({ ...io, disk: killer.disk(io.disk) }, killer.keys(system), broker);
      await assert.rejects(cut, { message: 'killed here' });
      await assert.rejects(openAlone(io), { message: /are being handed over.*adopt again$/ });
      const elsewhere = new MemoryKeyStore(other);
      Object.defineProperty(elsewhere, 'address', { value: 'memory://other' });
      await assert.rejects(adopt(io, elsewhere, broker), isRefused);
      assert.equal(other.data.size, 0);
    });
  });

  test('keeps the epoch of a clean stop that a cluster has written', async () => {
    await simulate(async (io) => {
      const system = new KeySystem(io);
      await usedAlone(io);
      const file = io.disk.open(cleanMark, 'create');
      file.truncate(0);
      file.write([Buffer.from('{"version":0,"brokerEpoch":77}')], 0);
      file.close();
      await adopt(io, new MemoryKeyStore(system), broker);
      await assertAdopted(io, system, 77);
    });
  });
});
