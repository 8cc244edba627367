// Each change of the list of segments while the disk fails at each of its operations: afterwards
// the log agrees with its files, or it is failed and the next start makes them agree. Either way
// nothing that was acknowledged is lost, and what was deleted stays so.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { World } from '../../../sim/index.ts';
import { clean } from '../../../tests/doubles/storage/cleanings.ts';
import { append, contentOf } from '../../../tests/doubles/storage/logs.ts';
import { type Disk, type File, type Io, IoError } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { ReplacementFailed } from '../cleaner/index.ts';
import { LogDirectory } from '../directory/log-directory.ts';
import { LogResources } from '../files/log-resources.ts';
import { parseLogFileName } from '../segment/log-files.ts';
import { defaultLogConfig, type LogConfig } from './log-config.ts';
import type { PartitionLog } from './partition-log.ts';

const NAME = { topic: 't', partition: 0, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' };
const FOLDER = '/data/t-0';
const DAY_MS = 86_400_000;

/** A disk that fails at one of its operations, counted from when it is armed. */
class FailingDisk {
  readonly io: Io;
  readonly code: string;
  /** What was done since it was armed. */
  operations: string[] = [];
  #left = Number.POSITIVE_INFINITY;

  constructor(io: Io, code: string) {
    this.code = code;
    this.io = { ...io, disk: this.#wrap(io.disk) };
  }

  arm(count: number): void {
    this.#left = count;
    this.operations = [];
  }

  get hasFailed(): boolean {
    return this.#left < 0;
  }

  #check(what: string): void {
    this.operations.push(what);
    if (this.#left-- === 0) throw new IoError(this.code, `cannot ${what} (${this.code})`);
  }

  #wrap(disk: Disk): Disk {
    const watched = ['rename', 'open', 'remove', 'syncDirectory'];
    return new Proxy(disk, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        const isAsync = name === 'remove' || name === 'syncDirectory';
        return (...args: unknown[]) => {
          const what = `${String(name)} ${String(args[0])}`;
          if (watched.includes(String(name)) && isAsync) {
            return this.#later(what, () => value.apply(target, args) as Promise<void>);
          }
          if (watched.includes(String(name))) this.#check(what);
          const result = value.apply(target, args) as unknown;
          return name === 'open' ? this.#wrapFile(result as File) : result;
        };
      },
    });
  }

  #wrapFile(file: File): File {
    return new Proxy(file, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const what = `${String(name)} ${target.path}`;
          if (name === 'sync') return this.#later(what, () => target.sync());
          if (name === 'write' || name === 'truncate') this.#check(what);
          return value.apply(target, args) as unknown;
        };
      },
    });
  }

  async #later(what: string, call: () => Promise<void>): Promise<void> {
    this.#check(what);
    await call();
  }
}

interface Change {
  readonly name: string;
  readonly config?: Partial<LogConfig>;
  /** The records that the change is to delete: `offset:value` as contentOf says it. */
  readonly mayGo?: (record: string) => boolean;
  readonly run: (log: PartitionLog, io: Io) => Promise<unknown> | unknown;
}

const offsetOf = (record: string): number => Number(record.split(':')[0]);

const changes: Change[] = [
  {
    name: 'retention',
    config: { retentionMs: DAY_MS },
    mayGo: (record) => offsetOf(record) < 12,
    run: (log, io) => log.applyRetention(io.clock.now(), log.logEndOffset),
  },
  {
    name: 'DeleteRecords',
    mayGo: (record) => offsetOf(record) < 13,
    run: (log) => log.deleteRecordsBefore(13),
  },
  { name: 'a roll', config: { segmentBytesMax: 100 }, run: (log) => append(log, ['20']) },
  {
    name: 'a truncation',
    mayGo: (record) => offsetOf(record) >= 7,
    run: (log) => log.truncateTo(7),
  },
  {
    name: 'a new start in front',
    mayGo: () => true,
    run: (log) => log.truncateFullyAndStartAt(30),
  },
  {
    name: 'a new start at a segment',
    mayGo: () => true,
    run: (log) => log.truncateFullyAndStartAt(8),
  },
  {
    name: 'a cleaning',
    config: { cleanupPolicy: ['compact'] },
    mayGo: (record) => offsetOf(record) < 16,
    run: (log) => clean(log, { lastStableOffset: log.logEndOffset }),
  },
];

interface Opened {
  readonly directory: LogDirectory;
  readonly failures: Error[];
}

async function open(io: Io): Promise<Opened> {
  const failures: Error[] = [];
  const directory = await LogDirectory.open(io, {
    path: '/data',
    nodeId: 1,
    clusterId: 'cluster-a',
    resources: new LogResources(io, { tailCacheBytesMax: 0 }),
    onFailure: (_, error) => failures.push(error),
  });
  return { directory, failures };
}

/** Twenty records in five segments, all on disk; those of the first three are old. */
async function fill(directory: LogDirectory, config: LogConfig, io: Io): Promise<PartitionLog> {
  const log = await directory.createLog(NAME, { ...config, segmentMs: -1 });
  for (let at = 0; at < 20; at++) {
    if (at > 0 && at % 4 === 0) log.maybeRoll(io.clock.now());
    const ageMs = at < 12 ? 2 * DAY_MS : 0;
    append(log, [String(at)], { timestamps: [io.clock.now() - ageMs] });
  }
  log.configure(config);
  await log.flush();
  await directory.checkpointOffsets();
  return log;
}

interface Found {
  readonly what: string;
  /** Where clients were told that the log starts. */
  readonly told: number;
  /** null if the log is failed. */
  readonly served: readonly string[] | null;
  readonly mustStay: readonly string[];
}

/** One change with a failure at one operation; false when it had fewer of them. */
async function fails(change: Change, at: number, end: 'stopped' | 'killed'): Promise<boolean> {
  const world = new World();
  const config = { ...defaultLogConfig, ...change.config };
  let hasFailed = false;
  let found: Found | null = null;
  await runProcess(world, async (plain) => {
    const failing = new FailingDisk(plain, 'EIO');
    const { io } = failing;
    const { directory, failures } = await open(io);
    const log = await fill(directory, config, io);
    const before = await contentOf(log);
    failing.arm(at);
    let isDone = false;
    try {
      await change.run(log, io);
      isDone = true;
    } catch (error) {
      const isExpected =
        error instanceof KafkaError ||
        error instanceof IoError ||
        error instanceof ReplacementFailed;
      if (!isExpected) throw error;
    }
    // What it left to be done in a moment, and after file.delete.delay.ms.
    await io.clock.sleep(10 * 60_000);
    ({ hasFailed } = failing);
    const what = `${change.name}, ${failing.operations[at]}, ${end}`;
    failing.arm(Number.POSITIVE_INFINITY);
    const served = failures.length === 0 ? await contentOf(log) : null;
    // A log that fails in the turn in which its start moves tells nobody.
    const told = isDone || served !== null ? log.logStartOffset : 0;
    if (end === 'stopped') await directory.close();
    const isToStay = (record: string): boolean =>
      offsetOf(record) >= told && change.mayGo?.(record) !== true;
    found = { what, told, served, mustStay: before.filter(isToStay) };
  });
  const { what, told, served, mustStay } = found as unknown as Found;
  await runProcess(world, async (io) => {
    const { directory } = await open(io);
    assert.equal(directory.wasCleanShutdown, end === 'stopped' && served !== null, what);
    await directory.openLogs(() => config);
    const log = directory.log(NAME.topic, NAME.partition);
    assert.ok(log !== null, what);
    const after = await contentOf(log);
    if (served !== null) assert.deepEqual(after, served, what);
    assert.ok(log.logStartOffset >= told, `${what}: it started at ${told}`);
    for (const record of mustStay) assert.ok(after.includes(record), `${what}: ${record} is lost`);
    assertTidy(io, what);
    append(log, ['and on']);
    await log.flush();
    await directory.close();
  });
  return hasFailed;
}

/** No file is left that no segment has. */
function assertTidy(io: Io, what: string): void {
  const names = io.disk.list(FOLDER).map(({ name }) => parseLogFileName(name));
  const files = names.filter((name) => name !== null && name.suffix !== '.snapshot');
  const bases = new Set(
    files.filter((name) => name?.suffix === '.log').map((name) => name?.offset),
  );
  for (const file of files) {
    assert.equal(file?.state, '', `${what}: nothing is left behind`);
    assert.ok(bases.has(file?.offset), `${what}: nothing is left behind`);
  }
}

/** Runs the callback in a process that is killed afterwards. */
async function runProcess(world: World, run: (io: Io) => Promise<void>): Promise<void> {
  let isDone = false;
  const process = world.startProcess('host', async (io) => {
    await run(io);
    isDone = true;
  });
  await world.run(() => isDone);
  process.kill();
}

describe('after a failure at any of its operations the log agrees with its files', () => {
  for (const change of changes) {
    for (const end of ['stopped', 'killed'] as const) {
      test(`${change.name}, and the broker is ${end}`, async () => {
        let at = 0;
        while (await fails(change, at, end)) at++;
        assert.ok(at > 0, 'the change has operations that can fail');
      });
    }
  }
});
