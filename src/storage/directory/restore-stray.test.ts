// Taking a log back that was set aside: it gets the place and the id of the present one, which is
// not lost if it has records, whatever interrupts it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate, World } from '../../../sim/index.ts';
import { append, contentOf } from '../../../tests/doubles/storage/logs.ts';
import type { Io } from '../../io/index.ts';
import { LogResources } from '../files/log-resources.ts';
import { defaultLogConfig } from '../log/log-config.ts';
import { LogDirectory } from './log-directory.ts';
import { listStrays, type RestoreOptions, restoreStray } from './restore-stray.ts';

const oldId = 'AAAAAAAAAAAAAAAAAAAAAQ';
const newId = 'BBBBBBBBBBBBBBBBBBBBBQ';

async function withDirectory<T>(io: Io, use: (directory: LogDirectory) => Promise<T>): Promise<T> {
  const directory = await LogDirectory.open(io, {
    path: '/data',
    nodeId: 1,
    clusterId: 'cluster-a',
    resources: new LogResources(io),
    onFailure: (_, error) => assert.fail(error),
  });
  const result = await use(directory);
  await directory.close();
  return result;
}

/** A log with records is set aside, and another one is in its place. Returns the folder's name. */
async function prepare(io: Io, present: readonly string[]): Promise<string> {
  await withDirectory(io, async (directory) => {
    const name = { topic: 't', partition: 0 };
    append(await directory.createLog({ ...name, topicId: oldId }, defaultLogConfig), ['a', 'b']);
    await directory.log('t', 0)?.flush();
    await directory.checkpointOffsets();
    await directory.setLogAside('t', 0, 'it is a test');
    const log = await directory.createLog({ ...name, topicId: newId }, defaultLogConfig);
    for (const text of present) append(log, [text]);
  });
  return listStrays(io.disk, ['/data'])[0]?.name as string;
}

function restore(io: Io, name: string, more: Partial<RestoreOptions> = {}) {
  return restoreStray(io, { directories: ['/data'], name, setsPresentAside: false, ...more });
}

async function presentContent(io: Io): Promise<{ topicId: string; content: string[] }> {
  return await withDirectory(io, async (directory) => {
    await directory.openLogs(() => defaultLogConfig);
    const log = directory.log('t', 0);
    const content = log === null ? [] : await contentOf(log);
    return { topicId: directory.topicId('t', 0), content };
  });
}

describe('a log that was set aside', () => {
  test('takes the place of one without records, with its id', () =>
    simulate(async (io) => {
      const name = await prepare(io, []);
      const [stray] = listStrays(io.disk, ['/data']);
      assert.equal(stray?.topicId, oldId);
      assert.equal(stray?.segmentCount, 1);
      const restored = await restore(io, name);
      assert.deepEqual(restored, { path: '/data/t-0', topicId: newId, presentKept: null });
      assert.deepEqual(await presentContent(io), { topicId: newId, content: ['0:a', '1:b'] });
      assert.deepEqual(listStrays(io.disk, ['/data']), []);
    }));

  test('leaves records alone that are in its place, or sets them aside in turn', () =>
    simulate(async (io) => {
      const name = await prepare(io, ['new']);
      await assert.rejects(restore(io, name), /t-0 has records: give --set-present-aside/);
      assert.deepEqual((await presentContent(io)).content, ['0:new']);
      const { presentKept } = await restore(io, name, { setsPresentAside: true });
      assert.match(presentKept ?? '', /^\/data\/t-0\.[0-9a-f]{32}-stray$/);
      assert.deepEqual((await presentContent(io)).content, ['0:a', '1:b']);
      const back = presentKept?.slice('/data/'.length) as string;
      await restore(io, back, { setsPresentAside: true });
      assert.deepEqual((await presentContent(io)).content, ['0:new']);
    }));

  test('is not restored without a topic, or while a broker has the directory', () =>
    simulate(async (io) => {
      const name = await prepare(io, []);
      await assert.rejects(restore(io, 'other'), /there is no other in \/data: see partita stray/);
      await assert.rejects(
        restore(io, name, { topic: 'u' }),
        /there is no u-0 now: .*make the topic u/,
      );
      await withDirectory(io, async () => {
        await assert.rejects(restore(io, name), /is in use by another broker/);
      });
    }));

  test('is still there when the tool is interrupted at any step', async () => {
    let hasFinished = false;
    for (let step = 0; !hasFinished; step++) {
      const world = new World({ seed: step });
      let isReady = false;
      const process = world.startProcess('host', async (io) => {
        const name = await prepare(io, ['new']);
        isReady = true;
        process.killAtDiskOperation(step);
        await restore(io, name, { setsPresentAside: true });
        hasFinished = true;
      });
      await world.run(() => isReady);
      await world.run(() => hasFinished || !process.isAlive);
      process.kill();
      if (step % 2 === 0) world.host('host').powerCut();
      let isOver = false;
      world.startProcess('host', async (io) => {
        const sizes = listStrays(io.disk, ['/data']).map(({ sizeBytes }) => sizeBytes);
        const { content } = await presentContent(io);
        const kept = sizes.length + (content.length > 0 ? 1 : 0);
        assert.equal(kept, 2, `step ${step}: ${sizes.length} set aside, and ${content}`);
        isOver = true;
      });
      await world.run(() => isOver);
    }
  });
});
