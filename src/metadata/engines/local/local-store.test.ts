// The local store: the contract of all engines, and what only a folder can suffer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Host, simulate, World } from '../../../../sim/index.ts';
import { Deferred } from '../../../base/deferred.ts';
import { Prng } from '../../../base/prng.ts';
import type { Io } from '../../../io/index.ts';
import { LogResources } from '../../../storage/index.ts';
import { clusterStoreContract } from '../../cluster-store-contract.ts';
import { LocalStore, type LocalStoreOptions } from './local-store.ts';
import { listSnapshots } from './snapshot-files.ts';

const folder = '/data/__cluster_metadata-0';

function open(io: Io, options: Partial<LocalStoreOptions> = {}): Promise<LocalStore> {
  const resources = new LogResources(io);
  return LocalStore.open(io, { directory: '/data', clusterId: 'c', resources, ...options });
}

clusterStoreContract('local', { run: (body) => simulate(body), open });

async function elected(store: LocalStore): Promise<(...texts: string[]) => Promise<void>> {
  const { epoch } = await store.elect({ nodeId: 1, onLost: () => {} }).term;
  return (...texts) =>
    store.append(
      texts.map((text) => Buffer.from(text)),
      { expectedEnd: store.endOffset, controllerEpoch: epoch },
    );
}

/** What a reader has in the end, a snapshot being the joined texts of what it replaces. */
async function textsOf(store: LocalStore): Promise<string[]> {
  const texts: string[] = [];
  const subscription = await store.watch(0, {
    onSnapshot: async ({ pieces }) => {
      for await (const piece of pieces) texts.push(...piece.map(String));
    },
    onBatch: (batch) => texts.push(...batch.records.map(String)),
    onError: (error) => assert.fail(error),
  });
  subscription.close();
  return texts;
}

async function snapshotOf(store: LocalStore, controllerEpoch: number): Promise<void> {
  const records = (await textsOf(store)).map((text) => Buffer.from(text));
  const { endOffset } = store;
  await store.saveSnapshot(
    { endOffset, controllerEpoch, timestampMs: 1, pieces: [records] },
    controllerEpoch,
  );
}

/** Ends the life of each process in a way that only synced bytes survive. */
async function lives(
  seed: string,
  count: number,
  life: (io: Io, host: Host, number: number) => Promise<void>,
): Promise<void> {
  const world = new World({ seed });
  const host = world.host('host');
  for (let number = 0; number < count; number++) {
    let isOver = false;
    world.startProcess('host', async (io) => {
      await life(io, host, number);
      isOver = true;
    });
    await world.run(() => isOver);
    host.powerCut();
  }
}

test('what was appended survives a power cut, in any order of appends and snapshots', async () => {
  for (let seed = 0; seed < 25; seed++) {
    const random = new Prng(`local-store/${seed}`);
    const texts: string[] = [];
    await lives(`local-store/${seed}`, 5, async (io, _host, number) => {
      const store = await open(io, { segmentBytesMax: 600 });
      assert.deepEqual(await textsOf(store), texts);
      const append = await elected(store);
      for (let step = 0; step < random.int(30); step++) {
        if (random.chance(0.2)) await snapshotOf(store, number + 1);
        const text = `${number}.${step}${'.'.repeat(random.int(100))}`;
        await append(text);
        texts.push(text);
      }
    });
  }
});

test('the log is dropped behind the older of two snapshots and no further', () =>
  simulate(async (io) => {
    const store = await open(io, { segmentBytesMax: 500 });
    const append = await elected(store);
    for (let i = 0; i < 60; i++) {
      await append(`record ${i} ${'x'.repeat(50)}`);
      if (i % 15 === 14) await snapshotOf(store, 1);
    }
    const names = listSnapshots(io.disk, folder);
    assert.equal(names.length, 2);
    assert.equal(store.logStartOffset, names[0]?.endOffset);
    assert.match(names[1]?.fileName as string, /^\d{20}-0000000001\.checkpoint$/);
    const expected = await textsOf(store);
    assert.equal(expected.length, 60);
    await assert.rejects(
      async () => {
        for await (const _ of store.read(0)) assert.fail('it is gone');
      },
      { errorName: 'OFFSET_OUT_OF_RANGE' },
    );
    await store.close();
    const again = await open(io, { segmentBytesMax: 500 });
    assert.deepEqual(await textsOf(again), expected);
    await again.close();
  }));

test('what a snapshot replaces while it is read is out of range', () =>
  simulate(
    async (io) => {
      let outOfRange = 0;
      for (let waitMs = 0; waitMs < 40; waitMs += 1) {
        // What the life before wrote is read from the disk.
        const store = await open(io, { segmentBytesMax: 500 });
        const { epoch: controllerEpoch } = await store.elect({ nodeId: 1, onLost: () => {} }).term;
        const save = (): Promise<void> => {
          const { endOffset } = store;
          const pieces = [[Buffer.from('all')]];
          return store.saveSnapshot(
            { endOffset, controllerEpoch, timestampMs: 1, pieces },
            controllerEpoch,
          );
        };
        const read = async (): Promise<void> => {
          const from = store.logStartOffset;
          for await (const { endOffset } of store.read(from)) assert.ok(endOffset > from);
        };
        const reading = read().catch((error) => {
          assert.equal(error.errorName, 'OFFSET_OUT_OF_RANGE');
          outOfRange += 1;
        });
        await io.clock.sleep(waitMs);
        await save();
        await reading;
        for (let i = 0; i < 8; i++) {
          await store.append([Buffer.from(`record ${i} ${'x'.repeat(100)}`)], {
            expectedEnd: store.endOffset,
            controllerEpoch,
          });
        }
        await store.close();
      }
      assert.ok(outOfRange > 0);
    },
    { faults: { disk: { readMsMean: 5 } } },
  ));

test('a snapshot that is saved slowly does not take the place of a later one', () =>
  simulate(async (io) => {
    const store = await open(io, { segmentBytesMax: 500 });
    const append = await elected(store);
    for (let i = 0; i < 5; i++) await append(`record ${i}`);
    await snapshotOf(store, 1);
    for (let i = 5; i < 10; i++) await append(`record ${i}`);
    const written = new Deferred<void>();
    const records = (await textsOf(store)).map((text) => Buffer.from(text));
    async function* slowly(): AsyncGenerator<readonly Buffer[], void, undefined> {
      await written.promise;
      yield records;
    }
    const { endOffset } = store;
    const slow = { endOffset, controllerEpoch: 1, timestampMs: 1, pieces: slowly() };
    const first = store.saveSnapshot(slow, 1);
    for (let i = 10; i < 15; i++) await append(`record ${i}`);
    const second = snapshotOf(store, 1);
    await io.clock.sleep(1_000);
    written.resolve();
    await Promise.all([first, second]);
    const names = listSnapshots(io.disk, folder);
    assert.equal(names.at(0)?.endOffset, endOffset);
    assert.equal(store.logStartOffset, endOffset);
    assert.equal((await textsOf(store)).length, 15);
    await store.close();
  }));

test('a damaged snapshot falls back to the one before and the log behind that', async () => {
  for (const harm of ['rot', 'cut', 'empty'] as const) {
    const texts: string[] = [];
    await lives(`harm/${harm}`, 2, async (io, host, number) => {
      if (number === 0) {
        const store = await open(io, { segmentBytesMax: 300 });
        const append = await elected(store);
        for (let i = 0; i < 30; i++) {
          await append(`r${i}`);
          texts.push(`r${i}`);
          if (i % 10 === 9) await snapshotOf(store, 1);
        }
        await append('last');
        texts.push('last');
        await store.close();
        const newest = `${folder}/${listSnapshots(io.disk, folder).at(-1)?.fileName}`;
        if (harm === 'rot') host.rotBit(newest);
        else {
          const file = io.disk.open(newest, 'write');
          file.truncate(harm === 'empty' ? 0 : file.sizeBytes() - 7);
          await file.sync();
          file.close();
        }
        return;
      }
      const store = await open(io, { segmentBytesMax: 300 });
      assert.deepEqual(await textsOf(store), texts);
      // And the next snapshot does not take the damaged one for a fallback.
      const append = await elected(store);
      await append('more');
      await snapshotOf(store, 2);
      await store.close();
      const again = await open(io, { segmentBytesMax: 300 });
      assert.deepEqual(await textsOf(again), [...texts, 'more']);
    });
  }
});

test('a power cut at any moment of a snapshot loses nothing', async () => {
  for (let cutMs = 0; cutMs < 40; cutMs++) {
    const world = new World({ seed: cutMs, faults: { disk: { syncMsMean: 4 } } });
    const host = world.host('host');
    const texts: string[] = [];
    let isSaving = false;
    world.startProcess('host', async (io) => {
      const store = await open(io, { segmentBytesMax: 400 });
      const append = await elected(store);
      for (let i = 0; i < 20; i++) {
        await append(`r${i}`);
        texts.push(`r${i}`);
        if (i === 8) await snapshotOf(store, 1);
        if (i === 14) await snapshotOf(store, 1);
      }
      isSaving = true;
      await snapshotOf(store, 1);
      await io.clock.sleep(1_000_000);
    });
    await world.run(() => isSaving);
    await world.advance(cutMs / 2);
    host.powerCut();
    let isOver = false;
    world.startProcess('host', async (io) => {
      const store = await open(io, { segmentBytesMax: 400 });
      assert.deepEqual(await textsOf(store), texts);
      assert.deepEqual(
        io.disk.list(folder).filter(({ name }) => name.endsWith('.part')),
        [],
      );
      isOver = true;
    });
    await world.run(() => isOver);
  }
});

test('when no snapshot is whole and the log does not reach back, opening says what to do', () =>
  simulate(async (io) => {
    const store = await open(io, { segmentBytesMax: 300 });
    const append = await elected(store);
    for (let i = 0; i < 40; i++) {
      await append(`r${i} ${'x'.repeat(40)}`);
      if (i % 10 === 9) await snapshotOf(store, 1);
    }
    await store.close();
    for (const { fileName } of listSnapshots(io.disk, folder)) {
      io.disk.open(`${folder}/${fileName}`, 'write').truncate(10);
    }
    await assert.rejects(open(io), (error: Error) => {
      assert.match(error.message, /__cluster_metadata-0: the log begins at \d+ .*backup/);
      return true;
    });
  }));

test('a log that is gone behind a snapshot begins again at the snapshot', () =>
  simulate(async (io) => {
    const store = await open(io);
    const append = await elected(store);
    await append('a');
    await snapshotOf(store, 1);
    const { endOffset } = store;
    await store.close();
    for (const { name } of io.disk.list(folder)) {
      if (!name.endsWith('.checkpoint')) await io.disk.remove(`${folder}/${name}`);
    }
    const again = await open(io);
    assert.equal(again.endOffset, endOffset);
    const { epoch } = await again.elect({ nodeId: 1, onLost: () => {} }).term;
    assert.equal(epoch, 2, 'the epoch is in the snapshot, too');
    await again.append([Buffer.from('b')], {
      expectedEnd: again.endOffset,
      controllerEpoch: epoch,
    });
    assert.deepEqual(await textsOf(again), ['a', 'b']);
    await again.close();
  }));

test('a write that fails is refused, and the next one goes through', async () => {
  const world = new World({ seed: 1 });
  let isOver = false;
  world.startProcess('host', async (io) => {
    const store = await open(io);
    const append = await elected(store);
    await append('a');
    const { disk } = world.faults;
    world.faults = { ...world.faults, disk: { ...disk, writeFailChance: 1 } };
    await assert.rejects(append('refused'), { errorName: 'KAFKA_STORAGE_ERROR' });
    world.faults = { ...world.faults, disk };
    await append('b');
    assert.deepEqual(await textsOf(store), ['a', 'b']);
    isOver = true;
  });
  await world.run(() => isOver);
});

test('a sync that fails ends the store: nothing is acknowledged any more', async () => {
  const world = new World({ seed: 1 });
  let isOver = false;
  world.startProcess('host', async (io) => {
    const failures: Error[] = [];
    const store = await open(io, { onFailure: (error) => failures.push(error) });
    const append = await elected(store);
    await append('a');
    const { disk } = world.faults;
    world.faults = { ...world.faults, disk: { ...disk, syncFailChance: 1 } };
    await assert.rejects(append('b'), { errorName: 'KAFKA_STORAGE_ERROR' });
    world.faults = { ...world.faults, disk };
    assert.equal(store.isFailed, true);
    assert.equal(failures.length, 1);
    await assert.rejects(append('c'), { errorName: 'KAFKA_STORAGE_ERROR' });
    await assert.rejects(store.elect({ nodeId: 1, onLost: () => {} }).term, {
      errorName: 'KAFKA_STORAGE_ERROR',
    });
    isOver = true;
  });
  await world.run(() => isOver);
});
