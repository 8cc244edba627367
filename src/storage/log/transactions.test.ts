// Transactions in one log: who may open, continue and end one, in both versions of the protocol,
// and what a restart remembers of the open ones.

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
import type { Disk, File } from '../../io/index.ts';
import { type EndMarker, encodeEndMarker } from '../producers/end-marker.ts';
import type { PartitionLog } from './partition-log.ts';

const now = Date.UTC(2026, 0, 1);
const refuses = (errorName: string) => ({ errorName });

function write(log: PartitionLog, baseSequence: number, producerEpoch = 0, producerId = 7) {
  const identity = { producerId, producerEpoch, baseSequence, isTransactional: true };
  return append(log, [`${producerEpoch}.${baseSequence}`], identity);
}

function end(log: PartitionLog, marker: Partial<EndMarker> = {}) {
  const whole: EndMarker = {
    producerId: 7,
    producerEpoch: 0,
    coordinatorEpoch: 0,
    isCommit: true,
    transactionVersion: 1,
    ...marker,
  };
  const { transactionVersion } = whole;
  const options = { leaderEpoch: 0, timestampNow: now, transactionVersion };
  return log.appendAsLeader(encodeEndMarker(whole, now), { ...options, origin: 'coordinator' });
}

describe('a transaction with an epoch of its own', () => {
  const second = { transactionVersion: 2 };

  test('ends with the next epoch, in which the next one begins with sequence 0', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      write(log, 0, 4);
      write(log, 1, 4);
      end(log, { ...second, producerEpoch: 5 });
      assert.throws(() => write(log, 2, 5), refuses('OUT_OF_ORDER_SEQUENCE_NUMBER'));
      assert.throws(() => write(log, 2, 4), refuses('INVALID_PRODUCER_EPOCH'));
      write(log, 0, 5);
      end(log, { ...second, producerEpoch: 6, isCommit: false });
      assert.equal(log.lastStableOffset, 5);
    }));

  test('is not ended by the marker of the one before, which counts while none is open', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      write(log, 0, 4);
      assert.throws(
        () => end(log, { ...second, producerEpoch: 4 }),
        refuses('INVALID_PRODUCER_EPOCH'),
      );
      end(log, { ...second, producerEpoch: 5 });
      end(log, { ...second, producerEpoch: 5 });
      write(log, 0, 5);
      assert.throws(
        () => end(log, { ...second, producerEpoch: 5 }),
        refuses('INVALID_PRODUCER_EPOCH'),
      );
      assert.equal(log.lastStableOffset, 3);
      assert.equal(log.logEndOffset, 4);
    }));

  test('ends with its own epoch when that is the last one', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      write(log, 0, 32_767);
      end(log, { ...second, producerEpoch: 32_767 });
      assert.equal(log.lastStableOffset, 2);
    }));
});

describe('a transaction of a producer that keeps its epoch', () => {
  test('goes on with the sequence of the one before', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      write(log, 0);
      end(log);
      assert.throws(() => write(log, 2), refuses('OUT_OF_ORDER_SEQUENCE_NUMBER'));
      write(log, 1);
      end(log, { isCommit: false });
      assert.equal((await contentOf(log)).length, 4);
    }));

  test('is aborted by a coordinator that raised the epoch, which ends the producer too', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      write(log, 0);
      end(log, { producerEpoch: 1, isCommit: false });
      assert.throws(() => write(log, 1), refuses('INVALID_PRODUCER_EPOCH'));
      write(log, 0, 1);
    }));

  test('is not left for a batch outside of it', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      write(log, 0);
      const plain = { producerId: 7, producerEpoch: 0, baseSequence: 1 };
      assert.throws(() => append(log, ['x'], plain), refuses('INVALID_TXN_STATE'));
      assert.equal(log.logEndOffset, 1);
    }));
});

test('a marker of a coordinator that was replaced is refused and leaves no trace', () =>
  simulate(async (io) => {
    const log = await openLog(io);
    write(log, 0);
    end(log, { coordinatorEpoch: 3 });
    write(log, 1);
    assert.throws(
      () => end(log, { coordinatorEpoch: 2 }),
      refuses('TRANSACTION_COORDINATOR_FENCED'),
    );
    assert.equal(log.logEndOffset, 3);
    assert.equal(log.lastStableOffset, 2);
    end(log, { coordinatorEpoch: 3 });
    assert.equal(log.lastStableOffset, 4);
  }));

test('an end for a producer that wrote nothing is recorded, and fences its older epochs', () =>
  simulate(async (io) => {
    const log = await openLog(io);
    end(log, { producerEpoch: 2 });
    assert.equal(log.lastStableOffset, 1);
    assert.throws(() => write(log, 0, 1), refuses('INVALID_PRODUCER_EPOCH'));
  }));

test('readers are not held before the start of the log when an open transaction is deleted', () =>
  simulate(async (io) => {
    const log = await openLog(io);
    write(log, 0);
    append(log, ['plain', 'plain']);
    await log.deleteRecordsBefore(2);
    assert.equal(log.lastStableOffsetBelow(3), 2);
  }));

test('a log that is copied remembers a bounded number of ends that may not be replicated', () =>
  simulate(async (io) => {
    const log = await openLog(io);
    const copy = await openLog(io, { directory: '/data/copy' });
    for (let sequence = 0; sequence < 3000; sequence++) {
      write(log, sequence);
      end(log);
    }
    const options = { upperBound: log.logEndOffset, atLeastOneBatch: true };
    const { buffers } = await log.read(0, 10_000_000, options);
    for (const buffer of buffers) copy.appendAsFollower(Buffer.from(buffer));
    assert.equal(copy.logEndOffset, 6000);
    assert.ok(copy.producers.undecidedCount <= 1000, `${copy.producers.undecidedCount}`);
    for (const highWatermark of [100, 5000]) {
      const stable = copy.lastStableOffsetBelow(highWatermark);
      assert.ok(stable > highWatermark - 50 && stable <= highWatermark, `${stable}`);
    }
    assert.equal(copy.lastStableOffsetBelow(6000), 6000);
    assert.equal(copy.producers.undecidedCount, 0);
  }));

for (const turnCount of [0, 2, 10]) {
  test(`what is read while it is deleted hides no aborted transaction (${turnCount} turns)`, () =>
    simulate(async (io) => {
      const config = { segmentBytesMax: 300 };
      const log = await openLog(io, { config, limits: { tailCacheBytesMax: 0 } });
      write(log, 0);
      end(log, { isCommit: false });
      for (let i = 0; i < 9; i++) append(log, [`plain${i}`]);
      const options = { upperBound: 11, atLeastOneBatch: true, abortedTransactions: true };
      const reading = log.read(0, 100, options);
      for (let turn = 0; turn < turnCount; turn++) await Promise.resolve();
      await log.deleteRecordsBefore(9);
      const { buffers, abortedTransactions, nextOffset } = await reading;
      assert.deepEqual({ buffers, abortedTransactions }, { buffers: [], abortedTransactions: [] });
      assert.equal(nextOffset, 0);
      assert.throws(() => log.read(0, 100, options), refuses('OFFSET_OUT_OF_RANGE'));
    }));
}

describe('verification', () => {
  const opening = (baseSequence: number, producerEpoch = 0, hasOwnEpoch = false) => ({
    producerId: 7,
    producerEpoch,
    baseSequence,
    hasOwnEpoch,
  });
  const begin = (log: PartitionLog, batch = opening(0)) =>
    log.producers.beginVerification(batch, now);
  const verified = (
    log: PartitionLog,
    verification: ReturnType<typeof begin>,
    [baseSequence, producerEpoch]: readonly [number, number] = [0, 0],
  ) => {
    const batch = { producerId: 7, producerEpoch, baseSequence, isTransactional: true };
    const options = { leaderEpoch: 0, timestampNow: now, verification };
    return log.appendAsLeader(batchOf(['x'], batch), options);
  };

  test('the first batch must show it, those after it need none', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      assert.throws(() => verified(log, null), refuses('INVALID_TXN_STATE'));
      const verification = begin(log);
      assert.notEqual(verification, null);
      assert.throws(() => verified(log, null), refuses('INVALID_TXN_STATE'));
      verified(log, verification);
      assert.equal(begin(log, opening(1)), null);
      verified(log, null, [1, 0]);
    }));

  test('an end of the transaction in between makes it void', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      const verification = begin(log);
      end(log, { isCommit: false });
      assert.throws(() => verified(log, verification), refuses('INVALID_TXN_STATE'));
      assert.equal(log.lastStableOffset, 1);
    }));

  test('the end of the transaction before leaves that of an own epoch, the next does not', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      const next = begin(log, opening(0, 5, true));
      end(log, { producerEpoch: 5, transactionVersion: 2 });
      verified(log, next, [0, 5]);
      end(log, { producerEpoch: 6, transactionVersion: 2 });
      const late = begin(log, opening(0, 6, true));
      end(log, { producerEpoch: 7, transactionVersion: 2 });
      assert.throws(() => verified(log, late, [0, 6]), refuses('INVALID_PRODUCER_EPOCH'));
    }));

  test('of several batches that wait for it the first opens the transaction', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      const verification = begin(log, opening(3));
      assert.equal(begin(log, opening(8)), verification);
      const outOfOrder = refuses('OUT_OF_ORDER_SEQUENCE_NUMBER');
      assert.throws(() => verified(log, verification, [8, 0]), outOfOrder);
      verified(log, verification, [3, 0]);
      verified(log, null, [4, 0]);
    }));

  test('a producer with an epoch per transaction cannot begin in the middle', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      const verification = begin(log, opening(3, 0, true));
      const outOfOrder = refuses('OUT_OF_ORDER_SEQUENCE_NUMBER');
      assert.throws(() => verified(log, verification, [3, 0]), outOfOrder);
    }));

  test('is not begun for an epoch that is over', () =>
    simulate(async (io) => {
      const log = await openLog(io);
      write(log, 0, 2);
      assert.throws(() => begin(log, opening(0, 1)), refuses('INVALID_PRODUCER_EPOCH'));
    }));
});

describe('what is open after a restart', () => {
  for (const how of ['closed', 'killed'] as const) {
    test(`is what was open when the broker was ${how}, however long ago`, () =>
      simulate(async (io) => {
        const config = { segmentBytesMax: 300, producerIdExpirationMs: 1000 };
        let log = await openLog(io, { config });
        write(log, 0, 0, 8);
        end(log, { producerId: 8, coordinatorEpoch: 6 });
        write(log, 0);
        for (let i = 0; i < 9; i++) append(log, [`plain${i}`]);
        await log.flush();
        if (how === 'closed') await log.close();
        else log.abandon();
        await io.clock.sleep(10_000);
        log = await openLog(io, { config, wasCleanShutdown: how === 'closed' });
        assert.equal(log.lastStableOffset, 2);
        log.expireProducers(now + 1_000_000);
        assert.equal(log.lastStableOffset, 2);
        assert.ok(log.producers.hasOpenTransaction(7, 0));
        write(log, 1);
        end(log, { isCommit: false });
        assert.equal(log.lastStableOffset, log.logEndOffset);
        const upperBound = log.logEndOffset;
        const options = { upperBound, atLeastOneBatch: true, abortedTransactions: true };
        const read = await log.read(2, 100_000, options);
        assert.deepEqual(read.abortedTransactions, [{ producerId: 7, firstOffset: 2 }]);
      }));
  }

  test('is nothing that was ended in what has been deleted since, though a snapshot is lost', () =>
    simulate(async (io) => {
      const config = { segmentBytesMax: 300 };
      let log = await openLog(io, { config });
      write(log, 0);
      for (let i = 0; log.segmentCount < 2; i++) append(log, [`plain${i}`]);
      const markerOffset = end(log).lastOffset;
      for (let i = 0; log.segmentCount < 3; i++) append(log, [`plain${i}`]);
      await log.flush();
      await log.deleteRecordsBefore(markerOffset + 1);
      assert.equal(log.segmentCount, 2);
      const { recoveryPoint, logStartOffset } = log;
      log.abandon();
      const names = io.disk.list(DIRECTORY).map(({ name }) => name);
      const snapshots = names.filter((name) => name.endsWith('.snapshot')).sort();
      assert.equal(snapshots.length, 2);
      await io.disk.remove(`${DIRECTORY}/${snapshots[1]}`);
      log = await openLog(io, { config, recoveryPoint, logStartOffset });
      assert.equal(log.lastStableOffset, log.logEndOffset);
    }));

  test('the coordinator epoch is remembered', () =>
    simulate(async (io) => {
      let log = await openLog(io);
      end(log, { coordinatorEpoch: 6 });
      await log.close();
      log = await openLog(io, { wasCleanShutdown: true });
      assert.throws(
        () => end(log, { coordinatorEpoch: 5 }),
        refuses('TRANSACTION_COORDINATOR_FENCED'),
      );
    }));
});

test('each aborted transaction costs its index one entry, however many there are', () =>
  simulate(async (io) => {
    let writtenBytes = 0;
    const counting = (path: string, file: File): File => {
      if (!path.endsWith('.txnindex')) return file;
      const write = file.write.bind(file);
      file.write = (chunks, position) => {
        for (const { length } of chunks) writtenBytes += length;
        return write(chunks, position);
      };
      return file;
    };
    const open: Disk['open'] = (path, mode) => counting(path, io.disk.open(path, mode));
    const disk: Disk = new Proxy(io.disk, {
      get: (target, key) => {
        const member = Reflect.get(target, key);
        if (key === 'open') return open;
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const log = await openLog({ ...io, disk });
    for (let sequence = 0; sequence < 100; sequence++) {
      write(log, sequence);
      end(log, { isCommit: false });
    }
    const options = { upperBound: 200, atLeastOneBatch: true, abortedTransactions: true };
    const read = await log.read(0, 1_000_000, options);
    assert.equal(read.abortedTransactions?.length, 100);
    assert.equal(writtenBytes, 100 * 34);
    await log.close();
    const reopened = await openLog(io, { wasCleanShutdown: false });
    assert.equal((await reopened.read(0, 1_000_000, options)).abortedTransactions?.length, 100);
  }));
