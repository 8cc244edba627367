// A log directory that goes away under a running broker is found out, whatever takes it away, and
// one that stays is left in peace, whatever happens in it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, World } from '../../../sim/index.ts';
import { clean, put, roll } from '../../../tests/doubles/storage/cleanings.ts';
import type { Io } from '../../io/index.ts';
import { encodeBatch } from '../../protocol/index.ts';
import { CleaningStopped } from '../cleaner/index.ts';
import { defaultLogConfig, LogDirectory, LogResources, type PartitionLog } from '../index.ts';

const topicId = 'AAAAAAAAAAAAAAAAAAAABQ';
const path = '/data';

interface Opened {
  readonly io: Io;
  readonly process: SimProcess;
  readonly directory: LogDirectory;
  readonly log: PartitionLog;
  readonly failures: Error[];
}

async function withDirectory(body: (opened: Opened) => Promise<void>, world = new World()) {
  const process = world.startProcess('host', async (io) => {
    const failures: Error[] = [];
    const directory = await LogDirectory.open(io, {
      path,
      nodeId: 1,
      clusterId: null,
      resources: new LogResources(io, { openFilesMax: 8 }),
      onFailure: (_, error) => failures.push(error),
    });
    const config = { ...defaultLogConfig, segmentBytesMax: 2000, fileDeleteDelayMs: 100 };
    const log = await directory.createLog({ topic: 't', partition: 0, topicId }, config);
    directory.health.watch();
    await body({ io, process, directory, log, failures });
  });
  await world.run(() => process.hasReturned);
}

function append(io: Io, log: PartitionLog, value = 'x'): void {
  const records = encodeBatch({
    records: [{ value: Buffer.from(value), timestamp: io.clock.now() }],
  });
  log.appendAsLeader(records, { leaderEpoch: 0, timestampNow: io.clock.now() });
}

type Harm = (opened: Opened) => unknown;

const harms: Readonly<Record<string, readonly [harm: Harm, message: RegExp, withinMs: number]>> = {
  'the directory is removed': [({ process }) => process.host.removeTree(path), /data/, 3_000],
  'another one is put into its place': [
    ({ process }) => process.host.replaceTree(path),
    /data/,
    3_000,
  ],
  'another one with the same lock is put into its place': [
    async ({ io, directory }) => {
      // All files are the same, and reached by another name: a mount over it.
      await io.disk.remove('/other');
      io.disk.makeDirectory('/other');
      for (const { name } of io.disk.list(directory.path)) {
        io.disk.rename(`${path}/${name}`, `/other/${name}`);
      }
      io.disk.rename(path, '/old');
      io.disk.rename('/other', path);
    },
    /another directory was put into the place of \/data/,
    3_000,
  ],
  'the folder of a partition is removed': [
    ({ process }) => process.host.removeTree(`${path}/t-0`),
    /t-0\/0+\.log/,
    3_000,
  ],
  'its lock is removed': [
    ({ process }) => process.host.removeTree(`${path}/.lock`),
    /our lock/,
    3_000,
  ],
  'its file system does not answer': [
    ({ process }) => process.host.freezeTree(path),
    /did not answer for 30 s/,
    70_000,
  ],
};

for (const [what, [harm, message, withinMs]] of Object.entries(harms)) {
  test(`a directory fails when ${what}, though appends go on`, async () => {
    await withDirectory(async (opened) => {
      const { io, log, directory, failures } = opened;
      append(io, log);
      await io.clock.sleep(5_000);
      assert.deepEqual(failures, []);
      const beganMs = io.clock.monotonic();
      await harm(opened);
      while (failures.length === 0 && io.clock.monotonic() - beganMs < withinMs) {
        append(io, log);
        await io.clock.sleep(100);
      }
      assert.equal(failures.length, 1, `not within ${withinMs} ms`);
      assert.match(String(failures), message);
      await directory.close();
      await io.clock.sleep(100_000);
      assert.equal(failures.length, 1);
      assert.equal(io.disk.stat(`${path}/.kafka_cleanshutdown`), null);
    });
  });
}

test('a directory in which everything happens is left in peace', async () => {
  const world = new World({
    faults: { disk: { slowSyncChance: 0.2, slowSyncMs: 45_000, readMsMean: 20 } },
  });
  await withDirectory(async ({ io, directory, log, failures }) => {
    for (let round = 0; round < 300; round++) {
      for (let i = 0; i < 5; i++) append(io, log, 'x'.repeat(700));
      const name = { topic: 'u', partition: round, topicId };
      const other = await directory.createLog(name, { ...log.config, fileDeleteDelayMs: 500 });
      append(io, other);
      log.configure({ ...log.config, retentionBytes: 4_000 });
      await log.applyRetention(io.clock.now(), log.logEndOffset);
      if (round % 3 === 0)
        await log.read(log.logStartOffset, 10_000, {
          upperBound: log.logEndOffset,
          atLeastOneBatch: true,
        });
      if (round > 10) await directory.deleteLog('u', round - 10);
      if (round % 10 === 0) await directory.checkpointOffsets();
      await io.clock.sleep(round % 7 === 0 ? 1_000 : 30);
    }
    assert.deepEqual(failures, []);
    await directory.close();
    assert.notEqual(io.disk.stat(`${path}/.kafka_cleanshutdown`), null);
  }, world);
});

test('a log may be deleted at any step of a cleaning, however slow the disk is', async () => {
  const world = new World({ faults: { disk: { syncMsMean: 1_000 } } });
  await withDirectory(async ({ io, directory, failures }) => {
    let stopCount = 0;
    for (let waitMs = 0; waitMs < 20_000; waitMs += 500) {
      const config = { ...defaultLogConfig, cleanupPolicy: ['compact'] as const };
      const name = { topic: 'c', partition: waitMs, topicId };
      const log = await directory.createLog(name, config);
      for (let i = 0; i < 10; i++) put(log, [['key', `${i}`]]);
      roll(log);
      const cleaning = clean(log).catch((error: unknown) => {
        assert.ok(error instanceof CleaningStopped, String(error));
        stopCount++;
      });
      await io.clock.sleep(waitMs);
      await directory.deleteLog('c', waitMs);
      await cleaning;
    }
    await directory.close();
    assert.deepEqual(failures, []);
    assert.ok(stopCount > 10, `${stopCount} cleanings were stopped`);
  }, world);
});
