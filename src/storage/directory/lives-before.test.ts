// Which broker epoch a start may name, by the lives that were noted in a directory and the one that
// the metadata know: of a life that was killed, and of one that stopped before it had heard any.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type SimProcess, World } from '../../../sim/index.ts';
import { append } from '../../../tests/doubles/storage/logs.ts';
import type { Io } from '../../io/index.ts';
import { LogResources } from '../files/log-resources.ts';
import { defaultLogConfig } from '../log/log-config.ts';
import type { NotedLives } from '../recovery/boot-note.ts';
import { LogDirectory } from './log-directory.ts';

const NOTE = '/data/.partita_boot_id';
const SEGMENT = '/data/my-topic-0/00000000000000000000.log';
const NAME = { topic: 'my-topic', partition: 0, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' };
const LAST = 'AAAAAAAAAAAAAAAAAAAAAg';
const BEFORE = 'AAAAAAAAAAAAAAAAAAAAAw';
const OTHER = 'AAAAAAAAAAAAAAAAAAAABA';

const heard = { brokerEpoch: 7, incarnationIds: [LAST] };
/** Of a start behind a life that was registered under epoch 7. */
const unheard = { brokerEpoch: 7, incarnationIds: [LAST, BEFORE] };
const firstUnheard = { brokerEpoch: -1, incarnationIds: [LAST] };

function open(io: Io): Promise<LogDirectory> {
  return LogDirectory.open(io, {
    path: '/data',
    nodeId: 1,
    clusterId: 'cluster-a',
    resources: new LogResources(io),
    onFailure: () => {},
  });
}

/** Runs one process until it is done, or killed. */
async function run(
  world: World,
  main: (directory: LogDirectory, io: Io, process: SimProcess) => Promise<void>,
): Promise<void> {
  let isDone = false;
  const process = world.startProcess('host', async (io, own) => {
    const directory = await open(io);
    await directory.openLogs(() => defaultLogConfig);
    await main(directory, io, own);
    isDone = true;
  });
  await world.run(() => isDone || !process.isAlive);
  process.kill();
}

/** The epoch that the next start names if the metadata know the life. */
async function namedAfter(
  world: World,
  registered: { epoch: number; incarnationId: string },
): Promise<number> {
  let named = Number.NaN;
  await run(world, async (directory) => {
    named = directory.previousBrokerEpoch(registered);
  });
  return named;
}

describe('a start names', () => {
  const rows: [string, NotedLives, { epoch: number; incarnationId: string }, number][] = [
    ['the epoch that was noted', heard, { epoch: 7, incarnationId: LAST }, 7],
    ['the newer epoch of the life that was noted', heard, { epoch: 9, incarnationId: LAST }, 9],
    ['what was noted, if the metadata know another', heard, { epoch: 9, incarnationId: OTHER }, 7],
    ['a life that had not heard yet', unheard, { epoch: 9, incarnationId: LAST }, 9],
    ['the life before it', unheard, { epoch: 7, incarnationId: BEFORE }, 7],
    ['what was noted, of neither', unheard, { epoch: 9, incarnationId: OTHER }, 7],
    ['the first life that had not heard yet', firstUnheard, { epoch: 9, incarnationId: LAST }, 9],
    ['nothing of another life', firstUnheard, { epoch: 9, incarnationId: OTHER }, -1],
  ];
  for (const [what, noted, registered, expected] of rows) {
    test(what, async () => {
      const world = new World();
      await run(world, (directory) => directory.noteLives(noted));
      assert.equal(await namedAfter(world, registered), expected);
    });
  }

  test('nothing after a power cut or a failed disk, or in a copy of the directory', async () => {
    for (const what of ['power cut', 'failed disk', 'copy', 'lost'] as const) {
      const world = new World();
      await run(world, async (directory, io) => {
        await directory.noteLives(unheard);
        if (what === 'failed disk') directory.health.fail(new Error('planted'));
        if (what === 'copy') await putBack(io);
      });
      const host = world.host('host');
      if (what === 'power cut') host.powerCut();
      if (what === 'lost') host.replaceTree('/data');
      for (const incarnationId of [LAST, BEFORE]) {
        assert.equal(await namedAfter(world, { epoch: 7, incarnationId }), -1, what);
      }
    }
  });

  test('nothing of logs that are not what any of the lives left', async () => {
    const world = new World();
    await run(world, async (directory, io) => {
      const log = await directory.createLog(NAME, defaultLogConfig);
      await directory.noteLives(unheard);
      for (const value of ['a', 'b', 'c']) append(log, [value]);
      await log.flush();
      await directory.checkpointOffsets();
      io.disk.open(SEGMENT, 'write').truncate(100);
    });
    for (const incarnationId of [LAST, BEFORE]) {
      assert.equal(await namedAfter(world, { epoch: 7, incarnationId }), -1);
    }
    // Nor behind a stop of the start that found it, which had no epoch yet.
    await run(world, async (directory) => directory.close());
    assert.equal(await namedAfter(world, { epoch: 7, incarnationId: BEFORE }), -1);
  });
});

describe('after a clean stop a start names', () => {
  test('the newer epoch of the life that stopped, which had not heard it', async () => {
    const world = new World();
    await run(world, async (directory) => {
      await directory.noteLives(heard);
      await directory.close(async () => 7);
    });
    assert.equal(await namedAfter(world, { epoch: 9, incarnationId: LAST }), 9);
  });

  test('the epoch of the stop, whatever was noted of lives before', async () => {
    const world = new World();
    await run(world, async (directory) => {
      await directory.noteLives(heard);
      await directory.close(async () => 8);
    });
    assert.equal(await namedAfter(world, { epoch: 9, incarnationId: LAST }), 8);
  });

  test('the killed life before it, if it stopped before it had an epoch', async () => {
    const world = new World();
    await run(world, (directory) => directory.noteLives(heard));
    await run(world, async (directory) => directory.close(async () => -1));
    assert.equal(await namedAfter(world, { epoch: 7, incarnationId: LAST }), 7);
  });

  test('nothing, if it stopped without an epoch and had found a loss', async () => {
    const world = new World();
    await run(world, async (directory, io) => {
      const log = await directory.createLog(NAME, defaultLogConfig);
      for (const value of ['a', 'b', 'c']) append(log, [value]);
      await directory.close(async () => 7);
      io.disk.open(SEGMENT, 'write').truncate(100);
    });
    await run(world, async (directory) => directory.close(async () => -1));
    assert.equal(await namedAfter(world, { epoch: 7, incarnationId: LAST }), -1);
  });
});

test('a kill at any step of a note leaves the lives of before, or those of now', async () => {
  for (let step = 0, isKilled = true; isKilled; step++) {
    const world = new World();
    isKilled = false;
    await run(world, async (directory, _, process) => {
      await directory.noteLives(unheard);
      process.killAtDiskOperation(step);
      await directory.noteLives({ brokerEpoch: 9, incarnationIds: [LAST] });
      process.killAtDiskOperation(Number.POSITIVE_INFINITY);
    });
    await run(world, async (directory) => {
      isKilled = directory.previousBrokerEpoch() === 7;
      const named = directory.previousBrokerEpoch({ epoch: 12, incarnationId: LAST });
      assert.equal(named, 12, `killed at step ${step}`);
      const epoch = directory.previousBrokerEpoch();
      assert.ok(epoch === 9 || epoch === 7, `killed at step ${step}`);
      if (!isKilled) assert.ok(step > 0, 'a note has steps');
    });
  }
});

/** Another file with the same content. */
async function putBack(io: Io): Promise<void> {
  const bytes = io.disk.readFile(NOTE) as Buffer;
  await io.disk.remove(NOTE);
  const copy = io.disk.open(NOTE, 'create');
  copy.write([bytes], 0);
  copy.close();
}
