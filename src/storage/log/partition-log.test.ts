// A partition's log as its users see it: appending, reading, flushing, truncating, retention.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  append,
  batchOf,
  contentOf,
  DIRECTORY,
  openLog,
} from '../../../tests/doubles/storage/logs.ts';
import { encodeEndTransactionMarker, KafkaError } from '../../protocol/index.ts';
import type { PartitionLog } from './partition-log.ts';

const start = Date.UTC(2026, 0, 1);

function refuses(name: string): (error: unknown) => boolean {
  return (error) => error instanceof KafkaError && error.errorName === name;
}

/** No memory for the tail: every read goes to the files. */
const fromFiles = { limits: { tailCacheBytesMax: 0 } };

describe('appending and reading', () => {
  for (const [where, options] of [
    ['memory', {}],
    ['files', fromFiles],
  ] as const) {
    test(`what was appended is read back in order from ${where}`, () =>
      simulate(async (io) => {
        const log = await openLog(io, { ...options, config: { segmentBytesMax: 400 } });
        for (let i = 0; i < 20; i++) append(log, [`a${i}`, `b${i}`]);
        assert.equal(log.logEndOffset, 40);
        assert.ok(log.segmentCount > 3);
        const expected = Array.from({ length: 40 }, (_, i) => `${i}:${i % 2 ? 'b' : 'a'}${i >> 1}`);
        assert.deepEqual(await contentOf(log), expected);
        assert.deepEqual(await contentOf(log, 7, 1), expected.slice(7));
      }));

    test(`a read from ${where} ends before the upper bound, at a batch`, () =>
      simulate(async (io) => {
        const log = await openLog(io, options);
        append(log, ['a', 'b']);
        append(log, ['c', 'd']);
        const read = await log.read(0, 1000, { upperBound: 3, atLeastOneBatch: true });
        assert.equal(read.nextOffset, 2);
        const none = await log.read(2, 1000, { upperBound: 3, atLeastOneBatch: true });
        assert.deepEqual([none.sizeBytes, none.nextOffset], [0, 2]);
      }));

    test(`a first batch larger than the limit comes from ${where} only if one is demanded`, () =>
      simulate(async (io) => {
        const log = await openLog(io, options);
        append(log, ['x'.repeat(20_000)]);
        append(log, ['y']);
        const one = await log.read(0, 10, { upperBound: 2, atLeastOneBatch: true });
        assert.equal(one.nextOffset, 1);
        const none = await log.read(0, 10, { upperBound: 2, atLeastOneBatch: false });
        assert.equal(none.sizeBytes, 0);
      }));
  }

  test('an offset outside of the log is refused', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      append(log, ['a']);
      const options = { upperBound: 1, atLeastOneBatch: true };
      assert.throws(() => log.read(2, 100, options), refuses('OFFSET_OUT_OF_RANGE'));
      assert.throws(() => log.read(-1, 100, options), refuses('OFFSET_OUT_OF_RANGE'));
    }));

  test('recent batches are answered synchronously, older ones by a promise', () =>
    simulate(async (io) => {
      const log = await openLog(io, { limits: { tailCacheBytesMax: 12_000 } });
      for (let i = 0; i < 20; i++) append(log, ['z'.repeat(1000)]);
      const options = { upperBound: 20, atLeastOneBatch: true };
      assert.ok(!(log.read(19, 10_000, options) instanceof Promise));
      assert.ok(log.read(0, 10_000, options) instanceof Promise);
      assert.equal((await contentOf(log)).length, 20);
    }));

  test('a write that fails leaves no trace and the next one succeeds', () =>
    simulate(async (io, process) => {
      const log = await openLog(io, fromFiles);
      append(log, ['a']);
      const { world } = process;
      const healthy = world.faults;
      world.faults = { ...healthy, disk: { ...healthy.disk, writeFailChance: 1 } };
      const producer = { producerId: 7, producerEpoch: 0, baseSequence: 0 };
      assert.throws(() => append(log, ['lost'], producer), refuses('KAFKA_STORAGE_ERROR'));
      world.faults = healthy;
      append(log, ['b'], producer);
      await log.flush();
      assert.deepEqual(await contentOf(log), ['0:a', '1:b']);
      await log.close();
      const again = await openLog(io, fromFiles);
      assert.deepEqual(await contentOf(again), ['0:a', '1:b']);
    }));
});

describe('validation', () => {
  const cases: [string, string, (log: PartitionLog) => unknown][] = [
    [
      'a batch with a wrong CRC',
      'CORRUPT_MESSAGE',
      (log) => {
        const batch = batchOf(['a']);
        batch[batch.length - 1] = (batch.at(-1) as number) ^ 1;
        return log.appendAsLeader(batch, { leaderEpoch: 0, timestampNow: start });
      },
    ],
    ['a batch that is too large', 'MESSAGE_TOO_LARGE', (log) => append(log, ['x'.repeat(2000)])],
    [
      'a timestamp too far in the future',
      'INVALID_TIMESTAMP',
      (log) => append(log, ['a', 'b'], { timestamps: [start, start + 3_600_001] }),
    ],
    [
      'an idempotent batch without a sequence',
      'INVALID_RECORD',
      (log) => append(log, ['a'], { producerId: 1, producerEpoch: 0 }),
    ],
    ['a base offset', 'INVALID_RECORD', (log) => append(log, ['a'], { baseOffset: 3 })],
    [
      'a control batch of a client',
      'INVALID_RECORD',
      (log) =>
        log.appendAsLeader(batchOf(['a'], { isControl: true }), {
          leaderEpoch: 0,
          timestampNow: start,
        }),
    ],
    [
      'a batch whose counts contradict each other',
      'INVALID_RECORD',
      (log) => append(log, ['a', 'b'], { lastOffsetDelta: 5 }),
    ],
    [
      'half a batch',
      'CORRUPT_MESSAGE',
      (log) =>
        log.appendAsLeader(batchOf(['abc']).subarray(0, 70), {
          leaderEpoch: 0,
          timestampNow: start,
        }),
    ],
  ];
  for (const [what, error, act] of cases) {
    test(`${what} is refused with ${error} and leaves the log as it was`, () =>
      simulate(async (io) => {
        const log = await openLog(io, { config: { messageBytesMax: 1000 } });
        append(log, ['first']);
        const { sizeBytes } = log;
        assert.throws(() => act(log), refuses(error));
        assert.equal(log.sizeBytes, sizeBytes);
        append(log, ['second']);
        assert.deepEqual(await contentOf(log), ['0:first', '1:second']);
      }));
  }

  test('the record at fault is named when its timestamp is refused', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      const late = { timestamps: [start, start + 4_000_000] };
      assert.throws(
        () => append(log, ['a', 'b'], late),
        (error: KafkaError) =>
          error.recordErrors.length === 1 && error.recordErrors[0]?.batchIndex === 1,
      );
    }));

  test('a compacted topic names each record without a key', () =>
    simulate(async (io) => {
      const { encodeBatch } = await import('../../protocol/index.ts');
      const log = await openLog(io, { config: { cleanupPolicy: ['compact'] } });
      const batch = encodeBatch({
        records: [{ key: Buffer.from('k') }, { value: Buffer.from('v') }],
      });
      assert.throws(
        () => log.appendAsLeader(batch, { leaderEpoch: 0, timestampNow: start }),
        (error: KafkaError) =>
          error.errorName === 'INVALID_RECORD' && error.recordErrors[0]?.batchIndex === 1,
      );
    }));

  test('with LogAppendTime every record gets the time of the append', () =>
    simulate(async (io) => {
      const log = await openLog(io, { config: { messageTimestampType: 'LogAppendTime' } });
      const result = append(log, ['a', 'b'], { timestamps: [1, 2], now: start + 5 });
      assert.equal(result.logAppendTimeMs, start + 5);
      assert.equal((await log.offsetOfMaxTimestamp())?.timestamp, start + 5);
      await log.close();
      // The CRC was computed anew: recovery keeps the batch.
      assert.equal((await openLog(io)).logEndOffset, 2);
    }));

  test('a topic with its own codec compresses what came in another', () =>
    simulate(async (io) => {
      const log = await openLog(io, { config: { compressionType: 'gzip' } });
      append(log, ['a'.repeat(5000), 'b']);
      assert.ok(log.sizeBytes < 500);
      assert.deepEqual(await contentOf(log), [`0:${'a'.repeat(5000)}`, '1:b']);
    }));
});

describe('idempotent producers', () => {
  const batch = (baseSequence: number, producerEpoch = 0) => ({
    producerId: 9,
    producerEpoch,
    baseSequence,
  });

  test('a retry of one of the last five batches is answered with its first offsets', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      for (let i = 0; i < 7; i++) append(log, [`v${i}`], batch(i));
      const retry = append(log, ['v3'], batch(3));
      assert.deepEqual([retry.isDuplicate, retry.baseOffset, retry.lastOffset], [true, 3, 3]);
      assert.throws(() => append(log, ['v1'], batch(1)), refuses('OUT_OF_ORDER_SEQUENCE_NUMBER'));
      assert.equal(log.logEndOffset, 7);
    }));

  test('a gap in the sequence and an old epoch are refused', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      append(log, ['a'], batch(0, 1));
      assert.throws(() => append(log, ['c'], batch(2, 1)), refuses('OUT_OF_ORDER_SEQUENCE_NUMBER'));
      assert.throws(() => append(log, ['b'], batch(1, 0)), refuses('INVALID_PRODUCER_EPOCH'));
      assert.throws(() => append(log, ['b'], batch(1, 2)), refuses('OUT_OF_ORDER_SEQUENCE_NUMBER'));
      append(log, ['b'], batch(0, 2));
      assert.equal(log.logEndOffset, 2);
    }));

  for (const how of ['closed', 'killed'] as const) {
    test(`the window survives when the broker is ${how}`, () =>
      simulate(async (io) => {
        const log = await openLog(io);
        append(log, ['a', 'b'], batch(0));
        append(log, ['c'], batch(2));
        if (how === 'closed') await log.close();
        else log.abandon();
        const wasCleanShutdown = how === 'closed';
        const again = await openLog(io, { wasCleanShutdown });
        const retry = append(again, ['c'], batch(2));
        assert.deepEqual([retry.isDuplicate, retry.baseOffset], [true, 2]);
        assert.equal(append(again, ['d'], batch(3)).baseOffset, 3);
      }));
  }

  // Its batches say what its own clock says, or are copies of records that are long there.
  for (const how of ['open', 'closed', 'killed'] as const) {
    test(`who writes under old times is no idle producer; the log stays ${how}`, () =>
      simulate(async (io) => {
        const dayMs = 86_400_000;
        const timestamps = [io.clock.now() - 100 * dayMs];
        const options = { config: { producerIdExpirationMs: dayMs } };
        let log = await openLog(io, options);
        append(log, ['a'], { ...batch(0), timestamps, now: io.clock.now() });
        append(log, ['b'], { ...batch(1), timestamps, now: io.clock.now() });
        await io.clock.sleep(1000);
        if (how === 'closed') await log.close();
        else if (how === 'killed') log.abandon();
        if (how !== 'open') {
          log = await openLog(io, { ...options, wasCleanShutdown: how === 'closed' });
        }
        log.expireProducers(io.clock.now());
        const retry = append(log, ['a'], { ...batch(0), timestamps });
        assert.deepEqual([retry.isDuplicate, retry.baseOffset], [true, 0]);
        // From when its last batch came, not from when the broker started again.
        log.expireProducers(io.clock.now() + dayMs - 1500);
        assert.equal(log.producers.count, 1);
        log.expireProducers(io.clock.now() + dayMs - 500);
        assert.equal(log.producers.count, 0);
      }));
  }

  test('an idle producer is forgotten and may go on with any sequence', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      append(log, ['a'], batch(0));
      log.expireProducers(start + 86_400_000);
      assert.equal(append(log, ['b'], batch(41)).baseOffset, 1);
    }));
});

describe('transactions', () => {
  const transactional = (producerId: number, baseSequence: number) => ({
    producerId,
    producerEpoch: 0,
    baseSequence,
    isTransactional: true,
  });
  const marker = (log: PartitionLog, producerId: number, isCommit: boolean) =>
    log.appendAsLeader(
      encodeEndTransactionMarker({
        producerId,
        producerEpoch: 0,
        coordinatorEpoch: 0,
        isCommit,
        timestamp: start,
      }),
      { leaderEpoch: 0, timestampNow: start, origin: 'coordinator' },
    );

  test('the last stable offset waits for the oldest open transaction and its replication', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      append(log, ['plain']);
      append(log, ['one'], transactional(1, 0));
      append(log, ['two'], transactional(2, 0));
      marker(log, 2, true);
      assert.equal(log.lastStableOffset, 1);
      marker(log, 1, true);
      assert.equal(log.lastStableOffset, 5);
      assert.equal(log.lastStableOffsetBelow(4), 1);
      assert.equal(log.lastStableOffsetBelow(5), 5);
    }));

  test('aborted transactions are listed for the range that is read, also after a restart', () =>
    simulate(async (io) => {
      let log = await openLog(io);
      append(log, ['a'], transactional(1, 0));
      marker(log, 1, false);
      append(log, ['b'], transactional(2, 0));
      marker(log, 2, true);
      append(log, ['c'], transactional(1, 1));
      marker(log, 1, false);
      const read = async (offset: number) =>
        (
          await log.read(offset, 10_000, {
            upperBound: 6,
            atLeastOneBatch: true,
            abortedTransactions: true,
          })
        ).abortedTransactions;
      const both = [
        { producerId: 1, firstOffset: 0 },
        { producerId: 1, firstOffset: 4 },
      ];
      assert.deepEqual(await read(0), both);
      assert.deepEqual(await read(2), both.slice(1));
      log.abandon();
      log = await openLog(io);
      assert.deepEqual(await read(0), both);
      assert.equal(log.lastStableOffset, 6);
    }));
});

describe('truncation', () => {
  test('what is behind the offset is gone, for readers, producers and epochs', () =>
    simulate(async (io) => {
      const log = await openLog(io, { config: { segmentBytesMax: 300 } });
      for (let i = 0; i < 12; i++) {
        append(log, [`v${i}`], {
          producerId: 3,
          producerEpoch: 0,
          baseSequence: i,
          leaderEpoch: i >> 2,
        });
      }
      await log.truncateTo(6);
      assert.equal(log.logEndOffset, 6);
      assert.equal(log.leaderEpochs.latestEpoch, 1);
      assert.deepEqual(log.endOffsetForEpoch(0), { epoch: 0, endOffset: 4 });
      append(log, ['w6'], { producerId: 3, producerEpoch: 0, baseSequence: 6, leaderEpoch: 9 });
      assert.deepEqual((await contentOf(log)).slice(5), ['5:v5', '6:w6']);
      log.abandon();
      const again = await openLog(io);
      assert.deepEqual((await contentOf(again)).slice(5), ['5:v5', '6:w6']);
      assert.equal(again.leaderEpochs.latestEpoch, 9);
    }));

  test('a log that starts over at an offset is empty there', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      append(log, ['a', 'b']);
      await log.truncateFullyAndStartAt(100);
      assert.deepEqual([log.logStartOffset, log.logEndOffset], [100, 100]);
      append(log, ['c']);
      assert.deepEqual(await contentOf(log), ['100:c']);
      await log.close();
      const again = await openLog(io, { wasCleanShutdown: true, recoveryPoint: 101 });
      assert.deepEqual(await contentOf(again), ['100:c']);
    }));
});

describe('rolling and retention', () => {
  test('a segment rolls when its first batch is older than segment.ms', () =>
    simulate(async (io) => {
      const log = await openLog(io, { config: { segmentMs: 1000, timestampAfterMaxMs: 1e9 } });
      append(log, ['a'], { timestamps: [start] });
      append(log, ['b'], { timestamps: [start + 1000] });
      assert.equal(log.segmentCount, 1);
      append(log, ['c'], { timestamps: [start + 1001] });
      assert.equal(log.segmentCount, 2);
    }));

  test('old segments are deleted up to the high watermark and their files a minute later', () =>
    simulate(async (io) => {
      const log = await openLog(io, { config: { segmentBytesMax: 100, retentionMs: 1000 } });
      for (let i = 0; i < 6; i++) append(log, [`v${i}`]);
      const logFiles = () => io.disk.list(DIRECTORY).filter(({ name }) => name.includes('.log'));
      const before = logFiles().length;
      assert.equal(await log.applyRetention(start + 2000, 2), 2);
      assert.equal(log.logStartOffset, 2);
      assert.equal(logFiles().filter(({ name }) => name.endsWith('.log.deleted')).length, 2);
      assert.throws(
        () => log.read(1, 10, { upperBound: 6, atLeastOneBatch: true }),
        refuses('OFFSET_OUT_OF_RANGE'),
      );
      await io.clock.sleep(61_000);
      assert.equal(logFiles().length, before - 2);
      await log.applyRetention(start + 2000, 6);
      assert.deepEqual([log.logStartOffset, log.logEndOffset, log.segmentCount], [6, 6, 1]);
    }));

  test('the log is kept within retention.bytes', () =>
    simulate(async (io) => {
      const log = await openLog(io, {
        config: { segmentBytesMax: 150, retentionBytes: 300, retentionMs: -1 },
      });
      for (let i = 0; i < 10; i++) append(log, [`v${i}`]);
      await log.applyRetention(start, 10);
      assert.ok(log.sizeBytes >= 300 && log.sizeBytes < 450);
      assert.equal(log.logEndOffset, 10);
    }));

  test('deleted records are not read and their whole segments go', () =>
    simulate(async (io) => {
      const log = await openLog(io, { config: { segmentBytesMax: 150 } });
      for (let i = 0; i < 6; i++) append(log, [`v${i}`, `w${i}`]);
      await log.deleteRecordsBefore(5);
      assert.equal(log.logStartOffset, 5);
      assert.equal(log.segmentCount, 4);
      assert.equal((await contentOf(log))[0], '5:w2');
    }));
});

describe('looking up by time', () => {
  test('the first record that is not before the timestamp is found, inside of batches too', () =>
    simulate(async (io) => {
      const log = await openLog(io, {
        ...fromFiles,
        config: { segmentBytesMax: 500, indexIntervalBytes: 100, timestampAfterMaxMs: 1e9 },
      });
      for (let i = 0; i < 20; i++) {
        append(log, ['a', 'b'], {
          timestamps: [start + i * 10, start + i * 10 + 5],
          compression: i % 2 === 0 ? 0 : 1,
        });
      }
      assert.deepEqual(await log.offsetForTimestamp(0), {
        offset: 0,
        timestamp: start,
        leaderEpoch: 0,
      });
      assert.equal((await log.offsetForTimestamp(start + 71))?.offset, 15);
      assert.equal((await log.offsetForTimestamp(start + 195))?.offset, 39);
      assert.equal(await log.offsetForTimestamp(start + 196), null);
      assert.equal((await log.offsetOfMaxTimestamp())?.offset, 39);
    }));

  test('the largest timestamp need not be the last', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      append(log, ['a', 'b'], { timestamps: [start, start + 9] });
      append(log, ['c'], { timestamps: [start + 3] });
      assert.equal((await log.offsetOfMaxTimestamp())?.offset, 1);
      assert.equal((await log.offsetForTimestamp(start + 1))?.offset, 1);
    }));
});

test('a gap that no segment spans is refused, and costs the log nothing', () =>
  simulate(async (io) => {
    const log = await openLog(io, { config: { cleanupPolicy: ['compact'] } });
    log.appendAsFollower(batchOf(['a'], { baseOffset: 0 }));
    const far = () => log.appendAsFollower(batchOf(['b'], { baseOffset: 3_000_000_000 }));
    assert.throws(far, refuses('OFFSET_OUT_OF_RANGE'));
    log.appendAsFollower(batchOf(['c'], { baseOffset: 2_000_000_000 }));
    await log.close();
    const again = await openLog(io, { wasCleanShutdown: true });
    assert.deepEqual(await contentOf(again), ['0:a', '2000000000:c']);
  }));
