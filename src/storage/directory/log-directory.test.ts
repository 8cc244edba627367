// A log directory through starts, clean stops, kills and misuse.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { append, contentOf } from '../../../tests/doubles/storage/logs.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import { type Io, IoError } from '../../io/index.ts';
import { LogResources } from '../files/log-resources.ts';
import { defaultLogConfig } from '../log/log-config.ts';
import { LogDirectory, type LogDirectoryOptions } from './log-directory.ts';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

function open(io: Io, options: Partial<LogDirectoryOptions> = {}): Promise<LogDirectory> {
  return LogDirectory.open(io, {
    path: '/data',
    nodeId: 1,
    clusterId: 'cluster-a',
    resources: new LogResources(io),
    onFailure: () => undefined,
    ...options,
  });
}

function putBackFromCopy({ disk }: Io, path: string): void {
  const copy = disk.open(`${path}.copy`, 'create');
  copy.write([disk.readFile(path) as Buffer], 0);
  copy.close();
  disk.rename(`${path}.copy`, path);
}

const name = (partition: number) => ({ topic: 'my-topic', partition, topicId: TOPIC_ID });

describe('log directory', () => {
  for (const how of ['stopped', 'killed'] as const) {
    test(`logs come back with their content and topic id after the broker was ${how}`, async () => {
      const { World } = await import('../../../sim/index.ts');
      const world = new World();
      let isDone = false;
      const first = world.startProcess('host', async (io) => {
        const directory = await open(io);
        for (const partition of [0, 1, 2]) {
          const log = await directory.createLog(name(partition), defaultLogConfig);
          append(log, [`p${partition}`, 'x']);
          await log.flush();
        }
        await directory.checkpointHighWatermarks(new Map([['my-topic-1', 2]]));
        if (how === 'stopped') await directory.close();
        isDone = true;
      });
      await world.run(() => isDone);
      first.kill();
      if (how === 'killed') world.host('host').powerCut();
      isDone = false;
      world.startProcess('host', async (io) => {
        const directory = await open(io);
        assert.equal(directory.wasCleanShutdown, how === 'stopped');
        const logs = await directory.openLogs(() => defaultLogConfig);
        assert.equal(logs.length, 3);
        assert.equal(directory.topicId('my-topic', 1), TOPIC_ID);
        assert.equal(directory.highWatermarks.get('my-topic-1'), 2);
        const log = directory.log('my-topic', 2);
        assert.ok(log !== null);
        assert.deepEqual(await contentOf(log), ['0:p2', '1:x']);
        isDone = true;
      });
      await world.run(() => isDone);
    });
  }

  const fates = {
    'was killed': 7,
    'was killed before it had opened its logs': -1,
    'was killed by a power cut': -1,
    'was killed, and its directory put back from a copy': -1,
    'was killed after its disk had failed': -1,
    'stopped cleanly': 9,
  } as const;
  for (const [fate, expected] of Object.entries(fates)) {
    test(`a broker that ${fate} names the broker epoch ${expected}`, async () => {
      const { World } = await import('../../../sim/index.ts');
      const world = new World();
      let isDone = false;
      const first = world.startProcess('host', async (io) => {
        const directory = await open(io);
        assert.equal(directory.previousBrokerEpoch(), -1);
        if (!fate.includes('before')) await directory.openLogs(() => defaultLogConfig);
        await directory.noteLives({ brokerEpoch: 7, incarnationIds: [] });
        if (fate.includes('failed')) directory.health.fail(new IoError('EIO', 'planted'));
        if (fate.includes('cleanly')) await directory.close(async () => 9);
        if (fate.includes('copy')) putBackFromCopy(io, '/data/.partita_boot_id');
        isDone = true;
      });
      await world.run(() => isDone);
      first.kill();
      if (fate.includes('power')) world.host('host').powerCut();
      isDone = false;
      world.startProcess('host', async (io) => {
        const directory = await open(io);
        assert.equal(directory.previousBrokerEpoch(), expected);
        isDone = true;
      });
      await world.run(() => isDone);
    });
  }

  const harms = {
    'a batch in the middle is damaged': -1,
    'the end is missing below what was synced': -1,
    'the last write was cut short': 7,
    'nothing is missing': 7,
  } as const;
  for (const [harm, expected] of Object.entries(harms)) {
    test(`a killed broker names epoch ${expected} if of a log ${harm}`, async () => {
      const { World } = await import('../../../sim/index.ts');
      const world = new World();
      const segment = '/data/my-topic-0/00000000000000000000.log';
      let isDone = false;
      const first = world.startProcess('host', async (io) => {
        const directory = await open(io);
        await directory.openLogs(() => defaultLogConfig);
        const log = await directory.createLog(name(0), defaultLogConfig);
        await directory.noteLives({ brokerEpoch: 7, incarnationIds: [] });
        for (const value of ['a', 'b', 'c']) append(log, [value]);
        await log.flush();
        await directory.checkpointOffsets();
        append(log, ['d']);
        const file = io.disk.open(segment, 'write');
        const sizeBytes = file.sizeBytes();
        if (harm.includes('damaged')) file.write([Buffer.from('x')], sizeBytes / 2 + 70);
        if (harm.includes('synced')) file.truncate(sizeBytes / 2);
        if (harm.includes('short')) file.truncate(sizeBytes - 5);
        isDone = true;
      });
      await world.run(() => isDone);
      first.kill();
      // The second start is killed before it is registered, and the third finds nothing to mend.
      for (let start = 0; start < 2; start++) {
        isDone = false;
        const next = world.startProcess('host', async (io) => {
          const directory = await open(io);
          await directory.openLogs(() => defaultLogConfig);
          assert.equal(directory.previousBrokerEpoch(), expected);
          isDone = true;
        });
        await world.run(() => isDone);
        next.kill();
      }
    });
  }

  test('a log whose creator was killed at any step is durable once it is written to', async () => {
    const { World } = await import('../../../sim/index.ts');
    for (let step = 0; step < 48; step++) {
      const world = new World({ seed: step });
      let isOpen = false;
      let isDone = false;
      const first = world.startProcess('host', async (io) => {
        const directory = await open(io);
        await directory.createLog(name(9), defaultLogConfig);
        isOpen = true;
        first.killAtDiskOperation(step % 12);
        await directory.createLog(name(0), defaultLogConfig);
        isDone = true;
      });
      await world.run(() => isOpen);
      await world.run(() => isDone || !first.isAlive);
      first.kill();
      isDone = false;
      world.startProcess('host', async (io) => {
        const directory = await open(io);
        await directory.openLogs(() => defaultLogConfig);
        const found = directory.log('my-topic', 0);
        const isKnown = directory.topicId('my-topic', 0) === TOPIC_ID;
        if (found !== null && !isKnown) await directory.deleteLog('my-topic', 0);
        const log = isKnown ? found : await directory.createLog(name(0), defaultLogConfig);
        assert.ok(log !== null);
        append(log, ['x']);
        await log.flush();
        isDone = true;
      });
      await world.run(() => isDone);
      world.host('host').powerCut();
      isDone = false;
      world.startProcess('host', async (io) => {
        const directory = await open(io);
        await directory.openLogs(() => defaultLogConfig);
        assert.equal(directory.topicId('my-topic', 0), TOPIC_ID);
        const log = directory.log('my-topic', 0);
        assert.deepEqual(log && (await contentOf(log)), ['0:x']);
        isDone = true;
      });
      await world.run(() => isDone);
    }
  });

  test('a log that was never synced is not taken for one whose checkpoint was lost', async () => {
    const { World } = await import('../../../sim/index.ts');
    const world = new World();
    const host = world.host('host');
    let isDone = false;
    host.start(async (io) => {
      await (await open(io)).createLog(name(0), defaultLogConfig);
      isDone = true;
    });
    await world.run(() => isDone);
    host.powerCut();
    isDone = false;
    host.start(async (io) => {
      assert.equal(`${io.disk.readFile('/data/recovery-point-offset-checkpoint')}`, '0\n0\n');
      isDone = true;
    });
    await world.run(() => isDone);
  });

  test('a checkpoint that Kafka made and had nothing to say in is no damage', () =>
    simulate(async (io) => {
      await (await open(io)).close();
      for (const file of ['recovery-point', 'log-start', 'cleaner', 'replication']) {
        io.disk.open(`/data/${file}-offset-checkpoint`, 'create').close();
      }
      const directory = await open(io);
      assert.deepEqual(await directory.openLogs(() => defaultLogConfig), []);
      await directory.createLog(name(0), defaultLogConfig);
      assert.equal(`${io.disk.readFile('/data/recovery-point-offset-checkpoint')}`, '0\n0\n');
    }));

  for (const how of ['made anew', 'moved here'] as const) {
    test(`what checkpoints say of a log is not said of the one ${how} under its name`, async () => {
      const { World } = await import('../../../sim/index.ts');
      const world = new World();
      let isDone = false;
      const first = world.startProcess('host', async (io) => {
        const directory = await open(io);
        const old = await directory.createLog(name(0), defaultLogConfig);
        append(old, ['0', '1', '2', '3']);
        await old.flush();
        await old.deleteRecordsBefore(3);
        old.cleanedTo = 2;
        await directory.checkpointOffsets();
        await directory.checkpointCleanedOffsets();
        await directory.deleteLog('my-topic', 0);
        if (how === 'made anew') await directory.createLog(name(0), defaultLogConfig);
        else {
          const future = await directory.createFutureLog(name(0), defaultLogConfig);
          await directory.promoteFutureLog(future, TOPIC_ID);
        }
        const log = directory.log('my-topic', 0);
        assert.ok(log !== null);
        append(log, ['a', 'b', 'c', 'd', 'e']);
        isDone = true;
      });
      await world.run(() => isDone);
      first.kill();
      isDone = false;
      world.startProcess('host', async (io) => {
        const directory = await open(io);
        const [log] = await directory.openLogs(() => defaultLogConfig);
        assert.ok(log !== undefined);
        assert.deepEqual(await contentOf(log), ['0:a', '1:b', '2:c', '3:d', '4:e']);
        assert.equal(log.recoveryPoint, 0);
        assert.equal(log.cleanedTo, null);
        isDone = true;
      });
      await world.run(() => isDone);
    });
  }

  test('a log with gaps survives the loss of its checkpoint and kills behind it', async () => {
    const { World } = await import('../../../sim/index.ts');
    const world = new World();
    const config = { ...defaultLogConfig, cleanupPolicy: ['compact'] as const, segmentMs: -1 };
    let isDone = false;
    const run = async (main: (io: Io) => Promise<void>): Promise<void> => {
      isDone = false;
      const process = world.startProcess('host', async (io) => {
        await main(io);
        isDone = true;
      });
      await world.run(() => isDone);
      process.kill();
    };
    await run(async (io) => {
      const log = await (await open(io)).createLog(name(0), config);
      for (const value of ['0', '1', '2', '3']) append(log, [value]);
      await log.flush();
      const file = io.disk.open(`${log.directory}/${String(1).padStart(20, '0')}.log`, 'write');
      file.truncate(0);
      await io.disk.remove('/data/recovery-point-offset-checkpoint');
    });
    for (let kills = 0; kills < 3; kills++) {
      await run(async (io) => {
        const directory = await open(io);
        const [log] = await directory.openLogs(() => config);
        assert.deepEqual(log && (await contentOf(log)), ['0:0', '2:2', '3:3']);
        await directory.checkpointOffsets();
      });
    }
  });

  test('the mark of a clean stop is gone once the directory is open again', () =>
    simulate(async (io) => {
      const directory = await open(io);
      await directory.openLogs(() => defaultLogConfig);
      await directory.close();
      assert.ok(io.disk.stat('/data/.kafka_cleanshutdown') !== null);
      const again = await open(io);
      assert.ok(again.wasCleanShutdown);
      assert.equal(io.disk.stat('/data/.kafka_cleanshutdown'), null);
    }));

  test('after a clean stop no segment file is read, but for the last headers of the last one', () =>
    simulate(async (io) => {
      const directory = await open(io);
      const config = { ...defaultLogConfig, segmentBytesMax: 20_000 };
      const log = await directory.createLog(name(0), config);
      for (let i = 0; i < 58; i++) append(log, ['v'.repeat(1000)]);
      assert.equal(log.segmentCount, 7);
      await directory.close();
      const opened = new Set<string>();
      let bytesRead = 0;
      const disk = new Proxy(io.disk, {
        get(target, key) {
          if (key === 'open') {
            return (path: string, mode: 'read' | 'write' | 'create') => {
              const file = target.open(path, mode);
              if (!path.includes('.log')) return file;
              opened.add(path);
              const { readSync } = file;
              file.readSync = (buffer, position) => {
                bytesRead += buffer.length;
                return readSync.call(file, buffer, position);
              };
              file.read = () => assert.fail('no batch is read');
              return file;
            };
          }
          const value = Reflect.get(target, key, target) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const again = await open({ ...io, disk });
      const [reopened] = await again.openLogs(() => config);
      assert.equal(reopened?.logEndOffset, 58);
      assert.equal(opened.size, 1);
      assert.ok(bytesRead <= 2 * 4096, `${bytesRead} bytes`);
    }));

  test('a deleted log is renamed at once and removed after file.delete.delay.ms', () =>
    simulate(async (io) => {
      const directory = await open(io);
      await directory.createLog(name(0), defaultLogConfig);
      await directory.deleteLog('my-topic', 0);
      const folders = () =>
        io.disk
          .list('/data')
          .filter(({ isDirectory }) => isDirectory)
          .map((each) => each.name);
      assert.match(folders().join(), /^my-topic-0\.[0-9a-f]{32}-delete$/);
      // The name is free again.
      await directory.createLog({ ...name(0), topicId: ZERO_UUID }, defaultLogConfig);
      await io.clock.sleep(61_000);
      assert.deepEqual(folders(), ['my-topic-0']);
    }));

  test('a folder that was being deleted is removed by the next start', () =>
    simulate(async (io) => {
      const directory = await open(io);
      await directory.createLog(name(0), defaultLogConfig);
      await directory.deleteLog('my-topic', 0);
      await directory.close();
      const again = await open(io);
      assert.deepEqual(await again.openLogs(() => defaultLogConfig), []);
      assert.ok(io.disk.list('/data').every((entry) => !entry.isDirectory));
    }));

  test('log start offsets within a segment survive a restart', () =>
    simulate(async (io) => {
      const directory = await open(io);
      const log = await directory.createLog(name(0), defaultLogConfig);
      append(log, ['a', 'b']);
      append(log, ['c']);
      await log.deleteRecordsBefore(1);
      await directory.close();
      const [again] = await (await open(io)).openLogs(() => defaultLogConfig);
      assert.equal(again?.logStartOffset, 1);
    }));

  const misuses: [string, Partial<LogDirectoryOptions>, RegExp][] = [
    [
      'another cluster',
      { clusterId: 'cluster-b' },
      /\/data belongs to cluster cluster-a.*log\.dirs/,
    ],
    ['another node', { nodeId: 2 }, /\/data belongs to node 1.*node\.id=1/],
  ];
  for (const [what, options, message] of misuses) {
    test(`a directory of ${what} is refused in one line`, () =>
      simulate(async (io) => {
        await (await open(io)).close();
        await assert.rejects(open(io, options), message);
        // And it can be opened by its owner still.
        await (await open(io)).close();
      }));
  }

  test('a directory in use by another process is refused', async () => {
    const { World } = await import('../../../sim/index.ts');
    const world = new World();
    let isOpen = false;
    world.startProcess('host', async (io) => {
      await open(io);
      isOpen = true;
    });
    await world.run(() => isOpen);
    let isRefused = false;
    world.startProcess('host', async (io) => {
      await assert.rejects(open(io), /\/data is in use by another broker/);
      isRefused = true;
    });
    await world.run(() => isRefused);
  });

  test('a directory that cannot be written to is refused with the remedy', () =>
    simulate(async (io) => {
      const refuse = (): never => {
        throw new IoError('EACCES', 'permission denied');
      };
      const disk = new Proxy(io.disk, {
        get: (target, key) =>
          key === 'lock' || key === 'makeDirectory' ? refuse : Reflect.get(target, key, target),
      });
      await assert.rejects(open({ ...io, disk }), /log directory \/data cannot be used \(EACCES\)/);
    }));
});
