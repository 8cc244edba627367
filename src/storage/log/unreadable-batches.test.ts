// What a log does with a batch under a right CRC whose records cannot be read: everything that does
// not need them goes on, and what does says no more than it knows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { append, openLog, unreadableBatch } from '../../../tests/doubles/storage/logs.ts';

const START_MS = Date.UTC(2026, 0, 1);

test('a lookup by time answers where such a batch begins, and finds what is around it', () =>
  simulate(async (io) => {
    const log = await openLog(io);
    append(log, ['a'], { timestamps: [START_MS] });
    log.appendAsFollower(unreadableBatch(1, START_MS + 20));
    append(log, ['b'], { timestamps: [START_MS + 10] });
    append(log, ['c'], { timestamps: [START_MS + 30] });
    const offsets: (number | undefined)[] = [];
    for (const timestamp of [0, 1, 15, 21, 31]) {
      offsets.push((await log.offsetForTimestamp(START_MS + timestamp))?.offset);
    }
    assert.deepEqual(offsets, [0, 1, 1, 3, undefined]);
    assert.equal((await log.offsetForTimestamp(START_MS + 1))?.timestamp, START_MS + 20);
    await log.close();
  }));

test('it may have the largest time of a log', () =>
  simulate(async (io) => {
    const log = await openLog(io);
    append(log, ['a'], { timestamps: [START_MS] });
    log.appendAsFollower(unreadableBatch(1, START_MS + 20));
    append(log, ['b'], { timestamps: [START_MS + 10] });
    const found = await log.offsetOfMaxTimestamp();
    assert.equal(found?.offset, 1);
    assert.equal(found?.timestamp, START_MS + 20);
    await log.close();
  }));

test('a recovery keeps it, and records can be deleted up to it and behind it', () =>
  simulate(async (io) => {
    const first = await openLog(io);
    append(first, ['a']);
    first.appendAsFollower(unreadableBatch(1));
    append(first, ['b']);
    await first.close();
    const log = await openLog(io);
    assert.equal(log.logEndOffset, 3);
    await log.deleteRecordsBefore(1);
    assert.equal((await log.offsetForTimestamp(0))?.offset, 1);
    await log.deleteRecordsBefore(2);
    assert.equal((await log.offsetForTimestamp(0))?.offset, 2);
    await log.close();
  }));
