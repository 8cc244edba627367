// `partita start --secure` as its users run it: one flag, and the files that it prints are enough
// for our client and tools; nobody else gets in. Killed in the middle, it is whole after the next
// start.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admin } from '../../src/client/index.ts';
import { parseProperties } from '../../src/config/index.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';
import {
  assertRefusal,
  directory,
  inOwnFolders,
  launcher,
  Started,
  tryStart,
} from './started-brokers.ts';

inOwnFolders();

const flagsOf = (...overrides: string[]): string[] => {
  const all = [`log.dirs=${join(directory, 'data')}`, ...overrides];
  return ['start', '--secure', ...all.flatMap((each) => ['--override', each])];
};
const folder = (): string => join(directory, 'data-secure');
const clientFile = (): string => join(folder(), 'admin.properties');
const anyPort = 'listeners=SASL_SSL://127.0.0.1:0';

interface Served {
  readonly broker: Started;
  readonly server: string;
}

async function start(...overrides: string[]): Promise<Served> {
  const broker = new Started(process.execPath, [launcher, ...flagsOf(anyPort, ...overrides)]);
  const [, port] = await broker.prints(/^partita ready SASL_SSL:\/\/127\.0\.0\.1:(\d+) /m);
  await broker.prints(/Ctrl-C stops/);
  return { broker, server: `localhost:${port}` };
}

async function stop({ broker }: Served): Promise<void> {
  broker.child.kill('SIGTERM');
  assert.equal(await broker.ended, 0, broker.output);
}

function tool(name: string, server: string, ...args: string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, [launcher, name, '--bootstrap-server', server, ...args]);
}

async function good(result: Promise<ProgramResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

const topicsOf = (server: string): Promise<string> =>
  good(tool('kafka-topics', server, '--command-config', clientFile(), '--list'));

const files = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder())
      .filter((name) => !name.startsWith('.'))
      .map((name) => [name, readFileSync(join(folder(), name), 'utf8')]),
  );

describe('a broker that was started with --secure', () => {
  test('prints what to run, and that works as it is printed', async () => {
    const served = await start();
    const { output } = served.broker;
    const [send, receive] = output.split('\n').filter((line) => line.includes('bin/kafka-'));
    assert.match(output, /for the user admin alone: \S+\/data-secure\/admin\.properties is for/);
    const shell = (script: string): Promise<ProgramResult> =>
      runProgram('bash', ['--norc', '-euo', 'pipefail', '-c', script], { cwd: projectRoot });
    await good(shell(send as string));
    const read = await good(shell(`${receive} --max-messages 1`));
    assert.equal(read, 'hello\n');
    await stop(served);
  });

  test('lets nobody in who is not its administrator', async () => {
    const { server, broker } = await start();
    const ca = join(folder(), 'ca.pem');
    const trust = `ssl.truststore.type=PEM\nssl.truststore.location=${ca}\n`;
    const trusted = `security.protocol=SASL_SSL\n${trust}`;
    const login = (user: string, password: string): string =>
      `${trusted}sasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=org.apache.kafka.common.security.` +
      `scram.ScramLoginModule required username="${user}" password="${password}";\n`;
    const asked = async (text: string): Promise<string> => {
      const path = join(directory, 'other.properties');
      writeFileSync(path, text);
      const args = ['--command-config', path, '--create', '--topic', 'theirs'];
      const { code, stdout, stderr } = await tool('kafka-topics', server, ...args);
      assert.notEqual(code, 0, stdout);
      return stdout + stderr;
    };
    assert.match(await asked(login('admin', 'guess')), /invalid credentials/);
    assert.match(await asked(login('bob', 'guess')), /invalid credentials/);
    assert.match(
      await asked(login('admin', 'guess').replace(trusted, 'security.protocol=SASL_SSL\n')),
      /authority/,
    );
    // A user whom the administrator has made may not do anything yet.
    const configs = ['--command-config', clientFile(), '--alter', '--entity-type', 'users'];
    const user = ['--entity-name', 'bob', '--add-config', 'SCRAM-SHA-512=[password=bobs-own]'];
    await good(tool('kafka-configs', server, ...configs, ...user));
    assert.match(await asked(login('bob', 'bobs-own')), /[Aa]uthoriz/);
    assert.equal((await topicsOf(server)).trim(), '');
    const title = readFileSync(`/proc/${broker.child.pid}/cmdline`, 'utf8');
    const password = /^password=(.*)$/m.exec(files()['secrets.properties'] ?? '')?.[1] as string;
    assert.ok(password.length > 30);
    assert.ok(!title.includes(password));
    assert.ok(!broker.output.includes(password));
  });

  test('is found as it was by the next start, and by a client that is a program', async () => {
    const first = await start();
    const before = files();
    await good(
      tool(
        'kafka-topics',
        first.server,
        '--command-config',
        clientFile(),
        '--create',
        '--topic',
        't',
      ),
    );
    await stop(first);
    const second = await start();
    assert.deepEqual(files(), before);
    const properties = parseProperties(readFileSync(clientFile(), 'utf8'));
    const { options, warnings } = Admin.optionsFromProperties(properties);
    assert.deepEqual(warnings, []);
    const admin = new Admin({ ...options, bootstrapServers: second.server });
    assert.deepEqual(
      (await admin.listTopics()).map(({ name }) => name),
      ['t'],
    );
    await admin.close();
    assert.equal(statSync(folder()).mode & 0o777, 0o700);
    for (const name of Object.keys(before)) {
      assert.equal(statSync(join(folder(), name)).mode & 0o777, 0o600, name);
    }
    await stop(second);
  });

  test('has its administrator again when the password was lost, or he was deleted', async () => {
    const first = await start();
    const users = ['--entity-type', 'users', '--entity-name', 'admin'];
    const deletion = ['--alter', ...users, '--delete-config', 'SCRAM-SHA-512'];
    await good(tool('kafka-configs', first.server, '--command-config', clientFile(), ...deletion));
    await stop(first);
    const second = await start();
    await topicsOf(second.server);
    await stop(second);
    rmSync(folder(), { recursive: true });
    const third = await start();
    await topicsOf(third.server);
    await stop(third);
  });

  test('takes over the data of a start without it', async () => {
    const plain = ['start', '--override', `log.dirs=${join(directory, 'data')}`];
    const open = ['--override', 'listeners=PLAINTEXT://127.0.0.1:0'];
    const before = new Started(process.execPath, [launcher, ...plain, ...open]);
    const [, port] = await before.prints(/^partita ready PLAINTEXT:\/\/127\.0\.0\.1:(\d+) /m);
    await good(tool('kafka-topics', `localhost:${port}`, '--create', '--topic', 'old'));
    before.child.kill('SIGTERM');
    await before.ended;
    const { server } = await start();
    assert.equal((await topicsOf(server)).trim(), 'old');
  });
});

test('a start that is killed at any moment leaves nothing that the next trips over', async () => {
  const wholeNames = [
    ...['admin-librdkafka.properties', 'admin.properties', 'broker.pem'],
    ...['ca-key.pem', 'ca.pem', 'secrets.properties'],
  ];
  let [whole, partial] = [0, 0];
  for (let index = 0; index < 14; index++) {
    rmSync(folder(), { recursive: true, force: true });
    const broker = new Started(process.execPath, [launcher, ...flagsOf(anyPort)]);
    // The folder is there when it begins; keys take a while to be made.
    while (!existsSync(folder())) await sleep(1);
    await sleep(index * 40);
    broker.child.kill('SIGKILL');
    await broker.ended;
    const left = readdirSync(folder()).filter((name) => wholeNames.includes(name));
    if (left.length === wholeNames.length) whole++;
    else partial++;
    for (const name of readdirSync(folder())) {
      // A lock holds no secret; one that is being taken has a name of its own.
      if (name.startsWith('.lock')) continue;
      assert.equal(statSync(join(folder(), name)).mode & 0o077, 0, name);
    }
    if (index % 3 !== 0) continue;
    const served = await start();
    await topicsOf(served.server);
    assert.deepEqual(Object.keys(files()).sort(), wholeNames);
    await stop(served);
  }
  assert.ok(partial > 2, `${whole} were whole`);
});

test('three brokers prove to each other who they are, and no argument has a secret', async () => {
  const overrides = [anyPort, 'offsets.topic.num.partitions=1'];
  const args = [launcher, ...flagsOf(...overrides), '--brokers', '3'];
  const parent = new Started(process.execPath, args);
  await parent.prints(/Ctrl-C stops all of them/);
  const ready = [...parent.output.matchAll(/^partita ready SASL_SSL:\/\/(127\.0\.0\.1:\d+) /gm)];
  assert.equal(ready.length, 3, parent.output);
  const [, server = ''] = ready[1] as RegExpExecArray;
  const create = ['--create', '--topic', 't', '--replication-factor', '3', '--partitions', '3'];
  const all = ['--config', 'min.insync.replicas=3'];
  const config = ['--command-config', clientFile()];
  await good(tool('kafka-topics', server, ...config, ...create, ...all));
  const produced = await runProgram(
    process.execPath,
    [launcher, 'kafka-console-producer', '--bootstrap-server', server, ...config, '--topic', 't'],
    { input: 'a\nb\nc\n' },
  );
  assert.equal(produced.code, 0, produced.stderr);
  const described = await good(
    tool('kafka-topics', server, ...config, '--describe', '--topic', 't'),
  );
  assert.equal([...described.matchAll(/Isr: \d,\d,\d/g)].length, 3, described);
  const secrets = files()['secrets.properties'] ?? '';
  const password = /^password=(.*)$/m.exec(secrets)?.[1] as string;
  const { stdout } = await runProgram('ps', ['-o', 'args=', '--ppid', `${parent.child.pid}`]);
  assert.equal(stdout.trim().split('\n').length, 3, stdout);
  assert.ok(!stdout.includes(password) && !parent.output.includes(password));
  assert.ok(!existsSync(join(directory, 'data', 'broker1-secure')));
});

describe('a start with --secure', () => {
  test('refuses in one line what contradicts it', async () => {
    const refusal = async (...overrides: string[]): Promise<ProgramResult> =>
      tryStart(launcher, ...flagsOf(...overrides));
    assertRefusal(await refusal('listeners=PLAINTEXT://127.0.0.1:0'), /name SASL_SSL:\/\/127/);
    assertRefusal(await refusal('ssl.client.auth=required'), /leave one of them out/);
    const many = tryStart(launcher, ...flagsOf('listeners=SSL://:0'), '--brokers', '3');
    assertRefusal(await many, /SASL_SSL alone/);
    assert.deepEqual(readdirSync(directory), []);
  });

  test('takes a properties file, and what it says besides', async () => {
    const path = join(directory, 'server.properties');
    writeFileSync(
      path,
      `node.id=7\nlog.dirs=${join(directory, 'data')}\nlisteners=SASL_SSL://127.0.0.1:0\n` +
        'num.partitions=4\nsuper.users=User:other\n',
    );
    const broker = new Started(process.execPath, [launcher, 'start', path, '--secure']);
    const [, port] = await broker.prints(
      /^partita ready SASL_SSL:\/\/127\.0\.0\.1:(\d+) .* node=7/m,
    );
    const created = ['--command-config', clientFile(), '--create', '--topic', 't'];
    await good(tool('kafka-topics', `localhost:${port}`, ...created));
    const config = ['--command-config', clientFile(), '--describe', '--topic', 't'];
    assert.match(await good(tool('kafka-topics', `localhost:${port}`, ...config)), /Count: 4/);
  });
});

test('a broker that more than this machine can reach says so, in one line', async () => {
  const start = (listeners: string): Started =>
    new Started(process.execPath, [
      ...[launcher, 'start', '--override', `log.dirs=${join(directory, listeners.slice(-9, -2))}`],
      ...['--override', `listeners=${listeners}`],
    ]);
  const open = start('PLAINTEXT://0.0.0.0:0');
  await open.prints(/Ctrl-C stops/);
  const warnings = open.output.split('\n').filter((line) => line.startsWith('partita: '));
  assert.equal(warnings.length, 1, open.output);
  assert.match(
    warnings[0] as string,
    /listener PLAINTEXT:\/\/0\.0\.0\.0:0 has neither TLS nor SASL/,
  );
  const shut = start('PLAINTEXT://127.0.0.1:0');
  await shut.prints(/Ctrl-C stops/);
  assert.doesNotMatch(shut.output, /^partita: /m);
});
