// What one fetch holds with transactions in it: aborted ones left out, markers never handed out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { encodeBatch, encodeEndTransactionMarker } from '../../protocol/index.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import { type AbortedTransaction, FetchedRecords } from './fetched-records.ts';

const place = { topic: 't', partition: 0 };

interface Log {
  /** Batches with the offset behind each. */
  readonly batches: { readonly bytes: Buffer; readonly endOffset: number }[];
  readonly aborted: (AbortedTransaction & { readonly lastOffset: number })[];
  /** Every data record's offset, and whether it is to be seen. */
  readonly records: { readonly offset: number; isVisible: boolean }[];
}

/** Transactions of several producers, interleaved with each other and with plain batches. */
function buildLog(prng: Prng): Log {
  const log: Log = { batches: [], aborted: [], records: [] };
  const open = new Map<number, { firstOffset: number; records: Log['records'] }>();
  let end = 0;
  const append = (bytes: Buffer, count: number): void => {
    end += count;
    log.batches.push({ bytes, endOffset: end });
  };
  const finish = (producerId: number, isCommit: boolean): void => {
    const transaction = open.get(producerId);
    open.delete(producerId);
    const lastOffset = end;
    if (transaction !== undefined && !isCommit) {
      for (const record of transaction.records) record.isVisible = false;
      log.aborted.push({ producerId, firstOffset: transaction.firstOffset, lastOffset });
    }
    const marker = { producerId, producerEpoch: 0, isCommit, coordinatorEpoch: 0, timestamp: 0 };
    append(encodeEndTransactionMarker({ ...marker, baseOffset: end }), 1);
  };
  for (let i = 0; i < 40; i++) {
    const producerId = prng.int(4);
    if (producerId > 0 && prng.chance(0.35)) {
      finish(producerId, prng.chance(0.5));
      continue;
    }
    const count = 1 + prng.int(3);
    const records = Array.from({ length: count }, (_, at) => ({
      offset: end + at,
      isVisible: true,
    }));
    log.records.push(...records);
    if (producerId > 0) {
      const transaction = open.get(producerId) ?? { firstOffset: end, records: [] };
      transaction.records.push(...records);
      open.set(producerId, transaction);
    }
    const ids = producerId > 0 ? { producerId, producerEpoch: 0, isTransactional: true } : {};
    const values = records.map(({ offset }) => ({ value: Buffer.from(`${offset}`), timestamp: 0 }));
    append(encodeBatch({ records: values, baseOffset: end, ...ids }), count);
  }
  for (const producerId of [...open.keys()]) finish(producerId, prng.chance(0.5));
  return log;
}

test('whatever is interleaved, committed records are seen, from every offset on', () => {
  for (let seed = 0; seed < 60; seed++) {
    const prng = new Prng(`aborted ${seed}`);
    const log = buildLog(prng);
    const end = log.batches.at(-1)?.endOffset ?? 0;
    for (let from = 0; from < end; from += 1 + prng.int(3)) {
      const bytes = log.batches.filter(({ endOffset }) => endOffset > from).map((b) => b.bytes);
      const fetched = new FetchedRecords(place, Buffer.concat(bytes), from, {
        checkCrcs: true,
        // What a broker names: all that end behind the fetch offset, in the order of their ends.
        abortedTransactions: log.aborted.filter(({ lastOffset }) => lastOffset >= from),
      });
      const out: ConsumerRecord[] = [];
      let rounds = 0;
      while (!fetched.isEmpty && rounds++ < 1000) fetched.take(1 + prng.int(4), out);
      const expected = log.records.filter(({ offset, isVisible }) => offset >= from && isVisible);
      assert.deepEqual(
        out.map(({ offset }) => offset),
        expected.map(({ offset }) => offset),
        `seed ${seed} from ${from}`,
      );
      assert.equal(fetched.nextOffset, end);
    }
  }
});

test('read_uncommitted hands out everything but the markers', () => {
  const log = buildLog(new Prng('uncommitted'));
  const bytes = Buffer.concat(log.batches.map((each) => each.bytes));
  const fetched = new FetchedRecords(place, bytes, 0, {
    checkCrcs: true,
    abortedTransactions: null,
  });
  const out: ConsumerRecord[] = [];
  fetched.take(1000, out);
  assert.deepEqual(
    out.map(({ offset, value }) => [offset, String(value)]),
    log.records.map(({ offset }) => [offset, `${offset}`]),
  );
  assert.ok(fetched.isEmpty);
});

test('a marker behind the last record moves the position with that record', () => {
  const batch = encodeBatch({ records: [{ value: Buffer.from('a') }], baseOffset: 5 });
  const marker = encodeEndTransactionMarker({
    producerId: 1,
    producerEpoch: 0,
    isCommit: true,
    coordinatorEpoch: 0,
    timestamp: 0,
    baseOffset: 6,
  });
  const fetched = new FetchedRecords(place, Buffer.concat([batch, marker]), 5, {
    checkCrcs: true,
    abortedTransactions: [],
  });
  const out: ConsumerRecord[] = [];
  fetched.take(1, out);
  assert.equal(out.length, 1);
  assert.equal(fetched.nextOffset, 7);
});
