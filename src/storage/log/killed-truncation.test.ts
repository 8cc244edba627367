// A broker that is killed at any step of a truncation has lost nothing: the next start takes what
// was cut, or was about to be, for no loss, and names the life before.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type SimProcess, World } from '../../../sim/index.ts';
import { append, contentOf } from '../../../tests/doubles/storage/logs.ts';
import { type Disk, type Io, IoError } from '../../io/index.ts';
import { LogDirectory } from '../directory/log-directory.ts';
import { LogResources } from '../files/log-resources.ts';
import { defaultLogConfig } from './log-config.ts';
import type { PartitionLog } from './partition-log.ts';

const NAME = { topic: 't', partition: 0, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' };
const CHECKPOINT = '/data/recovery-point-offset-checkpoint';
const config = { ...defaultLogConfig, segmentBytesMax: 330 };

interface Cut {
  /** The records before it are deleted. */
  readonly startsAt: number;
  readonly run: (log: PartitionLog) => Promise<void>;
  /** Where the log ends if the cut was done, and where it may end if it was not. */
  readonly endsAt: number;
  readonly mayEndAt: (offset: number) => boolean;
}

const cuts: Readonly<Record<string, Cut>> = {
  'within the last segment': {
    startsAt: 6,
    run: (log) => log.truncateTo(18),
    endsAt: 18,
    mayEndAt: (offset) => offset === 20,
  },
  'of several segments': {
    startsAt: 6,
    run: (log) => log.truncateTo(9),
    endsAt: 9,
    mayEndAt: (offset) => offset > 9 && offset <= 20,
  },
  'to below where the log starts': {
    startsAt: 6,
    run: (log) => log.truncateTo(5),
    endsAt: 5,
    mayEndAt: (offset) => offset > 5 && offset <= 20,
  },
  'of everything, to go on behind the end': {
    startsAt: 0,
    run: (log) => log.truncateFullyAndStartAt(30),
    endsAt: 30,
    mayEndAt: (offset) => offset <= 20,
  },
  'of everything, to go on before it': {
    startsAt: 6,
    run: (log) => log.truncateFullyAndStartAt(3),
    endsAt: 3,
    mayEndAt: (offset) => offset <= 20,
  },
};

function open(io: Io, failures: Error[] = []): Promise<LogDirectory> {
  return LogDirectory.open(io, {
    path: '/data',
    nodeId: 1,
    clusterId: 'cluster-a',
    resources: new LogResources(io, { tailCacheBytesMax: 0 }),
    onFailure: (_, error) => failures.push(error),
  });
}

/** Twenty records in several segments, all synced. */
async function fill(directory: LogDirectory, startsAt: number): Promise<PartitionLog> {
  await directory.openLogs(() => config);
  const log = await directory.createLog(NAME, config);
  await directory.noteLives({ brokerEpoch: 7, incarnationIds: [] });
  for (let at = 0; at < 20; at++) append(log, [String(at)]);
  await log.deleteRecordsBefore(startsAt);
  await log.flush();
  await directory.checkpointOffsets();
  return log;
}

async function run(
  world: World,
  main: (io: Io, process: SimProcess) => Promise<void>,
): Promise<void> {
  let isDone = false;
  const process = world.startProcess('host', async (io, own) => {
    await main(io, own);
    isDone = true;
  });
  await world.run(() => isDone || !process.isAlive);
  process.kill();
}

/** False if the cut had fewer steps than that. */
async function isKilledAt(step: number, cut: Cut): Promise<boolean> {
  const { startsAt, endsAt, mayEndAt } = cut;
  const world = new World();
  let isCut = false;
  await run(world, async (io, process) => {
    const log = await fill(await open(io), startsAt);
    process.killAtDiskOperation(step);
    await cut.run(log);
    isCut = true;
  });
  for (const start of ['first', 'second']) {
    await run(world, async (io) => {
      const directory = await open(io);
      await directory.openLogs(() => config);
      const what = `killed at step ${step}, ${start} start`;
      assert.equal(directory.previousBrokerEpoch(), 7, what);
      const log = directory.log(NAME.topic, NAME.partition) as PartitionLog;
      const { logEndOffset } = log;
      assert.ok(logEndOffset === endsAt || (!isCut && mayEndAt(logEndOffset)), what);
      const records = (await contentOf(log)).map((record) => Number.parseInt(record, 10));
      const { logStartOffset } = log;
      const length = logEndOffset - logStartOffset;
      assert.deepEqual(
        records,
        Array.from({ length }, (_, at) => logStartOffset + at),
        what,
      );
    });
  }
  return !isCut;
}

describe('a broker that is killed at any step of a cut has lost nothing', () => {
  for (const [name, cut] of Object.entries(cuts)) {
    test(name, async () => {
      let step = 0;
      while (await isKilledAt(step, cut)) step++;
      assert.ok(step > 5, 'the cut has steps');
    });
  }
});

/** Refuses to write the checkpoint anew, once it is asked to. */
function refusing(io: Io, code: string): { io: Io; refuse: (isRefused: boolean) => void } {
  let isRefused = false;
  const disk = new Proxy(io.disk, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name !== 'open') return typeof value === 'function' ? value.bind(target) : value;
      return (...[path, mode]: Parameters<Disk['open']>) => {
        if (isRefused && path.startsWith(CHECKPOINT)) throw new IoError(code, `no: ${path}`);
        return target.open(path, mode);
      };
    },
  });
  return {
    io: { ...io, disk },
    refuse: (now) => {
      isRefused = now;
    },
  };
}

for (const [name, { run: cut, startsAt, endsAt }] of Object.entries(cuts)) {
  test(`nothing is cut while the checkpoint cannot be written: ${name}`, async () => {
    const world = new World();
    await run(world, async (plain) => {
      const { io, refuse } = refusing(plain, 'EIO');
      const failures: Error[] = [];
      const log = await fill(await open(io, failures), startsAt);
      const before = sizesIn(io);
      refuse(true);
      await assert.rejects(cut(log), { errorName: 'KAFKA_STORAGE_ERROR' });
      assert.equal(failures.length, 1);
      assert.deepEqual(sizesIn(io), before);
    });
    await run(world, async (io) => {
      const directory = await open(io);
      await directory.openLogs(() => config);
      assert.equal(directory.log(NAME.topic, NAME.partition)?.logEndOffset, 20);
      assert.equal(directory.previousBrokerEpoch(), -1, 'the disk has failed');
    });
  });

  test(`a cut that a full disk puts off is done when there is room: ${name}`, async () => {
    const world = new World();
    await run(world, async (plain) => {
      const { io, refuse } = refusing(plain, 'ENOSPC');
      const failures: Error[] = [];
      const log = await fill(await open(io, failures), startsAt);
      const before = await contentOf(log);
      refuse(true);
      const postponed = { name: 'TruncationPostponed', errorName: 'KAFKA_STORAGE_ERROR' };
      await assert.rejects(cut(log), postponed);
      assert.deepEqual(await contentOf(log), before);
      assert.equal(log.logStartOffset, startsAt);
      append(log, ['20']);
      refuse(false);
      await log.flush();
      assert.equal(log.recoveryPoint, 21);
      await cut(log);
      assert.equal(log.logEndOffset, endsAt);
      assert.deepEqual(failures, []);
    });
  });
}

function sizesIn(io: Io): [string, number | undefined][] {
  const names = io.disk.list('/data/t-0').map(({ name }) => name);
  return names.sort().map((name) => [name, io.disk.stat(`/data/t-0/${name}`)?.sizeBytes]);
}
