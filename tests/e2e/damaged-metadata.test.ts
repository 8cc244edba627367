// What becomes of topics when the metadata log or a log directory was damaged while the broker was
// down: it refuses with file, offset and remedy; told to go on it keeps every record; and what was
// set aside is taken back by the tool.

import assert from 'node:assert/strict';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

let root = '';
let broker: BrokerProcess;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'partita-damaged-'));
});
afterEach(async () => {
  await broker.dispose();
  rmSync(root, { recursive: true, force: true });
});

const partita = (...args: string[]): Promise<ProgramResult> =>
  runProgram(process.execPath, [join(projectRoot, 'bin/partita.js'), ...args], {
    timeoutMs: 30_000,
  });

/** Tries to start the broker beside its configuration, and tells what it says. */
function tryStart(logDirs: string, ...flags: string[]): Promise<ProgramResult> {
  const overrides = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${logDirs}`];
  return partita('start', ...overrides.map((each) => `--override=${each}`), ...flags);
}

async function tool(name: string, args: string, input = ''): Promise<string> {
  const all = ['--bootstrap-server', broker.bootstrapServers, ...args.split(' ')];
  const path = join(projectRoot, 'bin', `kafka-${name}.sh`);
  const { code, stdout, stderr } = await runProgram(path, all, { input, timeoutMs: 60_000 });
  assert.equal(code, 0, `${name} ${args}: ${stderr}${stdout}`);
  return stdout;
}

async function fill(topics: readonly string[]): Promise<void> {
  for (const topic of topics) {
    await tool('console-producer', `--topic ${topic}`, `${topic} a\n${topic} b\n`);
  }
}

/** The first records of the topic, a line each. */
function read(topic: string, count = 2): Promise<string> {
  const what = `--topic ${topic} --from-beginning --max-messages ${count}`;
  return tool('console-consumer', `${what} --timeout-ms 3000`);
}

/** Flips a byte in the name of the topic, in the batch that made it. */
function flip(data: string, topic: string): string {
  const path = join(data, '__cluster_metadata-0/00000000000000000000.log');
  const bytes = readFileSync(path);
  const at = bytes.indexOf(topic);
  assert.ok(at > 0);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(path, bytes);
  return path;
}

const foldersOf = (data: string, topic: string): string[] =>
  readdirSync(data).filter((name) => name.startsWith(`${topic}-`));

describe('a flipped byte in the metadata log', () => {
  for (const how of ['stop', 'kill9'] as const) {
    test(`refuses the start after a ${how}, and costs no topic a record`, async () => {
      const data = join(root, 'data');
      broker = await BrokerProcess.start({ directory: data });
      const topics = ['t0', 't1', 't2', 't3'];
      await fill(topics);
      await broker[how]();
      const before = join(root, 'before');
      cpSync(data, before, { recursive: true });
      const path = flip(data, 't2');
      for (let attempt = 0; attempt < 2; attempt++) {
        const { code, stderr } = await tryStart(data);
        assert.equal(code, 1);
        assert.equal(stderr.trim().split('\n').length, 1, stderr);
        assert.match(
          stderr,
          new RegExp(`^partita: ${path} is damaged at byte \\d+ \\(offset \\d+\\)`),
        );
        assert.match(stderr, /restore .* from a backup, or start once with --accept-lost-metadata/);
      }
      // The backup is taken, and all is as it was.
      const log = '__cluster_metadata-0/00000000000000000000.log';
      cpSync(join(before, log), join(data, log));
      await broker.start();
      for (const topic of topics) assert.equal(await read(topic), `${topic} a\n${topic} b\n`);
    });
  }

  test('is no torn end of a last write, which is cut, and costs nothing', async () => {
    const data = join(root, 'data');
    broker = await BrokerProcess.start({ directory: data });
    await fill(['t0', 't1']);
    await broker.kill9();
    // As a crash leaves a write that was never synced: a beginning of a batch at the end.
    const path = join(data, '__cluster_metadata-0/00000000000000000000.log');
    const whole = readFileSync(path);
    writeFileSync(path, Buffer.concat([whole, whole.subarray(0, 50)]));
    await broker.start();
    for (const topic of ['t0', 't1']) assert.equal(await read(topic), `${topic} a\n${topic} b\n`);
    assert.deepEqual(readFileSync(path).subarray(0, whole.length), whole);
    assert.ok(!readdirSync(data).some((name) => name.endsWith('-stray')));
  });

  test('is cut on demand; the topics behind it are kept and taken back', async () => {
    const data = join(root, 'data');
    broker = await BrokerProcess.start({ directory: data });
    await fill(['t0', 't1', 't2', 't3']);
    await broker.stop();
    flip(data, 't2');
    await broker.start(['--accept-lost-metadata']);
    assert.deepEqual((await tool('topics', '--list')).trim().split('\n').sort(), ['t0', 't1']);
    assert.equal(await read('t1'), 't1 a\nt1 b\n');
    // Nobody made t2: a client asks for it.
    assert.equal(await read('t2').catch(() => ''), '');
    const names = foldersOf(data, 't2').sort();
    assert.equal(names.length, 2, String(names));
    const stray = names.find((name) => name.endsWith('-stray')) as string;
    const { stderr: inUse } = await partita('stray', 'restore', '--log-dirs', data, stray);
    assert.match(inUse, /is in use by another broker/);
    await broker.stop();
    const { stdout } = await partita('stray', 'list', '--log-dirs', data);
    assert.match(stdout, new RegExp(`${stray}\tpartition=t2-0\ttopicId=\\S{22}\tsegments=1\t`));
    assert.match(stdout, /__cluster_metadata-0\.[0-9a-f]{32}-stray/);
    const restored = await partita('stray', 'restore', '--log-dirs', data, stray);
    assert.match(restored.stdout, new RegExp(`is ${data}/t2-0 now`), restored.stderr);
    await broker.start();
    assert.equal(await read('t2'), 't2 a\nt2 b\n');
    await tool('console-producer', '--topic t2', 't2 c\n');
    // t3 was not asked for: its folder is kept, and says what to do first.
    const [t3] = foldersOf(data, 't3') as [string];
    await broker.stop();
    const refused = await partita('stray', 'restore', '--log-dirs', data, t3);
    assert.match(refused.stderr, /there is no t3-0 now: .* make the topic t3/);
    await broker.start();
    assert.equal(await read('t2', 3), 't2 a\nt2 b\nt2 c\n');
  });
});

test('one of two log.dirs that was emptied is refused, until it is said to be lost', async () => {
  const [a, b] = [join(root, 'a'), join(root, 'b')];
  broker = await BrokerProcess.start({ directory: root, config: { 'log.dirs': `${a},${b}` } });
  await fill(['t0', 't1']);
  await broker.stop();
  renameSync(b, `${b}.away`);
  const { code, stderr } = await tryStart(`${a},${b}`);
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`^partita: log directory ${b} is missing, .*--accept-lost-log-dirs`),
  );
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  await broker.start(['--accept-lost-log-dirs']);
  const ends = await tool('get-offsets', '--topic t.');
  assert.match(ends, /^(t0:0:2\nt1:0:0\n|t0:0:0\nt1:0:2\n)$/);
  await broker.stop();
  await broker.start();
});
