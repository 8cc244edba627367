// What else is asked of a log while it is truncated: it waits, or is refused with an error that
// names the reason; nothing of it ends the process.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  clean,
  openCompacted,
  put,
  recordsOf,
  roll,
  START_MS,
} from '../../../tests/doubles/storage/cleanings.ts';
import {
  append,
  batchOf,
  contentOf,
  DIRECTORY,
  openLog,
} from '../../../tests/doubles/storage/logs.ts';
import { Deferred } from '../../base/deferred.ts';
import type { Io } from '../../io/index.ts';
import type { PartitionLog } from './partition-log.ts';

/** Twenty records in five segments, all on disk. */
async function filled(io: Io, config = {}): Promise<PartitionLog> {
  const log = await openLog(io, { config: { segmentBytesMax: 330, ...config } });
  for (let at = 0; at < 20; at++) append(log, [String(at)]);
  await log.flush();
  return log;
}

/** The removal of files takes until the test lets it go on. */
function heldRemovals(io: Io): { io: Io; begun: Deferred<void>; held: Deferred<void> } {
  const begun = new Deferred<void>();
  const held = new Deferred<void>();
  const disk = new Proxy(io.disk, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name !== 'remove') return typeof value === 'function' ? value.bind(target) : value;
      return async (path: string): Promise<void> => {
        begun.resolve();
        await held.promise;
        await target.remove(path);
      };
    },
  });
  return { io: { ...io, disk }, begun, held };
}

function namesIn(io: Io): string[] {
  return io.disk
    .list(DIRECTORY)
    .map(({ name }) => name)
    .sort();
}

const truncating = { name: 'LogTruncating', errorName: 'NOT_LEADER_OR_FOLLOWER' };

describe('while a log is truncated', () => {
  test('appends are refused, and taken afterwards', () =>
    simulate(async (plain) => {
      const { io, begun, held } = heldRemovals(plain);
      const log = await filled(io);
      const truncation = log.truncateTo(5);
      const refuse = (): void => {
        assert.throws(() => append(log, ['x']), truncating);
        const batch = batchOf(['x'], { baseOffset: log.logEndOffset });
        assert.throws(() => log.appendAsFollower(batch), truncating);
        assert.equal(log.maybeRoll(Number.MAX_SAFE_INTEGER), false);
      };
      refuse();
      await begun.promise;
      assert.equal(log.logEndOffset, 5);
      refuse();
      held.resolve();
      await truncation;
      append(log, ['new']);
      assert.deepEqual(await contentOf(log, 4), ['4:4', '5:new']);
      assert.equal(log.maybeRoll(Number.MAX_SAFE_INTEGER), true);
    }));

  test('retention waits for its end and keeps to what is left', () =>
    simulate(async (io) => {
      const log = await filled(io, { retentionBytes: 0 });
      const truncation = log.truncateTo(9);
      const retention = log.applyRetention(Number.MAX_SAFE_INTEGER, 20);
      assert.equal(log.logStartOffset, 0);
      await truncation;
      assert.ok((await retention) > 0);
      assert.deepEqual([log.logStartOffset, log.logEndOffset], [9, 9]);
    }));

  test('DeleteRecords waits, and is refused what is not there any more', () =>
    simulate(async (io) => {
      const log = await filled(io);
      const truncation = log.truncateTo(9);
      const deletions = [log.deleteRecordsBefore(12), log.deleteRecordsBefore(6)];
      const [beyond, within] = await Promise.allSettled(deletions);
      await truncation;
      assert.equal((beyond as PromiseRejectedResult).reason.errorName, 'OFFSET_OUT_OF_RANGE');
      assert.equal(within?.status, 'fulfilled');
      assert.deepEqual(await contentOf(log), ['6:6', '7:7', '8:8']);
    }));

  test('a cleaning waits, and cleans what is left', () =>
    simulate(async (io) => {
      const log = await openCompacted(io, { config: { segmentBytesMax: 330 } });
      for (let i = 0; i < 40; i++) put(log, [[`k${i % 4}`, `${i}`]], { timestamp: START_MS + i });
      roll(log);
      await log.flush();
      const truncation = log.truncateTo(30);
      const cleaning = clean(log, { lastStableOffset: 30 });
      await truncation;
      const result = await cleaning;
      assert.ok((result?.endOffset ?? 0) <= 30);
      assert.deepEqual((await recordsOf(log)).at(-1), '29:k1=29');
    }));

  test('a cleaning that waits can be stopped', () =>
    simulate(async (plain) => {
      const { io, held } = heldRemovals(plain);
      const log = await openCompacted(io, { config: { segmentBytesMax: 330 } });
      for (let i = 0; i < 40; i++) put(log, [['k', `${i}`]]);
      roll(log);
      const truncation = log.truncateTo(30);
      const cleaning = assert.rejects(clean(log), { name: 'CleaningStopped' });
      const stop = log.stopCleaning();
      held.resolve();
      await Promise.all([truncation, cleaning, stop]);
      assert.equal(log.cleanedTo, null);
    }));

  test('another truncation waits', () =>
    simulate(async (io) => {
      const log = await filled(io);
      await Promise.all([
        log.truncateTo(15),
        log.truncateTo(5),
        log.truncateFullyAndStartAt(30),
        log.truncateTo(40),
      ]);
      assert.equal(append(log, ['x']).baseOffset, 30);
      assert.deepEqual(await contentOf(log), ['30:x']);
    }));

  test('a close waits, and leaves a log that is whole', () =>
    simulate(async (io) => {
      const log = await filled(io);
      const truncation = log.truncateTo(7);
      await log.close();
      await truncation;
      const again = await openLog(io, { wasCleanShutdown: true, recoveryPoint: 7 });
      assert.deepEqual((await contentOf(again)).at(-1), '6:6');
      assert.equal(again.logEndOffset, 7);
    }));

  test('nothing is touched in the folder of a log that was deleted and made again', () =>
    simulate(async (io) => {
      for (let turns = 0; turns < 40; turns++) {
        const log = await filled(io);
        const truncation = log.truncateTo(7).catch((error: { errorName?: string }) => {
          assert.equal(error.errorName, 'KAFKA_STORAGE_ERROR');
        });
        for (let turn = 0; turn < turns; turn++) await null;
        if (turns >= 20) await io.clock.sleep((turns - 20) / 100);
        log.abandon();
        io.disk.rename(DIRECTORY, `/data/gone-${turns}`);
        const again = await filled(io);
        const names = namesIn(io);
        await truncation;
        assert.equal((await contentOf(again)).length, 20);
        assert.deepEqual(namesIn(io), names);
        await again.remove();
      }
    }));
});
