// What docs/security.md tells users to write does what it says: a broker that asks for users and
// rights, made of the snippets of that page alone.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

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
