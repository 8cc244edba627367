// Truncations beside everything else that changes a log, none of which waits for another: appends,
// rolls, flushes, retention, DeleteRecords, cleanings, reads and a close, on a disk that takes its
// time. Seeded. As in a cluster nothing is truncated below the high watermark, and only what is
// below it is cleaned or deleted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { clean, recordsOf, START_MS } from '../../../tests/doubles/storage/cleanings.ts';
import { type FixtureOptions, openLog } from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import { encodeBatch, KafkaError } from '../../protocol/index.ts';
import { CleaningStopped } from '../cleaner/index.ts';
import type { PartitionLog } from './partition-log.ts';
import { LogTruncating } from './truncation-slot.ts';

const SEEDS = Number(process.env.PARTITA_MODEL_SEEDS ?? 20);
const OPERATIONS = 150;

interface ModelRecord {
  readonly offset: number;
  readonly key: string;
  readonly value: number;
}

class Run {
  readonly #io: Io;
  readonly #prng: Prng;
  readonly #options: FixtureOptions;
  #log!: PartitionLog;
  #records: ModelRecord[] = [];
  #highWatermark = 0;
  #values = 0;
  #pending: Promise<void>[] = [];
  readonly counts = { truncated: 0, refused: 0, waited: 0, cleaned: 0, deleted: 0, reopened: 0 };

  constructor(io: Io, prng: Prng) {
    this.#io = io;
    this.#prng = prng;
    this.#options = {
      config: {
        cleanupPolicy: ['compact', 'delete'],
        segmentBytesMax: prng.pick([200, 400, 1000]),
        segmentMs: 3_600_000,
        retentionMs: -1,
        deleteRetentionMs: 0,
        fileDeleteDelayMs: prng.pick([0, 5, 100]),
      },
      limits: {
        tailCacheBytesMax: prng.pick([0, 1000, 100_000]),
        openFilesMax: prng.pick([2, 100]),
      },
    };
  }

  async run(): Promise<void> {
    this.#log = await openLog(this.#io, this.#options);
    for (let i = 0; i < OPERATIONS; i++) {
      this.#operate();
      if (this.#prng.chance(0.3)) await this.#io.clock.sleep(this.#prng.float() * 2);
      if (this.#prng.chance(0.1)) await this.#check();
      if (this.#prng.chance(0.03)) await this.#reopen();
    }
    await this.#check();
    await this.#reopen();
    await this.#check();
  }

  #operate(): void {
    const prng = this.#prng;
    const log = this.#log;
    const kind = prng.int(100);
    if (kind < 50) this.#append();
    else if (kind < 58) this.#begin(() => log.flush());
    else if (kind < 62) log.maybeRoll(Number.MAX_SAFE_INTEGER);
    else if (kind < 72) this.#begin(() => this.#truncate());
    else if (kind < 74) this.#begin(() => this.#startAnew());
    else if (kind < 80) this.#begin(() => this.#applyRetention());
    else if (kind < 85) this.#begin(() => this.#deleteRecords());
    else if (kind < 92) this.#begin(() => this.#clean());
    // It never goes back, and is the end of a batch.
    else if (log.truncations.current === null) this.#highWatermark = log.logEndOffset;
  }

  /** What is expected of it: success, or that something else came first. */
  #begin(operation: () => Promise<unknown>): void {
    if (this.#log.truncations.current !== null) this.counts.waited++;
    const mayFail = (error: unknown): void => {
      if (error instanceof CleaningStopped) return;
      const isLate = error instanceof KafkaError && error.errorName === 'OFFSET_OUT_OF_RANGE';
      if (!isLate) throw error;
    };
    this.#pending.push(operation().then(() => undefined, mayFail));
  }

  #append(): void {
    const key = `k${this.#prng.int(6)}`;
    const value = this.#values++;
    const record = { key: Buffer.from(key), value: Buffer.from(String(value)) };
    const bytes = encodeBatch({ records: [{ ...record, timestamp: START_MS }] });
    try {
      const options = { leaderEpoch: 0, timestampNow: START_MS };
      const { baseOffset: offset } = this.#log.appendAsLeader(bytes, options);
      this.#forgetFrom(offset);
      this.#records.push({ offset, key, value });
    } catch (error) {
      if (!(error instanceof LogTruncating)) throw error;
      this.counts.refused++;
    }
  }

  #forgetFrom(offset: number): void {
    this.#records = this.#records.filter((record) => record.offset < offset);
  }

  async #truncate(): Promise<void> {
    const { logEndOffset } = this.#log;
    const span = Math.max(0, logEndOffset - this.#highWatermark);
    await this.#log.truncateTo(this.#highWatermark + this.#prng.int(span + 1));
    this.counts.truncated++;
  }

  /** Its leader has deleted what it would read next. */
  async #startAnew(): Promise<void> {
    const offset = Math.max(this.#log.logEndOffset, this.#highWatermark) + this.#prng.int(20);
    this.#highWatermark = offset;
    await this.#log.truncateFullyAndStartAt(offset);
  }

  async #applyRetention(): Promise<void> {
    const log = this.#log;
    log.configure({ ...log.config, retentionBytes: this.#prng.int(1500) });
    const retention = log.applyRetention(START_MS, this.#highWatermark);
    this.counts.deleted += await retention;
    log.configure({ ...log.config, retentionBytes: -1 });
  }

  async #deleteRecords(): Promise<void> {
    const { logStartOffset } = this.#log;
    const span = Math.max(0, this.#highWatermark - logStartOffset);
    await this.#log.deleteRecordsBefore(logStartOffset + this.#prng.int(span + 1));
  }

  async #clean(): Promise<void> {
    const result = await clean(this.#log, {
      lastStableOffset: this.#highWatermark,
      ioBufferBytes: this.#prng.pick([200, 4096]),
    });
    if (result !== null) this.counts.cleaned++;
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
    this.#forgetFrom(this.#log.logEndOffset);
  }

  /** A close beside whatever is under way, or a kill of the process. */
  async #reopen(): Promise<void> {
    const isClean = this.#prng.chance(0.5);
    if (!isClean) await this.#settle();
    const log = this.#log;
    if (isClean) {
      const refused = Promise.allSettled(this.#pending.splice(0));
      await log.close();
      for (const each of await refused) {
        if (each.status === 'fulfilled') continue;
        assert.equal(each.reason.errorName, 'KAFKA_STORAGE_ERROR', String(each.reason.stack));
      }
      this.#forgetFrom(log.logEndOffset);
    } else {
      await this.#io.clock.sleep(50);
      log.abandon();
    }
    const { logStartOffset, recoveryPoint, cleanedTo } = log;
    const found = { logStartOffset, recoveryPoint, cleanedTo: cleanedTo ?? undefined };
    this.#log = await openLog(this.#io, {
      ...this.#options,
      ...found,
      wasCleanShutdown: isClean,
    });
    this.counts.reopened++;
  }

  async #check(): Promise<void> {
    await this.#settle();
    const { logStartOffset, logEndOffset } = this.#log;
    assert.ok(this.#highWatermark <= logEndOffset, 'nothing is lost below the high watermark');
    const model = this.#records.filter(({ offset }) => offset >= logStartOffset);
    const known = new Set(model.map(({ offset, key, value }) => `${offset}:${key}=${value}`));
    // A read begins with the whole batch; all of them have one record.
    const found = await recordsOf(this.#log);
    for (const record of found) assert.ok(known.has(record), `${record} is not what was appended`);
    const latest = new Map(model.map((record) => [record.key, record]));
    for (const { offset, key, value } of latest.values()) {
      assert.ok(found.includes(`${offset}:${key}=${value}`), `${offset}:${key} is lost`);
    }
    const above = model.filter(({ offset }) => offset >= this.#highWatermark);
    for (const { offset, key, value } of above) {
      assert.ok(found.includes(`${offset}:${key}=${value}`), `${offset} is not cleaned yet`);
    }
  }
}

test(`truncations beside all else leave what they should (${SEEDS} seeds)`, async () => {
  const totals: Record<string, number> = {};
  for (let seed = 0; seed < SEEDS; seed++) {
    const prng = new Prng(`truncation ${seed}`);
    const faults = { disk: { readMsMean: 0.3, syncMsMean: 2 } };
    await simulate(
      async (io) => {
        const run = new Run(io, prng);
        await run.run();
        for (const [name, count] of Object.entries(run.counts)) {
          totals[name] = (totals[name] ?? 0) + count;
        }
      },
      { seed, faults },
    ).catch((error: Error) => {
      throw new Error(`seed "truncation ${seed}": ${error.stack}`, { cause: error });
    });
  }
  for (const [name, count] of Object.entries(totals))
    assert.ok(count > SEEDS / 4, `${name} ${count}`);
  process.stdout.write(`${JSON.stringify(totals)}\n`);
});
