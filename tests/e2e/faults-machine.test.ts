// The rows of the fault table (docs/guarantees.md) about what a broker's machine gives it: room on
// the disk, the right to write, and a clock (descriptors.test.ts has file descriptors). The disks
// are file systems in memory, which only root may mount; elsewhere the size of files is bounded.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Admin, KafkaError, Producer } from '../../src/client/index.ts';
import { BrokerProcess, type BrokerProcessOptions } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { allBut, createTopics, fill, served } from './fault-topics.ts';

let root = '';
const brokers: BrokerProcess[] = [];
const mounts: string[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'partita-faults-'));
});
afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.dispose();
  for (const path of mounts.splice(0)) spawnSync('umount', ['-l', path]);
  rmSync(root, { recursive: true, force: true });
});

async function start(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
  const broker = await BrokerProcess.start({ directory: join(root, 'data'), ...options });
  brokers.push(broker);
  return broker;
}

/** A disk of that size, or null where nobody may mount one. */
function mountDisk(sizeMiB: number): string | null {
  const path = join(root, 'disk');
  mkdirSync(path);
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', path]);
  if (made.status !== 0) return null;
  mounts.push(path);
  return path;
}

function remount(path: string, ...options: string[]): void {
  const done = spawnSync('mount', ['-o', ['remount', ...options].join(','), path]);
  assert.equal(done.status, 0, String(done.stderr));
}

/** 0, or the code with which the record is refused in the end. */
async function send(
  { bootstrapServers }: BrokerProcess,
  topic: string,
  valueBytes = 10,
): Promise<number> {
  const options = { deliveryTimeoutMs: 2_000, requestTimeoutMs: 1_000, lingerMs: 0 };
  const producer = new Producer({ bootstrapServers, ...options });
  try {
    await producer.send({ topic, partition: 0, value: Buffer.alloc(valueBytes, 'x') });
    return 0;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  } finally {
    await producer.close();
  }
}

function limitFiles({ pid }: BrokerProcess, bytesMax: number): void {
  const done = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytesMax}`]);
  assert.equal(done.status, 0, String(done.stderr));
}

function matches(text: string, pattern: RegExp): number {
  return text.split('\n').filter((line) => pattern.test(line)).length;
}

describe('a disk', () => {
  test('that is full refuses records, says so once, and goes on when there is room', async () => {
    const disk = mountDisk(24);
    const directory = join(disk ?? root, 'data');
    const broker = await start({ directory });
    // Without a disk to fill no file grows beyond that, which is refused with another code.
    if (disk === null) limitFiles(broker, 4 * 1024 * 1024);
    await createTopics(broker, ['t']);
    await fill(broker, ['t']);
    const admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    await admin.createTopics([{ name: 'large', numPartitions: 1 }]);
    await admin.close();
    let refused = 0;
    for (let i = 0; i < 60 && refused === 0; i++) refused = await send(broker, 'large', 900_000);
    assert.notEqual(refused, 0, 'the disk was never full');
    if (disk === null) {
      await broker.kill9();
      await broker.start();
      assert.deepEqual((await served(broker, 't')).offsets, allBut());
      return;
    }
    assert.notEqual(await send(broker, 'large', 900_000), 0);
    assert.deepEqual((await served(broker, 't')).offsets, allBut());
    const says = new RegExp(`${directory}.*(space|full|room)`, 'i');
    await broker.outputMatches(new RegExp(says.source, 'im'));
    assert.ok(matches(broker.output, says) <= 2, broker.output);
    remount(disk, 'size=64m');
    const endMs = Date.now() + 20_000;
    while ((await send(broker, 'large')) !== 0) assert.ok(Date.now() < endMs, broker.output);
    await broker.stop();
    await broker.start();
    assert.deepEqual((await served(broker, 't')).offsets, allBut());
  });

  test('that is read-only is refused, and all is there when it is not any more', async () => {
    const disk = mountDisk(64);
    // Without a disk of our own: one that the system has.
    if (disk === null) return assertRefused('/sys/partita');
    const directory = join(disk, 'data');
    const broker = await start({ directory });
    await createTopics(broker, ['t']);
    await fill(broker, ['t']);
    // Files that are open for writing keep the file system from becoming read-only.
    await broker.kill9();
    remount(disk, 'ro');
    await assertRefused(directory);
    remount(disk, 'rw');
    await broker.start();
    assert.deepEqual((await served(broker, 't')).offsets, allBut());
  });
});

async function assertRefused(directory: string): Promise<void> {
  const launcher = join(projectRoot, 'bin/partita.js');
  const overrides = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${directory}`];
  const args = overrides.flatMap((override) => ['--override', override]);
  const options = { timeoutMs: 30_000 };
  const result = await runProgram(process.execPath, [launcher, 'start', ...args], options);
  assert.equal(result.code, 1, result.stdout);
  assert.match(result.stderr, new RegExp(`${directory}.*(read-only|permi|writ)`, 'i'));
  assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
}

describe('a clock', () => {
  for (const [how, shiftMs] of [
    ['forth', 400 * 24 * 3_600_000],
    ['back', -400 * 24 * 3_600_000],
  ] as const) {
    test(`that jumps ${how} by a year, and back again, loses nothing`, async () => {
      const clock = join(root, 'clock');
      writeFileSync(clock, '0');
      const preload = new URL('./shifted-clock.js', import.meta.url).href;
      const broker = await start({
        env: { NODE_OPTIONS: `--import ${preload}`, PARTITA_TEST_CLOCK_SHIFT: clock },
        config: {
          'log.retention.check.interval.ms': '300',
          'log.initial.task.delay.ms': '100',
          'log.flush.offset.checkpoint.interval.ms': '200',
        },
      });
      // Clients here have a clock of their own, and their records are kept whatever their time.
      const keeps = {
        'retention.ms': '-1',
        'message.timestamp.after.max.ms': '9223372036854775807',
      };
      const admin = new Admin({ bootstrapServers: broker.bootstrapServers });
      const wanted = {
        name: 't',
        numPartitions: 1,
        configs: { ...keeps, 'internal.segment.bytes': '6000' },
      };
      for (const { error } of await admin.createTopics([wanted])) assert.equal(error, null);
      await admin.close();
      await fill(broker, ['t'], { count: 40 });
      writeFileSync(clock, String(shiftMs));
      await fill(broker, ['t'], { first: 40, count: 30 });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      writeFileSync(clock, '0');
      await fill(broker, ['t'], { first: 70, count: 30 });
      assert.deepEqual((await served(broker, 't')).offsets, allBut());
      await broker.kill9();
      writeFileSync(clock, String(-shiftMs));
      await broker.start();
      assert.deepEqual((await served(broker, 't')).offsets, allBut());
      assert.equal(await send(broker, 't'), 0);
    });
  }
});
