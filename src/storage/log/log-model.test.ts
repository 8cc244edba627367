// Random operations on a log beside a model that is an array: after each of them both tell the
// same, from memory and from files, before and after reopening. Seeded.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  append,
  batchOf,
  contentOf,
  type FixtureOptions,
  openLog,
} from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import type { PartitionLog } from './partition-log.ts';

const SEEDS = Number(process.env.PARTITA_MODEL_SEEDS ?? 40);
const OPERATIONS = 120;
const start = Date.UTC(2026, 0, 1);

interface ModelBatch {
  readonly baseOffset: number;
  readonly values: readonly string[];
  readonly timestamp: number;
  readonly epoch: number;
}

class Model {
  batches: ModelBatch[] = [];
  startOffset = 0;
  endOffset = 0;

  append(values: readonly string[], timestamp: number, epoch: number): void {
    this.batches.push({ baseOffset: this.endOffset, values, timestamp, epoch });
    this.endOffset += values.length;
  }

  content(): string[] {
    return this.batches.flatMap(({ baseOffset, values }) =>
      values
        .map((value, at) => ({ offset: baseOffset + at, value }))
        .filter(({ offset }) => offset >= this.startOffset)
        .map(({ offset, value }) => `${offset}:${value}`),
    );
  }

  truncateTo(offset: number): void {
    this.batches = this.batches.filter((each) => each.baseOffset + each.values.length <= offset);
    const last = this.batches.at(-1);
    this.endOffset = last === undefined ? this.startOffset : last.baseOffset + last.values.length;
    if (this.endOffset <= this.startOffset) this.endOffset = this.startOffset;
  }

  firstNotBefore(timestamp: number): number | null {
    for (const batch of this.batches) {
      for (const at of batch.values.keys()) {
        const offset = batch.baseOffset + at;
        if (offset >= this.startOffset && batch.timestamp + at >= timestamp) return offset;
      }
    }
    return null;
  }
}

class Run {
  readonly #io: Io;
  readonly #prng: Prng;
  readonly #options: FixtureOptions;
  readonly #model = new Model();
  #log!: PartitionLog;
  #epoch = 0;

  constructor(io: Io, prng: Prng) {
    this.#io = io;
    this.#prng = prng;
    this.#options = {
      config: {
        segmentBytesMax: prng.pick([1000, 2000, 20_000]),
        indexIntervalBytes: prng.pick([0, 200, 4096]),
        indexBytesMax: prng.pick([24, 1000]),
        retentionMs: -1,
      },
      limits: {
        tailCacheBytesMax: prng.pick([0, 3000, 1_000_000]),
        openFilesMax: prng.pick([1, 3, 100]),
        indexCacheBytesMax: prng.pick([0, 100, 100_000]),
      },
    };
  }

  async run(): Promise<void> {
    this.#log = await openLog(this.#io, this.#options);
    for (let i = 0; i < OPERATIONS; i++) {
      await this.#operate();
      if (this.#prng.chance(0.3)) await this.#check();
    }
    await this.#check();
  }

  async #operate(): Promise<void> {
    const prng = this.#prng;
    const model = this.#model;
    const log = this.#log;
    const kind = prng.int(100);
    if (kind < 60) this.#append();
    else if (kind < 70) await log.flush();
    else if (kind < 76) {
      const offset = model.startOffset + prng.int(model.endOffset - model.startOffset + 1);
      await log.truncateTo(offset);
      model.truncateTo(offset);
    } else if (kind < 80) {
      const offset = model.startOffset + prng.int(model.endOffset - model.startOffset + 1);
      await log.deleteRecordsBefore(offset);
      model.startOffset = offset;
    } else if (kind < 84) {
      const retentionBytes = prng.int(3000);
      log.configure({ ...log.config, retentionBytes });
      await log.applyRetention(start, prng.int(model.endOffset + 1));
      log.configure({ ...log.config, retentionBytes: -1 });
      model.startOffset = log.logStartOffset;
    } else if (kind < 86) {
      const offset = model.endOffset + prng.int(50);
      await log.truncateFullyAndStartAt(offset);
      model.batches = [];
      model.startOffset = offset;
      model.endOffset = offset;
    } else await this.#reopen();
  }

  #append(): void {
    const prng = this.#prng;
    const model = this.#model;
    const values = Array.from({ length: 1 + prng.int(5) }, () =>
      `${prng.int(1e6)}`.padEnd(prng.chance(0.2) ? prng.int(60) : 0, '-'),
    );
    if (prng.chance(0.1)) this.#epoch++;
    const timestamp = start + prng.int(1000);
    const timestamps = values.map((_, at) => timestamp + at);
    const compression = prng.pick([0, 0, 1] as const);
    if (prng.chance(0.3)) {
      const options = { timestamps, compression, partitionLeaderEpoch: this.#epoch };
      this.#log.appendAsFollower(batchOf(values, { ...options, baseOffset: model.endOffset }));
    } else {
      append(this.#log, values, { timestamps, compression, leaderEpoch: this.#epoch });
    }
    model.append(values, timestamp, this.#epoch);
  }

  async #reopen(): Promise<void> {
    const log = this.#log;
    const isClean = this.#prng.chance(0.5);
    const { logStartOffset } = log;
    if (isClean) await log.close();
    else {
      // A killed process flushes no more; this one lives on and must not meet its past.
      await this.#io.clock.sleep(100);
      log.abandon();
    }
    const recoveryPoint = isClean ? log.logEndOffset : this.#prng.pick([0, log.recoveryPoint]);
    const found = { wasCleanShutdown: isClean, recoveryPoint, logStartOffset };
    this.#log = await openLog(this.#io, { ...this.#options, ...found });
  }

  async #check(): Promise<void> {
    const log = this.#log;
    const model = this.#model;
    assert.equal(log.logEndOffset, model.endOffset);
    assert.equal(log.logStartOffset, model.startOffset);
    assert.deepEqual(await contentOf(log, undefined, 1 + this.#prng.int(1500)), model.content());
    const timestamp = start + this.#prng.int(1100);
    const found = await log.offsetForTimestamp(timestamp);
    assert.equal(found?.offset ?? null, model.firstNotBefore(timestamp));
    for (const batch of model.batches) {
      const lastOffset = batch.baseOffset + batch.values.length - 1;
      if (lastOffset < model.startOffset) continue;
      assert.equal(log.leaderEpochs.epochForOffset(lastOffset), batch.epoch);
    }
  }
}

test(`a log does what an array would do, whatever the order (${SEEDS} seeds)`, async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const prng = new Prng(`model ${seed}`);
    await simulate((io) => new Run(io, prng).run(), { seed }).catch((error: Error) => {
      throw new Error(`seed "model ${seed}": ${error.stack}`, { cause: error });
    });
  }
});
