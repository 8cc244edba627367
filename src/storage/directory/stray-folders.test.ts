// What is set aside is whole and durable, and a crash on the way loses no byte of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate, World } from '../../../sim/index.ts';
import { type Io, IoError } from '../../io/index.ts';
import {
  isStrayFolder,
  parseStrayFolderName,
  setFolderAside,
  setSegmentsAside,
  strayFolderName,
} from './stray-folders.ts';

const folder = { topic: 'my-topic', partition: 3 };
const home = '/data/my-topic-3';
const hex = '0123456789abcdef0123456789abcdef';
const log = (offset: number) => `${String(offset).padStart(20, '0')}.log`;
const contents = { [log(0)]: 'aaaabbbb', [log(10)]: 'cccc', [log(20)]: 'dddd' };

async function writeLog(io: Io): Promise<void> {
  const files = { ...contents, 'partition.metadata': 'version: 0\ntopic_id: x' };
  io.disk.makeDirectory(home);
  for (const [name, text] of Object.entries(files)) {
    const file = io.disk.open(`${home}/${name}`, 'create');
    file.write([Buffer.from(text)], 0);
    await file.sync();
    file.close();
  }
  await io.disk.syncDirectory(home);
}

function strayFiles(io: Io): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name } of io.disk.list('/data').filter((each) => isStrayFolder(each.name))) {
    for (const file of io.disk.list(`/data/${name}`)) {
      found.set(file.name, textOf(io, `/data/${name}/${file.name}`) as string);
    }
  }
  return found;
}

function textOf(io: Io, path: string): string | null {
  return io.disk.readFile(path)?.toString() ?? null;
}

/** The second half of the first segment, and the segments behind it. */
async function cut(io: Io): Promise<string> {
  const path = await setSegmentsAside(io, '/data', folder, [
    { source: `${home}/${log(0)}`, name: log(5), from: 4 },
    { source: `${home}/${log(10)}`, name: log(10) },
    { source: `${home}/${log(20)}`, name: log(20) },
  ]);
  const file = io.disk.open(`${home}/${log(0)}`, 'write');
  file.truncate(4);
  await file.sync();
  file.close();
  return path;
}

/** Each byte is where it was, or in a stray folder, and the log has no hole. */
function assertNothingLost(io: Io, step: string): void {
  const strays = strayFiles(io);
  const first = textOf(io, `${home}/${log(0)}`);
  const isWhole = first === 'aaaabbbb' || (first === 'aaaa' && strays.get(log(5)) === 'bbbb');
  assert.ok(isWhole, `${step}: ${first} and ${strays.get(log(5))}`);
  for (const offset of [10, 20]) {
    const text = textOf(io, `${home}/${log(offset)}`) ?? strays.get(log(offset));
    assert.equal(text, contents[log(offset)], `${step}: the segment of ${offset}`);
  }
  const isBehindHole = textOf(io, `${home}/${log(20)}`) && !textOf(io, `${home}/${log(10)}`);
  assert.ok(!isBehindHole, `${step}: the segment of 10 left before the one of 20`);
}

describe('stray folders', () => {
  test('are named as Kafka names them, the topic cut where the file system wants it', () => {
    const unique = Buffer.from(hex, 'hex');
    assert.equal(strayFolderName('my-topic', 3, unique), `my-topic-3.${hex}-stray`);
    assert.deepEqual(parseStrayFolderName(`my-topic-3.${hex}-stray`), folder);
    const long = strayFolderName('t'.repeat(249), 12, unique);
    assert.equal(long.length, 255);
    assert.equal(parseStrayFolderName(long)?.partition, 12);
    for (const other of ['my-topic-3', `my-topic-3.${hex}-delete`, `my-topic.${hex}-stray`]) {
      assert.equal(parseStrayFolderName(other), null);
      assert.equal(isStrayFolder(other), false);
    }
  });

  test('take a whole folder, which a power cut leaves there', async () => {
    const world = new World();
    let isDone = false;
    world.startProcess('host', async (io) => {
      await writeLog(io);
      await setFolderAside(io, '/data', folder);
      isDone = true;
    });
    await world.run(() => isDone);
    world.host('host').powerCut();
    const { io } = world.host('host').start();
    assert.equal(io.disk.stat(home), null);
    assert.equal(strayFiles(io).get(log(0)), 'aaaabbbb');
  });

  test('take segments and the end of one, with the partition.metadata of the log', async () => {
    await simulate(async (io) => {
      await writeLog(io);
      const path = await cut(io);
      assert.match(path, /^\/data\/my-topic-3\.[0-9a-f]{32}-stray$/);
      const expected = { [log(5)]: 'bbbb', [log(10)]: 'cccc', [log(20)]: 'dddd' };
      const metadata = { 'partition.metadata': 'version: 0\ntopic_id: x' };
      assert.deepEqual(Object.fromEntries(strayFiles(io)), { ...expected, ...metadata });
      assert.equal(textOf(io, `${home}/${log(0)}`), 'aaaa');
      assert.equal(textOf(io, `${home}/partition.metadata`), metadata['partition.metadata']);
    });
  });

  for (const how of ['kill', 'power cut'] as const) {
    test(`lose nothing to a ${how} at any step of a cut`, async () => {
      let hasFinished = false;
      for (let step = 0; !hasFinished; step++) {
        for (let seed = 0; seed < 8; seed++) {
          const world = new World({ seed: `${step} ${seed}` });
          let isReady = false;
          let isDone = false;
          const process = world.startProcess('host', async (io) => {
            await writeLog(io);
            isReady = true;
            process.killAtDiskOperation(step);
            await cut(io);
            isDone = true;
          });
          await world.run(() => isReady);
          await world.run(() => isDone || !process.isAlive);
          hasFinished = isDone;
          if (how === 'power cut') world.host('host').powerCut();
          else process.kill();
          assertNothingLost(world.host('host').start().io, `step ${step}, seed ${seed}`);
        }
      }
    });
  }

  test('leave the log as it was when a copy does not fit on the disk', async () => {
    await simulate(async (io, process) => {
      await writeLog(io);
      process.host.files.capacityBytes = 45;
      await assert.rejects(cut(io), (error) => error instanceof IoError && error.code === 'ENOSPC');
      assert.equal(strayFiles(io).size, 0);
      assert.equal(textOf(io, `${home}/${log(0)}`), 'aaaabbbb');
      assert.equal(textOf(io, `${home}/${log(20)}`), 'dddd');
    });
  });
});
