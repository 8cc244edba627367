// What an opening keeps of a log that is damaged, and what it sets aside: flipped bytes, missing,
// empty, foreign and overlapping segments, below and above what is known to have been synced.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  append,
  batchOf,
  contentOf,
  DIRECTORY,
  type FixtureOptions,
  openLog,
} from '../../../tests/doubles/storage/logs.ts';
import type { Io } from '../../io/index.ts';
import { batchHeaders, KafkaError } from '../../protocol/index.ts';
import { isStrayFolder } from '../directory/stray-folders.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { LOG_SUFFIX, logFileName } from '../segment/log-files.ts';

const config = { segmentBytesMax: 2000, indexIntervalBytes: 300 };
const fromFiles = { limits: { tailCacheBytesMax: 0 }, config };
const value = (offset: number) => `value ${offset}`.padEnd(60, '.');

function pathOf(baseOffset: number, suffix = LOG_SUFFIX): string {
  return `${DIRECTORY}/${logFileName(baseOffset, suffix)}`;
}

/** A log of `count` batches, one record each, synced and left by a kill. Returns its segments. */
async function leftByKill(io: Io, count = 60): Promise<number[]> {
  const log = await openLog(io, fromFiles);
  for (let i = 0; i < count; i++) {
    append(log, [value(i)], { producerId: 7, producerEpoch: 0, baseSequence: i });
  }
  await log.flush();
  log.abandon();
  return io.disk
    .list(DIRECTORY)
    .filter(({ name }) => name.endsWith(LOG_SUFFIX))
    .map(({ name }) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);
}

function change(io: Io, path: string, work: (bytes: Buffer) => Buffer): void {
  const bytes = work(io.disk.readFile(path) as Buffer);
  const file = io.disk.open(path, 'write');
  file.truncate(0);
  file.write([bytes], 0);
  file.close();
}

/** Flips a bit of a byte of the batch that has the offset. */
function flip(io: Io, segment: number, offset: number, byte: number): void {
  change(io, pathOf(segment), (bytes) => {
    const header = [...batchHeaders(bytes)].find(({ lastOffset }) => lastOffset >= offset);
    const at = (header as { position: number }).position + byte;
    bytes[at] = (bytes[at] as number) ^ 1;
    return bytes;
  });
}

function offsets(from: number, to: number, without: readonly number[] = []): string[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
    .filter((offset) => !without.includes(offset))
    .map((offset) => `${offset}:${value(offset)}`);
}

/** The offsets of the batches in the files of stray folders, by file. */
function setAside(io: Io): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const { name: folder } of io.disk.list('/data')) {
    if (!isStrayFolder(folder)) continue;
    for (const { name } of io.disk.list(`/data/${folder}`)) {
      const bytes = io.disk.readFile(`/data/${folder}/${name}`) as Buffer;
      found[name] = name.endsWith(LOG_SUFFIX)
        ? [...batchHeaders(bytes)].map(({ baseOffset }) => baseOffset)
        : [];
    }
  }
  return found;
}

async function reopened(io: Io, options: FixtureOptions): Promise<PartitionLog> {
  const log = await openLog(io, { ...fromFiles, ...options });
  // The next start finds nothing more to do.
  const content = await contentOf(log);
  log.abandon();
  const recoveryPoint = log.recoveryPoint;
  const again = await openLog(io, { ...fromFiles, ...options, recoveryPoint });
  assert.deepEqual(await contentOf(again), content);
  assert.equal(again.logEndOffset, log.logEndOffset);
  return again;
}

/** Counts the bytes of large reads. */
function countingReads(io: Io, onRead: (bytes: number) => void): Io {
  const disk = new Proxy(io.disk, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'open') return typeof value === 'function' ? value.bind(target) : value;
      return (...args: Parameters<typeof target.open>) => {
        const file = target.open(...args);
        const read = file.read.bind(file);
        file.read = async (buffer, position) => {
          onRead(buffer.length);
          return await read(buffer, position);
        };
        return file;
      };
    },
  });
  return { ...io, disk };
}

/** What shows that nothing was lost for want of a sync. */
const proofs: readonly [string, FixtureOptions][] = [
  ['below the recovery point', { recoveryPoint: 60 }],
  ['while the system ran on', { recoveryPoint: 0, hasSystemRunOn: true }],
];

describe('damage in the middle of a log', () => {
  for (const [where, proof] of proofs) {
    // Below the recovery point only the last segment is scanned.
    const at = (segments: number[]) => (proof.recoveryPoint === 60 ? segments.length - 1 : 1);

    test(`costs the damaged batch alone ${where}`, () =>
      simulate(async (io) => {
        const segments = await leftByKill(io);
        const segment = segments[at(segments)] as number;
        flip(io, segment, segment + 2, 70);
        const log = await reopened(io, proof);
        assert.deepEqual(await contentOf(log), offsets(0, 60, [segment + 2]));
        assert.equal(log.logEndOffset, 60);
        assert.deepEqual(Object.keys(setAside(io)), [logFileName(segment + 2, '.damaged')]);
        const read = await log.read(segment + 2, 1, { upperBound: 60, atLeastOneBatch: true });
        assert.equal(read.firstOffset, segment + 3);
      }));

    test(`costs the damaged batch alone ${where}, also where its length is wrong`, () =>
      simulate(async (io) => {
        const segments = await leftByKill(io);
        const segment = segments[at(segments)] as number;
        for (const byte of [8, 9, 10, 11]) {
          const copy = io.disk.readFile(pathOf(segment)) as Buffer;
          flip(io, segment, segment + 2, byte);
          const log = await openLog(io, { ...fromFiles, ...proof });
          assert.deepEqual(await contentOf(log), offsets(0, 60, [segment + 2]));
          log.abandon();
          await io.disk.remove(pathOf(segment + 3));
          change(io, pathOf(segment), () => copy);
        }
      }));

    test(`costs the batch whose offset is wrong alone ${where}`, () =>
      simulate(async (io) => {
        const segments = await leftByKill(io);
        const segment = segments[at(segments)] as number;
        const copy = io.disk.readFile(pathOf(segment)) as Buffer;
        // Beyond 2^53, within the segment's reach, lower than the one before.
        for (const byte of [0, 1, 3, 6, 7]) {
          flip(io, segment, segment + 2, byte);
          const log = await openLog(io, { ...fromFiles, ...proof });
          assert.deepEqual(await contentOf(log), offsets(0, 60, [segment + 2]), `byte ${byte}`);
          log.abandon();
          await io.disk.remove(pathOf(segment + 3));
          change(io, pathOf(segment), () => copy);
        }
      }));

    test(`costs the first batches of a segment alone ${where}`, () =>
      simulate(async (io) => {
        const segments = await leftByKill(io);
        const segment = segments[at(segments)] as number;
        flip(io, segment, segment, 16);
        const log = await reopened(io, proof);
        assert.deepEqual(await contentOf(log), offsets(0, 60, [segment]));
      }));
  }

  test('takes what follows it where it may be for want of a sync, and sets that aside', () =>
    simulate(async (io) => {
      const [, second, third] = (await leftByKill(io)) as [number, number, number];
      flip(io, second, second + 2, 70);
      const log = await reopened(io, { recoveryPoint: second });
      assert.deepEqual(await contentOf(log), offsets(0, second + 2));
      const found = setAside(io);
      const rest = found[logFileName(second + 3, LOG_SUFFIX)];
      assert.equal(rest?.[0], second + 3);
      assert.equal(rest?.at(-1), third - 1);
      assert.equal(found[logFileName(third, LOG_SUFFIX)]?.[0], third);
      const retry = { producerId: 7, producerEpoch: 0, baseSequence: second + 2 };
      assert.equal(append(log, ['again'], retry).isDuplicate, false);
    }));

  test('of the end of a last write is cut, and nothing is set aside', () =>
    simulate(async (io) => {
      const last = (await leftByKill(io)).at(-1) as number;
      for (const end of [Buffer.alloc(3000), Buffer.alloc(40, 7), batchOf(['x']).subarray(0, -1)]) {
        const copy = io.disk.readFile(pathOf(last)) as Buffer;
        change(io, pathOf(last), (bytes) => Buffer.concat([bytes, end]));
        const log = await openLog(io, { ...fromFiles, recoveryPoint: 0 });
        assert.deepEqual(await contentOf(log), offsets(0, 60));
        log.abandon();
        assert.deepEqual(io.disk.readFile(pathOf(last)), copy);
      }
      assert.deepEqual(setAside(io), {});
    }));

  test('of the bytes behind the first batch of a log says nothing against that batch', () =>
    simulate(async (io) => {
      await (await openLog(io)).close();
      const first = batchOf(['a', 'b'], { partitionLeaderEpoch: 3 });
      for (const filler of [0, 1]) {
        change(io, pathOf(0), () => Buffer.concat([first, Buffer.alloc(200, filler)]));
        const log = await openLog(io, { ...fromFiles, recoveryPoint: 2 });
        assert.deepEqual(await contentOf(log), ['0:a', '1:b']);
        log.abandon();
      }
    }));

  test('of all of a segment that was not synced does not keep its log from opening', () =>
    simulate(async (io) => {
      const last = (await leftByKill(io)).at(-1) as number;
      for (const filler of [0, 7]) {
        change(io, pathOf(last), (bytes) => Buffer.alloc(bytes.length, filler));
        for (const suffix of ['.index', '.timeindex']) {
          io.disk.open(pathOf(last, suffix), 'create').truncate(0);
        }
        const log = await openLog(io, { ...fromFiles, recoveryPoint: last });
        assert.deepEqual(await contentOf(log), offsets(0, last));
        log.abandon();
      }
    }));

  test('of a last batch that is whole but for a bit is cut, and it is set aside', () =>
    simulate(async (io) => {
      const last = (await leftByKill(io)).at(-1) as number;
      flip(io, last, 59, 80);
      const log = await reopened(io, { recoveryPoint: 0 });
      assert.deepEqual(await contentOf(log), offsets(0, 59));
      assert.deepEqual(Object.keys(setAside(io)), [logFileName(59, '.damaged')]);
    }));

  test('does not make bytes of a value a part of the log', () =>
    simulate(async (io) => {
      const log = await openLog(io, fromFiles);
      const inner = batchOf(['forged'], { baseOffset: 4 });
      append(log, ['a', 'b', 'c']);
      append(log, [`${inner.toString('latin1')} and a rest`]);
      const bytes = io.disk.readFile(pathOf(0)) as Buffer;
      append(log, ['good']);
      await log.flush();
      log.abandon();
      change(io, pathOf(0), (all) => {
        const [first, second] = [...batchHeaders(bytes)] as [{ sizeBytes: number }, object];
        assert.ok(second);
        // As latin1 characters above 127 take two bytes in utf8: put the batch in as it is.
        inner.copy(all, first.sizeBytes + 80);
        all.fill(0xff, first.sizeBytes, first.sizeBytes + 12);
        return all;
      });
      const again = await openLog(io, { ...fromFiles, recoveryPoint: 5 });
      assert.deepEqual(await contentOf(again), ['0:a', '1:b', '2:c', '4:good']);
    }));

  test('is searched in time that is linear in the bytes', () =>
    simulate(async (io) => {
      await leftByKill(io, 3);
      // Headers that are plausible and promise all the rest, one behind the other.
      const [header] = [batchOf(['x'], { baseOffset: 5 }).subarray(0, 61)] as [Buffer];
      const trap = Buffer.alloc(4 * 1024 * 1024);
      for (let at = 0; at + 61 <= trap.length; at += 61) {
        header.copy(trap, at);
        trap.writeInt32BE(trap.length - at - 12, at + 8);
      }
      change(io, pathOf(0), (bytes) => Buffer.concat([bytes, trap]));
      let readBytes = 0;
      const counting = countingReads(io, (bytes) => {
        readBytes += bytes;
      });
      const log = await openLog(counting, { ...fromFiles, recoveryPoint: 0 });
      assert.deepEqual(await contentOf(log), offsets(0, 3));
      // Quadratic it would be 140 GB.
      assert.ok(readBytes < 20 * trap.length, `${readBytes} bytes were read`);
    }));
});

describe('a segment in the middle', () => {
  test('that is missing below the recovery point, or while the system ran on, costs no other', () =>
    simulate(async (io) => {
      const segments = await leftByKill(io);
      const [, second, third] = segments as [number, number, number];
      for (const suffix of [LOG_SUFFIX, '.index', '.timeindex']) {
        await io.disk.remove(pathOf(second, suffix));
      }
      const lost = Array.from({ length: third - second }, (_, i) => second + i);
      for (const [, proof] of proofs) {
        const log = await reopened(io, proof);
        assert.deepEqual(await contentOf(log), offsets(0, 60, lost));
        assert.equal(log.logEndOffset, 60);
        log.abandon();
      }
      assert.deepEqual(setAside(io), {});
    }));

  test('that is missing where it may be for want of a sync takes the others, set aside', () =>
    simulate(async (io) => {
      const segments = await leftByKill(io);
      const [, second] = segments as [number, number];
      await io.disk.remove(pathOf(second));
      const log = await reopened(io, { recoveryPoint: 0 });
      assert.deepEqual(await contentOf(log), offsets(0, second));
      const names = segments.slice(2).map((base) => logFileName(base, LOG_SUFFIX));
      const found = setAside(io);
      for (const name of names) assert.ok((found[name]?.length ?? 0) > 0, name);
    }));

  test('that is empty is as good as missing', () =>
    simulate(async (io) => {
      const segments = await leftByKill(io);
      const [, second, third] = segments as [number, number, number];
      change(io, pathOf(second), () => Buffer.alloc(0));
      const lost = Array.from({ length: third - second }, (_, i) => second + i);
      const log = await reopened(io, { recoveryPoint: 0, hasSystemRunOn: true });
      assert.deepEqual(await contentOf(log), offsets(0, 60, lost));
    }));

  test('that is of another place, or overlaps, is set aside alone while the system ran on', () =>
    simulate(async (io) => {
      const segments = await leftByKill(io);
      const [first, second, third] = segments as [number, number, number];
      // A copy under a name in the middle of the second, and one that is not of its name.
      const foreign = io.disk.readFile(pathOf(first)) as Buffer;
      io.disk.open(pathOf(second + 3), 'create').write([foreign], 0);
      const log = await reopened(io, { recoveryPoint: 0, hasSystemRunOn: true });
      assert.deepEqual(await contentOf(log), offsets(0, 60));
      assert.deepEqual(setAside(io)[logFileName(second + 3, LOG_SUFFIX)]?.[0], 0);
      log.abandon();
      change(io, pathOf(second), () => foreign);
      const again = await reopened(io, { recoveryPoint: 0, hasSystemRunOn: true });
      const lost = Array.from({ length: third - second }, (_, i) => second + i);
      assert.deepEqual(await contentOf(again), offsets(0, 60, lost));
    }));

  test('that is missing at the beginning moves the log start, as a deletion would', () =>
    simulate(async (io) => {
      const segments = await leftByKill(io);
      await io.disk.remove(pathOf(0));
      const log = await reopened(io, { recoveryPoint: 60 });
      assert.equal(log.logStartOffset, segments[1]);
      assert.deepEqual(await contentOf(log), offsets(segments[1] as number, 60));
    }));
});

test('a log start that is behind the end takes no batch away for good', () =>
  simulate(async (io) => {
    const segments = await leftByKill(io);
    const log = await openLog(io, { ...fromFiles, recoveryPoint: 60, logStartOffset: 1_000_000 });
    assert.deepEqual([log.logStartOffset, log.logEndOffset], [1_000_000, 1_000_000]);
    const found = setAside(io);
    for (const base of segments) assert.ok(found[logFileName(base, LOG_SUFFIX)], `${base}`);
  }));

test('what is lost in the middle is not called a duplicate', () =>
  simulate(async (io) => {
    const [, second, third] = (await leftByKill(io)) as [number, number, number];
    flip(io, second, third - 1, 70);
    const log = await openLog(io, { ...fromFiles, recoveryPoint: 0, hasSystemRunOn: true });
    const retry = { producerId: 7, producerEpoch: 0, baseSequence: third - 1 };
    assert.throws(
      () => append(log, ['again'], retry),
      (error) => error instanceof KafkaError && error.errorName === 'OUT_OF_ORDER_SEQUENCE_NUMBER',
    );
  }));
