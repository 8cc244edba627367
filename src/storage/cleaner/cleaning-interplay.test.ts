// What else happens to a log while it is cleaned: appends, reads, truncation, retention,
// DeleteRecords, deletion, close. The cleaning is slowed down so that it is under way meanwhile.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  clean,
  type Keyed,
  openCompacted,
  put,
  recordsOf,
  roll,
  START_MS,
} from '../../../tests/doubles/storage/cleanings.ts';
import { contentOf, DIRECTORY } from '../../../tests/doubles/storage/logs.ts';
import { Deferred } from '../../base/deferred.ts';
import type { Io } from '../../io/index.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { type CleaningResult, CleaningStopped } from './index.ts';

/** Ten segments of four records over eight keys; the last of each key are those of the last two. */
async function filled(io: Io, config = {}): Promise<PartitionLog> {
  const log = await openCompacted(io, { config: { segmentBytesMax: 330, ...config } });
  for (let i = 0; i < 40; i++) put(log, [[`k${i % 8}`, `${i}`]], { timestamp: START_MS + i });
  roll(log);
  await log.flush();
  return log;
}

const finalRecords = Array.from({ length: 8 }, (_, i) => `${32 + i}:k${i}=${32 + i}`);

/** Reads and writes 5 000 bytes per second: about a second for the whole. */
function cleanSlowly(log: PartitionLog): Promise<CleaningResult | null> {
  return clean(log, { ioBufferBytes: 300, bytesPerSecondMax: () => 5000 });
}

function temporary(io: Io): string[] {
  return io.disk.list(DIRECTORY).flatMap(({ name }) => (/cleaned|swap/.test(name) ? [name] : []));
}

/** The next read of the file waits until the gate is open again. */
function gatedReads(io: Io, name: string): { io: Io; close: () => void; open: () => void } {
  let gate: Deferred<void> | null = null;
  const open: Io['disk']['open'] = (path, mode) => {
    const file = io.disk.open(path, mode);
    // A cleaned segment has it under the name that it had before.
    if (!path.includes(name)) return file;
    const read: typeof file.read = async (buffer, position) => {
      const isOpen = gate;
      gate = null;
      await isOpen?.promise;
      return await file.read(buffer, position);
    };
    return new Proxy(file, {
      get(target, key) {
        if (key === 'read') return read;
        const value = Reflect.get(target, key) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  const disk = new Proxy(io.disk, {
    get(target, key) {
      if (key === 'open') return open;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  let closed = new Deferred<void>();
  const close = (): void => {
    closed = new Deferred<void>();
    gate = closed;
  };
  return { io: { ...io, disk }, close, open: () => closed.resolve() };
}

describe('while a log is cleaned', () => {
  test('it is appended to', () =>
    simulate(async (io) => {
      const log = await filled(io);
      const cleaning = cleanSlowly(log);
      const added: Keyed[] = [];
      for (let i = 0; i < 20; i++) {
        await io.clock.sleep(60);
        put(log, [[`n${i}`, 'x']]);
        added.push([`n${i}`, 'x']);
      }
      await cleaning;
      const records = await recordsOf(log);
      assert.deepEqual(records.slice(0, 8), finalRecords);
      assert.deepEqual(
        records.slice(8),
        added.map(([key], i) => `${40 + i}:${key}=x`),
      );
    }));

  test('a reader sees no record twice, out of order, or not at all', () =>
    simulate(async (io) => {
      const log = await filled(io);
      let isOver = false;
      const cleaning = cleanSlowly(log).then(() => {
        isOver = true;
      });
      let rounds = 0;
      while (!isOver) {
        const seen = await contentOf(log, 0, 200);
        const offsets = seen.map((record) => Number.parseInt(record, 10));
        assert.deepEqual(
          offsets,
          [...new Set(offsets)].sort((a, b) => a - b),
        );
        assert.deepEqual(
          seen.slice(-8),
          Array.from({ length: 8 }, (_, i) => `${32 + i}:${32 + i}`),
        );
        assert.ok((await log.offsetForTimestamp(START_MS + 32))?.offset === 32);
        assert.equal((await log.offsetOfMaxTimestamp())?.offset, 39);
        rounds++;
        await io.clock.sleep(3);
      }
      await cleaning;
      assert.ok(rounds > 20, `${rounds} rounds`);
    }));

  test('a read that finds nothing in a segment goes on with the one behind it', () =>
    simulate(async (plain) => {
      const gate = gatedReads(plain, '00000000000000000012.log');
      const log = await openCompacted(gate.io, { config: { segmentBytesMax: 330 } });
      const keys = ['a b c u', 'a b c v', 'a b c w', 'x y d e', 'd e a b', 'c f g h', 'i j k l'];
      for (const key of keys.join(' ').split(' ')) put(log, [[key, 'value']]);
      roll(log);
      await clean(log);
      put(log, [['last', 'value']]);
      roll(log);
      const { segmentCount } = log;
      const cleaning = cleanSlowly(log);
      // Two records at the end of their segment are gone, and three segments become one meanwhile.
      gate.close();
      const reading = log.read(14, 100, { upperBound: log.logEndOffset, atLeastOneBatch: true });
      while (log.segmentCount === segmentCount) await plain.clock.sleep(1);
      gate.open();
      assert.equal((await reading).firstOffset, 16);
      await cleaning;
    }));

  test('memory tells the same as the files', () =>
    simulate(async (io) => {
      const limits = { tailCacheBytesMax: 100_000 };
      const log = await openCompacted(io, { limits });
      put(log, [['a', '1']]);
      put(log, [['a', '2']]);
      roll(log);
      put(log, [['b', '1']]);
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['1:a=2', '2:b=1']);
      put(log, [['c', '1']]);
      assert.deepEqual(await recordsOf(log), ['1:a=2', '2:b=1', '3:c=1']);
    }));

  test('a truncation ends the cleaning, and what it cut off does not come back', () =>
    simulate(async (io) => {
      const log = await filled(io);
      const cleaning = assert.rejects(cleanSlowly(log), CleaningStopped);
      await io.clock.sleep(600);
      await log.truncateTo(20);
      await cleaning;
      assert.equal(log.logEndOffset, 20);
      assert.deepEqual(temporary(io), []);
      log.abandon();
      const again = await openCompacted(io);
      assert.equal(again.logEndOffset, 20);
      assert.deepEqual((await recordsOf(again)).at(-1), '19:k3=19');
    }));

  test('a truncation takes back how far the log is clean', () =>
    simulate(async (io) => {
      const log = await filled(io);
      await clean(log);
      assert.equal(log.cleanedTo, 40);
      await log.truncateTo(35);
      assert.equal(log.cleanedTo, 35);
    }));

  test('retention waits for its end', () =>
    simulate(async (io) => {
      const log = await filled(io, { cleanupPolicy: ['compact', 'delete'], retentionBytes: 100 });
      const cleaning = cleanSlowly(log);
      await io.clock.sleep(300);
      assert.equal(await log.applyRetention(START_MS, 40), 0);
      await cleaning;
      assert.ok((await log.applyRetention(START_MS, 40)) > 0);
      assert.ok(log.sizeBytes <= 700);
    }));

  test('records that are deleted stay deleted', () =>
    simulate(async (io) => {
      const log = await filled(io, { cleanupPolicy: ['compact', 'delete'] });
      const cleaning = cleanSlowly(log);
      await io.clock.sleep(300);
      await log.deleteRecordsBefore(36);
      assert.equal(log.logStartOffset, 36);
      await cleaning;
      assert.deepEqual(await contentOf(log), ['36:36', '37:37', '38:38', '39:39']);
      await log.applyRetention(START_MS, 40);
      assert.equal(log.logStartOffset, 36);
      assert.deepEqual(await contentOf(log), ['36:36', '37:37', '38:38', '39:39']);
    }));

  test('a close ends it and leaves the log whole', () =>
    simulate(async (io) => {
      const log = await filled(io);
      const cleaning = assert.rejects(cleanSlowly(log), CleaningStopped);
      await io.clock.sleep(900);
      await log.close();
      await cleaning;
      const again = await openCompacted(io, { wasCleanShutdown: true });
      assert.deepEqual((await recordsOf(again)).slice(-8), finalRecords);
      assert.deepEqual(temporary(io), []);
    }));

  test('nothing is written into the folder of a log that was deleted and made again', () =>
    simulate(async (io) => {
      for (let delayMs = 5; delayMs < 1500; delayMs += 97) {
        const log = await filled(io);
        const cleaning = cleanSlowly(log).catch((error: unknown) => {
          assert.ok(error instanceof CleaningStopped, String(error));
        });
        await io.clock.sleep(delayMs);
        log.abandon();
        io.disk.rename(DIRECTORY, `/data/gone-${delayMs}`);
        const again = await openCompacted(io);
        put(again, [['a', 'new']]);
        await cleaning;
        assert.deepEqual(await recordsOf(again), ['0:a=new']);
        assert.deepEqual(temporary(io), []);
        await again.remove();
      }
    }));

  test('a policy that compacts no more ends it', () =>
    simulate(async (io) => {
      const log = await filled(io);
      const cleaning = assert.rejects(cleanSlowly(log), CleaningStopped);
      await io.clock.sleep(300);
      log.configure({ ...log.config, cleanupPolicy: ['delete'] });
      await cleaning;
      assert.equal(log.cleanedTo, null);
    }));

  test('an I/O error leaves the log as it was', () =>
    simulate(async (io, process) => {
      const log = await filled(io);
      const before = await recordsOf(log);
      const healthy = process.world.faults;
      process.world.faults = { ...healthy, disk: { ...healthy.disk, syncFailChance: 1 } };
      await assert.rejects(clean(log), /EIO/);
      process.world.faults = healthy;
      assert.deepEqual(await recordsOf(log), before);
      await clean(log);
      assert.deepEqual(await recordsOf(log), finalRecords);
    }));

  test('a batch with a flipped bit is not given a new checksum', () =>
    simulate(async (io) => {
      const log = await filled(io);
      const file = io.disk.open(`${DIRECTORY}/00000000000000000000.log`, 'write');
      file.write([Buffer.from([0x55])], 66);
      await assert.rejects(clean(log), /position 0 of .* its CRC is wrong/);
      assert.deepEqual(temporary(io), []);
    }));
});
