// `partita role` against three brokers that ask everybody who he is: rights that come and go with a
// role, on every broker.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProgramResult, runProgram } from '../run-program.ts';
import { directory, inOwnFolders, launcher, Started } from './started-brokers.ts';

inOwnFolders();

test('a role is given, counts on every broker, and is taken away', async () => {
  const overrides = [`log.dirs=${join(directory, 'data')}`, 'listeners=SASL_SSL://127.0.0.1:0'];
  const flags = overrides.flatMap((each) => ['--override', each]);
  const args = [launcher, 'start', '--secure', '--brokers', '3', ...flags];
  const parent = new Started(process.execPath, args);
  await parent.prints(/Ctrl-C stops all of them/);
  const ready = [...parent.output.matchAll(/^partita ready SASL_SSL:\/\/(127\.0\.0\.1:\d+) /gm)];
  const servers = ready.map(([, server]) => server as string);
  const admin = join(directory, 'data-secure', 'admin.properties');
  const tool = (name: string, config: string, server: string, ...more: string[]) => {
    const at = ['--bootstrap-server', server, '--command-config', config];
    return runProgram(process.execPath, [launcher, name, ...more, ...at]);
  };
  const good = async (result: Promise<ProgramResult>): Promise<string> => {
    const { code, stdout, stderr } = await result;
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const role = (...more: string[]): Promise<ProgramResult> =>
    tool('role', admin, servers[1] as string, ...more);
  const refused = async (pattern: RegExp, ...more: string[]): Promise<void> => {
    const { code, stderr } = await role(...more);
    assert.equal(code, 1);
    assert.match(stderr, pattern);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  };
  const bob = join(directory, 'bob.properties');
  const ca = join(directory, 'data-secure', 'ca.pem');
  writeFileSync(
    bob,
    'security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=' +
      'org.apache.kafka.common.security.scram.ScramLoginModule required username="bob" ' +
      `password="bobs-own";\nssl.truststore.type=PEM\nssl.truststore.location=${ca}\n`,
  );
  const user = ['--entity-type', 'users', '--entity-name', 'bob', '--alter', '--add-config'];
  const password = 'SCRAM-SHA-512=[password=bobs-own]';
  await good(tool('kafka-configs', admin, servers[0] as string, ...user, password));
  await good(tool('kafka-topics', admin, servers[0] as string, '--create', '--topic', 'orders'));
  /** Every broker has heard of it. */
  const seenByBob = async (expected: string): Promise<void> => {
    for (const server of servers) {
      for (let attempt = 0; ; attempt++) {
        const listed = (await good(tool('kafka-topics', bob, server, '--list'))).trim();
        if (listed === expected) break;
        assert.ok(attempt < 20, `${server} shows ${listed}`);
        await sleep(100);
      }
    }
  };

  await seenByBob('');
  await refused(/there is no role writer/, 'grant', '--role', 'writer', '--principal', 'User:bob');
  const created = await good(role('create', '--role', 'writer', '--producer', '--topic', 'orders'));
  assert.match(
    created,
    /Created role writer:\n {2}may CREATE on TOPIC orders\n {2}may DESCRIBE on/,
  );
  await refused(/there is a role writer already/, 'create', '--role', 'writer', '--topic', 'x');
  await good(role('grant', '--role', 'writer', '--principal', 'User:bob'));
  await seenByBob('orders');
  const sent = await runProgram(
    process.execPath,
    [
      ...[launcher, 'kafka-console-producer', '--bootstrap-server', servers[2] as string],
      ...['--command-config', bob, '--topic', 'orders'],
    ],
    { input: 'one\n' },
  );
  assert.equal(sent.code, 0, sent.stderr);
  const described = await good(role('describe', '--role', 'writer'));
  assert.match(described, /may WRITE on TOPIC orders\ngiven to\n {2}User:bob\n$/);
  assert.equal(await good(role('list')), 'writer: 3 ACLs, given to 1 principal\n');
  const acls = await good(tool('kafka-acls', admin, servers[0] as string, '--list'));
  assert.match(acls, /principal=Role:writer, host=\*, operation=WRITE/);
  await good(role('revoke', '--role', 'writer', '--principal', 'User:bob'));
  await seenByBob('');
  const again = ['revoke', '--role', 'writer', '--principal', 'User:bob'];
  await refused(/User:bob has no role writer/, ...again);

  await good(role('grant', '--role', 'writer', '--principal', 'User:bob'));
  await seenByBob('orders');
  await good(role('delete', '--role', 'writer'));
  await seenByBob('');
  assert.equal(await good(role('list')), '');
  // A role of the same name is another one.
  await good(role('create', '--role', 'writer', '--topic', 'orders'));
  assert.equal(await good(role('list')), 'writer: 1 ACL, given to 0 principals\n');
  await refused(/name the role/, 'describe');
  await refused(/--role a b: a name has/, 'describe', '--role', 'a b');
  await refused(/a role has no roles/, 'grant', '--role', 'writer', '--principal', 'Role:x');
});
