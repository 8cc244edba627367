// The consumer against scripted brokers: positions, jumps, pauses, failures, what it must hide.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  ScriptedCluster,
  type ScriptedPartition,
} from '../../../tests/doubles/client/scripted-cluster.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import {
  crc32c,
  ErrorCode,
  encodeBatch,
  encodeEndTransactionMarker,
  listOffsets,
  setBaseOffset,
} from '../../protocol/index.ts';
import { Consumer } from './consumer.ts';
import type { ConsumerOptions } from './consumer-options.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import { FetchedRecords } from './fetched-records.ts';
import { UnreadableRecordsError } from './unreadable-records-error.ts';

const place = { topic: 't', partition: 0 };

function createConsumer(
  io: Io,
  cluster: ScriptedCluster,
  options: Partial<ConsumerOptions> = {},
): Consumer {
  return new Consumer({ bootstrapServers: cluster.bootstrapServers, ...options }, io);
}

function fill(partition: ScriptedPartition, count: number, perBatch = 10): void {
  for (let i = 0; i < count; i += perBatch) {
    const first = partition.nextOffset;
    const records = Array.from({ length: perBatch }, (_, j) => ({
      value: Buffer.from(`value ${first + j}`),
      timestamp: 1000 + first + j,
    }));
    partition.append(encodeBatch({ records }));
  }
}

async function pollMany(consumer: Consumer, count: number): Promise<ConsumerRecord[]> {
  const records: ConsumerRecord[] = [];
  for (let polls = 0; records.length < count; polls++) {
    assert.ok(polls < 1000, `${records.length} of ${count} records after many polls`);
    records.push(...(await consumer.poll(1000)));
  }
  return records;
}

function assertDense(records: readonly ConsumerRecord[], first: number, count: number): void {
  assert.deepEqual(
    records.map((record) => record.offset),
    Array.from({ length: count }, (_, i) => first + i),
  );
  for (const { offset, value } of records) assert.equal(String(value), `value ${offset}`);
}

test('records come in order from where autoOffsetReset, an offset or a seek says', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 1000);
    const consumer = createConsumer(io, cluster, { maxPartitionFetchBytes: 2000 });
    await consumer.assign([{ ...place, offset: 'earliest' }]);
    assertDense(await pollMany(consumer, 1000), 0, 1000);
    assert.equal(await consumer.position(place), 1000);
    assert.equal(consumer.highWatermark(place), 1000);
    consumer.seek(place, 995);
    assertDense(await pollMany(consumer, 5), 995, 5);
    consumer.seekToBeginning();
    assert.equal(await consumer.position(place), 0);
    assert.equal((await consumer.poll())[0]?.offset, 0);
    consumer.seekToEnd();
    assert.equal(await consumer.position(place), 1000);
    const tail = consumer.poll(60_000);
    await io.clock.sleep(2000);
    fill(partition, 10);
    assertDense(await tail, 1000, 10);
    await consumer.close();
  }));

test('poll returns at most maxPollRecords, and nothing after maxWaitMs', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 100);
    const consumer = createConsumer(io, cluster, { maxPollRecords: 7 });
    await consumer.assign([{ ...place, offset: 3 }]);
    assertDense(await consumer.poll(), 3, 7);
    assertDense(await consumer.poll(), 10, 7);
    consumer.seekToEnd();
    const beganMs = io.clock.monotonic();
    assert.deepEqual(await consumer.poll(1234), []);
    assert.equal(Math.round((io.clock.monotonic() - beganMs) / 10), 123);
    await consumer.close();
  }));

test('a paused partition hands out nothing and loses nothing', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [one, two] = cluster.addTopic('t', [1, 1]) as [ScriptedPartition, ScriptedPartition];
    fill(one, 50);
    fill(two, 50);
    const consumer = createConsumer(io, cluster, { autoOffsetReset: 'earliest' });
    const other = { topic: 't', partition: 1 };
    await consumer.assign([place, other]);
    consumer.pause([place]);
    assert.deepEqual(consumer.paused(), [place]);
    const records = [...(await pollMany(consumer, 50)), ...(await consumer.poll(500))];
    assert.ok(records.every((record) => record.partition === 1));
    consumer.resume([place]);
    assertDense(await pollMany(consumer, 50), 0, 50);
    await consumer.close();
  }));

test('an offset that is gone is reset by policy, or reported', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 100);
    partition.logStartOffset = 40;
    const earliest = createConsumer(io, cluster, { autoOffsetReset: 'earliest' });
    await earliest.assign([{ ...place, offset: 5 }]);
    assertDense(await pollMany(earliest, 60), 40, 60);
    const latest = createConsumer(io, cluster);
    await latest.assign([{ ...place, offset: 500 }]);
    assert.deepEqual(await latest.poll(2000), []);
    assert.equal(await latest.position(place), 100);
    const none = createConsumer(io, cluster, { autoOffsetReset: 'none' });
    await assert.rejects(none.assign([place]), { errorName: 'OFFSET_OUT_OF_RANGE' });
    await none.assign([{ ...place, offset: 5 }]);
    await assert.rejects(none.poll(5000), { errorName: 'OFFSET_OUT_OF_RANGE' });
    none.seek(place, 90);
    assertDense(await pollMany(none, 10), 90, 10);
    for (const consumer of [earliest, latest, none]) await consumer.close();
  }));

test('the consumer follows a leader that moves and waits for one that is down', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io, 2);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 500);
    const consumer = createConsumer(io, cluster, { maxPartitionFetchBytes: 1000 });
    await consumer.assign([{ ...place, offset: 'earliest' }]);
    const records = await pollMany(consumer, 100);
    cluster.moveLeader('t', 0, 2);
    records.push(...(await pollMany(consumer, 200)));
    await cluster.stopNode(2);
    const rest = pollMany(consumer, 500 - records.length);
    await io.clock.sleep(20_000);
    await cluster.startNode(2);
    records.push(...(await rest));
    assertDense(records, 0, 500);
    await consumer.close();
  }));

test('a position is looked up for as long as it takes, and holds up no other leader', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io, 2);
    const [away, here] = cluster.addTopic('t', [2, 1]) as [ScriptedPartition, ScriptedPartition];
    fill(away, 10);
    fill(here, 10);
    let isSilent = true;
    let refusal: number = ErrorCode.NONE;
    cluster.serve(listOffsets, ({ nodeId, body, respond }) => {
      if (nodeId === 2 && isSilent) return;
      const topics = body.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          return { partitionIndex, errorCode: refusal, offset: 0 };
        }),
      }));
      respond({ topics });
    });
    const other = { topic: 't', partition: 1 };
    const consumer = createConsumer(io, cluster, { autoOffsetReset: 'earliest' });
    // Leaders are known before, so that each is asked by itself.
    await consumer.partitionsFor('t');
    await consumer.assign([place, other]);
    const beganMs = io.clock.monotonic();
    const first = await pollMany(consumer, 10);
    assert.ok(first.every((record) => record.partition === 1));
    assert.ok(io.clock.monotonic() - beganMs < 1000, 'waited for the leader that is silent');
    assert.deepEqual(await consumer.poll(5 * 60_000), []);
    await assert.rejects(consumer.position(place, { timeoutMs: 1000 }), {
      errorName: 'REQUEST_TIMED_OUT',
    });
    isSilent = false;
    refusal = ErrorCode.NOT_LEADER_OR_FOLLOWER;
    assert.deepEqual(await consumer.poll(5 * 60_000), []);

    refusal = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    const refused = { errorName: 'TOPIC_AUTHORIZATION_FAILED' };
    await assert.rejects(consumer.poll(5000), refused);
    await assert.rejects(consumer.poll(5000), refused);
    refusal = ErrorCode.NONE;
    assertDense(await pollMany(consumer, 10), 0, 10);
    await consumer.close();
  }));

test('jumps at random moments never show a record that was not asked for', async () => {
  for (let seed = 0; seed < 20; seed++) {
    await simulate(
      async (io) => {
        const prng = new Prng(`jumps ${seed}`);
        const cluster = await ScriptedCluster.start(io, 2);
        const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
        fill(partition, 1000, 7);
        const consumer = createConsumer(io, cluster, { maxPartitionFetchBytes: 500 });
        await consumer.assign([{ ...place, offset: 0 }]);
        let expected = 0;
        for (let step = 0; step < 100; step++) {
          if (prng.chance(0.3)) {
            expected = prng.int(990);
            consumer.seek(place, expected);
          }
          if (prng.chance(0.05)) cluster.moveLeader('t', 0, 1 + prng.int(2));
          const records = await consumer.poll(prng.chance(0.2) ? 0 : 50);
          assertDense(records, expected, records.length);
          expected += records.length;
        }
        await consumer.close();
      },
      { seed },
    );
  }
});

test('iteration hands out record by record and ends with close', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 30);
    const consumer = createConsumer(io, cluster);
    await consumer.assign([{ ...place, offset: 'earliest' }]);
    const records: ConsumerRecord[] = [];
    for await (const record of consumer) {
      records.push(record);
      if (records.length === 30) await consumer.close();
    }
    assertDense(records, 0, 30);
    assert.deepEqual(await consumer.poll(), []);
  }));

test('offsets are found by time, at the beginning and at the end', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 100);
    partition.logStartOffset = 10;
    const consumer = createConsumer(io, cluster);
    const [at, after] = await consumer
      .offsetsForTimes([{ ...place, timestamp: 1042 }])
      .then(async (found) => [
        ...found,
        ...(await consumer.offsetsForTimes([{ ...place, timestamp: 5000 }])),
      ]);
    assert.equal(at?.found?.offset, 42);
    assert.equal(after?.found, null);
    assert.deepEqual(await consumer.beginningOffsets([place]), [{ ...place, offset: 10 }]);
    assert.deepEqual(await consumer.endOffsets([place]), [{ ...place, offset: 100 }]);
    await assert.rejects(
      consumer.endOffsets([{ topic: 'missing', partition: 0 }], { timeoutMs: 500 }),
      { errorName: 'UNKNOWN_TOPIC_OR_PARTITION' },
    );
    await consumer.close();
  }));

test('a damaged batch is an error that names it, and can be stepped over', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 30);
    const damaged = partition.batches[1]?.bytes as Buffer;
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    const consumer = createConsumer(io, cluster);
    await consumer.assign([{ ...place, offset: 'earliest' }]);
    assertDense(await pollMany(consumer, 10), 0, 10);
    const failure = { errorName: 'CORRUPT_MESSAGE', message: /offset 10 of t-0 has a wrong CRC/ };
    await assert.rejects(consumer.poll(), failure);
    await assert.rejects(consumer.poll(), failure);
    assert.equal(await consumer.position(place), 10);
    consumer.seek(place, 20);
    assertDense(await pollMany(consumer, 10), 20, 10);
    await consumer.close();
  }));

/** The batch with other bytes for records, under a right CRC. */
function withBody(bytes: Buffer, body: Buffer): Buffer {
  const batch = Buffer.concat([bytes.subarray(0, 61), body]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(3, 21);
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
}

test('records that cannot be unpacked are an error with the place, and where to go on', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 30);
    const batch = partition.batches[1] as { bytes: Buffer };
    Object.assign(batch, { bytes: withBody(batch.bytes, Buffer.from('no lz4 frame')) });
    const consumer = createConsumer(io, cluster);
    await consumer.assign([{ ...place, offset: 'earliest' }]);
    assertDense(await pollMany(consumer, 10), 0, 10);
    for (let round = 0; round < 2; round++) {
      await assert.rejects(consumer.poll(), (error) => {
        assert.ok(error instanceof UnreadableRecordsError);
        assert.deepEqual(error.topicPartition, place);
        assert.deepEqual([error.offset, error.nextOffset], [10, 20]);
        assert.match(error.message, /offset 10 of t-0 .*lz4.*seek to 20/);
        return true;
      });
    }
    assert.equal(await consumer.position(place), 10);
    consumer.seek(place, 20);
    assertDense(await pollMany(consumer, 10), 20, 10);
    await consumer.close();
  }));

test('a batch whose header cannot be read hides no record before it', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 30);
    (partition.batches[1]?.bytes as Buffer)[16] = 9;
    const consumer = createConsumer(io, cluster);
    await consumer.assign([{ ...place, offset: 'earliest' }]);
    assertDense(await pollMany(consumer, 10), 0, 10);
    const failure = { name: 'UnreadableRecordsError', offset: 10, nextOffset: 11 };
    await assert.rejects(consumer.poll(), failure);
    await assert.rejects(consumer.poll(), failure);
    await consumer.close();
  }));

test('a partition that cannot be read does not hide the records of others', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [bad, good] = cluster.addTopic('t', [1, 1]) as [ScriptedPartition, ScriptedPartition];
    fill(bad, 30);
    fill(good, 50);
    const damaged = bad.batches[0]?.bytes as Buffer;
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    const consumer = createConsumer(io, cluster, { maxPollRecords: 10 });
    await consumer.assign([
      { ...place, offset: 'earliest' },
      { topic: 't', partition: 1, offset: 'earliest' },
    ]);
    let records = 0;
    let errors = 0;
    for (let polls = 0; polls < 40 && records < 50; polls++) {
      try {
        records += (await consumer.poll()).length;
      } catch (error) {
        assert.ok(error instanceof UnreadableRecordsError);
        errors++;
      }
    }
    assert.equal(records, 50);
    // And the error does not wait until the others have nothing more.
    assert.ok(errors >= 3, `${errors} errors`);
    await consumer.close();
  }));

test('read_committed hides aborted transactions and markers, read_uncommitted only markers', () => {
  const batch = (baseOffset: number, producerId: number, values: string[]): Buffer => {
    const records = values.map((value) => ({ value: Buffer.from(value), timestamp: 1 }));
    const options = { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true };
    const bytes = encodeBatch({ records, ...options });
    setBaseOffset(bytes, 0, baseOffset);
    return bytes;
  };
  const marker = (baseOffset: number, producerId: number, isCommit: boolean): Buffer =>
    encodeEndTransactionMarker({
      isCommit,
      coordinatorEpoch: 0,
      producerId,
      producerEpoch: 0,
      timestamp: 1,
      baseOffset,
    });
  const log = Buffer.concat([
    batch(0, 7, ['aborted 7', 'aborted 7']),
    batch(2, 8, ['committed 8']),
    marker(3, 7, false),
    marker(4, 8, true),
    batch(5, 7, ['committed 7']),
    marker(6, 7, true),
  ]);
  const read = (abortedTransactions: { producerId: number; firstOffset: number }[] | null) => {
    const fetched = new FetchedRecords(place, log, 0, { checkCrcs: true, abortedTransactions });
    const out: ConsumerRecord[] = [];
    while (fetched.take(2, out) > 0);
    assert.equal(fetched.nextOffset, 7);
    assert.ok(fetched.isEmpty);
    return out.map((record) => `${record.offset} ${record.value}`);
  };
  assert.deepEqual(read([{ producerId: 7, firstOffset: 0 }]), ['2 committed 8', '5 committed 7']);
  assert.equal(read(null).length, 4);
});

test('what is fetched ahead is bounded', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(partition, 1000);
    const consumer = createConsumer(io, cluster, { maxPartitionFetchBytes: 500 });
    await consumer.assign([{ ...place, offset: 'earliest' }]);
    await io.clock.sleep(60_000);
    assert.equal(cluster.requestCounts.get('Fetch'), 2);
    assertDense(await pollMany(consumer, 1000), 0, 1000);
    await consumer.close();
  }));

test('a topic that was deleted and created anew is read from its beginning', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [before] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    fill(before, 100);
    const reader = createConsumer(io, cluster);
    const strict = createConsumer(io, cluster, { autoOffsetReset: 'none' });
    for (const consumer of [reader, strict]) {
      await consumer.assign([{ ...place, offset: 0 }]);
      assertDense(await pollMany(consumer, 100), 0, 100);
    }
    const [after] = cluster.addTopic('t', [1]) as [ScriptedPartition];
    const { partitions } = cluster.topics.get('t') ?? assert.fail();
    const topicId = Buffer.from('another topic id').toString('base64url');
    cluster.topics.set('t', { topicId, partitions });
    fill(after, 150);
    assertDense(await pollMany(reader, 150), 0, 150);
    await assert.rejects(pollMany(strict, 1), /deleted and created anew, .* is none: seek to/);
    strict.seek(place, 140);
    assertDense(await pollMany(strict, 10), 140, 10);
    await Promise.all([reader.close(), strict.close()]);
  }));
