// A partition as the log of a machine: batches, commits, reading back, and records of others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { logOf as partitionLogOf } from '../../tests/doubles/replication/logs.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import { batchHeaders, encodeBatch } from '../protocol/index.ts';
import { Partition, type PartitionState } from '../replication/index.ts';
import { defaultLogConfig, type LogConfig, LogResources, PartitionLog } from '../storage/index.ts';
import { type MachineLogCodec, PartitionMachineLog } from './partition-machine-log.ts';

const codec: MachineLogCodec<string> = {
  encode: (record) => {
    const [key = '', value] = record.split('=');
    return { key: Buffer.from(key), value: value === undefined ? null : Buffer.from(value) };
  },
  decode: (key, value) => {
    const name = key.toString();
    if (name.startsWith('?')) return null;
    return value === null ? name : `${name}=${value}`;
  },
};

function leading(leaderEpoch: number, isr = [1]): PartitionState {
  const epochs = { metadataOffset: leaderEpoch, leaderEpoch, partitionEpoch: leaderEpoch };
  return { ...epochs, leader: 1, replicas: isr, isr };
}

/** The tail cache is empty: everything is read from the files. */
async function openLog(
  io: Io,
  config: Partial<LogConfig> = {},
  directory = '/data/o-0',
): Promise<PartitionLog> {
  return await PartitionLog.open(io, {
    directory,
    topic: 'o',
    partition: 0,
    config: { ...defaultLogConfig, cleanupPolicy: ['compact'], ...config },
    wasCleanShutdown: true,
    resources: new LogResources(io, { tailCacheBytesMax: 0 }),
  });
}

async function open(io: Io, config: Partial<LogConfig> = {}): Promise<Partition> {
  const log = await openLog(io, config);
  const identity = { topic: 'o', topicId: ZERO_UUID, partition: 0 };
  const partition = new Partition(io, { ...identity, nodeId: 1, log, highWatermark: 0 });
  partition.becomeLeader(leading(0));
  return partition;
}

/** `7:a=1` is a record in the transaction of producer 7, `end 7` is its marker. */
const transactionalCodec: MachineLogCodec<string> = {
  encode: (record) => {
    const colon = record.indexOf(':');
    const plain = codec.encode(record.slice(colon + 1));
    if (colon < 0) return plain;
    return { ...plain, producer: { producerId: Number(record.slice(0, colon)), producerEpoch: 0 } };
  },
  decode: (key, value, producer) => {
    const plain = codec.decode(key, value);
    return producer === undefined ? plain : `${producer.producerId}:${plain}`;
  },
  markers: {
    of: (record) => {
      if (!record.startsWith('end ')) return null;
      const producerId = Number(record.slice(4));
      return { producerId, producerEpoch: 0, coordinatorEpoch: 0, isCommit: true, ...version };
    },
    recordOf: ({ producerId }) => `end ${producerId}`,
  },
};
const version = { transactionVersion: 1 };

function logOf(io: Io, partition: Partition, of = codec): PartitionMachineLog<string> {
  const options = { partition, codec: of, compression: 0 as const, readBytesMax: 100, unknown: '' };
  return new PartitionMachineLog(io, options);
}

async function readAll(log: PartitionMachineLog<string>, from = 0): Promise<string[]> {
  const records: string[] = [];
  let end = from;
  for await (const run of log.read(from)) {
    assert.ok(run.baseOffset >= end);
    assert.ok(run.endOffset >= run.baseOffset + run.records.length);
    records.push(...run.records);
    end = run.endOffset;
  }
  assert.equal(end, log.endOffset);
  return records;
}

test('what is appended together is one batch and is read back in order', () =>
  simulate(async (io) => {
    const partition = await open(io);
    const log = logOf(io, partition);
    await log.append(['a=1', 'b=2', 'a'], 0);
    await log.append(['c=3'], 3);
    const read = await partition.read(0, {
      bytesMax: 10_000,
      isCommittedOnly: false,
      atLeastOneBatch: true,
    });
    const counts = read.buffers.flatMap((buffer) =>
      [...batchHeaders(buffer)].map(({ recordCount }) => recordCount),
    );
    assert.deepEqual(counts, [3, 1]);
    assert.deepEqual(await readAll(log), ['a=1', 'b=2', 'a', 'c=3']);
    assert.deepEqual(await readAll(log, 2), ['a', 'c=3']);
  }));

test('more than fits a batch becomes several, under the same offsets', () =>
  simulate(async (io) => {
    const partition = await open(io, { messageBytesMax: 120 });
    const log = logOf(io, partition);
    const records = Array.from({ length: 20 }, (_, index) => `key-${index}=value`);
    await log.append(records, 0);
    assert.equal(log.endOffset, 20);
    assert.deepEqual(await readAll(log), records);
  }));

test('records that are not known count and change nothing; offsets may have gaps', () =>
  simulate(async (io) => {
    const partition = await open(io);
    const timestamp = io.clock.now();
    const record = (key: string, offset: number) => ({
      key: Buffer.from(key),
      value: Buffer.from('v'),
      offset,
      timestamp,
    });
    const batch = encodeBatch({ records: [record('a', 0), record('?', 1), record('b', 4)] });
    partitionLogOf(partition).appendAsFollower(batch);
    partition.becomeLeader(leading(1));
    assert.deepEqual(await readAll(logOf(io, partition)), ['a=v', '', 'b=v']);
  }));

test('a log of whose end compaction left nothing ends where it ended', () =>
  simulate(async (io) => {
    const partition = await open(io);
    await logOf(io, partition).append(['a=1', 'b=2', 'c=3'], 0);
    const emptied = new Proxy(partition, {
      get(target, name) {
        if (name === 'read') {
          return (offset: number, options: Parameters<Partition['read']>[1]) =>
            offset < 2
              ? target.read(offset, options)
              : { buffers: [], sizeBytes: 0, firstOffset: offset, nextOffset: offset };
        }
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    assert.deepEqual(await readAll(logOf(io, emptied), 2), []);
  }));

test('a log that lost all it had ends where it ended', () =>
  simulate(async (io) => {
    const partition = await open(io, { cleanupPolicy: ['compact', 'delete'] });
    const log = logOf(io, partition);
    await log.append(['a=1', 'b=2', 'c=3'], 0);
    await partition.upkeep.deleteRecordsBefore(3);
    assert.deepEqual(await readAll(log), []);
    await log.append(['d=4'], 3);
    assert.deepEqual(await readAll(log), ['d=4']);
  }));

for (const harm of ['is moved to another directory', 'loses its beginning'] as const) {
  test(`a log that ${harm} while it is read is read to its end`, () =>
    simulate(async (io) => {
      const config = { segmentBytesMax: 300, cleanupPolicy: ['compact', 'delete'] as const };
      const partition = await open(io, { ...config, cleanupPolicy: [...config.cleanupPolicy] });
      const log = logOf(io, partition);
      const moved = await openLog(io, {}, '/other/o-0');
      for (let i = 0; i < 20; i++) {
        await log.append([`a=${i}`], i);
        const options = { upperBound: i + 1, atLeastOneBatch: true };
        const { buffers } = await partitionLogOf(partition).read(i, 1000, options);
        for (const buffer of buffers) moved.appendAsFollower(Buffer.from(buffer));
      }
      const reading = readAll(log);
      const old = partitionLogOf(partition);
      for (let turn = 0; turn < 12; turn++) await Promise.resolve();
      if (harm === 'loses its beginning') {
        await old.deleteRecordsBefore(10);
      } else {
        partition.replaceLog(moved);
        old.abandon();
      }
      assert.equal((await reading).at(-1), 'a=19');
    }));
}

test('records of a transaction are batches of its producer, and its end is a marker', () =>
  simulate(async (io) => {
    const partition = await open(io);
    const log = logOf(io, partition, transactionalCodec);
    await log.append(['a=1', '7:b=2', '7:c=3', '8:d=4', 'e=5', 'end 7', '8:f=6'], 0);
    const read = await partition.read(0, {
      bytesMax: 10_000,
      isCommittedOnly: false,
      atLeastOneBatch: true,
    });
    const batches = read.buffers.flatMap((buffer) =>
      [...batchHeaders(buffer)].map(({ producerId, recordCount, isControl, isTransactional }) => {
        return [producerId, recordCount, isTransactional, isControl];
      }),
    );
    assert.deepEqual(batches, [
      [-1, 1, false, false],
      [7, 2, true, false],
      [8, 1, true, false],
      [-1, 1, false, false],
      [7, 1, true, true],
      [8, 1, true, false],
    ]);
    assert.equal(partition.lastStableOffset, 3);
    const all = ['a=1', '7:b=2', '7:c=3', '8:d=4', 'e=5', 'end 7', '8:f=6'];
    assert.deepEqual(await readAll(log), all);
    assert.deepEqual(await readAll(log, 5), all.slice(5));
    // A machine that takes part in no transactions has nothing to say to markers.
    assert.deepEqual(await readAll(logOf(io, partition), 4), ['e=5', 'f=6']);
  }));

test('an append is refused when the machine is not where the log ends, or the leader moved', () =>
  simulate(async (io) => {
    const partition = await open(io);
    const log = logOf(io, partition);
    await assert.rejects(log.append(['a=1'], 1), /ends at 0/);
    partition.becomeLeader(leading(1));
    await assert.rejects(log.append(['a=1'], 0), { errorName: 'FENCED_LEADER_EPOCH' });
    partition.becomeFollower({ ...leading(2), leader: 2 });
    await assert.rejects(log.append(['a=1'], 0), { errorName: 'FENCED_LEADER_EPOCH' });
    assert.equal(partition.logEndOffset, 0);
  }));

test('an append waits for the in-sync replicas until we lead no more', () =>
  simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(leading(1, [1, 2]));
    const log = logOf(io, partition);
    let outcome = 'pending';
    log.append(['a=1'], 0).then(
      () => {
        outcome = 'committed';
      },
      (error) => {
        outcome = error.errorName;
      },
    );
    await io.clock.sleep(120_000);
    assert.equal(outcome, 'pending');
    partition.becomeFollower({ ...leading(2), leader: 2 });
    await io.clock.sleep(1);
    assert.equal(outcome, 'NOT_LEADER_OR_FOLLOWER');
  }));
