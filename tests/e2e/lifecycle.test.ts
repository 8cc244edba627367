// One broker process from its start to its end: the ready line, clean stops, and the ways in
// which it must refuse to start, each in one line that names the thing and the remedy.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

let directory = '';
const brokers: BrokerProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'partita-lifecycle-'));
});
afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.dispose();
  rmSync(directory, { recursive: true, force: true });
});

async function start(config: Record<string, string> = {}): Promise<BrokerProcess> {
  const broker = await BrokerProcess.start({ directory: join(directory, 'data'), config });
  brokers.push(broker);
  return broker;
}

function tryStart(...overrides: string[]): Promise<ProgramResult> {
  const args = overrides.flatMap((override) => ['--override', override]);
  return runProgram(process.execPath, [join(projectRoot, 'bin/partita.js'), 'start', ...args], {
    timeoutMs: 20_000,
  });
}

/** The program ended with an error of exactly one line that matches. */
function assertRefusal(result: ProgramResult, pattern: RegExp): void {
  assert.equal(result.code, 1, `${result.stdout}${result.stderr}`);
  assert.match(result.stderr, pattern);
  assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
  assert.doesNotMatch(result.stdout, /ready/);
}

describe('a broker process', () => {
  test('says in one line that it is ready, and then what to try', async () => {
    const broker = await start();
    const line = new RegExp(
      `^partita ready PLAINTEXT://127\\.0\\.0\\.1:${broker.port} ` +
        'cluster=\\S{22} node=\\d+ in \\d+ ms$',
      'm',
    );
    assert.match(broker.output, line);
    await broker.outputMatches(/kafka-console-producer/);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`stops cleanly on ${signal} and keeps its identity`, async () => {
      const broker = await start();
      const cluster = /cluster=(\S+)/.exec(broker.output)?.[1];
      assert.notEqual(await broker.end(signal), null);
      assert.ok(readFileSync(join(directory, 'data/.kafka_cleanshutdown')).length > 0);
      await broker.start();
      const clusters = [...broker.output.matchAll(/cluster=(\S+)/g)].map((match) => match[1]);
      assert.deepEqual(clusters, [cluster, cluster]);
    });
  }

  test('is started again on its data after kill -9', async () => {
    const broker = await start();
    await broker.kill9();
    await broker.start();
  });

  test('refuses data that another process has open', async () => {
    await start();
    const second = await tryStart(
      'listeners=PLAINTEXT://127.0.0.1:0',
      `log.dirs=${join(directory, 'data')}`,
    );
    assertRefusal(second, new RegExp(`${join(directory, 'data')}.*(use|lock)`, 'i'));
  });

  test('stops with one line when a promise fails that nobody waits for', async () => {
    const whenListenedTo = "process.listenerCount('uncaughtException') > 0";
    const plant = "Promise.reject(new TypeError('planted'))";
    const code = `setInterval(() => { if (${whenListenedTo}) ${plant}; }, 20).unref()`;
    const preload = `data:text/javascript,${encodeURIComponent(code)}`;
    const overrides = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${join(directory, 'data')}`];
    const result = await runProgram(
      process.execPath,
      [
        ...['--import', preload, join(projectRoot, 'bin/partita.js'), 'start'],
        ...overrides.flatMap((override) => ['--override', override]),
      ],
      { timeoutMs: 20_000 },
    );
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^partita: stopped: TypeError: planted [^\n]*\n$/);
  });

  test('refuses a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    try {
      const result = await tryStart(
        `listeners=PLAINTEXT://127.0.0.1:${port}`,
        `log.dirs=${join(directory, 'data')}`,
      );
      assertRefusal(result, new RegExp(`127\\.0\\.0\\.1:${port}`));
    } finally {
      taken.close();
    }
  });

  test('refuses a data directory that it cannot write to', async () => {
    writeFileSync(join(directory, 'file'), '');
    const path = join(directory, 'file', 'data');
    const result = await tryStart('listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${path}`);
    assertRefusal(result, new RegExp(path));
  });

  test('refuses data that belongs to another cluster or node', async () => {
    const broker = await start();
    await broker.stop();
    const meta = join(directory, 'data/meta.properties');
    const before = readFileSync(meta, 'utf8');
    const data = `log.dirs=${join(directory, 'data')}`;
    const otherNode = await tryStart('listeners=PLAINTEXT://127.0.0.1:0', data, 'node.id=77');
    assertRefusal(otherNode, /data belongs to node 1.* node 77/);
    const result = await runProgram(
      process.execPath,
      [join(projectRoot, 'bin/partita.js'), 'start', '--override', data].concat([
        '--override',
        'listeners=PLAINTEXT://127.0.0.1:0',
      ]),
      { timeoutMs: 20_000, env: { CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw' } },
    );
    assertRefusal(result, /cluster/i);
    assert.equal(readFileSync(meta, 'utf8'), before, 'nothing stored is touched');
  });

  test('refuses an invalid value and names key, value and range', async () => {
    const result = await tryStart('num.partitions=zero', `log.dirs=${join(directory, 'data')}`);
    assertRefusal(result, /zero.*num\.partitions.*at least 1/);
  });

  test('warns of an unknown key and names the nearest one', async () => {
    const broker = await start({ 'log.segment.byte': '1048576' });
    assert.match(broker.output, /log\.segment\.byte\b.*log\.segment\.bytes/);
  });
});
