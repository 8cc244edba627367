// Random transactions of several producers in one log with small segments, and restarts: what a
// read_committed reader takes from any offset on is held against what was written.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { append, openLog } from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import { batchHeaders, decodeRecords } from '../../protocol/index.ts';
import { encodeEndMarker } from '../producers/end-marker.ts';
import type { PartitionLog } from './partition-log.ts';

const now = Date.UTC(2026, 0, 1);
const producerIds = [1, 2, 3] as const;

interface Written {
  readonly offset: number;
  readonly value: string;
  /** -1: outside of any transaction. */
  readonly producerId: number;
  outcome: 'open' | 'committed' | 'aborted';
}

class Run {
  readonly #io: Io;
  readonly #random: Prng;
  readonly written: Written[] = [];
  readonly #epochs = new Map<number, number>();
  readonly #sequences = new Map<number, number>();
  log!: PartitionLog;

  constructor(io: Io, random: Prng) {
    this.#io = io;
    this.#random = random;
  }

  async open(wasCleanShutdown = false): Promise<void> {
    this.log = await openLog(this.#io, { wasCleanShutdown, config: { segmentBytesMax: 700 } });
  }

  async step(): Promise<void> {
    const producerId = producerIds[this.#random.int(producerIds.length)] as number;
    const choice = this.#random.float();
    if (choice < 0.5) this.#write(producerId);
    else if (choice < 0.65) this.#write(-1);
    else if (choice < 0.95) this.#end(producerId);
    else if (choice < 0.97) await this.log.flush();
    else await this.#restart();
  }

  #write(producerId: number): void {
    const value = `v${this.written.length}`;
    const baseSequence = this.#sequences.get(producerId) ?? 0;
    const producerEpoch = this.#epochs.get(producerId) ?? 0;
    const identity = { producerId, producerEpoch, baseSequence, isTransactional: true };
    const { baseOffset } = append(this.log, [value], producerId < 0 ? {} : identity);
    this.#sequences.set(producerId, baseSequence + 1);
    const outcome = producerId < 0 ? 'committed' : 'open';
    this.written.push({ offset: baseOffset, value, producerId, outcome });
  }

  #end(producerId: number): void {
    const isCommit = this.#random.float() < 0.5;
    // Each producer keeps to one version of the protocol.
    const transactionVersion = producerId === 3 ? 1 : 2;
    const producerEpoch = (this.#epochs.get(producerId) ?? 0) + transactionVersion - 1;
    const marker = { producerId, producerEpoch, coordinatorEpoch: 0, isCommit };
    const options = { leaderEpoch: 0, timestampNow: now, transactionVersion };
    const bytes = encodeEndMarker({ ...marker, transactionVersion }, now);
    this.log.appendAsLeader(bytes, { ...options, origin: 'coordinator' });
    this.#epochs.set(producerId, producerEpoch);
    if (transactionVersion === 2) this.#sequences.set(producerId, 0);
    for (const record of this.written) {
      if (record.producerId !== producerId || record.outcome !== 'open') continue;
      record.outcome = isCommit ? 'committed' : 'aborted';
    }
  }

  async #restart(): Promise<void> {
    const isClean = this.#random.float() < 0.5;
    if (isClean) await this.log.close();
    else {
      await this.log.flush();
      this.log.abandon();
    }
    await this.open(isClean);
  }

  get lastStableOffset(): number {
    const open = this.written.find(({ outcome }) => outcome === 'open');
    return open?.offset ?? this.log.logEndOffset;
  }

  /** As a consumer reads: in several fetches, each with a list of what was aborted. */
  async committedFrom(from: number): Promise<string[]> {
    const { log } = this;
    const upperBound = log.lastStableOffset;
    const values: string[] = [];
    for (let offset = from; offset < upperBound; ) {
      const limits = { upperBound, atLeastOneBatch: true, abortedTransactions: true };
      const read = await log.read(offset, 1 + this.#random.int(600), limits);
      // They come in the order of their ends; a consumer needs that of their beginnings.
      const aborted = [...(read.abortedTransactions ?? [])];
      aborted.sort((a, b) => a.firstOffset - b.firstOffset);
      const skipped = new Set<number>();
      for (const buffer of read.buffers) {
        for (const header of batchHeaders(buffer)) {
          const { producerId, lastOffset, isControl } = header;
          while (aborted.length > 0 && (aborted[0]?.firstOffset ?? 0) <= lastOffset) {
            skipped.add(aborted.shift()?.producerId as number);
          }
          if (isControl) skipped.delete(producerId);
          else if (!skipped.has(producerId)) {
            for (const record of decodeRecords(buffer, header)) {
              if (record.offset >= from) values.push(String(record.value));
            }
          }
        }
      }
      offset = read.nextOffset;
    }
    return values;
  }
}

test('read_committed shows what is committed before the first open transaction', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = new Prng(`transactions/${seed}`);
    await simulate(async (io) => {
      const run = new Run(io, random);
      await run.open();
      for (let step = 0; step < 150; step++) {
        await run.step();
        if (random.float() > 0.1) continue;
        const { lastStableOffset } = run;
        assert.equal(run.log.lastStableOffset, lastStableOffset, `seed ${seed} step ${step}`);
        const from = random.int(run.log.logEndOffset + 1);
        const expected = run.written.filter(
          ({ offset, outcome }) =>
            offset >= from && offset < lastStableOffset && outcome === 'committed',
        );
        assert.deepEqual(
          await run.committedFrom(from),
          expected.map(({ value }) => value),
          `seed ${seed} step ${step} from ${from}`,
        );
      }
    });
  }
});
