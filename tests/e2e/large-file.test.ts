// A real file piped line by line through the console producer into one partition and read back
// has the same SHA-256, also when the broker is killed with -9 midway.
//
// 64 MiB by default, so that every test run does it; LARGE_FILE_MIB=1024 (npm run test:large)
// for the full gibibyte.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';

const fileMib = Number(process.env.LARGE_FILE_MIB ?? 64);
const timeoutMs = 60_000 + fileMib * 1_000;

let directory = '';
let file = '';
let lineCount = 0;
let expectedHash = '';

/** Lines of 0 to 400 characters, some of them empty, all with their number in them. */
function writeLines(): void {
  const prng = new Prng('large-file');
  const noise = Buffer.from(prng.bytes(4096).toString('base64'));
  const hash = createHash('sha256');
  const target = openSync(file, 'w');
  let sizeBytes = 0;
  while (sizeBytes < fileMib * 1024 * 1024) {
    const lines: string[] = [];
    for (let i = 0; i < 2_000; i++) {
      const length = prng.chance(0.01) ? 0 : prng.int(400);
      const from = prng.int(noise.length - 400);
      const text = `${lineCount} ${noise.toString('latin1', from, from + length)}`;
      lines.push(length === 0 ? '' : text);
      lineCount++;
    }
    const chunk = Buffer.from(`${lines.join('\n')}\n`);
    hash.update(chunk);
    writeSync(target, chunk);
    sizeBytes += chunk.length;
  }
  closeSync(target);
  expectedHash = hash.digest('hex');
}

function produce(broker: BrokerProcess, topic: string): Promise<number | null> {
  const input = openSync(file, 'r');
  const tool = join(projectRoot, 'bin/kafka-console-producer.sh');
  const child = spawn(tool, ['--bootstrap-server', broker.bootstrapServers, '--topic', topic], {
    stdio: [input, 'inherit', 'inherit'],
  });
  return new Promise((resolve) =>
    child.once('exit', (code) => {
      closeSync(input);
      resolve(code);
    }),
  );
}

async function consumedHash(broker: BrokerProcess, topic: string): Promise<string> {
  const tool = join(projectRoot, 'bin/kafka-console-consumer.sh');
  const count = String(lineCount);
  const args = ['--bootstrap-server', broker.bootstrapServers, '--topic', topic];
  const child = spawn(tool, [...args, '--from-beginning', '--max-messages', count], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const hash = createHash('sha256');
  for await (const chunk of child.stdout) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function partitionBytes(broker: BrokerProcess, topic: string): number {
  const folder = join(broker.directory, `${topic}-0`);
  if (!existsSync(folder)) return 0;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

describe(`a file of ${fileMib} MiB`, () => {
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'partita-large-'));
    file = join(directory, 'lines.txt');
    writeLines();
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    assert.equal(hash.digest('hex'), expectedHash);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('comes back as it went in', { timeout: timeoutMs }, async () => {
    const broker = await BrokerProcess.start();
    try {
      assert.equal(await produce(broker, 'whole'), 0);
      assert.equal(await consumedHash(broker, 'whole'), expectedHash);
    } finally {
      await broker.dispose();
    }
  });

  test('comes back whole when the broker is killed midway', { timeout: timeoutMs }, async () => {
    const broker = await BrokerProcess.start();
    try {
      const produced = produce(broker, 'killed');
      const halfBytes = (fileMib * 1024 * 1024) / 2;
      while (partitionBytes(broker, 'killed') < halfBytes) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await broker.kill9();
      assert.ok(partitionBytes(broker, 'killed') < fileMib * 1024 * 1024, 'killed midway');
      await broker.start();
      assert.equal(await produced, 0);
      assert.equal(await consumedHash(broker, 'killed'), expectedHash);
    } finally {
      await broker.dispose();
    }
  });
});
