// What `partita start --secure` writes for clients is enough for those that nobody here wrote: each
// takes the file as it is.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseProperties } from '../../src/config/index.ts';
import { launcher, Started } from '../e2e/started-brokers.ts';
import { runProgram } from '../run-program.ts';
import { confluentClient } from './client-programs.ts';
import { hasKafka, hasKcat, kafkaTool, kcat } from './toolchain.ts';

let directory = '';
let broker: Started;
let port = '';

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'partita-secure-'));
  broker = new Started(process.execPath, [
    ...[launcher, 'start', '--secure'],
    ...['--override', `log.dirs=${join(directory, 'data')}`],
    ...['--override', 'listeners=SASL_SSL://127.0.0.1:0'],
  ]);
  [, port = ''] = await broker.prints(/^partita ready SASL_SSL:\/\/127\.0\.0\.1:(\d+) /m);
});

after(async () => {
  await broker.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const file = (name: string): string => join(directory, 'data-secure', name);

describe('the file for Java', () => {
  test('is taken by every tool of Apache Kafka, by name and by address', async (t) => {
    if (!hasKafka(t)) return;
    for (const host of ['localhost', '127.0.0.1']) {
      const at = ['--bootstrap-server', `${host}:${port}`];
      const topic = `java-${host}`;
      const config = ['--command-config', file('admin.properties')];
      const made = await kafkaTool('kafka-topics', [
        ...at,
        ...config,
        '--create',
        '--topic',
        topic,
      ]);
      assert.equal(made.code, 0, made.stdout + made.stderr);
      const sent = await kafkaTool(
        'kafka-console-producer',
        [...at, '--command-config', file('admin.properties'), '--topic', topic],
        { input: 'one\n' },
      );
      assert.equal(sent.code, 0, sent.stdout + sent.stderr);
      const read = await kafkaTool('kafka-console-consumer', [
        ...[...at, ...config, '--topic', topic, '--from-beginning', '--max-messages', '1'],
        ...['--group', `group-${host}`],
      ]);
      assert.equal(read.stdout, 'one\n', read.stderr);
    }
  });
});

describe('the file for librdkafka', () => {
  const name = 'admin-librdkafka.properties';

  test('is taken by kcat', async (t) => {
    if (!hasKcat(t)) return;
    const at = ['-F', file(name), '-b', `localhost:${port}`];
    const listed = await kcat([...at, '-L', '-m', '10'], { timeoutMs: 30_000 });
    // Before 2.6.1 it does not send the nonce that it was given (CVE-2024-56128).
    const [, major, minor] = /librdkafka (\d+)\.(\d+)/.exec((await kcat(['-V'])).stdout) ?? [];
    if (Number(major) < 2 || (Number(major) === 2 && Number(minor) < 6)) {
      assert.match(listed.stderr, /invalid credentials with SASL mechanism SCRAM-SHA-512/);
    } else {
      assert.match(listed.stdout, new RegExp(`broker 1 at 127\\.0\\.0\\.1:${port}`), listed.stderr);
    }
  });

  test('is taken by confluent-kafka', async (t) => {
    if (!confluentClient.isPresent(t)) return;
    const create = ['--create', '--topic', 'python', '--bootstrap-server', `localhost:${port}`];
    const config = ['--command-config', file('admin.properties')];
    const made = await runProgram(process.execPath, [
      launcher,
      'kafka-topics',
      ...create,
      ...config,
    ]);
    assert.equal(made.code, 0, made.stderr);
    const client = await confluentClient.start(`localhost:${port}`);
    const properties = Object.fromEntries(parseProperties(readFileSync(file(name), 'utf8')));
    const offsets = await client.produce('python', [{ key: 'k', value: 'v' }], { properties });
    assert.deepEqual(offsets, [0]);
    await client.kill();
  });
});
