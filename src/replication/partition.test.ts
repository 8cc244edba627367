// Roles, epochs, watermarks and waits of one partition over a real log on a simulated disk.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { logOf } from '../../tests/doubles/replication/logs.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import { encodeBatch } from '../protocol/index.ts';
import { defaultLogConfig, type LogConfig, LogResources, PartitionLog } from '../storage/index.ts';
import { Partition } from './partition.ts';
import type { PartitionState } from './partition-state.ts';

const nodeId = 1;

let newestOffset = 0;

/** Newer than what came before it. */
function state(changes: Partial<PartitionState> = {}): PartitionState {
  return {
    metadataOffset: newestOffset++,
    leader: nodeId,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [nodeId],
    isr: [nodeId],
    ...changes,
  };
}

function openLog(io: Io, config: Partial<LogConfig> = {}, directory = '/data/t-0') {
  return PartitionLog.open(io, {
    ...{ directory, topic: 't', partition: 0, config: { ...defaultLogConfig, ...config } },
    wasCleanShutdown: true,
    resources: new LogResources(io),
  });
}

async function open(io: Io, config: Partial<LogConfig> = {}, highWatermark = 0) {
  const log = await openLog(io, config);
  const identity = { topic: 't', topicId: ZERO_UUID, partition: 0 };
  return new Partition(io, { ...identity, nodeId, log, highWatermark });
}

function batch(io: Io, count = 1): Buffer {
  const timestamp = io.clock.now();
  const records = Array.from({ length: count }, () => ({ value: Buffer.from('x'), timestamp }));
  return encodeBatch({ records });
}

function transactionalBatch(io: Io, producerId: number, baseSequence: number): Buffer {
  const records = [{ value: Buffer.from('x'), timestamp: io.clock.now() }];
  return encodeBatch({
    records,
    producerId,
    producerEpoch: 0,
    baseSequence,
    isTransactional: true,
  });
}

function verified(partition: Partition, producerId: number) {
  const batch = { producerId, producerEpoch: 0, baseSequence: 0, hasOwnEpoch: false };
  return { verification: partition.producers.beginVerification(batch, 0) };
}

const endOf = (producerId: number) => ({
  producerId,
  producerEpoch: 0,
  coordinatorEpoch: 0,
  isCommit: true,
  transactionVersion: 0,
});

const readAll = { bytesMax: 1_000_000, isCommittedOnly: false, atLeastOneBatch: true };

test('a leader that is alone shows an append at once', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state());
    const result = partition.appendAsLeader(batch(io, 3));
    assert.deepEqual([result.baseOffset, result.lastOffset], [0, 2]);
    assert.equal(partition.highWatermark, 3);
    const read = await partition.read(0, readAll);
    assert.equal(read.nextOffset, 3);
    await partition.offsetReached(3, 0);
  });
});

test('with another replica in sync nothing is shown before it has the records', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state({ replicas: [1, 2], isr: [1, 2] }));
    partition.appendAsLeader(batch(io));
    assert.equal(partition.highWatermark, 0);
    assert.equal((await partition.read(0, readAll)).sizeBytes, 0);
    const deadlineMs = io.clock.monotonic() + 100;
    await assert.rejects(partition.offsetReached(1, deadlineMs), {
      errorName: 'REQUEST_TIMED_OUT',
    });
    partition.becomeLeader(
      state({ leaderEpoch: 1, partitionEpoch: 1, replicas: [1, 2], isr: [1] }),
    );
    assert.equal(partition.highWatermark, 1);
  });
});

test('an append is committed when each member of the in-sync set has it', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state({ leaderEpoch: 3, replicas: [1, 2], isr: [1, 2] }));
    partition.appendAsLeader(batch(io, 3));
    const wait = partition.offsetReached(3, io.clock.monotonic() + 60_000);
    const life = { replicaId: 2, logStartOffset: 0, timeMs: 0, brokerEpoch: 1 };
    const fetch = { ...life, connectionNumber: 0, currentLeaderEpoch: 3 };
    for (const epoch of [2, 4]) {
      const errorName = epoch === 2 ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH';
      const late = { ...fetch, fetchOffset: 3, currentLeaderEpoch: epoch };
      assert.throws(() => partition.onFollowerFetch(late), { errorName });
    }
    partition.onFollowerFetch({ ...fetch, fetchOffset: 2 });
    assert.equal(partition.highWatermark, 2);
    partition.onFollowerFetch({ ...fetch, fetchOffset: 3 });
    await wait;
    assert.equal(partition.highWatermark, 3);
  });
});

test('a change of the in-sync set moves the watermark when it holds, or is refused', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    const replicas = [1, 2, 3];
    partition.becomeLeader(state({ replicas, isr: [1, 2] }));
    partition.appendAsLeader(batch(io));
    const removal = partition.beginIsrChange([1]);
    assert.equal(partition.highWatermark, 0);
    const partitionEpoch = removal.partitionEpoch + 1;
    partition.becomeLeader(state({ partitionEpoch, replicas, isr: [1] }));
    assert.equal(partition.highWatermark, 1);
    const addition = partition.beginIsrChange([1, 3]);
    partition.appendAsLeader(batch(io));
    assert.equal(partition.highWatermark, 1);
    partition.onIsrChangeRefused(addition);
    assert.equal(partition.highWatermark, 2);
  });
});

test('with fewer in sync than min.insync.replicas nothing becomes visible', async () => {
  await simulate(async (io) => {
    const partition = await open(io, { minInSyncReplicas: 2 });
    partition.becomeLeader(state({ replicas: [1, 2], isr: [1] }));
    partition.appendAsLeader(batch(io));
    assert.equal(partition.highWatermark, 0);
    partition.configure({ ...defaultLogConfig, minInSyncReplicas: 1 });
    assert.equal(partition.highWatermark, 1);
  });
});

test('where the topic wants an fsync per record the watermark waits for it', async () => {
  await simulate(
    async (io) => {
      const partition = await open(io, { flushMessages: 1 });
      partition.becomeLeader(state());
      const result = partition.appendAsLeader(batch(io));
      assert.equal(result.flushDue, true);
      assert.equal(partition.highWatermark, 0);
      assert.equal(partition.isFlushPending(1), true);
      const second = partition.appendAsLeader(batch(io, 2));
      assert.equal(second.lastOffset, 2);
      await Promise.all([
        partition.offsetFlushed(1, io.clock.monotonic() + 10_000),
        partition.offsetReached(3, io.clock.monotonic() + 10_000),
      ]);
      assert.equal(partition.highWatermark, 3);
      assert.equal(partition.logView.recoveryPoint, 3);
      assert.equal(partition.isFlushPending(3), false);
    },
    { faults: { disk: { syncMsMean: 10 } } },
  );
});

test('a flush of batches that a truncation took ends', async () => {
  await simulate(
    async (io) => {
      const partition = await open(io, { flushMessages: 1 });
      partition.becomeLeader(state({ replicas: [1, 2], isr: [1, 2] }));
      partition.appendAsLeader(batch(io));
      const wait = partition.offsetFlushed(1, io.clock.monotonic() + 10_000);
      partition.becomeFollower(state({ leader: 2, leaderEpoch: 1, replicas: [1, 2], isr: [1, 2] }));
      await assert.rejects(wait, { errorName: 'NOT_LEADER_OR_FOLLOWER' });
      await logOf(partition).truncateTo(0);
      // A loop that does not end would keep everything else from being run.
      await io.clock.sleep(1000);
      assert.equal(partition.isFlushPending(partition.logEndOffset), false);
    },
    { faults: { disk: { syncMsMean: 10 } } },
  );
});

test('an fsync that a full disk postpones fails the wait, and is done when there is room', () =>
  simulate(async (io, process) => {
    const partition = await open(io, { flushMessages: 1, segmentBytesMax: 200 });
    partition.becomeLeader(state());
    // What is synced along with the records (epochs, indexes, snapshots) has no room.
    const { files } = process.host;
    const { capacityBytes } = files;
    files.capacityBytes = capacityBytes - files.usableBytes + batch(io).length;
    partition.appendAsLeader(batch(io));
    const deadlineMs = io.clock.monotonic() + 10_000;
    await assert.rejects(partition.offsetReached(1, deadlineMs), {
      errorName: 'KAFKA_STORAGE_ERROR',
    });
    assert.equal(partition.role, 'leader');
    files.capacityBytes = capacityBytes;
    await partition.offsetReached(1, deadlineMs);
    assert.equal(partition.logView.recoveryPoint, 1);
  }));

test('only the leader of the epoch the client believes in serves it', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    assert.throws(() => partition.assertLeader(), { errorName: 'NOT_LEADER_OR_FOLLOWER' });
    partition.becomeLeader(state({ leaderEpoch: 5 }));
    partition.assertLeader();
    partition.assertLeader(5);
    assert.throws(() => partition.assertLeader(4), { errorName: 'FENCED_LEADER_EPOCH' });
    assert.throws(() => partition.assertLeader(6), { errorName: 'UNKNOWN_LEADER_EPOCH' });
    partition.becomeFollower(state({ leader: 2, leaderEpoch: 6 }));
    assert.throws(() => partition.appendAsLeader(batch(io)), {
      errorName: 'NOT_LEADER_OR_FOLLOWER',
    });
    partition.becomeOffline();
    assert.throws(() => partition.assertLeader(), { errorName: 'KAFKA_STORAGE_ERROR' });
  });
});

test('older metadata than what is known changes nothing', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state({ leaderEpoch: 5 }));
    partition.becomeFollower(state({ leader: 2, leaderEpoch: 4 }));
    assert.equal(partition.isLeader, true);
    assert.equal(partition.leaderEpoch, 5);
  });
});

test('an older image changes nothing, whatever epochs it claims', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state({ metadataOffset: 7 }));
    for (const metadataOffset of [6, 7]) {
      partition.becomeFollower(state({ metadataOffset, leader: 2, leaderEpoch: 9 }));
      assert.equal(partition.isLeader, true);
      assert.equal(partition.leaderEpoch, 0);
    }
    partition.becomeFollower(state({ metadataOffset: 8, leader: 2, leaderEpoch: 9 }));
    assert.equal(partition.isLeader, false);
  });
});

test('a new epoch ends every wait', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state({ replicas: [1, 2], isr: [1, 2] }));
    partition.appendAsLeader(batch(io));
    const wait = partition.offsetReached(1, io.clock.monotonic() + 60_000);
    let interrupted = 0;
    partition.addListener({
      isCommittedOnly: false,
      isFollower: false,
      onVisible: () => {},
      onMoved: () => {},
      onInterrupted: () => interrupted++,
    });
    partition.becomeFollower(state({ leader: 2, leaderEpoch: 1 }));
    await assert.rejects(wait, { errorName: 'NOT_LEADER_OR_FOLLOWER' });
    assert.equal(interrupted, 1);
  });
});

test('acks=all is refused while fewer replicas are in sync than the topic demands', async () => {
  await simulate(async (io) => {
    const partition = await open(io, { minInSyncReplicas: 2 });
    partition.becomeLeader(state({ replicas: [1, 2, 3], isr: [1] }));
    assert.throws(() => partition.assertEnoughReplicas(), { errorName: 'NOT_ENOUGH_REPLICAS' });
    partition.becomeLeader(state({ partitionEpoch: 1, replicas: [1, 2, 3], isr: [1, 2] }));
    partition.assertEnoughReplicas();
    partition.becomeLeader(state({ partitionEpoch: 2, replicas: [1], isr: [1] }));
    partition.assertEnoughReplicas();
  });
});

test('listeners hear of bytes when they become visible, not when they are written', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state({ replicas: [1, 2], isr: [1, 2] }));
    const seen: number[] = [];
    partition.addListener({
      isCommittedOnly: false,
      isFollower: false,
      onVisible: (bytes) => seen.push(bytes),
      onMoved: () => {},
      onInterrupted: () => {},
    });
    const [first, second] = [batch(io), batch(io, 5)];
    partition.appendAsLeader(first);
    partition.appendAsLeader(second);
    assert.deepEqual(seen, []);
    partition.becomeLeader(state({ partitionEpoch: 1, replicas: [1, 2], isr: [1] }));
    assert.deepEqual(seen, [first.length + second.length]);
  });
});

test('who reads committed records hears of them when the transaction is decided', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state());
    const seen = { all: 0, committed: 0 };
    const listen = (isCommittedOnly: boolean) =>
      partition.addListener({
        isCommittedOnly,
        isFollower: false,
        onVisible: (bytes) => {
          seen[isCommittedOnly ? 'committed' : 'all'] += bytes;
        },
        onMoved: () => {},
        onInterrupted: () => {},
      });
    listen(true);
    listen(false);
    const open1 = transactionalBatch(io, 1, 0);
    partition.appendInTransaction(open1, verified(partition, 1));
    const plain = batch(io);
    partition.appendAsLeader(plain);
    partition.appendInTransaction(transactionalBatch(io, 2, 0), verified(partition, 2));
    assert.equal(seen.committed, 0);
    assert.equal(partition.lastStableOffset, 0);
    partition.appendTransactionMarker(endOf(1));
    assert.equal(seen.committed, open1.length + plain.length);
    assert.equal(partition.lastStableOffset, 2);
    partition.appendTransactionMarker(endOf(2));
    assert.equal(seen.committed, seen.all);
    const after = batch(io);
    partition.appendAsLeader(after);
    assert.equal(seen.committed, seen.all);
    assert.equal(partition.lastStableOffset, 6);
  });
});

test('a decided transaction stays unseen until its marker is replicated', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state());
    partition.appendInTransaction(transactionalBatch(io, 1, 0), verified(partition, 1));
    partition.becomeLeader(state({ partitionEpoch: 1, replicas: [1, 2], isr: [1, 2] }));
    let bytes = 0;
    const onVisible = (more: number) => {
      bytes += more;
    };
    partition.addListener({
      isCommittedOnly: true,
      isFollower: false,
      onVisible,
      onMoved: () => {},
      onInterrupted: () => {},
    });
    partition.appendTransactionMarker(endOf(1));
    assert.deepEqual([partition.lastStableOffset, bytes], [0, 0]);
    partition.becomeLeader(state({ partitionEpoch: 2, replicas: [1, 2], isr: [1] }));
    assert.equal(partition.lastStableOffset, 2);
    assert.ok(bytes > 100, `${bytes} bytes`);
  });
});

test('a marker is refused by a follower and without enough replicas', async () => {
  await simulate(async (io) => {
    const partition = await open(io, { minInSyncReplicas: 2 });
    const refused = (errorName: string) =>
      assert.throws(() => partition.appendTransactionMarker(endOf(1)), { errorName });
    refused('NOT_LEADER_OR_FOLLOWER');
    partition.becomeLeader(state({ replicas: [1, 2], isr: [1] }));
    refused('NOT_ENOUGH_REPLICAS');
    assert.equal(partition.logEndOffset, 0);
  });
});

test('a batch that is being verified is taken by the log that takes over', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state());
    const first = verified(partition, 7);
    partition.replaceLog(await openLog(io, {}, '/other/t-0'));
    assert.equal(partition.appendInTransaction(transactionalBatch(io, 7, 0), first).lastOffset, 0);
    const second = verified(partition, 8);
    partition.appendTransactionMarker(endOf(8));
    assert.throws(() => partition.appendInTransaction(transactionalBatch(io, 8, 0), second), {
      errorName: 'INVALID_TXN_STATE',
    });
  });
});

test('a log that takes over from a follower has the epochs of its records alone', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeFollower(state({ leader: 2, leaderEpoch: 7 }));
    partition.replaceLog(await openLog(io, {}, '/other/t-0'));
    // A leader that is asked for epoch 7 would find nothing that parts the logs.
    assert.equal(partition.following?.fetchPosition()?.lastFetchedEpoch, -1);
  });
});

test('records are deleted up to the watermark and not beyond', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    partition.becomeLeader(state());
    for (let i = 0; i < 5; i++) partition.appendAsLeader(batch(io));
    assert.equal(await partition.upkeep.deleteRecordsBefore(3), 3);
    assert.equal(partition.logStartOffset, 3);
    await assert.rejects(partition.upkeep.deleteRecordsBefore(6), {
      errorName: 'OFFSET_OUT_OF_RANGE',
    });
    assert.equal(await partition.upkeep.deleteRecordsBefore(-1), 5);
    assert.equal(partition.logStartOffset, 5);
    assert.throws(() => partition.read(2, readAll), { errorName: 'OFFSET_OUT_OF_RANGE' });
  });
});

test('a partition keeps no upkeep in memory: there may be ten thousand of them', async () => {
  await simulate(async (io) => {
    const partition = await open(io);
    assert.notEqual(partition.upkeep, partition.upkeep);
  });
});

test('a watermark from before the restart is kept within the log', async () => {
  await simulate(async (io) => {
    const partition = await open(io, {}, 100);
    assert.equal(partition.highWatermark, 0);
  });
});

test('the clock of a follower deletes nothing: what is too old its leader says', async () => {
  await simulate(async (io) => {
    const config = { segmentBytesMax: 100, retentionMs: 1000, cleanupPolicy: ['delete'] as const };
    const partition = await open(io, config);
    partition.becomeLeader(state());
    for (let i = 0; i < 5; i++) partition.appendAsLeader(batch(io));
    partition.becomeFollower(state({ leader: 2, leaderEpoch: 1 }));
    await io.clock.sleep(5000);
    assert.equal(await partition.upkeep.applyRetention(), 0);
    assert.equal(partition.logStartOffset, 0);
    partition.becomeFollower(state({ leader: -1, leaderEpoch: 2 }));
    assert.equal(await partition.upkeep.applyRetention(), 0, 'nor does it where nobody leads');
    partition.becomeLeader(state({ leaderEpoch: 3 }));
    assert.ok((await partition.upkeep.applyRetention()) >= 4);
  });
});
