// What a killed process wrote and did not sync, once the log is open again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate, World } from '../../../sim/index.ts';
import { append, DIRECTORY, openLog } from '../../../tests/doubles/storage/logs.ts';
import type { Io } from '../../io/index.ts';
import { encodeMessageSet, KafkaError } from '../../protocol/index.ts';
import type { LogConfig } from '../log/log-config.ts';
import { decodeProducerSnapshot, encodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import { LOG_SUFFIX, logFileName, SNAPSHOT_SUFFIX } from '../segment/log-files.ts';

/** Endings of the log after a kill, and after a power cut that follows the next opening. */
async function endsAfter(flushMessages: number): Promise<number[]> {
  const world = new World();
  const host = world.host('host');
  const ends: number[] = [];
  const config = { flushMessages, segmentBytesMax: 200 };
  const open = async (values: readonly string[]): Promise<void> => {
    let isDone = false;
    host.start(async (io) => {
      const log = await openLog(io, { config });
      ends.push(log.logEndOffset);
      for (const value of values) append(log, [value]);
      isDone = true;
    });
    await world.run(() => isDone);
  };
  await open(['a', 'b', 'c', 'd']);
  host.kill();
  await open([]);
  host.powerCut();
  await open([]);
  host.kill();
  return ends;
}

test('a topic that syncs before it answers is synced before it is served again', async () => {
  assert.deepEqual(await endsAfter(1), [0, 4, 4]);
});

const numbered = (baseSequence: number, producerEpoch = 0) => {
  return { producerId: 7, producerEpoch, baseSequence };
};
const refused = (name: string) => (error: unknown) =>
  error instanceof KafkaError && error.errorName === name;

for (const how of ['closed', 'killed'] as const) {
  test(`a retry of one of the last five batches is found after the log was ${how}`, () =>
    simulate(async (io) => {
      const config = { segmentBytesMax: 300 };
      const log = await openLog(io, { config });
      for (let i = 0; i < 7; i++) append(log, ['v'.repeat(100)], numbered(i));
      if (how === 'closed') await log.close();
      else await log.flush();
      const wasCleanShutdown = how === 'closed';
      const again = await openLog(io, { config, wasCleanShutdown, recoveryPoint: 7 });
      for (let i = 2; i < 7; i++) {
        const retry = append(again, ['v'.repeat(100)], numbered(i));
        assert.deepEqual([retry.isDuplicate, retry.baseOffset, retry.lastOffset], [true, i, i]);
      }
      for (const sequence of [0, 1, 8]) {
        const other = () => append(again, ['v'.repeat(100)], numbered(sequence));
        assert.throws(other, refused('OUT_OF_ORDER_SEQUENCE_NUMBER'));
      }
      assert.equal(append(again, ['v'], numbered(7)).baseOffset, 7);
    }));
}

test('what is lower than the first sequence seen is no duplicate, nor after a restart', () =>
  simulate(async (io) => {
    let log = await openLog(io);
    append(log, ['a'], numbered(10));
    append(log, ['b'], numbered(0, 1));
    for (const wasCleanShutdown of [false, true, true]) {
      assert.throws(() => append(log, ['c'], numbered(0)), refused('INVALID_PRODUCER_EPOCH'));
      const other = { ...numbered(10), producerId: 8 };
      if (!wasCleanShutdown) append(log, ['d'], other);
      for (const baseSequence of [0, 5, 9]) {
        const lower = () => append(log, ['c'], { ...other, baseSequence });
        assert.throws(lower, refused('OUT_OF_ORDER_SEQUENCE_NUMBER'));
      }
      assert.ok(append(log, ['d'], other).isDuplicate);
      await log.close();
      log = await openLog(io, { wasCleanShutdown: true, recoveryPoint: 3 });
    }
  }));

test('of a snapshot with one batch a producer only that one is remembered', () =>
  simulate(async (io) => {
    const log = await openLog(io);
    for (let i = 0; i < 3; i++) append(log, ['v'], numbered(i));
    await log.close();
    const path = `${DIRECTORY}/${logFileName(3, SNAPSHOT_SUFFIX)}`;
    const entries = decodeProducerSnapshot(io.disk.readFile(path) ?? Buffer.alloc(0)) ?? [];
    assert.deepEqual(
      entries.map(({ lastSequence }) => lastSequence),
      [0, 1, 2],
    );
    io.disk.open(path, 'create').write([encodeProducerSnapshot(entries.slice(2))], 0);
    io.disk.open(path, 'create').truncate(56);
    const again = await openLog(io, { wasCleanShutdown: true, recoveryPoint: 3 });
    assert.ok(append(again, ['v'], numbered(2)).isDuplicate);
    const before = () => append(again, ['v'], numbered(1));
    assert.throws(before, refused('OUT_OF_ORDER_SEQUENCE_NUMBER'));
  }));

/** Three segments that were not synced, of which a power cut takes what the middle one had. */
async function withLostSegment(io: Io, cleanupPolicy: LogConfig['cleanupPolicy']): Promise<void> {
  const config = { cleanupPolicy, segmentBytesMax: 300 };
  const producer = { producerId: 7, producerEpoch: 0 };
  const log = await openLog(io, { config });
  for (let i = 0; i < 6; i++) append(log, ['v'.repeat(100)], { ...producer, baseSequence: i });
  assert.equal(log.segmentCount, 6);
  log.abandon();
  const file = io.disk.open(`${DIRECTORY}/${logFileName(4, LOG_SUFFIX)}`, 'write');
  file.truncate(0);
  file.close();
}

for (const policy of ['delete', 'compact'] as const) {
  test(`what follows a lost segment goes, too (${policy}): a retry is no duplicate of it`, () =>
    simulate(async (io) => {
      await withLostSegment(io, [policy]);
      const config = { cleanupPolicy: [policy], segmentBytesMax: 300 };
      const log = await openLog(io, { config, recoveryPoint: 3 });
      assert.equal(log.logEndOffset, 4);
      const retry = { producerId: 7, producerEpoch: 0, baseSequence: 4 };
      const result = append(log, ['v'], retry);
      assert.deepEqual([result.baseOffset, result.isDuplicate], [4, false]);
    }));
}

test('a compacted log is believed where the checkpoint was lost that tells gaps from losses', () =>
  simulate(async (io) => {
    await withLostSegment(io, ['compact']);
    const config = { cleanupPolicy: ['compact'] as const, segmentBytesMax: 300 };
    const log = await openLog(io, { config });
    assert.equal(log.logEndOffset, 6);
    // The checkpoint that is written next says so.
    assert.equal(log.recoveryPoint, 6);
  }));

for (const suffix of ['.index', '.timeindex']) {
  test(`gaps are believed in a log that a killed Kafka left, as its ${suffix} says`, () =>
    simulate(async (io) => {
      await withLostSegment(io, ['compact']);
      const config = { cleanupPolicy: ['compact'] as const, segmentBytesMax: 300 };
      const path = `${DIRECTORY}/${logFileName(5, suffix)}`;
      io.disk.open(path, 'create').truncate(suffix === '.index' ? 10_485_760 : 10_485_756);
      for (let start = 0; start < 3; start++) {
        const log = await openLog(io, { config, recoveryPoint: 3 });
        assert.equal(log.logEndOffset, 6);
        assert.equal(log.recoveryPoint, 6);
        // A kill before there was a checkpoint.
        log.abandon();
      }
      const log = await openLog(io, { config, recoveryPoint: 3 });
      append(log, ['v'.repeat(100)]);
      assert.equal(log.segmentCount, 7);
      await log.flush();
      log.abandon();
      // The sign is gone with the segment that had it.
      assert.ok((io.disk.stat(path)?.sizeBytes ?? 0) < 1000);
    }));
}

test('a snapshot that is left of a segment which compaction merged is not believed', () =>
  simulate(async (io) => {
    const config = { segmentBytesMax: 700 };
    const log = await openLog(io, { config });
    for (let i = 0; i < 5; i++) append(log, ['v'.repeat(100)]);
    await log.flush();
    const [offset, entry] = [1, { producerId: 7, epoch: 0, lastSequence: 0, lastOffset: 0 }];
    const open = { offsetDelta: 0, timestamp: 0, coordinatorEpoch: 0, currentTxnFirstOffset: 0 };
    const path = `${DIRECTORY}/${logFileName(offset, SNAPSHOT_SUFFIX)}`;
    io.disk.open(path, 'create').write([encodeProducerSnapshot([{ ...entry, ...open }])], 0);
    const snapshots = () =>
      io.disk
        .list(DIRECTORY)
        .map(({ name }) => name)
        .filter((name) => name.endsWith(SNAPSHOT_SUFFIX));
    // Those of its own segments stay; without them the stray one would be the latest.
    for (const name of snapshots()) {
      if (!path.endsWith(name)) await io.disk.remove(`${DIRECTORY}/${name}`);
    }
    const again = await openLog(io, { config, recoveryPoint: 4 });
    assert.equal(again.lastStableOffset, again.logEndOffset);
    assert.deepEqual(snapshots(), []);
  }));

test('messages from before Kafka 0.11 are refused, and not taken for a torn tail', () =>
  simulate(async (io) => {
    const path = `${DIRECTORY}/${logFileName(0, LOG_SUFFIX)}`;
    for (const magic of [0, 1] as const) {
      for (const compression of [0, 1] as const) {
        await io.disk.remove(DIRECTORY);
        const log = await openLog(io, {});
        append(log, ['a record of today']);
        log.abandon();
        const messages = [0, 1].map((i) => ({ offset: 1 + i, value: Buffer.from(`old ${i}`) }));
        const old = encodeMessageSet(messages, { magic, compression });
        const file = io.disk.open(path, 'write');
        const sizeBytes = file.sizeBytes();
        file.write([old], sizeBytes);
        await assert.rejects(openLog(io, {}), /formats before 0\.11.*copy the topic to a new one/);
        assert.equal(file.sizeBytes(), sizeBytes + old.length);
        // One bit of it wrong: that is a torn tail.
        file.write([Buffer.from([(old.at(-1) as number) ^ 1])], file.sizeBytes() - 1);
        if (compression === 1) assert.equal((await openLog(io, {})).logEndOffset, 1);
        file.close();
      }
    }
  }));
