// Logs whose active segment came to harm after a clean stop: what is appended next follows a whole
// batch, at an offset that nobody has seen, and what is no batch is set aside.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  append,
  contentOf,
  DIRECTORY,
  type FixtureOptions,
  openLog,
} from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import { batchHeaders } from '../../protocol/index.ts';
import { isStrayFolder } from '../directory/stray-folders.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { LOG_SUFFIX, logFileName } from '../segment/log-files.ts';

const COUNT = 40;
const fromFiles: FixtureOptions = {
  limits: { tailCacheBytesMax: 0 },
  config: { indexIntervalBytes: 300 },
};
const stoppedCleanly = { ...fromFiles, wasCleanShutdown: true, recoveryPoint: COUNT };
const value = (offset: number) => `value ${offset}`.padEnd(60, '.');
const path = `${DIRECTORY}/${logFileName(0, LOG_SUFFIX)}`;
const producer = { producerId: 7, producerEpoch: 0 };

async function leftByStop(io: Io): Promise<Buffer> {
  const log = await openLog(io, fromFiles);
  for (let i = 0; i < COUNT; i++) append(log, [value(i)], { ...producer, baseSequence: i });
  await log.close();
  // Its files are newer than what comes into its place: the time of the change tells nothing.
  return io.disk.readFile(path) as Buffer;
}

function replace(io: Io, bytes: Buffer): void {
  const file = io.disk.open(path, 'write');
  file.truncate(0);
  file.write([bytes], 0);
  file.close();
}

function setAside(io: Io): Buffer[] {
  return io.disk
    .list('/data')
    .filter(({ name }) => isStrayFolder(name))
    .flatMap(({ name: folder }) =>
      io.disk
        .list(`/data/${folder}`)
        .map(({ name }) => io.disk.readFile(`/data/${folder}/${name}`) as Buffer),
    );
}

function expected(count: number): string[] {
  return Array.from({ length: count }, (_, offset) => `${offset}:${value(offset)}`);
}

/** The log goes on at COUNT, and keeps what it has over a kill and a clean stop. */
async function assertGoesOn(io: Io, log: PartitionLog, kept: readonly string[]): Promise<void> {
  assert.equal(append(log, ['next']).baseOffset, COUNT);
  const content = [...kept, `${COUNT}:next`];
  assert.deepEqual(await contentOf(log), content);
  await log.flush();
  log.abandon();
  const killed = await openLog(io, { ...fromFiles, recoveryPoint: COUNT });
  assert.deepEqual(await contentOf(killed), content);
  append(killed, ['last']);
  await killed.close();
  const again = await openLog(io, { ...stoppedCleanly, recoveryPoint: COUNT + 2 });
  assert.deepEqual(await contentOf(again), [...content, `${COUNT + 1}:last`]);
}

const text = Buffer.from('0\n1\n0 0\n'.repeat(2000));
const garbage: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'a text that is shorter': () => text.subarray(0, 20),
  'a text that is longer': () => text,
  'a text of the same size': ({ length }) => text.subarray(0, length),
  'random bytes of the same size': ({ length }) => new Prng('all').bytes(length),
  'zeros of the same size': ({ length }) => Buffer.alloc(length),
};

describe('an active segment that is changed after a clean stop', () => {
  for (const [what, change] of Object.entries(garbage)) {
    test(`to ${what} is set aside, and the log goes on behind it`, () =>
      simulate(async (io) => {
        const bytes = change(await leftByStop(io));
        replace(io, bytes);
        const log = await openLog(io, stoppedCleanly);
        assert.deepEqual(setAside(io), [bytes]);
        assert.deepEqual([log.logStartOffset, log.logEndOffset], [COUNT, COUNT]);
        await assertGoesOn(io, log, []);
      }));
  }

  test('at its end keeps what is before, and the offsets of what is lost stay taken', () =>
    simulate(async (io) => {
      const bytes = await leftByStop(io);
      const last = [...batchHeaders(bytes)].at(-1)?.position as number;
      const changed = Buffer.concat([bytes.subarray(0, last), text.subarray(0, 100)]);
      replace(io, changed);
      const log = await openLog(io, stoppedCleanly);
      assert.deepEqual(setAside(io), [changed.subarray(last)]);
      await assertGoesOn(io, log, expected(COUNT - 1));
    }));

  test('by bytes behind its end keeps all that it had', () =>
    simulate(async (io) => {
      const bytes = await leftByStop(io);
      replace(io, Buffer.concat([bytes, text]));
      const log = await openLog(io, stoppedCleanly);
      assert.deepEqual(setAside(io), [text]);
      await assertGoesOn(io, log, expected(COUNT));
    }));

  for (const [what, count] of [
    ['some batches', COUNT - 9],
    ['all batches', 0],
  ] as const) {
    test(`by the loss of ${what} gives no offset away again`, () =>
      simulate(async (io) => {
        const bytes = await leftByStop(io);
        const end = [...batchHeaders(bytes)][count]?.position as number;
        replace(io, bytes.subarray(0, end));
        await assertGoesOn(io, await openLog(io, stoppedCleanly), expected(count));
        assert.deepEqual(setAside(io), []);
      }));
  }
});

test('a recovery point that says too much leaves no gap in a log that is as it was left', () =>
  simulate(async (io) => {
    await leftByStop(io);
    const log = await openLog(io, { ...stoppedCleanly, recoveryPoint: 9 * COUNT });
    assert.equal(log.logEndOffset, COUNT);
  }));
