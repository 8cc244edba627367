// Kills and power cuts at random moments of a load, many seeds: what comes back is a prefix of
// what was sent, dense, with everything that a flush covered. The planted bugs at the end show
// that the check finds what it is there to find.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { World } from '../../../sim/index.ts';
import { append, contentOf, openLog } from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import type { LogConfig } from './log-config.ts';
import type { PartitionLog } from './partition-log.ts';

const SEEDS = Number(process.env.PARTITA_CRASH_SEEDS ?? 60);

interface Sent {
  /** The values in offset order, as the last incarnation knew them. */
  values: string[];
  /** Offsets before it were covered by a flush that was answered. */
  flushedEnd: number;
  /** Sequence number of the next batch. */
  sequence: number;
}

interface Load {
  readonly prng: Prng;
  readonly sent: Sent;
  readonly config: Partial<LogConfig>;
  /** A bug, planted into the incarnation before the crash. */
  readonly sabotage?: (io: Io) => Io;
}

/** Appends, flushes, truncates until the process dies under it. */
async function run(io: Io, log: PartitionLog, { prng, sent }: Load): Promise<never> {
  for (;;) {
    const count = prng.pick([1, 1, 1, 5]);
    const isLarge = count === 1 && prng.chance(0.2);
    const values = Array.from({ length: count }, (_, i) => {
      const name = `${log.logEndOffset + i}/${prng.int(1000)}`;
      return isLarge ? name.padEnd(prng.int(0.3 * log.config.segmentBytesMax), '.') : name;
    });
    const producer = { producerId: 5, producerEpoch: 0, baseSequence: sent.sequence };
    // Sent before the append, which may be cut off in the middle.
    sent.values.length = log.logEndOffset;
    sent.values.push(...values);
    append(log, values, { ...producer, leaderEpoch: prng.chance(0.05) ? log.logEndOffset + 1 : 0 });
    sent.sequence += values.length;
    if (prng.chance(0.3)) {
      const upTo = log.logEndOffset;
      const flushed = log.flush().then(() => {
        sent.flushedEnd = Math.max(sent.flushedEnd, Math.min(upTo, log.recoveryPoint));
      });
      if (prng.chance(0.5)) await flushed;
    }
    if (prng.chance(0.3)) await io.clock.sleep(prng.int(5));
  }
}

async function crashOnce(seed: string, sabotage?: (io: Io) => Io): Promise<void> {
  const world = new World({ seed, faults: { disk: { syncMsMean: 2 } } });
  const prng = new Prng(seed).fork('load');
  const config = {
    segmentBytesMax: prng.pick([1000, 4000, 20_000]),
    indexIntervalBytes: prng.pick([0, 100, 4096]),
  };
  const sent: Sent = { values: [], flushedEnd: 0, sequence: 0 };
  let recoveryPoint = 0;
  for (let incarnation = 0; incarnation < 4; incarnation++) {
    let log: PartitionLog | null = null;
    let checked = false;
    const process = world.startProcess('host', async (io) => {
      log = await openLog(io, { config, recoveryPoint });
      // What the folder of a new log needs of its parent is the log directory's to do.
      if (incarnation === 0) await io.disk.syncDirectory('/data');
      if (incarnation === 0) await io.disk.syncDirectory('/');
      await check(log, sent);
      sent.sequence = log.logEndOffset;
      sent.values.length = log.logEndOffset;
      checked = true;
      const faulty = sabotage === undefined ? io : sabotage(io);
      if (sabotage !== undefined) log = await reopen(faulty, log, { config, recoveryPoint });
      await run(io, log, { prng, sent, config });
    });
    await world.run(() => checked);
    if (incarnation > 0 && prng.chance(0.3)) process.killAtDiskOperation(1 + prng.int(40));
    await world.advance(prng.int(60));
    if (log !== null && prng.chance(0.5)) recoveryPoint = (log as PartitionLog).recoveryPoint;
    if (prng.chance(0.5)) world.host('host').powerCut();
    else {
      process.kill();
      // The page cache is still there: everything that was appended is.
      if (!prng.chance(0.5)) world.host('host').powerCut();
    }
  }
}

async function reopen(io: Io, log: PartitionLog, options: object): Promise<PartitionLog> {
  log.abandon();
  return await openLog(io, options);
}

async function check(log: PartitionLog, sent: Sent): Promise<void> {
  const found = await contentOf(log, 0, 100_000);
  assert.ok(
    log.logEndOffset >= sent.flushedEnd,
    `the log ends at ${log.logEndOffset}, flushed was ${sent.flushedEnd}`,
  );
  const expected = sent.values.slice(0, log.logEndOffset).map((value, at) => `${at}:${value}`);
  assert.deepEqual(found, expected);
  if (log.logEndOffset > 0) {
    assert.equal((await log.offsetForTimestamp(0))?.offset, 0);
    // The producer goes on where its last batch that survived ended.
    const next = { producerId: 5, producerEpoch: 0, baseSequence: log.logEndOffset + 1 };
    assert.throws(() => append(log, ['gap'], next), /sequence/);
  }
}

describe('crashes', () => {
  test(`a log is a dense prefix of what was sent after any crash (${SEEDS} seeds)`, async () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      await crashOnce(`crash ${seed}`).catch((error: Error) => {
        throw new Error(`seed "crash ${seed}": ${error.stack}`, { cause: error });
      });
    }
  });

  const bugs: [string, (io: Io) => Io][] = [
    ['a flush that does not sync files', (io) => withDisk(io, 'files')],
    ['a flush that does not sync the folder', (io) => withDisk(io, 'folder')],
  ];
  for (const [what, sabotage] of bugs) {
    test(`${what} is found`, async () => {
      let found = 0;
      for (let seed = 0; seed < 40 && found === 0; seed++) {
        await crashOnce(`bug ${seed}`, sabotage).catch((error: Error) => {
          assert.match(error.message, /the log ends at|deep-equal|is damaged/);
          found++;
        });
      }
      assert.ok(found > 0);
    });
  }
});

/** A disk on which one kind of sync does nothing. */
function withDisk(io: Io, broken: 'files' | 'folder'): Io {
  const disk = new Proxy(io.disk, {
    get(target, name) {
      if (name === 'syncDirectory' && broken === 'folder') return () => Promise.resolve();
      if (name === 'open' && broken === 'files') {
        return (...args: Parameters<typeof target.open>) =>
          new Proxy(target.open(...args), {
            get(file, key) {
              if (key === 'sync') return () => Promise.resolve();
              const value = Reflect.get(file, key, file) as unknown;
              return typeof value === 'function' ? value.bind(file) : value;
            },
          });
      }
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...io, disk };
}
