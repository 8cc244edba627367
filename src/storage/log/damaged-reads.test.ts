// Reading a log that was damaged since it was opened, or where no opening looks: what is whole is
// delivered, before the damage and behind it; what begins in the damage is refused with the place.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { append, contentOf, DIRECTORY, openLog } from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import { batchHeaders, KafkaError } from '../../protocol/index.ts';
import { LOG_SUFFIX, logFileName } from '../segment/log-files.ts';
import type { PartitionLog } from './partition-log.ts';

const path = `${DIRECTORY}/${logFileName(0, LOG_SUFFIX)}`;
const fromFiles = { limits: { tailCacheBytesMax: 0 }, config: { indexIntervalBytes: 300 } };
const value = (offset: number) => `value ${offset}`.padEnd(60, '.');
const COUNT = 40;

async function filled(io: Io): Promise<PartitionLog> {
  const log = await openLog(io, fromFiles);
  for (let i = 0; i < COUNT; i++) append(log, [value(i)]);
  return log;
}

function write(io: Io, position: number, bytes: Buffer): void {
  const file = io.disk.open(path, 'write');
  file.write([bytes], position);
  file.close();
}

function positionOf(io: Io, offset: number): number {
  const bytes = io.disk.readFile(path) as Buffer;
  return [...batchHeaders(bytes)].find(({ baseOffset }) => baseOffset === offset)
    ?.position as number;
}

async function read(log: PartitionLog, offset: number, bytesMax = 100_000) {
  return await log.read(offset, bytesMax, { upperBound: COUNT, atLeastOneBatch: true });
}

function isCorrupt(offset: number) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof KafkaError, String(error));
    assert.equal(error.errorName, 'CORRUPT_MESSAGE');
    assert.match(error.message, /00000\.log has no whole record batch for offset/);
    assert.match(error.message, new RegExp(`offset ${offset} at`));
    return true;
  };
}

const damages: readonly [string, number, Buffer][] = [
  ['of an unknown magic', 16, Buffer.from([3])],
  ['of zeros', 0, Buffer.alloc(61)],
  ['of random bytes', 0, new Prng('damage').bytes(90)],
  ['of a negative length', 8, Buffer.from([0xff, 0xff, 0xff, 0xf0])],
  ['of a length beyond the file', 8, Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ['of a length of nothing', 8, Buffer.from([0, 0, 0, 0])],
  ['of more records than offsets', 57, Buffer.from([0x7f, 0, 0, 0])],
];

describe('a damaged batch header', () => {
  for (const [what, at, bytes] of damages) {
    test(`${what} hides neither what is before it nor what is behind it`, () =>
      simulate(async (io) => {
        const log = await filled(io);
        write(io, positionOf(io, 17) + at, bytes);
        for (let offset = 0; offset < COUNT; offset++) {
          if (offset === 17) {
            await assert.rejects(read(log, 17), isCorrupt(17));
            continue;
          }
          const found = await read(log, offset);
          assert.equal(found.firstOffset, offset);
          assert.equal(found.nextOffset, offset < 17 ? 17 : COUNT);
        }
        await assert.rejects(read(log, 17, 1), /the next whole one is at 18|no whole/);
      }));
  }

  test('of a length that reaches into the next batches costs those at most', () =>
    simulate(async (io) => {
      const log = await filled(io);
      // As far as into the batch after the next one.
      write(io, positionOf(io, 17) + 8, Buffer.from([0, 0, 1, 0x90]));
      for (let offset = 0; offset < COUNT; offset++) {
        if (offset === 17) continue;
        assert.equal((await read(log, offset)).firstOffset, offset, `offset ${offset}`);
      }
    }));

  test('with an offset beyond the end of the log is refused, and no reader waits for ever', () =>
    simulate(async (io) => {
      const log = await filled(io);
      write(io, positionOf(io, 17), Buffer.from([0x40, 0, 0, 0, 0, 0, 0, 0]));
      assert.equal((await read(log, 5)).nextOffset, 17);
      await assert.rejects(read(log, 17), isCorrupt(17));
    }));

  test('with an offset that goes back does not send a reader back', () =>
    simulate(async (io) => {
      const log = await filled(io);
      write(io, positionOf(io, 17), Buffer.alloc(8));
      assert.equal((await read(log, 5)).nextOffset, 17);
      assert.equal((await read(log, 17)).firstOffset, 18);
    }));

  test('is passed by lookups by time and by indexes that are rebuilt', () =>
    simulate(async (io) => {
      const start = Date.UTC(2026, 0, 1);
      const log = await openLog(io, fromFiles);
      for (let i = 0; i < COUNT; i++) append(log, [value(i)], { timestamps: [start + i] });
      await log.close();
      write(io, positionOf(io, 17), Buffer.alloc(61));
      for (const suffix of ['.index', '.timeindex']) {
        await io.disk.remove(`${DIRECTORY}/${logFileName(0, suffix)}`);
      }
      const again = await openLog(io, { ...fromFiles, wasCleanShutdown: true });
      for (const offset of [3, 16, 18, 19, 39]) {
        assert.equal((await again.offsetForTimestamp(start + offset))?.offset, offset);
        assert.equal((await read(again, offset)).firstOffset, offset);
      }
      assert.equal((await again.offsetForTimestamp(start + 17))?.offset, 18);
    }));

  test('does not let a truncation leave bytes behind the end', () =>
    simulate(async (io) => {
      for (const [offset, end] of [
        [17, 17],
        [25, 25],
        [10, 10],
      ] as const) {
        await io.disk.remove(DIRECTORY);
        const log = await filled(io);
        write(io, positionOf(io, 17), Buffer.alloc(61));
        await log.truncateTo(offset);
        assert.equal(log.logEndOffset, end);
        append(log, ['new']);
        const [header] = [...(await read(log, end)).buffers.flatMap((b) => [...batchHeaders(b)])];
        assert.equal(header?.baseOffset, end);
      }
    }));

  test('of an uncommon length takes no memory', () =>
    simulate(async (io) => {
      const log = await filled(io);
      const position = positionOf(io, 17);
      // 256 MiB that are in the file, and 2 GiB that are not.
      io.disk.open(path, 'write').truncate(300 * 1024 * 1024);
      write(io, position + 8, Buffer.from([0x10, 0, 0, 0]));
      const before = process.memoryUsage().arrayBuffers;
      await assert.rejects(read(log, 17), isCorrupt(17));
      assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024);
    }));
});

test('random bytes behind the last batch hide none before them', () =>
  simulate(async (io) => {
    const log = await filled(io);
    await log.close();
    const end = io.disk.stat(path)?.sizeBytes as number;
    await io.clock.sleep(1000);
    write(io, end, new Prng('tail').bytes(500));
    const again = await openLog(io, { ...fromFiles, wasCleanShutdown: true, recoveryPoint: COUNT });
    assert.equal((await read(again, 0)).nextOffset, COUNT);
    // What is appended next lies behind the last batch, and not behind the bytes.
    append(again, ['next']);
    const content = await contentOf(again);
    assert.equal(content.length, COUNT + 1);
  }));
