// Random logs beside a model that is a Map: whatever was written, cleaned with however little
// memory, truncated and opened again, the last value of each key is there and nothing is twice.
// Seeded.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  clean,
  openCompacted,
  put,
  recordsOf,
  roll,
} from '../../../tests/doubles/storage/cleanings.ts';
import type { FixtureOptions } from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import type { CompressionCodec } from '../../protocol/index.ts';
import type { PartitionLog } from '../log/partition-log.ts';

const SEEDS = Number(process.env.PARTITA_CLEANER_SEEDS ?? 25);
const STEPS = 40;

class Run {
  readonly #io: Io;
  readonly #prng: Prng;
  readonly #options: FixtureOptions;
  readonly #keyCount: number;
  /** By offset, everything that was written and not truncated. */
  readonly #written = new Map<number, { key: string; text: string }>();
  /** Where batches begin. */
  #bases: number[] = [];
  #log!: PartitionLog;
  /** What recovery-point-offset-checkpoint says. */
  #checkpointed = 0;

  constructor(io: Io, prng: Prng) {
    this.#io = io;
    this.#prng = prng;
    this.#keyCount = prng.pick([1, 5, 60]);
    this.#options = {
      checkpoint: async () => {
        this.#checkpointed = this.#log.recoveryPoint;
      },
      config: {
        segmentBytesMax: prng.pick([500, 2000, 100_000]),
        indexIntervalBytes: prng.pick([0, 200, 4096]),
        indexBytesMax: prng.pick([100, 10_000]),
      },
      limits: {
        tailCacheBytesMax: prng.pick([0, 2000]),
        openFilesMax: prng.pick([1, 100]),
        indexCacheBytesMax: prng.pick([0, 10_000]),
      },
    };
  }

  async run(): Promise<void> {
    this.#log = await openCompacted(this.#io, this.#options);
    for (let i = 0; i < STEPS; i++) {
      await this.#step();
      await this.#check();
    }
    roll(this.#log);
    while ((await this.#clean(1_000_000)) !== null);
    await this.#check();
    const latest = new Map([...this.#written.values()].map(({ key, text }) => [key, text]));
    const found = (await recordsOf(this.#log)).map((record) => record.split(':')[1]);
    assert.deepEqual([...found].sort(), [...latest.values()].sort());
  }

  async #step(): Promise<void> {
    const prng = this.#prng;
    const kind = prng.int(10);
    if (kind < 6) this.#put();
    else if (kind < 7) roll(this.#log);
    else if (kind < 9) await this.#clean(prng.pick([300, 1000, 1_000_000]));
    else if (prng.chance(0.5)) await this.#reopen();
    else await this.#truncate();
  }

  #put(): void {
    const prng = this.#prng;
    for (let i = prng.int(20); i >= 0; i--) {
      const baseOffset = this.#log.logEndOffset;
      this.#bases.push(baseOffset);
      const records = Array.from({ length: 1 + prng.int(4) }, (_, at): [string, string] => {
        const key = `k${prng.int(this.#keyCount)}`;
        const value = `${baseOffset + at}`.padEnd(prng.int(40), '-');
        this.#written.set(baseOffset + at, { key, text: `${key}=${value}` });
        return [key, value];
      });
      put(this.#log, records, { compression: prng.int(5) as CompressionCodec });
    }
  }

  #clean(dedupeBufferBytes: number) {
    const ioBufferBytes = this.#prng.pick([100, 1000, 100_000]);
    return clean(this.#log, { dedupeBufferBytes, ioBufferBytes });
  }

  async #reopen(): Promise<void> {
    const { cleanedTo, logEndOffset } = this.#log;
    const isClean = this.#prng.chance(0.5);
    if (isClean) await this.#log.close();
    else {
      await this.#io.clock.sleep(100);
      this.#log.abandon();
    }
    this.#log = await openCompacted(this.#io, {
      ...this.#options,
      wasCleanShutdown: isClean,
      recoveryPoint: isClean ? logEndOffset : this.#checkpointed,
      cleanedTo: cleanedTo ?? undefined,
    });
  }

  async #truncate(): Promise<void> {
    // Where replicas differ nothing is cleaned: both are above the high watermark, which is where
    // a batch begins. The map of a cleaning may have been full in the middle of one.
    const { cleanedTo, logEndOffset } = this.#log;
    const places = this.#bases.filter((base) => base >= (cleanedTo ?? 0));
    const offset = this.#prng.pick([...places, logEndOffset]);
    this.#bases = this.#bases.filter((base) => base < offset);
    await this.#log.truncateTo(offset);
    for (const each of this.#written.keys()) {
      if (each >= this.#log.logEndOffset) this.#written.delete(each);
    }
  }

  async #check(): Promise<void> {
    const records = await recordsOf(this.#log);
    const offsets = new Set<number>();
    let before = -1;
    for (const record of records) {
      const offset = Number.parseInt(record, 10);
      assert.ok(offset > before, record);
      assert.equal(record, `${offset}:${this.#written.get(offset)?.text}`);
      offsets.add(offset);
      before = offset;
    }
    const latest = new Map([...this.#written].map(([offset, { key }]) => [key, offset]));
    for (const [key, offset] of latest) assert.ok(offsets.has(offset), `${key} at ${offset}`);
  }
}

test(`a cleaned log has the last value of each key (${SEEDS} seeds)`, async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const prng = new Prng(`cleaner ${seed}`);
    await simulate((io) => new Run(io, prng).run(), { seed }).catch((error: Error) => {
      throw new Error(`seed "cleaner ${seed}": ${error.stack}`, { cause: error });
    });
  }
});
