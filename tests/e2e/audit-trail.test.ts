// The audit trail of a broker that asks everybody who he is: what its file and its topic say of who
// was let in and who was refused what.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../run-program.ts';
import { directory, inOwnFolders, launcher, Started, tryStart } from './started-brokers.ts';

inOwnFolders();

interface Line {
  readonly event: string;
  readonly principal: string | null;
  readonly operation?: string;
  readonly resourceName?: string;
}

test('a file and a topic say who was let in, and who was refused what', async () => {
  const file = join(directory, 'audit.log');
  const overrides = [
    ...[`log.dirs=${join(directory, 'data')}`, 'listeners=SASL_SSL://127.0.0.1:0'],
    ...[`audit.log.file=${file}`, 'audit.log.topic=audit'],
  ];
  const flags = overrides.flatMap((each) => ['--override', each]);
  const broker = new Started(process.execPath, [launcher, 'start', '--secure', ...flags]);
  const [, port] = await broker.prints(/^partita ready SASL_SSL:\/\/127\.0\.0\.1:(\d+) /m);
  const admin = join(directory, 'data-secure', 'admin.properties');
  const tool = (name: string, config: string, ...args: string[]) =>
    runProgram(process.execPath, [
      ...[launcher, name, '--bootstrap-server', `localhost:${port}`],
      ...['--command-config', config, ...args],
    ]);
  const good = async (...args: Parameters<typeof tool>): Promise<string> => {
    const { code, stdout, stderr } = await tool(...args);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const text = readFileSync(admin, 'utf8');
  const as = (user: string, password: string): string => {
    const path = join(directory, `${user}.properties`);
    const login = `username="${user}" password="${password}"`;
    writeFileSync(path, text.replace(/username="admin" password="[^"]*"/, login));
    return path;
  };
  await good('kafka-topics', admin, '--create', '--topic', 'audit');
  await good('kafka-topics', admin, '--create', '--topic', 'orders');
  const user = ['--alter', '--entity-type', 'users', '--entity-name', 'bob', '--add-config'];
  await good('kafka-configs', admin, ...user, 'SCRAM-SHA-512=[password=bobs-own]');
  const bob = as('bob', 'bobs-own');
  assert.notEqual((await tool('kafka-topics', as('eve', 'guess-7'), '--list')).code, 0);
  assert.notEqual((await tool('kafka-topics', bob, '--create', '--topic', 'theirs')).code, 0);
  assert.notEqual((await tool('kafka-acls', bob, '--list')).code, 0);
  await good('kafka-topics', bob, '--list');

  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Line);
  const of = (event: string, principal: string | null): Line[] =>
    events.filter((each) => each.event === event && each.principal === principal);
  assert.ok(of('let in', 'User:admin').length >= 3);
  assert.ok(of('let in', 'User:bob').length >= 3);
  const [eve, ...others] = of('not let in', null);
  assert.deepEqual(others, []);
  assert.match(JSON.stringify(eve), /"address":"127\.0\.0\.1","listener":"SASL_SSL","why":"SCRAM/);
  assert.deepEqual(
    of('refused', 'User:bob').map(({ operation, resourceName }) => [operation, resourceName]),
    [
      ['CREATE', 'theirs'],
      ['DESCRIBE', 'kafka-cluster'],
    ],
  );
  assert.deepEqual(of('refused', 'User:admin'), []);
  assert.doesNotMatch(lines.join(), /bobs-own|guess-7/);

  const args = ['--topic', 'audit', '--from-beginning', '--timeout-ms', '3000'];
  const stored = (await tool('kafka-console-consumer', admin, ...args)).stdout.trim().split('\n');
  // What came before the topic is in the file alone.
  const since = lines.indexOf(stored[1] as string);
  assert.ok(since > 0);
  assert.deepEqual(stored.slice(1, 1 + lines.length - since), lines.slice(since));
  assert.match(stored[0] as string, /"event":"lost"/);
});

test('a broker whose trail cannot be begun does not start, and one without has none', async () => {
  const at = (path: string): Promise<{ code: number | null; stderr: string }> =>
    tryStart(
      ...[launcher, 'start', '--override', `log.dirs=${join(directory, 'data')}`],
      ...['--override', 'listeners=PLAINTEXT://127.0.0.1:0'],
      ...['--override', `audit.log.file=${path}`],
    );
  const { code, stderr } = await at(join(directory, 'none', 'audit.log'));
  assert.equal(code, 1);
  assert.match(stderr, /cannot start: audit\.log\.file: cannot open .*none\/audit\.log: no such/);
  assert.equal(stderr.trim().split('\n').length, 1);
  assert.ok(!existsSync(join(directory, 'audit.log')));
});
