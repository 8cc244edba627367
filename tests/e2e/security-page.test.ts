// What docs/security.md tells users to write does what it says: a broker that asks for users and
// rights, made of the snippets of that page alone.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';
import { Started } from './started-brokers.ts';

const page = readFileSync(join(projectRoot, 'docs/security.md'), 'utf8');

/** The one of its kind in which the words are. */
function snippet(kind: 'properties' | 'shell', words: string): string {
  const all = [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)];
  const found = all.find(([, of, text]) => of === kind && text?.includes(words));
  assert.ok(found !== undefined, `docs/security.md has a ${kind} snippet with ${words}`);
  return found[2] as string;
}

test('users are made, proven and given rights by the snippets of the page', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'partita-security-page-'));
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const alice = snippet('properties', 'security.protocol=SASL_PLAINTEXT');
  const served = snippet('properties', 'listeners=SASL_PLAINTEXT');
  const asked = snippet('properties', 'authorizer.class.name');
  write('alice.properties', alice);
  write('admin.properties', alice.replaceAll('alice', 'admin'));
  const listeners = 'listeners=SASL_PLAINTEXT://127.0.0.1:0';
  const own = `node.id=1\nlog.dirs=${join(folder, 'data')}\n`;
  const tokens = snippet('properties', 'delegation.token.secret.key');
  write('server.properties', own + served.replace(/^listeners=.*/m, listeners) + asked + tokens);

  const path = `${join(projectRoot, 'bin')}:${process.env.PATH}`;
  let servers = 'localhost:9092';
  const run = (script: string): Promise<ProgramResult> => {
    const local = script.replaceAll('localhost:9092', servers);
    const options = { cwd: folder, env: { PATH: path } };
    return runProgram('bash', ['--norc', '-euo', 'pipefail', '-c', local], options);
  };
  const good = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await run(script);
    assert.equal(code, 0, `${script}\n${stdout}${stderr}`);
    return stdout;
  };
  const users = snippet('shell', '--add-scram');
  const configs = users.indexOf('kafka-configs.sh');
  await good(users.slice(0, configs));
  const broker = await BrokerProcess.start({
    directory: join(folder, 'data'),
    config: { listeners: 'SASL_PLAINTEXT://127.0.0.1:0' },
    file: join(folder, 'server.properties'),
  });
  try {
    servers = broker.bootstrapServers;
    await good(users.slice(configs));
    const admin = '--bootstrap-server localhost:9092 --command-config admin.properties';
    await good(`kafka-topics.sh ${admin} --create --topic orders`);
    const send = `echo one | kafka-console-producer.sh --bootstrap-server localhost:9092 \
      --command-config alice.properties --topic orders`;
    const before = await run(send);
    assert.match(before.stdout + before.stderr, /orders/);
    assert.match(before.stdout + before.stderr, /authori[sz]/i);
    const rights = await good(snippet('shell', 'kafka-acls.sh'));
    assert.match(rights, /principal=User:alice, host=\*, operation=WRITE, permissionType=ALLOW/);
    await good(send);
    const offsets = await good(`kafka-get-offsets.sh ${admin} --topic orders`);
    assert.equal(offsets.trim(), 'orders:0:1');
    const made = await good(
      snippet('shell', 'kafka-delegation-tokens.sh').split('\nkafka-')[0] ?? '',
    );
    const [, id = '', hmac = ''] = /^(\S{22}) +(\S{86}==) User:alice +User:alice/m.exec(made) ?? [];
    const holder = snippet('properties', 'tokenauth').replace('ID', id).replace('HMAC', hmac);
    write('holder.properties', holder);
    await good(send.replace('alice.properties', 'holder.properties'));
    const wrong = alice.replace('alice-secret', 'guess');
    write('guess.properties', wrong);
    const refused = await run(send.replace('alice.properties', 'guess.properties'));
    assert.match(refused.stdout + refused.stderr, /invalid credentials with SASL mechanism/);
  } finally {
    await broker.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('one flag makes a broker that is used, and whose roles work, as the page says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'partita-security-page-'));
  symlinkSync(join(projectRoot, 'bin/partita.js'), join(folder, 'partita'));
  const path = `${folder}:${join(projectRoot, 'bin')}:${process.env.PATH}`;
  const shell = ['--norc', '-euo', 'pipefail', '-c'];
  const start = snippet('shell', 'partita start --secure').trim();
  const trail = snippet('properties', 'audit.log.file').replace('/var/log/partita', folder);
  writeFileSync(join(folder, 'secrets.properties'), 'keystore=a\n');
  writeFileSync(join(folder, 'server.properties'), `log.dirs=data\n${trail}`);
  const own = 'server.properties --override listeners=SASL_SSL://127.0.0.1:0';
  const command = `cd ${folder}; export PATH=${path}; exec ${start} ${own}`;
  const broker = new Started('bash', [...shell, command]);
  try {
    const [, port] = await broker.prints(/^partita ready SASL_SSL:\/\/127\.0\.0\.1:(\d+) /m);
    const run = (script: string, env: Record<string, string> = {}): Promise<ProgramResult> => {
      const local = script
        .replaceAll('localhost:9092', `localhost:${port}`)
        .replaceAll(' admin.properties', ' data-secure/admin.properties');
      const options = { cwd: folder, env: { PATH: path, ...env } };
      return runProgram('bash', [...shell, local], options);
    };
    const good = async (script: string, env?: Record<string, string>): Promise<string> => {
      const { code, stdout, stderr } = await run(script, env);
      assert.equal(code, 0, `${script}\n${stdout}${stderr}`);
      return stdout;
    };
    const create = snippet('shell', 'data-secure/admin.properties');
    await good(create);
    const text = readFileSync(join(folder, 'data-secure/admin.properties'), 'utf8');
    const referring = snippet('properties', 'ssl.keystore.password=$');
    const referringFile = join(folder, 'referring.properties');
    writeFileSync(referringFile, text + referring.replaceAll('/etc/partita', folder));
    const list = create
      .replace('data-secure/admin.properties', 'referring.properties')
      .replace('--create --topic orders', '--list');
    assert.equal(await good(list, { KEY_PASSWORD: 'b' }), 'orders\n');
    assert.match((await run(list)).stderr, /there is no variable KEY_PASSWORD: export it\n$/);
    const roles = await good(snippet('shell', 'partita role create'));
    assert.match(roles, /may WRITE on TOPIC orders\ngiven to\n {2}User:alice\n$/);
    assert.match(readFileSync(join(folder, 'audit.log'), 'utf8'), /"event":"let in"/);
  } finally {
    await broker.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
