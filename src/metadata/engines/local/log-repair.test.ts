// A metadata log that was harmed between two lives of its store: opened whole, refused with file,
// offset and remedy, or cut because the operator said so, and then nothing is gone for good.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate, World } from '../../../../sim/index.ts';
import type { Io } from '../../../io/index.ts';
import { batchHeaders } from '../../../protocol/index.ts';
import { isStrayFolder, LogDirectoryError, LogResources } from '../../../storage/index.ts';
import { LocalStore, type LocalStoreOptions } from './local-store.ts';
import { listSegments, type SegmentFile } from './log-check.ts';
import { listSnapshots } from './snapshot-files.ts';

const folder = '/data/__cluster_metadata-0';

function open(io: Io, options: Partial<LocalStoreOptions> = {}): Promise<LocalStore> {
  const resources = new LogResources(io);
  return LocalStore.open(io, { directory: '/data', clusterId: 'c', resources, ...options });
}

async function append(store: LocalStore, epoch: number, ...texts: string[]): Promise<void> {
  const records = texts.map((text) => Buffer.from(text));
  await store.append(records, { expectedEnd: store.endOffset, controllerEpoch: epoch });
}

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

interface Life {
  readonly texts: readonly string[];
  /** After how many of them a snapshot is taken. */
  readonly snapshotsAfter?: readonly number[];
  readonly segmentBytesMax?: number;
  readonly isKilled?: boolean;
}

async function write(io: Io, life: Life): Promise<LocalStore> {
  const store = await open(io, { segmentBytesMax: life.segmentBytesMax ?? 1_000_000 });
  const { epoch } = await store.elect({ nodeId: 1, onLost: () => {} }).term;
  for (const [index, text] of life.texts.entries()) {
    await append(store, epoch, text);
    if (life.snapshotsAfter?.includes(index + 1) !== true) continue;
    const records = life.texts.slice(0, index + 1).map((each) => Buffer.from(each));
    const { endOffset } = store;
    await store.saveSnapshot(
      { endOffset, controllerEpoch: epoch, timestampMs: 1, pieces: [records] },
      epoch,
    );
  }
  if (life.isKilled !== true) await store.close();
  return store;
}

function bytesOf(io: Io, path: string): Buffer {
  return io.disk.readFile(path) as Buffer;
}

function change(io: Io, path: string, byte: number, how: (value: number) => number): void {
  const file = io.disk.open(path, 'write');
  const bytes = Buffer.alloc(1);
  file.readSync(bytes, byte);
  file.write([Buffer.from([how(bytes[0] as number)])], byte);
  file.close();
}

/** Flips a byte among the records of the batch of the offset. */
function harm(io: Io, offset: number): string {
  for (const { path } of listSegments(io.disk, folder)) {
    for (const header of batchHeaders(bytesOf(io, path))) {
      if (header.baseOffset > offset || header.lastOffset < offset) continue;
      change(io, path, header.position + header.sizeBytes - 3, (value) => value ^ 0x10);
      return path;
    }
  }
  return assert.fail(`no batch has ${offset}`);
}

async function refusal(io: Io, options: Partial<LocalStoreOptions> = {}): Promise<string> {
  try {
    await open(io, options);
  } catch (error) {
    assert.ok(error instanceof LogDirectoryError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    assert.match(error.message, /restore .* from a backup, or .*--accept-lost-metadata/);
    return error.message;
  }
  return assert.fail('it was opened');
}

function strayFolders(io: Io): string[] {
  return io.disk
    .list('/data')
    .map(({ name }) => name)
    .filter(isStrayFolder);
}

const four = ['t0', 't1', 't2', 't3'];

describe('a metadata log', () => {
  for (const isKilled of [false, true]) {
    const how = isKilled ? 'killed' : 'closed';
    for (const offset of [1, 3, 4]) {
      test(`${how} and with a flipped byte in the batch of ${offset} is not opened`, () =>
        simulate(async (io) => {
          await write(io, { texts: four, isKilled });
          const path = harm(io, offset);
          const before = bytesOf(io, path);
          const text = await refusal(io);
          assert.ok(text.startsWith(`${path} is damaged at byte `), text);
          assert.match(text, new RegExp(`\\(offset ${offset}\\): a batch has a wrong CRC`));
          if (offset < 4) assert.match(text, new RegExp(`follow from offset ${offset + 1}`));
          assert.deepEqual(bytesOf(io, path), before, 'nothing was changed');
          assert.match(await refusal(io), /damaged/);
        }));
    }
  }

  test('is not cut by a flip of any of its bytes', () =>
    simulate(async (io) => {
      await write(io, { texts: four });
      const [{ path, sizeBytes }] = listSegments(io.disk, folder) as unknown as [SegmentFile];
      let refused = 0;
      for (let byte = 0; byte < sizeBytes; byte++) {
        change(io, path, byte, (value) => value ^ 0x41);
        const opened = await open(io).catch((error: Error) => error);
        if (opened instanceof Error) {
          assert.match(opened.message, /is damaged at byte \d+ \(offset \d\)/);
          refused++;
        } else {
          // Of the leader epoch no checksum tells.
          assert.deepEqual(await textsOf(opened), four);
          await opened.close();
        }
        change(io, path, byte, (value) => value ^ 0x41);
      }
      assert.ok(refused > 0.9 * sizeBytes, `${refused} of ${sizeBytes}`);
      assert.deepEqual(strayFolders(io), []);
    }));

  test('is cut when the operator says so, keeps what is cut, and begins another history', () =>
    simulate(async (io) => {
      const { historyId } = await write(io, { texts: four, segmentBytesMax: 300 });
      harm(io, 2);
      const before = listSegments(io.disk, folder).map(({ path }) => bytesOf(io, path));
      const store = await open(io, { mayLose: true });
      assert.deepEqual(await textsOf(store), ['t0']);
      assert.notEqual(store.historyId, historyId);
      const [name] = strayFolders(io) as [string];
      const kept = listSegments(io.disk, `/data/${name}`);
      assert.equal(kept[0]?.baseOffset, 2);
      const left = listSegments(io.disk, folder).map(({ path }) => bytesOf(io, path));
      const keptBytes = kept.map(({ path }) => bytesOf(io, path));
      assert.deepEqual(Buffer.concat([...left, ...keptBytes]), Buffer.concat(before));
      const { epoch } = await store.elect({ nodeId: 1, onLost: () => {} }).term;
      await append(store, epoch, 'new');
      const { historyId: second } = store;
      await store.close();
      const again = await open(io);
      assert.deepEqual(await textsOf(again), ['t0', 'new']);
      assert.equal(again.historyId, second);
    }));

  test('that a node left without a note is judged by the good batches behind the damage', () =>
    simulate(async (io) => {
      await write(io, { texts: four, isKilled: true });
      await io.disk.remove(`${folder}/synced-end`);
      harm(io, 3);
      assert.match(await refusal(io), /good batches follow from offset 4/);
    }));

  test('left without a note by a clean stop is whole to its end', () =>
    simulate(async (io) => {
      await write(io, { texts: four });
      await io.disk.remove(`${folder}/synced-end`);
      harm(io, 4);
      assert.match(await refusal(io, { wasCleanShutdown: true }), /\(offset 4\)/);
    }));

  test('keeps a last batch with a wrong CRC aside when it may not have been synced', () =>
    simulate(async (io) => {
      await write(io, { texts: four });
      await io.disk.remove(`${folder}/synced-end`);
      harm(io, 4);
      const store = await open(io);
      assert.deepEqual(await textsOf(store), ['t0', 't1', 't2']);
      assert.equal(strayFolders(io).length, 1);
    }));

  test('with a missing segment, a missing end or nothing left is not opened', () =>
    simulate(async (io) => {
      await write(io, { texts: ['a', 'b', 'c', 'd', 'e', 'f'], segmentBytesMax: 200 });
      const segments = listSegments(io.disk, folder);
      assert.ok(segments.length > 3);
      const without = async (paths: string[], pattern: RegExp): Promise<void> => {
        for (const path of paths) io.disk.rename(path, `${path}.away`);
        assert.match(await refusal(io), pattern);
        for (const path of paths) io.disk.rename(`${path}.away`, path);
      };
      const paths = segments.map(({ path }) => path);
      await without([paths[1] as string], /the records from 2 to 3 are missing/);
      await without([paths[0] as string], /the log begins at 2 and no whole snapshot/);
      await without([paths.at(-1) as string], /ends at offset 6, but it was synced up to 7/);
      await without(paths, /ends at offset 0, but it was synced up to 7/);
      const store = await open(io);
      assert.equal((await textsOf(store)).length, 6);
      await store.close();
      await io.disk.remove(folder);
      assert.match(await refusal(io, { evidence: '/data/t-0' }), /but \/data\/t-0 is there/);
      const lost = await open(io, { evidence: '/data/t-0', mayLose: true });
      assert.deepEqual(await textsOf(lost), []);
    }));

  test('that is refused stays as it is, also where a snapshot makes up for a part of it', () =>
    simulate(async (io) => {
      for (const garbage of ['', 'no batch']) {
        await io.disk.remove('/data');
        await write(io, { texts: four, snapshotsAfter: [2] });
        const path = listSegments(io.disk, folder)[0]?.path as string;
        const file = io.disk.open(path, 'write');
        file.truncate(0);
        file.write([Buffer.from(garbage)], 0);
        file.close();
        const names = () =>
          io.disk
            .list(folder)
            .map(({ name }) => name)
            .sort();
        const before = names();
        await refusal(io);
        assert.deepEqual(names(), before);
        assert.equal(`${io.disk.readFile(path)}`, garbage);
        assert.deepEqual(strayFolders(io), []);
      }
    }));

  test('needs nothing of what a whole snapshot has', () =>
    simulate(async (io) => {
      const texts = Array.from({ length: 12 }, (_, index) => `r${index}`);
      for (const segmentBytesMax of [150, 400, 1_000_000]) {
        for (const offset of [4, 5, 6]) {
          await io.disk.remove('/data');
          await write(io, { texts, snapshotsAfter: [3, 6], segmentBytesMax });
          harm(io, offset);
          const store = await open(io, { segmentBytesMax });
          assert.deepEqual(await textsOf(store), texts, `${segmentBytesMax}, ${offset}`);
          await store.close();
          const again = await open(io, { segmentBytesMax });
          assert.deepEqual(await textsOf(again), texts);
          await again.close();
        }
      }
    }));

  test('needs nothing at all where a whole snapshot has everything', () =>
    simulate(async (io) => {
      const texts = Array.from({ length: 12 }, (_, index) => `r${index}`);
      await write(io, { texts, snapshotsAfter: [12] });
      // Whole batches follow the damage, and none of them is one that the snapshot lacks.
      harm(io, 5);
      const store = await open(io);
      assert.deepEqual(await textsOf(store), texts);
      await store.close();
    }));

  test('damaged below a snapshot is mended whatever interrupts it', async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `r${index}`);
    let hasFinished = false;
    for (let step = 0; !hasFinished; step++) {
      const world = new World({ seed: step });
      let isReady = false;
      const process = world.startProcess('host', async (io) => {
        await write(io, { texts, snapshotsAfter: [3, 6], segmentBytesMax: 400 });
        harm(io, 5);
        isReady = true;
        process.killAtDiskOperation(step);
        await open(io, { segmentBytesMax: 400 });
        hasFinished = true;
      });
      await world.run(() => isReady);
      await world.run(() => hasFinished || !process.isAlive);
      process.kill();
      if (step % 2 === 0) world.host('host').powerCut();
      let isOver = false;
      world.startProcess('host', async (io) => {
        const store = await open(io, { segmentBytesMax: 400 });
        assert.deepEqual(await textsOf(store), texts, `step ${step}`);
        isOver = true;
      });
      await world.run(() => isOver);
    }
  });

  test('does not take a damaged snapshot for one to fall back to', () =>
    simulate(async (io) => {
      await write(io, { texts: four, snapshotsAfter: [2, 3] });
      const newest = `${folder}/${listSnapshots(io.disk, folder).at(-1)?.fileName}`;
      change(io, newest, 100, (value) => value ^ 1);
      const store = await open(io);
      assert.deepEqual(await textsOf(store), four);
      assert.equal(listSnapshots(io.disk, folder).length, 1);
      assert.notEqual(io.disk.stat(`${newest}.damaged`), null);
    }));
});
