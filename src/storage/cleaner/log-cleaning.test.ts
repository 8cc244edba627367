// What a cleaning keeps and what it removes: Kafka's rules, each as a sentence.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  batchesOf,
  clean,
  endTransaction,
  type Keyed,
  openCompacted,
  put,
  recordsOf,
  roll,
  START_MS,
  shapeOf,
} from '../../../tests/doubles/storage/cleanings.ts';
import { contentOf, DIRECTORY } from '../../../tests/doubles/storage/logs.ts';
import type { Io } from '../../io/index.ts';
import {
  type BatchHeader,
  type CompressionCodec,
  compress,
  crc32c,
  encodeBatch,
  encodeEndTransactionMarker,
} from '../../protocol/index.ts';
import type { PartitionLog } from '../log/partition-log.ts';

const hourMs = 3_600_000;

/** A log with a batch of one record each, all of them open to cleaning. */
async function logOf(io: Io, records: readonly Keyed[], config = {}): Promise<PartitionLog> {
  const log = await openCompacted(io, { config });
  for (const record of records) put(log, [record]);
  roll(log);
  return log;
}

/** Transactions of one producer that were aborted, as a leader would send them. */
function abortedTransactions(count: number, baseOffset: number): Buffer {
  const identity = { producerId: 7, producerEpoch: 0 };
  const records = [{ key: Buffer.from('k'), value: Buffer.from('v'), timestamp: START_MS }];
  const batch = encodeBatch({ ...identity, baseSequence: 0, isTransactional: true, records });
  const end = { ...identity, isCommit: false, coordinatorEpoch: 0, timestamp: START_MS };
  const pair = Buffer.concat([batch, encodeEndTransactionMarker(end)]);
  const all = Buffer.alloc(pair.length * count);
  for (let at = 0; at < count; at++) {
    pair.copy(all, at * pair.length);
    // The base offset is no part of what the checksum is about.
    all.writeBigInt64BE(BigInt(baseOffset + 2 * at), at * pair.length);
    all.writeBigInt64BE(BigInt(baseOffset + 2 * at + 1), at * pair.length + batch.length);
  }
  return all;
}

describe('what is kept', () => {
  test('the latest value of each key is kept at its offset, older ones go', () =>
    simulate(async (io) => {
      const offsets = [13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28];
      const keys = 'K1 K5 K2 K7 K8 K4 K1 K1 K1 K9 K8 K2'.split(' ');
      const values = 'V5 V2 V7 V1 V4 V6 V1 V2 V9 V6 V22 V25'.split(' ');
      const log = await openCompacted(io);
      for (const [at, baseOffset] of offsets.entries()) {
        const records = [{ key: Buffer.from(`${keys[at]}`), value: Buffer.from(`${values[at]}`) }];
        log.appendAsFollower(encodeBatch({ baseOffset, records }));
      }
      roll(log);
      await clean(log);
      assert.deepEqual(await recordsOf(log), [
        '17:K5=V2',
        '20:K7=V1',
        '22:K4=V6',
        '25:K1=V9',
        '26:K9=V6',
        '27:K8=V22',
        '28:K2=V25',
      ]);
      assert.equal(log.logEndOffset, 29);
    }));

  test('what was cleaned is compared with what came later, and only that is read again', () =>
    simulate(async (io) => {
      const log = await logOf(io, [
        ['a', '1'],
        ['b', '1'],
      ]);
      assert.equal((await clean(log))?.endOffset, 2);
      put(log, [['a', '2']]);
      roll(log);
      const second = await clean(log);
      assert.equal(second?.fromOffset, 2);
      assert.deepEqual(await recordsOf(log), ['1:b=1', '2:a=2']);
      assert.equal(await clean(log), null);
    }));

  test('the segment that is written to is not cleaned', () =>
    simulate(async (io) => {
      const log = await logOf(io, [['a', '1']]);
      put(log, [['a', '2']]);
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['0:a=1', '1:a=2']);
    }));

  test('a batch keeps its offsets and its timestamps when it loses records', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      put(log, [
        ['a', '1'],
        ['b', '1'],
        ['c', '1'],
      ]);
      put(log, [
        ['a', '2'],
        ['c', '2'],
      ]);
      roll(log);
      await clean(log);
      assert.deepEqual(await shapeOf(log), ['0-2 1', '3-4 2']);
      assert.deepEqual(await recordsOf(log), ['1:b=1', '3:a=2', '4:c=2']);
      const [, header] = (await batchesOf(log))[0] as [Buffer, { maxTimestamp: number }];
      assert.equal(header.maxTimestamp, START_MS);
    }));

  test('a record without a key goes, and is counted', () =>
    simulate(async (io) => {
      const log = await logOf(
        io,
        [
          ['a', '1'],
          [null, 'lost'],
          ['b', '1'],
        ],
        { cleanupPolicy: ['delete'] },
      );
      log.configure({ ...log.config, cleanupPolicy: ['compact'] });
      assert.equal((await clean(log))?.recordsKeyless, 1);
      assert.deepEqual(await recordsOf(log), ['0:a=1', '2:b=1']);
    }));

  test('the last batch stays, without records, to say where the log ends', () =>
    simulate(async (io) => {
      const log = await openCompacted(io, { config: { deleteRetentionMs: 0 } });
      put(log, [['a', '1']]);
      put(log, [['a', null]]);
      roll(log);
      await clean(log);
      put(log, [['b', '1']]);
      roll(log);
      await io.clock.sleep(1);
      await clean(log);
      assert.deepEqual(await shapeOf(log), ['2-2 1']);
      const alone = await openCompacted(io, { directory: '/data/u-0' });
      alone.appendAsFollower(encodeBatch({ records: [{ value: Buffer.from('no key') }] }));
      roll(alone);
      await clean(alone);
      assert.deepEqual(await shapeOf(alone), ['0-0 0']);
    }));

  test('small neighbours become one segment, within segment.bytes', () =>
    simulate(async (io) => {
      const log = await openCompacted(io, { config: { segmentBytesMax: 400 } });
      for (let i = 0; i < 6; i++) {
        put(log, [[`k${i}`, 'v']]);
        roll(log);
      }
      assert.equal(log.segmentCount, 7);
      await clean(log);
      assert.equal(log.segmentCount, 3);
      assert.equal((await recordsOf(log)).length, 6);
      const names = io.disk.list(DIRECTORY).map(({ name }) => name);
      assert.equal(names.filter((name) => name.endsWith('.log')).length, 3);
      await io.clock.sleep(60_001);
      const odd = io.disk.list(DIRECTORY).filter(({ name }) => /\.\w+\.\w+$/.test(name));
      assert.deepEqual(odd, []);
    }));

  const codecs = ['no codec', 'gzip', 'snappy', 'lz4', 'zstd'];
  for (const [codec, name] of codecs.entries()) {
    test(`a batch of ${name} is written with the same codec`, () =>
      simulate(async (io) => {
        const log = await openCompacted(io);
        const compression = codec as CompressionCodec;
        put(
          log,
          [
            ['a', '1'.repeat(50)],
            ['b', '1'.repeat(50)],
            ['c', null],
          ],
          { compression },
        );
        put(log, [['a', '2'.repeat(50)]], { compression });
        roll(log);
        await clean(log);
        const codes = (await batchesOf(log)).map(([, header]) => header.compression);
        assert.deepEqual(codes, [codec, codec]);
        assert.deepEqual(await recordsOf(log), [
          `1:b=${'1'.repeat(50)}`,
          '2:c=!',
          `3:a=${'2'.repeat(50)}`,
        ]);
      }));
  }

  test('a batch of which nothing goes is copied byte by byte', () =>
    simulate(async (io) => {
      const log = await logOf(io, [['a', '1']]);
      const [before] = (await batchesOf(log))[0] as [Buffer, unknown];
      await clean(log);
      const [after] = (await batchesOf(log))[0] as [Buffer, unknown];
      assert.deepEqual(after, before);
    }));
});

describe('tombstones', () => {
  for (const isForgotten of [false, true]) {
    const what = isForgotten ? 'a forgotten producer' : 'a producer that wrote nothing since';
    test(`a recovery finds no transaction open whose marker is cleaned, of ${what}`, () =>
      simulate(async (io) => {
        const config = { deleteRetentionMs: 0, segmentBytesMax: 260 };
        const log = await openCompacted(io, { config });
        const producer = { producerId: 7, producerEpoch: 0, isTransactional: true };
        // What stays of the segments is too large for them to become one.
        put(log, [['a', 'x'.repeat(100)]]);
        put(log, [['k', 'old']], { ...producer, baseSequence: 0 });
        roll(log);
        // With it goes a snapshot in which the transaction is open.
        await log.flush();
        const marker = { producerId: 7, producerEpoch: 1, isCommit: true, coordinatorEpoch: 0 };
        const bytes = encodeEndTransactionMarker({ ...marker, timestamp: START_MS });
        const append = { leaderEpoch: 0, timestampNow: START_MS, origin: 'coordinator' } as const;
        log.appendAsLeader(bytes, { ...append, transactionVersion: 2 });
        put(log, [['b', 'x'.repeat(100)]]);
        roll(log);
        if (isForgotten) log.expireProducers(Number.MAX_SAFE_INTEGER);
        for (let i = 0; i < 4; i++) {
          put(log, [['k', `newer ${i}`]]);
          roll(log);
          await clean(log);
          await io.clock.sleep(10);
        }
        await log.flush();
        log.abandon();
        const again = await openCompacted(io, { config, recoveryPoint: 3 });
        assert.equal(again.lastStableOffset, again.logEndOffset);
      }));
  }

  test('a tombstone is kept for delete.retention.ms after the cleaning that met it first', () =>
    simulate(async (io) => {
      const log = await logOf(
        io,
        [
          ['a', '1'],
          ['a', null],
          ['b', '1'],
        ],
        { deleteRetentionMs: hourMs },
      );
      const cleanedMs = io.clock.now();
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['1:a=!', '2:b=1']);
      const [, header] = (await batchesOf(log))[0] as Awaited<ReturnType<typeof batchesOf>>[0];
      assert.ok(header.hasDeleteHorizon);
      assert.equal(header.baseTimestamp, cleanedMs + hourMs);
      await io.clock.sleep(hourMs / 2);
      put(log, [['c', '1']]);
      roll(log);
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['1:a=!', '2:b=1', '3:c=1']);
      await io.clock.sleep(hourMs / 2);
      put(log, [['d', '1']]);
      roll(log);
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['2:b=1', '3:c=1', '4:d=1']);
    }));

  test('the horizon changes no timestamp', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      put(log, [
        ['a', null],
        ['b', '1'],
      ]);
      roll(log);
      await clean(log);
      assert.equal((await log.offsetForTimestamp(START_MS))?.offset, 0);
      assert.equal(await log.offsetForTimestamp(START_MS + 1), null);
    }));

  test('tombstones that are kept for ever keep their time', () =>
    simulate(async (io) => {
      const config = { deleteRetentionMs: Number(2n ** 63n - 1n) };
      const log = await openCompacted(io, { config });
      put(log, [
        ['a', null],
        ['b', '1'],
      ]);
      roll(log);
      await clean(log);
      const [, header] = (await batchesOf(log))[0] as Awaited<ReturnType<typeof batchesOf>>[0];
      assert.ok(header.hasDeleteHorizon);
      assert.equal((await log.offsetForTimestamp(START_MS))?.offset, 0);
      assert.equal(await log.offsetForTimestamp(START_MS + 1), null);
    }));
});

describe('transactions', () => {
  const transaction = { producerId: 7, producerEpoch: 0, isTransactional: true };

  test('records of an aborted transaction go, and supersede nothing', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      put(log, [['a', '1']]);
      put(log, [['a', 'aborted']], { ...transaction, baseSequence: 0 });
      endTransaction(log, 7, false);
      put(log, [['b', '1']]);
      roll(log);
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['0:a=1', '3:b=1']);
    }));

  test('records of a committed transaction count', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      put(log, [['a', '1']]);
      put(log, [['a', '2']], { ...transaction, baseSequence: 0 });
      endTransaction(log, 7, true);
      roll(log);
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['1:a=2']);
    }));

  test('nothing is cleaned from the segment of an open transaction on', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      put(log, [['a', '1']]);
      put(log, [['a', '2']]);
      roll(log);
      put(log, [['a', '3']]);
      put(log, [['b', 'open']], { ...transaction, baseSequence: 0 });
      roll(log);
      put(log, [['a', '4']]);
      roll(log);
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['1:a=2', '2:a=3', '3:b=open', '4:a=4']);
      endTransaction(log, 7, false);
      roll(log);
      await clean(log);
      assert.deepEqual(await recordsOf(log), ['4:a=4']);
    }));

  for (const isCommit of [true, false]) {
    const what = isCommit ? 'a commit' : 'an abort';
    test(`the marker of ${what} stays while a batch of it does, then to its horizon`, () =>
      simulate(async (io) => {
        const log = await openCompacted(io, { config: { deleteRetentionMs: hourMs } });
        put(log, [['a', '1']], { ...transaction, baseSequence: 0 });
        endTransaction(log, 7, isCommit);
        put(log, [['z', '1']]);
        roll(log);
        await clean(log);
        // The producer's last batch is kept for its sequence, and the marker with it.
        const first = isCommit ? '0-0 1' : '0-0 0';
        assert.deepEqual(await shapeOf(log), [first, '1-1 1 marker', '2-2 1']);
        log.expireProducers(START_MS + 30 * hourMs);
        put(log, [['a', '2']]);
        roll(log);
        await clean(log);
        // Nothing is left of the transaction: the marker's time runs from now on.
        const kept = await batchesOf(log);
        assert.deepEqual(
          kept.map(([, header]) => header.baseOffset),
          [1, 2, 3],
        );
        await io.clock.sleep(hourMs);
        for (const key of ['b', 'c']) {
          put(log, [[key, '1']]);
          roll(log);
          await clean(log);
          await io.clock.sleep(hourMs);
        }
        assert.deepEqual(await recordsOf(log), ['2:z=1', '3:a=2', '4:b=1', '5:c=1']);
        assert.ok((await batchesOf(log)).every(([, header]) => !header.isControl));
      }));
  }

  test('read_committed skips the same as before', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      put(log, [['a', 'aborted']], { ...transaction, baseSequence: 0 });
      put(log, [['b', '1']]);
      roll(log);
      put(log, [['c', 'aborted']], { ...transaction, baseSequence: 1 });
      endTransaction(log, 7, false);
      // The transaction ends beyond what is cleaned: its marker lies in the segment written to.
      await clean(log, { lastStableOffset: log.lastStableOffset });
      assert.deepEqual(await recordsOf(log), ['1:b=1', '2:c=aborted']);
      const options = { upperBound: log.logEndOffset, atLeastOneBatch: true };
      const read = await log.read(2, 1000, { ...options, abortedTransactions: true });
      assert.deepEqual(read.abortedTransactions, [{ producerId: 7, firstOffset: 0 }]);
    }));
});

describe('producers', () => {
  test('the last batch of a producer stays, empty, so that its sequence is known', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      const producer = { producerId: 3, producerEpoch: 1 };
      put(log, [['a', '1']], { ...producer, baseSequence: 0 });
      put(
        log,
        [
          ['a', '2'],
          ['a', '3'],
        ],
        { ...producer, baseSequence: 1 },
      );
      put(log, [['a', '4']]);
      roll(log);
      await clean(log);
      assert.deepEqual(await shapeOf(log), ['1-2 0', '3-3 1']);
      // A start that has nothing but the batches knows where the producer goes on.
      log.abandon();
      for (const { name } of io.disk.list(DIRECTORY)) {
        if (name.endsWith('.snapshot')) await io.disk.remove(`${DIRECTORY}/${name}`);
      }
      const again = await openCompacted(io);
      const [entry] = again.producers.snapshot();
      assert.equal(entry?.lastSequence, 2);
      assert.equal(entry?.epoch, 1);
    }));

  test('what a producer writes during a cleaning, and a power cut takes, costs no sequence', () =>
    simulate(async (io) => {
      const producer = { producerId: 3, producerEpoch: 0 };
      const log: PartitionLog = await openCompacted(io, {
        // What comes now is not synced.
        checkpoint: async () => put(log, [['c', '1']], { ...producer, baseSequence: 1 }),
      });
      put(log, [['a', '1']], { ...producer, baseSequence: 0 });
      put(log, [['a', '2']]);
      roll(log);
      await clean(log);
      assert.deepEqual(await shapeOf(log), ['0-0 0', '1-1 1', '2-2 1']);
    }));

  test('a retry of a batch that is cleaned away is recognised only where it is remembered', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      const producer = { producerId: 7, producerEpoch: 0 };
      for (const [baseSequence, key] of ['a', 'b', 'b', 'b'].entries()) {
        put(log, [[key, 'x']], { ...producer, baseSequence });
      }
      roll(log);
      await clean(log);
      await log.flush();
      const record = { key: Buffer.from('b'), value: null, timestamp: START_MS };
      const retryOf = (baseSequence: number): Buffer =>
        encodeBatch({ ...producer, baseSequence, records: [record] });
      const append = { leaderEpoch: 0, timestampNow: START_MS, origin: 'client' } as const;
      const error = { errorName: 'OUT_OF_ORDER_SEQUENCE_NUMBER' };
      log.abandon();
      const again = await openCompacted(io, { recoveryPoint: 4 });
      assert.deepEqual(await recordsOf(again), ['0:a=x', '3:b=x']);
      const known = again.appendAsLeader(retryOf(1), append);
      assert.deepEqual([known.isDuplicate, known.baseOffset], [true, 1]);
      assert.throws(() => again.appendAsLeader(retryOf(5), append), error);
      again.abandon();
      // From the batches alone: a gap may be of a batch that was never stored, too.
      const blind = await openCompacted(io, { recoveryPoint: 0 });
      assert.throws(() => blind.appendAsLeader(retryOf(1), append), error);
      assert.ok(blind.appendAsLeader(retryOf(3), append).isDuplicate);
    }));

  test('an empty batch misleads no lookup by timestamp', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      put(log, [['a', '1']]);
      put(log, [['b', '1']], {
        producerId: 3,
        producerEpoch: 0,
        baseSequence: 0,
        timestamp: START_MS + 50,
      });
      put(log, [['b', '2']], { timestamp: START_MS + 20 });
      roll(log);
      await clean(log);
      assert.deepEqual(await shapeOf(log), ['0-0 1', '1-1 0', '2-2 1']);
      assert.equal((await log.offsetOfMaxTimestamp())?.offset, 2);
      assert.equal(await log.offsetForTimestamp(START_MS + 21), null);
    }));
});

describe('bounds', () => {
  test('a log with more aborted transactions than fit the stack is cleaned', () =>
    simulate(async (io) => {
      const log = await openCompacted(io, { config: { segmentBytesMax: 2 ** 30 } });
      const count = 200_000;
      log.appendAsFollower(abortedTransactions(count, 0));
      roll(log);
      const result = await clean(log, { ioBufferBytes: 2 ** 20 });
      // The first marker of each transaction that had batches stays until its horizon.
      assert.equal(result?.recordsKept, count);
      const upperBound = log.logEndOffset;
      const options = { upperBound, atLeastOneBatch: true, abortedTransactions: true };
      const read = await log.read(0, 2 ** 30, options);
      assert.equal(read.abortedTransactions?.length, count);
    }));

  test('keys that the memory cannot take are cleaned in further passes', () =>
    simulate(async (io) => {
      const log = await openCompacted(io, { config: { segmentBytesMax: 2000 } });
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 100; i++) put(log, [[`k${i}`, `${round}`]]);
      }
      roll(log);
      let passes = 0;
      let dirty = 0;
      for (;;) {
        const result = await clean(log, { dedupeBufferBytes: 40 * 24, loadFactor: 0.9 });
        if (result === null) break;
        assert.ok(result.mapBytes <= 40 * 24);
        assert.ok(result.endOffset > dirty);
        dirty = result.endOffset;
        passes++;
      }
      assert.ok(passes >= 8, `${passes} passes`);
      const records = await recordsOf(log);
      const latest = new Map(
        records.map((record) => record.split(/[:=]/).slice(1) as [string, string]),
      );
      assert.equal(latest.size, 100);
      assert.ok([...latest.values()].every((value) => value === '2'));
      assert.ok(records.length < 200, `${records.length} records are left`);
    }));

  test('no more is read and written per second than is allowed', () =>
    simulate(async (io) => {
      const log = await logOf(
        io,
        Array.from({ length: 200 }, (_, i): Keyed => [`k${i % 10}`, 'v'.repeat(100)]),
      );
      const { sizeBytes } = log;
      const beganMs = io.clock.monotonic();
      await clean(log, { bytesPerSecondMax: () => 10_000 });
      const tookMs = io.clock.monotonic() - beganMs;
      // The map reads it once, the rewriting again.
      assert.ok(tookMs > ((2 * sizeBytes) / 10_000) * 1000 - 100, `${tookMs} ms`);
      assert.ok(tookMs < ((3 * sizeBytes) / 10_000) * 1000, `${tookMs} ms`);
    }));

  test('a batch larger than the buffers is cleaned', () =>
    simulate(async (io) => {
      const log = await logOf(io, [
        ['a', '1'.repeat(20_000)],
        ['b', '1'.repeat(20_000)],
        ['a', '2'],
      ]);
      await clean(log, { ioBufferBytes: 200 });
      const records = await recordsOf(log);
      assert.deepEqual(
        records.map((record) => record.slice(0, 5)),
        ['1:b=1', '2:a=2'],
      );
    }));

  test('a log that was cleaned is opened with its gaps, whatever its policy is by then', () =>
    simulate(async (io) => {
      const log = await openCompacted(io, { config: { segmentBytesMax: 150 } });
      for (let i = 0; i < 10; i++) put(log, [[`k${i % 2}`, `${i}`]]);
      roll(log);
      await clean(log);
      const content = await contentOf(log);
      const { cleanedTo } = log;
      log.abandon();
      const config = { cleanupPolicy: ['delete'] as const };
      const again = await openCompacted(io, { config, cleanedTo: cleanedTo ?? undefined });
      assert.deepEqual(await contentOf(again), content);
      assert.equal(again.logEndOffset, 10);
    }));
});

describe('batches that cannot be read', () => {
  /** Two records of which the second's length is wrong, compressed and under a right CRC. */
  function halfReadable(codec: CompressionCodec, baseOffset: number, keys: string): Buffer {
    const records = [...keys].map((key) => ({ key: Buffer.from(key), value: Buffer.from('bad') }));
    const plain = encodeBatch({ baseOffset, records });
    const body = Buffer.from(plain.subarray(61));
    const second = body.length / 2;
    body[second] = (body[second] as number) + 2;
    const batch = Buffer.concat([plain.subarray(0, 61), compress(codec, body)]);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt16BE(codec, 21);
    batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
    return batch;
  }

  test('stay as they are, and supersede nothing, not even by what can be read of them', () =>
    simulate(async (io) => {
      for (const codec of [0, 1, 2, 3, 4] as const) {
        const log = await openCompacted(io, { directory: `/codec-${codec}` });
        put(log, [['a', '1']]);
        put(log, [['b', '1']]);
        put(log, [['b', '2']]);
        const bad = halfReadable(codec, 3, 'ab');
        log.appendAsFollower(Buffer.from(bad));
        put(log, [['c', '1']]);
        put(log, [['c', '2']]);
        roll(log);
        const result = await clean(log);
        assert.deepEqual(await shapeOf(log), ['0-0 1', '2-2 1', '3-4 2', '6-6 1']);
        const [, , [buffer, header]] = (await batchesOf(log)) as [Buffer, BatchHeader][] as [
          ...[unknown, unknown],
          [Buffer, BatchHeader],
        ];
        const kept = buffer.subarray(header.position, header.position + header.sizeBytes);
        assert.deepEqual(kept.subarray(17), bad.subarray(17));
        assert.equal(result?.batchesUnreadable, 1);
        assert.equal(result?.firstUnreadable?.baseOffset, 3);
        await log.close();
      }
    }));

  test('do not hide what came later: it supersedes what is before them', () =>
    simulate(async (io) => {
      const log = await openCompacted(io);
      put(log, [['a', '1']]);
      log.appendAsFollower(halfReadable(4, 1, 'ab'));
      put(log, [['a', '2']]);
      roll(log);
      await clean(log);
      assert.deepEqual(await shapeOf(log), ['1-2 2', '3-3 1']);
    }));
});
