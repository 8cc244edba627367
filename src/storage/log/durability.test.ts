// Flushing, and opening what other hands left: shared syncs, syncs that fail, damaged and padded
// index files, interrupted deletions and compactions.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { append, contentOf, DIRECTORY, openLog } from '../../../tests/doubles/storage/logs.ts';
import type { Io } from '../../io/index.ts';

const fromFiles = { limits: { tailCacheBytesMax: 0 } };

function rewrite(io: Io, name: string, change: (bytes: Buffer) => Buffer): void {
  const path = `${DIRECTORY}/${name}`;
  const bytes = change(io.disk.readFile(path) ?? Buffer.alloc(0));
  const file = io.disk.open(path, 'create');
  file.truncate(0);
  file.write([bytes], 0);
  file.close();
}

/** Counts syncs of log files. */
function counting(io: Io, onSync: () => void): Io {
  const disk = new Proxy(io.disk, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'open') return typeof value === 'function' ? value.bind(target) : value;
      return (path: string, mode: 'read' | 'write' | 'create') => {
        const file = target.open(path, mode);
        return new Proxy(file, {
          get(opened, key) {
            if (key === 'sync' && path.endsWith('.log')) onSync();
            const member = Reflect.get(opened, key, opened) as unknown;
            return typeof member === 'function' ? member.bind(opened) : member;
          },
        });
      };
    },
  });
  return { ...io, disk };
}

describe('flushing', () => {
  test('callers that wait at the same time share a sync', () =>
    simulate(async (io) => {
      let syncs = 0;
      const log = await openLog(counting(io, () => syncs++));
      const flushes: Promise<void>[] = [];
      for (let i = 0; i < 50; i++) {
        append(log, [`v${i}`]);
        flushes.push(log.flush());
      }
      await Promise.all(flushes);
      assert.equal(log.recoveryPoint, 50);
      assert.equal(syncs, 2);
      await log.flush();
      assert.equal(syncs, 2);
    }));

  test('a sync that fails is final for the log and is reported once', () =>
    simulate(async (io, process) => {
      const failures: Error[] = [];
      const log = await openLog(io, { onFailure: (error) => failures.push(error) });
      append(log, ['a']);
      const healthy = process.world.faults;
      process.world.faults = { ...healthy, disk: { ...healthy.disk, syncFailChance: 1 } };
      await assert.rejects(log.flush(), /EIO/);
      process.world.faults = healthy;
      assert.equal(failures.length, 1);
      await assert.rejects(log.flush(), /failed/);
      assert.throws(() => append(log, ['b']), /failed/);
      await assert.rejects(log.close(), /failed/);
    }));

  test('a log that has no room for what a close writes says so, as a disk that refuses', () =>
    simulate(async (io, process) => {
      const log = await openLog(io);
      append(log, ['a']);
      const { files } = process.host;
      files.capacityBytes -= files.usableBytes;
      await assert.rejects(log.close(), { errorName: 'KAFKA_STORAGE_ERROR', message: /ENOSPC/ });
    }));

  test('flush.messages and flush.ms say when a flush is due', () =>
    simulate(async (io) => {
      const log = await openLog(io, { config: { flushMessages: 3, flushMs: 1000 } });
      assert.equal(append(log, ['a', 'b']).flushDue, false);
      assert.equal(append(log, ['c']).flushDue, true);
      await io.clock.sleep(1001);
      assert.ok(log.isFlushDue(io.clock.now()));
      await log.flush();
      assert.ok(!log.isFlushDue(io.clock.now()));
      assert.equal(append(log, ['d']).flushDue, false);
    }));
});

describe('opening what is there', () => {
  const config = { segmentBytesMax: 1000, indexIntervalBytes: 100 };
  const cleanly = { ...fromFiles, config, wasCleanShutdown: true };

  async function writeAndClose(io: Io): Promise<string[]> {
    const log = await openLog(io, { config });
    for (let i = 0; i < 40; i++) append(log, [`v${i}`]);
    const content = await contentOf(log);
    await log.close();
    return content;
  }

  const index = '00000000000000000000.index';
  const damages: [string, (bytes: Buffer) => Buffer][] = [
    ['padded with zeros, as Kafka preallocates them', (b) => Buffer.concat([b, Buffer.alloc(480)])],
    ['overwritten with garbage', (b) => Buffer.alloc(b.length, 0xee)],
    ['empty', () => Buffer.alloc(0)],
    ['torn in an entry', (b) => b.subarray(0, b.length - 3)],
  ];
  for (const [how, damage] of damages) {
    test(`indexes that are ${how} do not mislead readers`, () =>
      simulate(async (io) => {
        const content = await writeAndClose(io);
        rewrite(io, index, damage);
        rewrite(io, index.replace('.index', '.timeindex'), damage);
        const log = await openLog(io, cleanly);
        assert.deepEqual(await contentOf(log, 5, 1), content.slice(5));
        assert.equal((await log.offsetForTimestamp(0))?.offset, 0);
      }));
  }

  test('a missing index is rebuilt', () =>
    simulate(async (io) => {
      const content = await writeAndClose(io);
      await io.disk.remove(`${DIRECTORY}/${index}`);
      const log = await openLog(io, cleanly);
      assert.deepEqual(await contentOf(log, 5, 1), content.slice(5));
      assert.ok((io.disk.stat(`${DIRECTORY}/${index}`)?.sizeBytes ?? 0) > 0);
    }));

  test('a bit that flipped ends the log at the batch before it, and later segments go', () =>
    simulate(async (io) => {
      await writeAndClose(io);
      rewrite(io, '00000000000000000000.log', (bytes) => {
        bytes[300] = (bytes[300] as number) ^ 4;
        return bytes;
      });
      const log = await openLog(io, { ...fromFiles, config });
      assert.ok(log.logEndOffset > 0 && log.logEndOffset < 5);
      assert.equal(log.segmentCount, 1);
      append(log, ['next']);
      assert.equal((await contentOf(log)).at(-1), `${log.logEndOffset - 1}:next`);
    }));

  test('zeros behind the last batch are cut off', () =>
    simulate(async (io) => {
      const content = await writeAndClose(io);
      const names = io.disk.list(DIRECTORY).map(({ name }) => name);
      const last = names
        .filter((name) => name.endsWith('.log'))
        .sort()
        .at(-1) as string;
      rewrite(io, last, (bytes) => Buffer.concat([bytes, Buffer.alloc(5000)]));
      const log = await openLog(io, { ...fromFiles, config });
      assert.deepEqual(await contentOf(log), content);
    }));

  test('remains of deletions and compactions are cleared away', () =>
    simulate(async (io) => {
      const content = await writeAndClose(io);
      const first = '00000000000000000000.log';
      const whole = io.disk.readFile(`${DIRECTORY}/${first}`) as Buffer;
      rewrite(io, '00000000000000000900.log.deleted', () => Buffer.from('old'));
      rewrite(io, '00000000000000000900.log.cleaned', () => Buffer.from('half'));
      rewrite(io, '00000000000000000000.log.swap', () => whole);
      rewrite(io, '00000000000000000950.index', () => Buffer.alloc(8));
      const log = await openLog(io, cleanly);
      assert.deepEqual(await contentOf(log), content);
      const odd = io.disk.list(DIRECTORY).filter(({ name }) => /\.\w+\.\w+$|9[05]0/.test(name));
      assert.deepEqual(odd, []);
    }));
});
