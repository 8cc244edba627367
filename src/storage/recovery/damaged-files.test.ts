// Every small file of a log directory, damaged in every way: the directory opens, no record is
// lost, none that was aborted is shown, and what cannot be opened costs its own partition alone.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate, World } from '../../../sim/index.ts';
import { append, contentOf } from '../../../tests/doubles/storage/logs.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import { encodeMessageSet } from '../../protocol/index.ts';
import { LogDirectory } from '../directory/log-directory.ts';
import { LogResources } from '../files/log-resources.ts';
import { defaultLogConfig } from '../log/log-config.ts';
import type { LogRead } from '../log/log-reads.ts';
import { encodeEndMarker } from '../producers/end-marker.ts';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const START = Date.UTC(2026, 0, 1);
const config = { ...defaultLogConfig, segmentBytesMax: 1200, indexIntervalBytes: 100 };
const COUNT = 24;

function open(io: Io): Promise<LogDirectory> {
  return LogDirectory.open(io, {
    path: '/data',
    nodeId: 1,
    clusterId: 'cluster-a',
    resources: new LogResources(io, { tailCacheBytesMax: 0 }),
    onFailure: (_, error) => assert.fail(error.stack),
  });
}

/** Two logs of several segments, epochs and transactions, every other of which is aborted. */
async function fill(io: Io): Promise<LogDirectory> {
  const directory = await open(io);
  for (const partition of [0, 1]) {
    const name = { topic: 't', partition, topicId: TOPIC_ID };
    const log = await directory.createLog(name, config);
    for (let i = 0; i < COUNT; i++) {
      const leaderEpoch = i >> 3;
      const producer = { producerId: 7, producerEpoch: 0, baseSequence: i };
      append(log, [`v${i}`], { ...producer, isTransactional: true, leaderEpoch });
      const marker = { producerId: 7, producerEpoch: 0, coordinatorEpoch: 0 };
      const whole = { ...marker, isCommit: i % 2 === 0, transactionVersion: 1 };
      log.appendAsLeader(encodeEndMarker(whole, START), {
        leaderEpoch,
        timestampNow: START,
        origin: 'coordinator',
        transactionVersion: 1,
      });
    }
    await log.flush();
    await log.deleteRecordsBefore(2);
    log.cleanedTo = 4;
  }
  await directory.checkpointOffsets();
  await directory.checkpointCleanedOffsets();
  await directory.checkpointHighWatermarks(new Map([['t-0', 48]]));
  return directory;
}

const prng = new Prng('damaged files');
const damages: Readonly<Record<string, (io: Io, path: string, bytes: Buffer) => unknown>> = {
  missing: async (io, path) => await io.disk.remove(path),
  emptied: (io, path) => replace(io, path, Buffer.alloc(0)),
  'cut short': (io, path, bytes) => replace(io, path, bytes.subarray(0, bytes.length >> 1)),
  'cut by a byte': (io, path, bytes) => replace(io, path, bytes.subarray(0, -1)),
  'of random bytes': (io, path, bytes) => replace(io, path, prng.bytes(bytes.length + 7)),
  'of NUL bytes': (io, path, bytes) => replace(io, path, Buffer.alloc(bytes.length)),
  'of huge numbers': (io, path, bytes) =>
    replace(io, path, Buffer.from(bytes.toString('latin1').replace(/\d+/g, '9'.repeat(30)))),
  'of negative numbers': (io, path, bytes) =>
    replace(io, path, Buffer.from(bytes.toString('latin1').replace(/\d+/g, '-1'))),
  'of 2^62': (io, path, bytes) =>
    replace(io, path, Buffer.from(`${bytes}`.replace(/ \d+\n/g, ' 4611686018427387904\n'))),
  'of ones': (io, path, bytes) => replace(io, path, Buffer.alloc(bytes.length, 0xff)),
  'a directory': async (io, path) => {
    await io.disk.remove(path);
    io.disk.makeDirectory(`${path}/inside`);
  },
};

function replace(io: Io, path: string, bytes: Buffer): void {
  const file = io.disk.open(path, 'create');
  file.truncate(0);
  file.write([bytes], 0);
  file.close();
}

const files = [
  'recovery-point-offset-checkpoint',
  'replication-offset-checkpoint',
  'log-start-offset-checkpoint',
  'cleaner-offset-checkpoint',
  '.partita_boot_id',
  't-0/leader-epoch-checkpoint',
  't-0/partition.metadata',
  ...['.index', '.timeindex', '.txnindex', '.snapshot'],
];

/** The paths in the log of t-0 for a suffix: its first, a middle, its last one. */
function pathsOf(io: Io, file: string): string[] {
  if (!/^\.(index|timeindex|txnindex|snapshot)$/.test(file)) return [`/data/${file}`];
  const names = io.disk.list('/data/t-0').map(({ name }) => name);
  const paths = names.filter((name) => name.endsWith(file)).sort();
  assert.ok(paths.length > 0, file);
  return [0, paths.length >> 1, paths.length - 1].map((at) => `/data/t-0/${paths[at]}`);
}

async function assertWhole(directory: LogDirectory, context: string): Promise<void> {
  for (const partition of [0, 1]) {
    const log = directory.log('t', partition);
    assert.ok(log !== null, context);
    assert.equal(log.logEndOffset, 2 * COUNT, context);
    const content = await contentOf(log, 2);
    assert.equal(content.filter((each) => /:v\d+$/.test(each)).length, COUNT - 1, context);
    assert.equal(log.lastStableOffset, 2 * COUNT, context);
    assert.deepEqual(
      log.leaderEpochs.entries.map(
        ({ epoch, startOffset }) => `${epoch}@${Math.max(2, startOffset)}`,
      ),
      ['0@2', '1@16', '2@32'],
      context,
    );
    const upperBound = log.logEndOffset;
    const range = { upperBound, atLeastOneBatch: true, abortedTransactions: true };
    for (let offset = 2; offset < upperBound; offset += 2) {
      const read: LogRead = await log.read(offset, 1, range);
      const isAborted = read.abortedTransactions?.some((each) => each.firstOffset === offset);
      assert.equal(isAborted, (offset / 2) % 2 === 1, `${context}: offset ${offset}`);
    }
    assert.equal((await log.offsetForTimestamp(START))?.offset, log.logStartOffset, context);
    const next = { producerId: 7, producerEpoch: 0, baseSequence: COUNT };
    append(log, ['next'], { ...next, leaderEpoch: 3, isTransactional: true });
    await log.flush();
  }
}

for (const how of ['stopped', 'killed'] as const) {
  describe(`in a directory whose broker was ${how}`, () => {
    for (const file of files) {
      test(`${file} may be damaged in any way`, async () => {
        for (const [what, damage] of Object.entries(damages)) {
          // Nothing tells of entries that are gone as a whole; Kafka does not see it either.
          if (file === '.txnindex' && ['missing', 'emptied', 'cut short'].includes(what)) continue;
          await damagedAndOpened(how, file, [what, damage]);
        }
      });
    }
  });
}

async function damagedAndOpened(
  how: 'stopped' | 'killed',
  file: string,
  [what, damage]: [string, (typeof damages)[string]],
): Promise<void> {
  const world = new World();
  const run = async (main: (io: Io) => Promise<void>): Promise<void> => {
    const process = world.startProcess('host', main);
    await world.run(() => process.hasReturned);
    process.kill();
  };
  await run(async (io) => {
    const directory = await fill(io);
    if (how === 'stopped') await directory.close();
  });
  let paths: string[] = [];
  await run(async (io) => {
    paths = pathsOf(io, file);
    for (const path of new Set(paths)) {
      await damage?.(io, path, io.disk.readFile(path) ?? Buffer.alloc(0));
    }
  });
  await run(async (io) => {
    const directory = await open(io);
    await directory.openLogs(() => config);
    await assertWhole(directory, `${how}, ${file} ${what}`);
    await directory.close();
    const again = await open(io);
    assert.equal((await again.openLogs(() => config)).length, 2);
    await again.close();
  });
}

test('a log that cannot be opened costs its partition alone, and its offsets stay known', () =>
  simulate(async (io) => {
    const directory = await fill(io);
    await directory.close();
    const names = io.disk.list('/data/t-0').map(({ name }) => name);
    for (const name of names.filter((each) => each.endsWith('.log'))) {
      // A message of an old format, which is refused and not cut.
      replace(io, `/data/t-0/${name}`, oldMessage());
    }
    await io.disk.remove('/data/.kafka_cleanshutdown');
    const again = await open(io);
    const logs = await again.openLogs(() => config);
    assert.deepEqual(
      logs.map(({ partition }) => partition),
      [1],
    );
    assert.deepEqual(
      again.unopened.map(({ partition }) => partition),
      [0],
    );
    await again.checkpointOffsets();
    for (const file of ['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint']) {
      assert.match(`${io.disk.readFile(`/data/${file}`)}`, /t 0 \d+\n/);
    }
  }));

function oldMessage(): Buffer {
  return encodeMessageSet([{ offset: 0, value: Buffer.from('old') }], { magic: 1, compression: 0 });
}
