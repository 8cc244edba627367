// What is larger than one change is there as a whole or not at all, wherever its writer dies; and
// what nobody names is removed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../../sim/index.ts';
import type { KeySystem, KeySystemOptions } from '../../../../tests/doubles/metadata/key-stores.ts';
import { KeyedStoreWorld } from '../../../../tests/doubles/metadata/keyed-stores.ts';
import type { ClusterStore } from '../../cluster-store.ts';
import { bytes, candidate, elected, follow } from '../../cluster-store-contract.ts';
import { encodeRecord, type MetadataRecord } from '../../records/index.ts';

const sweptMs = 30_000;

function inWorld(
  body: (world: KeyedStoreWorld) => Promise<void>,
  options?: KeySystemOptions,
): Promise<void> {
  return simulate((io) => body(new KeyedStoreWorld(io, options)));
}

/** The name of each folder of pieces, and how many are in it. */
function pieceFolders({ data }: KeySystem): Record<string, number> {
  const folders: Record<string, number> = {};
  for (const key of data.keys()) {
    const [first, name] = key.split('/');
    if (first === 'pieces') folders[name as string] = (folders[name as string] ?? 0) + 1;
  }
  return folders;
}

function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}.${'x'.repeat(200)}`);
}

/** Kills the process with the change of this number from now on; never resolves if it dies. */
async function dieAt(
  world: KeyedStoreWorld,
  store: ClusterStore,
  { change, act }: { change: number; act: () => Promise<void> },
): Promise<void> {
  let count = 0;
  world.system.onChange = () => {
    count += 1;
    if (count === change) world.keysOf(store).kill();
  };
  await Promise.race([act().catch(() => {}), world.io.clock.sleep(10_000)]);
  world.system.onChange = () => {};
  world.keysOf(store).kill();
  await world.io.clock.sleep(sweptMs);
}

function partitions(count: number): Buffer[] {
  const topicId = 'AAAAAAAAAAAAAAAAAAAAEA';
  const records: MetadataRecord[] = [{ type: 'TopicRecord', name: 't', topicId }];
  const directories = [topicId, topicId, topicId];
  for (let partitionId = 0; partitionId < count; partitionId++) {
    const [replicas, leader] = [[1, 2, 3], 1];
    const lists = { replicas, isr: replicas, removingReplicas: [], addingReplicas: [] };
    const epochs = { leader, leaderRecoveryState: 0, leaderEpoch: 0, partitionEpoch: 0 };
    const elr = { eligibleLeaderReplicas: null, lastKnownElr: null };
    const ids = { partitionId, topicId, directories };
    records.push({ type: 'PartitionRecord', ...ids, ...lists, ...epochs, ...elr });
  }
  return records.map(encodeRecord);
}

describe('a batch that is larger than one change', () => {
  test('is one batch for every reader, beside small ones, and its pieces stay', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const { append } = await elected(store);
      const seen = await follow(other);
      const large = texts(100);
      await append('before');
      await append(...large);
      await append('after');
      await world.io.clock.sleep(sweptMs);
      assert.deepEqual(seen.texts, ['before', ...large, 'after']);
      assert.equal(seen.batches.find(({ records }) => records.length > 1)?.records.length, 100);
      const [pieceCount] = Object.values(pieceFolders(world.system));
      assert.ok((pieceCount ?? 0) > 4, `${pieceCount} pieces`);
      await other.close();
      await store.close();
    });
  });

  test('is whole or not there wherever its writer dies, and the next one sweeps', async () => {
    let isThere = false;
    for (let change = 1; !isThere; change++) {
      assert.ok(change < 100);
      await inWorld(async (world) => {
        const [store, other] = [await world.connect(), await world.connect()];
        const { append } = await elected(store);
        const large = texts(60);
        await append('before');
        await dieAt(world, store, { change, act: () => append(...large) });
        const next = await elected(other, 2);
        await next.append('after');
        await world.io.clock.sleep(sweptMs);
        const { texts: seen } = await follow(other);
        isThere = seen.length > 2;
        assert.deepEqual(seen, ['before', ...(isThere ? large : []), 'after']);
        const folders = Object.keys(pieceFolders(world.system));
        assert.equal(folders.length, isThere ? 1 : 0, `what is left: ${folders}`);
        assert.deepEqual(world.system.names('folders'), folders);
        await other.close();
      });
    }
  });

  test('may be ten thousand partitions, in changes as large as the stores allow', async () => {
    const records = partitions(10_000);
    let isThere = false;
    for (let change = 1; !isThere; change++) {
      assert.ok(change < 10);
      await inWorld(
        async (world) => {
          const [store, other] = [await world.connect(), await world.connect()];
          const { epoch } = await store.elect(candidate(1)).term;
          const options = { expectedEnd: store.endOffset, controllerEpoch: epoch };
          const act = () => store.append(records, options);
          await dieAt(world, store, { change, act });
          const { append } = await elected(other, 2);
          await append('after');
          const { batches } = await follow(other);
          isThere = batches.some((batch) => batch.records.length === records.length);
          const counts = batches.map((batch) => batch.records.length);
          assert.deepEqual(counts, [0, ...(isThere ? [records.length] : []), 0, 1]);
          if (isThere) assert.ok(change > 2, `it took ${change} changes`);
          await other.close();
        },
        { changeBytesMax: 1_000_000, pageBytesMax: 3_000_000 },
      );
    }
  });

  test('is found by a reader who begins in its middle', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      const { append } = await elected(store);
      const first = store.endOffset;
      await append(...texts(9000));
      await append('after');
      const read: number[] = [];
      for await (const batch of store.read(first + 8999)) read.push(batch.baseOffset);
      assert.deepEqual(read, [first, first + 9000]);
      await store.close();
    });
  });
});

describe('a snapshot that is larger than one change', () => {
  test('is whole or not there wherever its writer dies, and the next one sweeps', async () => {
    let endOffset = -1;
    for (let change = 1; endOffset < 4; change++) {
      assert.ok(change < 100);
      await inWorld(async (world) => {
        const [store, other] = [await world.connect(), await world.connect()];
        const { append, snapshot } = await elected(store);
        await append('a');
        await snapshot(['A']);
        await append('b', 'c');
        const large = texts(60);
        await dieAt(world, store, { change, act: () => snapshot(large) });
        const next = await elected(other, 2);
        await next.append('after');
        await world.io.clock.sleep(sweptMs);
        endOffset = (await other.newestSnapshot())?.endOffset ?? -1;
        const expected = endOffset < 4 ? ['A', 'b', 'c'] : large;
        assert.deepEqual((await follow(other)).texts, [...expected, 'after']);
        const folders = Object.keys(pieceFolders(world.system));
        assert.equal(folders.length, endOffset < 4 ? 1 : 2, `what is left: ${folders}`);
        assert.deepEqual(world.system.names('folders').sort(), folders.sort());
        await other.close();
      });
    }
  });

  test('makes the log before the older one superfluous, with its pieces', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      const { append, snapshot } = await elected(store);
      for (let round = 0; round < 4; round++) {
        await append(...texts(40));
        await append(...texts(5000).map((text) => text.slice(0, 5)));
        await snapshot([`S${round}`]);
      }
      await append('last');
      await world.io.clock.sleep(sweptMs);
      const { data } = world.system;
      const older = 1 + 3 * 5040;
      const offsets = [...data.keys()].filter((key) => key.startsWith('log/'));
      const begins = offsets.map((key) => Number.parseInt(key.slice(-16), 16));
      assert.deepEqual(
        begins.sort((a, b) => a - b),
        [older, older + 40, older + 5040],
      );
      const kinds = Object.keys(pieceFolders(world.system)).map((name) => name.split('-')[0]);
      assert.deepEqual(kinds.sort(), ['batch', 'batch', 'snapshot', 'snapshot']);
      assert.deepEqual((await follow(store)).texts, ['S3', 'last']);
      await store.close();
    });
  });

  test('that is removed under its reader gives way to the newest', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const { append, snapshot } = await elected(store);
      await append('a');
      await snapshot(texts(60));
      const begun: number[] = [];
      const read: string[] = [];
      await other.watch(0, {
        onSnapshot: async ({ endOffset, pieces }) => {
          begun.push(endOffset);
          read.splice(0);
          if (begun.length === 1) {
            for (const text of ['b', 'c', 'd']) {
              await append(text);
              await snapshot([text.toUpperCase()]);
            }
            await world.io.clock.sleep(sweptMs);
          }
          for await (const piece of pieces) for (const each of piece) read.push(String(each));
        },
        onBatch: ({ records }) => {
          for (const each of records) read.push(String(each));
        },
        onError: (error) => assert.fail(error),
      });
      assert.deepEqual([begun, read], [[2, 5], ['D']]);
      await append('e');
      await world.io.clock.sleep(sweptMs);
      assert.deepEqual(read, ['D', 'e']);
      await other.close();
      await store.close();
    });
  });

  test('that lacks a piece without a newer one is damage', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      const { append, snapshot } = await elected(store);
      await append('a');
      await snapshot(texts(60));
      const lost = [...world.system.data.keys()].find((key) => key.startsWith('pieces/'));
      world.system.data.delete(lost as string);
      await assert.rejects(follow(store), { errorName: 'KAFKA_STORAGE_ERROR', message: /lacks/ });
      await store.close();
    });
  });
});

describe('the log', () => {
  test('with a batch that is missing or is not one is refused, by its key', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      const { append } = await elected(store);
      await append('a');
      await append('b');
      const key = 'log/00000000/0000000000000001';
      const stored = world.system.data.get(key);
      assert.ok(stored !== undefined);
      const harmed = Buffer.from(stored.value);
      harmed.writeUInt8(harmed.readUInt8(harmed.length - 1) ^ 1, harmed.length - 1);
      const next = world.system.data.get('log/00000000/0000000000000002');
      const whole = [harmed, stored.value.subarray(0, 40), bytes('garbage')[0], next?.value];
      for (const value of whole) {
        world.system.data.set(key, { ...stored, value: value as Buffer });
        await assert.rejects(follow(store), {
          errorName: 'KAFKA_STORAGE_ERROR',
          message: new RegExp(key),
        });
      }
      world.system.data.delete(key);
      await assert.rejects(follow(store), { errorName: 'KAFKA_STORAGE_ERROR', message: /missing/ });
      await store.close();
    });
  });
});
