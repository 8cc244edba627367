// A process that dies, or a power cut, at each disk operation of a cleaning: the next start finds
// the last value of every key at its offset, nothing that was never written and nothing in another
// place, aborted records stay unseen, and the cleaning can be done again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate, World } from '../../../sim/index.ts';
import {
  clean,
  endTransaction,
  openCompacted,
  put,
  roll,
} from '../../../tests/doubles/storage/cleanings.ts';
import { DIRECTORY } from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import { batchHeaders, decodeEndTransactionMarker, decodeRecords } from '../../protocol/index.ts';
import type { PartitionLog } from '../log/partition-log.ts';

const SEEDS = Number(process.env.PARTITA_CRASH_SEEDS ?? 2);
const PRODUCER_ID = 7;

interface Written {
  /** By offset, what readers may see. */
  readonly records: Map<number, string>;
  /** Of each key the offset of its last record that was not aborted. */
  readonly latest: Map<string, number>;
  endOffset: number;
  sequence: number;
}

/** recovery-point-offset-checkpoint, which every power cut spares. */
interface Checkpoint {
  recoveryPoint: number;
}

/** Keys are written over and over, some in transactions; all of it is durable. */
async function fill(
  io: Io,
  prng: Prng,
  checkpoint: Checkpoint,
): Promise<{ log: PartitionLog; written: Written }> {
  const config = { segmentBytesMax: prng.pick([600, 1500]), indexIntervalBytes: 100 };
  const log: PartitionLog = await openCompacted(io, {
    config,
    checkpoint: async () => {
      checkpoint.recoveryPoint = log.recoveryPoint;
    },
  });
  const written: Written = { records: new Map(), latest: new Map(), endOffset: 0, sequence: 0 };
  for (let i = 0; i < 60; i++) {
    const isTransaction = prng.chance(0.3);
    const isCommit = prng.chance(0.5);
    const records = Array.from({ length: 1 + prng.int(3) }, (): [string, string | null] => [
      `k${prng.int(12)}`,
      prng.chance(0.1) ? null : `${prng.int(1e6)}`,
    ]);
    const offset = log.logEndOffset;
    put(log, records, {
      compression: prng.pick([0, 0, 1] as const),
      ...(isTransaction && {
        producerId: PRODUCER_ID,
        producerEpoch: 0,
        baseSequence: written.sequence,
        isTransactional: true,
      }),
    });
    if (isTransaction) {
      written.sequence += records.length;
      endTransaction(log, PRODUCER_ID, isCommit);
    }
    for (const [at, [key, value]] of records.entries()) {
      if (isTransaction && !isCommit) continue;
      written.records.set(offset + at, `${key}=${value}`);
      written.latest.set(key, offset + at);
    }
  }
  roll(log);
  put(log, [['last', 'x']]);
  written.records.set(log.logEndOffset - 1, 'last=x');
  written.latest.set('last', log.logEndOffset - 1);
  written.endOffset = log.logEndOffset;
  await log.flush();
  await io.disk.syncDirectory('/data');
  await io.disk.syncDirectory('/');
  return { log, written };
}

/** What a read_committed reader sees. */
async function committedOf(log: PartitionLog): Promise<Map<number, string>> {
  const seen = new Map<number, string>();
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const bounds = { upperBound: log.logEndOffset, atLeastOneBatch: true };
    const read = await log.read(offset, 700, { ...bounds, abortedTransactions: true });
    const aborted = new Set<number>();
    const pending = [...(read.abortedTransactions ?? [])];
    for (const buffer of read.buffers) {
      for (const header of batchHeaders(buffer)) {
        while ((pending[0]?.firstOffset ?? Number.POSITIVE_INFINITY) <= header.lastOffset) {
          aborted.add((pending.shift() as { producerId: number }).producerId);
        }
        for (const record of decodeRecords(buffer, header)) {
          if (header.isControl) {
            if (decodeEndTransactionMarker(record)?.isCommit === false)
              aborted.delete(header.producerId);
          } else if (!header.isTransactional || !aborted.has(header.producerId)) {
            assert.ok(!seen.has(record.offset), `offset ${record.offset} is there twice`);
            seen.set(record.offset, `${record.key}=${record.value}`);
          }
        }
      }
    }
    assert.ok(read.nextOffset > offset, `nothing is at ${offset}`);
    offset = read.nextOffset;
  }
  return seen;
}

async function check(log: PartitionLog, written: Written): Promise<void> {
  assert.equal(log.logEndOffset, written.endOffset);
  const seen = await committedOf(log);
  for (const [offset, record] of seen) {
    assert.equal(record, written.records.get(offset), `offset ${offset}`);
  }
  for (const [key, offset] of written.latest) {
    assert.ok(seen.has(offset), `the last value of ${key} is gone`);
  }
  const producer = log.producers.snapshot().find(({ producerId }) => producerId === PRODUCER_ID);
  if (written.sequence > 0) assert.equal(producer?.lastSequence, written.sequence - 1);
}

interface Bugs {
  readonly sabotage?: (io: Io) => Io;
  readonly isCheckpointLate?: boolean;
}

/** True if the cleaning came to its end before the process died. */
async function crashAt(
  seed: string,
  operation: number,
  { sabotage = (io: Io) => io, isCheckpointLate = false }: Bugs,
): Promise<boolean> {
  const world = new World({ seed, faults: { disk: { syncMsMean: 2 } } });
  const checkpoint = { recoveryPoint: 0 };
  let written: Written | null = null;
  let isClean = false;
  const first = world.startProcess('host', async (io) => {
    const filled = await fill(sabotage(io), new Prng(seed), checkpoint);
    const { cleanedTo } = filled.log;
    assert.equal(cleanedTo, null);
    first.killAtDiskOperation(operation);
    written = filled.written;
    await clean(filled.log, { dedupeBufferBytes: 2000 });
    isClean = true;
  });
  await world.run(() => written !== null);
  await world.run(() => isClean || !first.isAlive);
  const wasClean = isClean;
  first.kill();
  if (operation % 2 === 0) world.host('host').powerCut();
  let isChecked = false;
  world.startProcess('host', async (io) => {
    const recoveryPoint = isCheckpointLate ? 0 : checkpoint.recoveryPoint;
    const log = await openCompacted(io, { recoveryPoint });
    await check(log, written as unknown as Written);
    while ((await clean(log)) !== null);
    await check(log, written as unknown as Written);
    assert.ok(log.cleanedTo !== null && log.cleanedTo > 0);
    const left = (await committedOf(log)).size;
    assert.equal(left, (written as unknown as Written).latest.size);
    isChecked = true;
  });
  await world.run(() => isChecked);
  return wasClean;
}

async function crashEverywhere(seed: string, bugs: Bugs = {}): Promise<number> {
  for (let operation = 1; ; operation++) {
    const isOver = await crashAt(seed, operation, bugs).catch((error: Error) => {
      const what = `seed "${seed}", operation ${operation}: ${error.stack}`;
      throw new Error(what, { cause: error });
    });
    if (isOver) return operation;
  }
}

/** The five batches of one key that are remembered, in segments of their own, and what follows. */
async function updatedByProducer(io: Io): Promise<PartitionLog> {
  const log = await openCompacted(io);
  for (let baseSequence = 0; baseSequence < 5; baseSequence++) {
    const producer = { producerId: PRODUCER_ID, producerEpoch: 0, baseSequence };
    put(log, [['k', `${baseSequence}`]], producer);
    roll(log);
  }
  put(log, [['last', 'x']]);
  await log.flush();
  return log;
}

function sequencesOf(log: PartitionLog): number[] {
  return log.producers.fullSnapshot().map(({ lastSequence }) => lastSequence);
}

describe('a crash in a cleaning', () => {
  test('takes no batch from what is known of a producer, also without the snapshots of rolls', () =>
    simulate(async (io) => {
      const filled = await updatedByProducer(io);
      filled.abandon();
      // A power cut was faster than the flush that writes them.
      for (const { name } of io.disk.list(DIRECTORY)) {
        if (name.endsWith('.snapshot')) await io.disk.remove(`${DIRECTORY}/${name}`);
      }
      const checkpoint = { recoveryPoint: filled.recoveryPoint };
      const recovered: PartitionLog = await openCompacted(io, {
        ...checkpoint,
        checkpoint: async () => {
          checkpoint.recoveryPoint = recovered.recoveryPoint;
        },
      });
      await clean(recovered);
      assert.deepEqual([...(await committedOf(recovered)).values()], ['k=4', 'last=x']);
      recovered.abandon();
      const again = await openCompacted(io, checkpoint);
      assert.deepEqual(sequencesOf(again), [0, 1, 2, 3, 4]);
    }));

  test(`costs no key its last value, whatever was being written (${SEEDS} seeds)`, async () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const operations = await crashEverywhere(`cleaning ${seed}`);
      assert.ok(operations > 20, `${operations} operations`);
    }
  });

  test('would cost some if the cleaned segment were not synced', async () => {
    let found = 0;
    for (let seed = 0; seed < 5 && found === 0; seed++) {
      await crashEverywhere(`bug ${seed}`, { sabotage: withoutSync }).catch(() => found++);
    }
    assert.ok(found > 0);
  });

  test('would cost some if the recovery point were not on disk before there are gaps', async () => {
    const crashes = crashEverywhere('bug 0', { isCheckpointLate: true });
    await assert.rejects(crashes, /expected|is gone|!==/);
  });
});

/** A disk that does not sync what a cleaning wrote. */
function withoutSync(io: Io): Io {
  const disk = new Proxy(io.disk, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'open') return typeof value === 'function' ? value.bind(target) : value;
      return (...args: Parameters<typeof target.open>) =>
        new Proxy(target.open(...args), {
          get(file, key) {
            if (key === 'sync' && args[0].endsWith('.cleaned')) return () => Promise.resolve();
            const member = Reflect.get(file, key, file) as unknown;
            return typeof member === 'function' ? member.bind(file) : member;
          },
        });
    },
  });
  return { ...io, disk };
}
