// The rows of the fault table (docs/guarantees.md) about what all partitions of a log directory
// share: its checkpoints, the metadata log, and the directory itself (lost-directory.test.ts has
// one that goes away under a running broker).

import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';
import { allBut, createTopics, fill, flipByte, segmentsOf, served } from './fault-topics.ts';

let root = '';
const brokers: BrokerProcess[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'partita-faults-'));
});
afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.dispose();
  rmSync(root, { recursive: true, force: true });
});

async function start(config: Record<string, string> = {}): Promise<BrokerProcess> {
  const broker = await BrokerProcess.start({ directory: join(root, 'data'), config });
  brokers.push(broker);
  return broker;
}

/** A second attempt at what the broker has, which it must refuse in one line. */
async function refusal(logDirs: string): Promise<string> {
  const launcher = join(projectRoot, 'bin/partita.js');
  const overrides = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${logDirs}`];
  const args = overrides.flatMap((override) => ['--override', override]);
  const result: ProgramResult = await runProgram(process.execPath, [launcher, 'start', ...args], {
    timeoutMs: 30_000,
  });
  assert.equal(result.code, 1, `${result.stdout}${result.stderr}`);
  assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
  return result.stderr;
}

/** Every file of the tree and what is in it, but for what each start writes. */
function contentOf(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const kept = names.filter((name) =>
    /\.(log|snapshot|checkpoint)$|-checkpoint$|metadata$/.test(name),
  );
  return new Map(
    kept.map((name) => [name, readFileSync(join(directory, name)).toString('latin1')]),
  );
}

const checkpoints = [
  'recovery-point-offset-checkpoint',
  'log-start-offset-checkpoint',
  'replication-offset-checkpoint',
  'cleaner-offset-checkpoint',
];

describe('the checkpoints of a log directory', () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`are made again after ${signal}, and nothing is lost`, async () => {
      const config = { 'log.flush.offset.checkpoint.interval.ms': '100' };
      const broker = await start(config);
      await createTopics(broker, ['t']);
      await fill(broker, ['t']);
      await broker.end(signal);
      for (const name of checkpoints)
        writeFileSync(join(root, 'data', name), '0\n2\nt 0\nnonsense');
      await broker.start();
      assert.deepEqual((await served(broker, 't')).offsets, allBut());
      assert.equal((await fill(broker, ['t'], { first: 100, count: 1 })).get('t'), 100);
      for (const name of checkpoints) assert.match(broker.output, new RegExp(`data/${name}`));
    });
  }
});

describe('the metadata log', () => {
  /** Damages it where the topic t1 was made, of t0, t1 and t2. */
  async function damaged(signal: 'SIGTERM' | 'SIGKILL'): Promise<string> {
    const broker = await start();
    for (const topic of ['t0', 't1', 't2']) await createTopics(broker, [topic]);
    await fill(broker, ['t0', 't1', 't2']);
    await broker.end(signal);
    const folder = join(root, 'data/__cluster_metadata-0');
    cpSync(join(root, 'data'), join(root, 'before'), { recursive: true });
    const path = segmentsOf(folder).at(-1)?.path as string;
    flipByte(path, readFileSync(path).indexOf('t1', 0, 'latin1'));
    return path;
  }

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`with a byte flipped after ${signal} is refused, and nothing is touched`, async () => {
      const path = await damaged(signal);
      const before = contentOf(join(root, 'data'));
      const says = await refusal(join(root, 'data'));
      assert.match(says, new RegExp(`${path}.*\\b(restore|remove|delete|snapshot|tool|start)`));
      assert.match(says, /offset \d+/);
      assert.deepEqual(contentOf(join(root, 'data')), before);
      cpSync(join(root, 'before'), join(root, 'data'), { recursive: true });
      const broker = brokers[0] as BrokerProcess;
      await broker.start();
      for (const topic of ['t0', 't1', 't2']) {
        assert.deepEqual((await served(broker, topic)).offsets, allBut());
      }
    });
  }
});

describe('a log directory', () => {
  async function startWithTwo(): Promise<{ broker: BrokerProcess; one: string; two: string }> {
    const [one, two] = [join(root, 'one'), join(root, 'two')];
    const broker = await start({ 'log.dirs': `${one},${two}` });
    await createTopics(broker, ['a', 'b', 'c', 'd']);
    await fill(broker, ['a', 'b', 'c', 'd']);
    return { broker, one, two };
  }

  for (const how of ['missing', 'empty'] as const) {
    for (const which of ['first', 'second'] as const) {
      test(`that is ${how}, the ${which}, is refused, and is whole when it is back`, async () => {
        const { broker, one, two } = await startWithTwo();
        await broker.stop();
        const lost = which === 'first' ? one : two;
        cpSync(lost, join(root, 'kept'), { recursive: true });
        rmSync(lost, { recursive: true });
        if (how === 'empty') mkdirSync(lost);
        const says = await refusal(`${one},${two}`);
        assert.match(says, new RegExp(lost));
        rmSync(lost, { recursive: true, force: true });
        cpSync(join(root, 'kept'), lost, { recursive: true });
        await broker.start();
        for (const topic of ['a', 'b', 'c', 'd']) {
          assert.deepEqual((await served(broker, topic)).offsets, allBut());
        }
      });
    }
  }
});
