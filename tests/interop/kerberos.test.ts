// GSSAPI with a real MIT Kerberos: clients that nobody here wrote prove to a broker of ours who
// they are, ours prove it to a broker of Apache Kafka, and who cannot is refused.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { saslLogin } from '../../src/client/client-sasl.ts';
import { Admin, Consumer, Producer, type SaslOptions } from '../../src/client/index.ts';
import { createNodeIo } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import type { KafkaError } from '../../src/protocol/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';
import type { Properties } from './client-program.ts';
import { franzClient, javaRelease } from './client-programs.ts';
import { freePort } from './clusters/ports.ts';
import { KafkaBroker } from './kerberos/kafka-broker.ts';
import { hasKerberos, Kdc, realm } from './kerberos/kdc.ts';
import { conversation, type Said, sessionLifetimeMs } from './kerberos/odd-handshakes.ts';
import { programClient } from './secured-clients.ts';
import { hasJava, hasKafka, hasKcat, kafkaTool, kcat } from './toolchain.ts';

const module = 'com.sun.security.auth.module.Krb5LoginModule';
const kafka = 'org.apache.kafka.common.security';
const rulesKey = 'sasl.kerberos.principal.to.local.rules';
const noUser = /the broker has no user for this Kerberos principal/;

let kdc: Kdc;
let broker: BrokerProcess;
let topics = 0;
/** It takes a while to start, and the other tests need it not. */
let judge: Promise<KafkaBroker> | null = null;
/** The same broker of ours; its rules know nobody but alice. */
let strictPort = 0;
/** Its sessions end after a second and a half. */
let briefPort = 0;

function keyTabOptions(keyTab: string, principal: string): string {
  const options = `useKeyTab=true storeKey=true keyTab="${keyTab}" principal="${principal}"`;
  return `${module} required ${options};`;
}

before(async () => {
  kdc = await Kdc.start();
  const services = ['kafka/localhost', 'kafka/127.0.0.1', 'other/localhost'];
  await kdc.addPrincipals([...services, 'alice', 'bob/workstation', 'mallory']);
  Object.assign(process.env, kdc.env);
  const keyTab = await kdc.keytab('kafka.keytab', services);
  const jaas = keyTabOptions(keyTab, `kafka/localhost@${realm}`);
  const plain = `${kafka}.plain.PlainLoginModule required user_alice="secret";`;
  const port = await freePort();
  strictPort = await freePort();
  briefPort = await freePort();
  const listeners = (host: string): string =>
    `SASL_PLAINTEXT://${host}:${port},STRICT://${host}:${strictPort},BRIEF://${host}:${briefPort}`;
  const config = {
    listeners: listeners('127.0.0.1'),
    'advertised.listeners': listeners('localhost'),
    'listener.security.protocol.map': ['SASL_PLAINTEXT', 'STRICT', 'BRIEF']
      .map((name) => `${name}:SASL_PLAINTEXT`)
      .join(','),
    'listener.name.brief.sasl.enabled.mechanisms': 'GSSAPI',
    'listener.name.brief.gssapi.sasl.jaas.config': jaas,
    'listener.name.brief.gssapi.connections.max.reauth.ms': '1500',
    'security.inter.broker.protocol': 'SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': 'GSSAPI,PLAIN',
    'sasl.kerberos.service.name': 'kafka',
    'listener.name.sasl_plaintext.gssapi.sasl.jaas.config': jaas,
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': plain,
    'listener.name.strict.sasl.enabled.mechanisms': 'GSSAPI',
    'listener.name.strict.gssapi.sasl.jaas.config': jaas,
    'listener.name.strict.gssapi.connections.max.reauth.ms': '3600000',
    [`listener.name.strict.${rulesKey}`]: `RULE:[1:$1@$0](alice@${realm})s/@.*//`,
    ...single,
  };
  broker = await BrokerProcess.start({ config });
  if (!hasJava()) return;
  judge = KafkaBroker.start({
    'sasl.enabled.mechanisms': 'GSSAPI',
    'sasl.mechanism.inter.broker.protocol': 'GSSAPI',
    'sasl.kerberos.service.name': 'kafka',
    'listener.name.sasl_plaintext.gssapi.sasl.jaas.config': jaas,
    ...single,
  });
  // Told by the test that needs it.
  judge.catch(() => {});
});

const single = {
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
};

after(async () => {
  await broker?.dispose();
  await (await judge?.catch(() => null))?.dispose();
  await kdc?.dispose();
});

const address = (): string => `localhost:${broker.port}`;

async function asUser(principal: string, changes: Partial<SaslOptions> = {}): Promise<SaslOptions> {
  const keyTab = await kdc.keytab(`${principal.replaceAll('/', '-')}.keytab`, [principal]);
  return { mechanism: 'GSSAPI', keyTab, principal, kerberosServiceName: 'kafka', ...changes };
}

/** Produces to a new topic and reads it in a group. */
async function workAt(bootstrapServers: string, sasl: SaslOptions): Promise<void> {
  const options = { bootstrapServers, securityProtocol: 'SASL_PLAINTEXT', sasl } as const;
  const topic = `t${++topics}`;
  const admin = new Admin(options);
  const [made] = await admin.createTopics([{ name: topic, numPartitions: 1 }]);
  assert.equal(made?.error, null);
  await admin.close();
  const producer = new Producer(options);
  await producer.send({ topic, value: Buffer.from('v') });
  await producer.close();
  const consumer = new Consumer({ ...options, groupId: topic, autoOffsetReset: 'earliest' });
  consumer.subscribe([topic]);
  let values: string[] = [];
  while (values.length < 1) {
    values = (await consumer.poll(1000)).map(({ value }) => String(value));
  }
  assert.deepEqual(values, ['v']);
  await consumer.close();
}

async function newTopic(): Promise<string> {
  const topic = `t${++topics}`;
  const sasl = { mechanism: 'PLAIN', username: 'alice', password: 'secret' };
  const admin = new Admin({
    ...{ bootstrapServers: address(), securityProtocol: 'SASL_PLAINTEXT', sasl },
  });
  const [made] = await admin.createTopics([{ name: topic, numPartitions: 1 }]);
  assert.equal(made?.error, null);
  await admin.close();
  return topic;
}

/** Why a connection of ours is refused. */
async function refusalOf(sasl: SaslOptions, port = broker.port, host = 'localhost') {
  const io = createNodeIo();
  const login = saslLogin(io, sasl);
  const options = { host, port, clientId: null, security: { sasl: login } };
  const refused = ClientConnection.connect(io, options).then(
    (connection) => {
      connection.close();
      return assert.fail('it was let in');
    },
    (error: KafkaError) => `${error.errorName}: ${error.message}`,
  );
  return refused;
}

describe('our client', () => {
  test('produces and consumes in a group with a keytab', async (t) => {
    if (!hasKerberos(t)) return;
    await workAt(address(), await asUser('alice'));
  });

  test('does so as a principal with a host, and with a ticket cache', async (t) => {
    if (!hasKerberos(t)) return;
    const ticketCache = await kdc.kinit('bob.cache', 'bob/workstation');
    const sasl = { mechanism: 'GSSAPI', ticketCache, kerberosServiceName: 'kafka' };
    await workAt(address(), sasl);
  });

  test('works on when its session and its tickets end, with a renewed cache', async (t) => {
    if (!hasKerberos(t)) return;
    const ticketCache = await kdc.kinit('short.cache', 'alice', '-l', '3s', '-r', '1h');
    const changes = { kerberosTicketRenewWindowFactor: 0.2, kerberosMinTimeBeforeRelogin: 0 };
    const sasl = { mechanism: 'GSSAPI', ticketCache, kerberosServiceName: 'kafka', ...changes };
    const bootstrapServers = `localhost:${briefPort}`;
    const topic = await newTopic();
    const producer = new Producer({
      ...{ bootstrapServers, securityProtocol: 'SASL_PLAINTEXT', sasl, retries: 0 },
    });
    const from = Date.now();
    let offset = 0;
    while (Date.now() - from < 4_500) {
      ({ offset } = await producer.send({ topic, value: Buffer.from('v') }));
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    assert.ok(offset > 10);
    await producer.close();
  });

  test('is refused with what Kerberos says of it', async (t) => {
    if (!hasKerberos(t)) return;
    const alice = await asUser('alice');
    const stranger = await refusalOf({ ...alice, principal: 'nobody' });
    assert.match(
      stranger,
      /^SASL_AUTHENTICATION_FAILED: GSSAPI: no tickets: nobody with .*: No key table entry found/,
    );
    const gone = await refusalOf({ ...alice, keyTab: '/gone.keytab' });
    assert.match(
      gone,
      /^SASL_AUTHENTICATION_FAILED: GSSAPI: no tickets: alice with \/gone.keytab: .*not found/,
    );
    const noService = await refusalOf({ ...alice, kerberosServiceName: 'nothing' });
    assert.match(noService, /^SASL_.*: GSSAPI: nothing@localhost: Server not found in Kerberos/);
    const noHost = await refusalOf(alice, broker.port, '127.0.0.1');
    assert.match(noHost, /^SASL_AUTHENTICATION_FAILED: .* GSSAPI/, 'the broker has other keys');
    const other = await refusalOf({ ...alice, kerberosServiceName: 'other' });
    assert.match(other, /due to invalid credentials with SASL mechanism GSSAPI/);
    const cache = { mechanism: 'GSSAPI', ticketCache: '/gone', kerberosServiceName: 'kafka' };
    assert.match(await refusalOf(cache), /^SASL_AUTH.*: no tickets: the ticket cache \/gone: /);
  });

  test('is refused with keys that are not those of today', async (t) => {
    if (!hasKerberos(t)) return;
    await kdc.addPrincipals(['changed']);
    const changed = await asUser('changed');
    await kdc.changeKeys('changed');
    const refusal = await refusalOf(changed);
    assert.match(refusal, /^SASL_AUTHENTICATION_FAILED: GSSAPI: no tickets: changed with /);
  });

  test('goes on without a KDC as long as it has tickets, and waits for one without', async (t) => {
    if (!hasKerberos(t)) return;
    const [alice, bob] = [await asUser('alice'), await asUser('bob/workstation')];
    await workAt(address(), alice);
    await kdc.stop();
    await workAt(address(), alice);
    assert.match(await refusalOf(bob), /^NETWORK_EXCEPTION: GSSAPI: no tickets: bob/);
    await kdc.start();
    await workAt(address(), bob);
  });

  test('has a session that ends with its ticket where sessions end', async (t) => {
    if (!hasKerberos(t)) return;
    const path = await kdc.kinit('minute.cache', 'alice', '-l', '60s');
    const source = { kind: 'cache', path, principal: null } as const;
    const lifetimeMs = await sessionLifetimeMs(strictPort, source);
    // Kerberos lets clocks differ by five minutes.
    assert.ok(lifetimeMs > 300_000 && lifetimeMs <= 360_000, `${lifetimeMs}`);
    assert.equal(await sessionLifetimeMs(broker.port, source), 0);
  });

  test('is refused where no rule makes a user of it', async (t) => {
    if (!hasKerberos(t)) return;
    await workAt(`localhost:${strictPort}`, await asUser('alice'));
    const refusal = await refusalOf(await asUser('mallory'), strictPort);
    assert.match(refusal, /^SASL_AUTHENTICATION_FAILED: /);
    assert.match(refusal, noUser);
    await broker.outputMatches(/mallory@PARTITA.TEST: no rule of sasl.kerberos.principal.to.local/);
  });
});

describe('our tools', () => {
  const listed = async (lines: string[], env = {}): Promise<ProgramResult> => {
    const file = kdc.path(`tool-${++topics}.properties`);
    writeFileSync(file, ['security.protocol=SASL_PLAINTEXT', ...lines, ''].join('\n'));
    const tool = join(projectRoot, 'bin/kafka-topics.sh');
    const args = ['--bootstrap-server', address(), '--command-config', file, '--list'];
    return runProgram(tool, args, { env });
  };

  test('take the properties of Java, and its file of logins', async (t) => {
    if (!hasKerberos(t)) return;
    const topic = await newTopic();
    const { keyTab = '' } = await asUser('alice');
    const jaas = keyTabOptions(keyTab, 'alice');
    const service = 'sasl.kerberos.service.name=kafka';
    const inline = await listed([`sasl.jaas.config=${jaas}`, service]);
    assert.match(inline.stdout, new RegExp(`^${topic}$`, 'm'), inline.stderr);
    const logins = kdc.path('client.jaas');
    writeFileSync(logins, `KafkaClient {\n${jaas.replace(';', ' serviceName="kafka";')}\n};\n`);
    const properties = `-Djava.security.krb5.conf=${kdc.configuration}`;
    const opts = `${properties} -Djava.security.auth.login.config=${logins}`;
    // Without KRB5_CONFIG: Java's property alone says where krb5.conf is.
    const env = { KAFKA_OPTS: opts, KRB5_CONFIG: '/nowhere' };
    const byFile = await listed(['sasl.mechanism=GSSAPI'], env);
    assert.match(byFile.stdout, new RegExp(`^${topic}$`, 'm'), byFile.stderr);
    const two = await listed([
      `sasl.jaas.config=${jaas.replace(';', ' serviceName="a";')}`,
      service,
    ]);
    assert.match(
      two.stderr + two.stdout,
      /sasl.kerberos.service.name is kafka, and serviceName of/,
    );
  });
});

function javaProperties(keyTab: string, principal: string): Properties {
  return {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'GSSAPI',
    'sasl.kerberos.service.name': 'kafka',
    'sasl.jaas.config': keyTabOptions(keyTab, principal),
  };
}

// The last one sends tokens as they are, behind a handshake of version 0.
for (const release of ['4.4.0', '2.8.2', '0.10.2.0']) {
  const kind = javaRelease(release);
  test(`${kind.name} works, and is refused with a ticket for another service`, async (t) => {
    if (!hasKerberos(t) || !kind.isPresent(t)) return;
    const { keyTab = '' } = await asUser('bob/workstation');
    const right = javaProperties(keyTab, `bob/workstation@${realm}`);
    const program = await kind.start(address());
    try {
      const topic = await newTopic();
      const records = [{ key: 'k', value: 'v' }];
      const [offset] = await program.produce(topic, records, { properties: right });
      assert.equal(offset, 0);
      const member = await program.join(`g-${topic}`, topic, right);
      const [read] = await member.take(1, 30_000);
      assert.equal(read?.value, 'v');
      await member.leave();
      // It is told nothing, and tries until its time is up.
      if (release.startsWith('0.')) return;
      // Another text: older releases take who has the same one for the same login.
      const jaas = `${right['sasl.jaas.config']}`.replace(';', ' debug=false;');
      const service = { 'sasl.kerberos.service.name': 'other' };
      const wrong = { ...right, ...service, 'sasl.jaas.config': jaas };
      await assert.rejects(
        program.produce(topic, records, { properties: wrong }),
        (error: Error) => {
          assert.match(`${error.name} ${error.message}`, /AuthenticationException/);
          return true;
        },
      );
    } finally {
      await program.kill();
    }
  });
}

test('franz-go works, and is refused with a ticket for another service', async (t) => {
  if (!hasKerberos(t) || !franzClient.isPresent(t)) return;
  const { keyTab = '' } = await asUser('alice');
  const login = { 'sasl.mechanism': 'GSSAPI', username: 'alice', realm, keytab: keyTab };
  const client = programClient(franzClient);
  try {
    const topic = await newTopic();
    const right = { ...login, service: 'kafka' };
    await client.produce(address(), right, topic, 'v');
    assert.equal(await client.consume(address(), right, topic), 'v');
    const other = client.produce(address(), { ...login, service: 'other' }, topic, 'v');
    await assert.rejects(other, { name: 'SASL_AUTHENTICATION_FAILED' });
  } finally {
    await client.close();
  }
});

test("Kafka's tools list topics, and are told when no rule makes a user of them", async (t) => {
  if (!hasKerberos(t) || !hasKafka(t)) return;
  const topic = await newTopic();
  const list = async (principal: string, server: string): Promise<ProgramResult> => {
    const { keyTab = '' } = await asUser(principal);
    const file = kdc.path(`${principal}.properties`);
    const lines = Object.entries(javaProperties(keyTab, principal));
    writeFileSync(file, lines.map(([key, value]) => `${key}=${value}\n`).join(''));
    return kafkaTool('kafka-topics', [
      ...['--bootstrap-server', server, '--command-config', file, '--list'],
    ]);
  };
  const { stdout, stderr } = await list('alice', address());
  assert.match(stdout, new RegExp(`^${topic}$`, 'm'), stderr);
  const refused = await list('mallory', `localhost:${strictPort}`);
  assert.match(refused.stdout + refused.stderr, noUser);
});

test('kcat produces and consumes in a group', async (t) => {
  if (!hasKerberos(t) || !hasKcat(t)) return;
  const topic = await newTopic();
  const { keyTab = '' } = await asUser('alice');
  const env = { KRB5CCNAME: kdc.path('kcat.cache') };
  const settings = {
    ...{ 'security.protocol': 'sasl_plaintext', 'sasl.mechanism': 'GSSAPI' },
    ...{ 'sasl.kerberos.keytab': keyTab, 'sasl.kerberos.principal': `alice@${realm}` },
    'sasl.kerberos.kinit.cmd': `kinit -k -t ${keyTab} alice`,
  };
  const flags = ['-b', address()].concat(
    Object.entries(settings).flatMap(([key, value]) => ['-X', `${key}=${value}`]),
  );
  const options = { env, timeoutMs: 30_000 };
  const sent = await kcat([...flags, '-P', '-t', topic], { ...options, input: 'v\n' });
  assert.equal(sent.code, 0, sent.stderr);
  const group = ['-X', 'auto.offset.reset=earliest', '-G', `g-${topic}`, '-c', '1', topic];
  const read = await kcat([...flags, ...group], options);
  assert.equal(read.stdout.trim(), 'v', read.stderr);
});

test('the lab with three brokers runs and passes its own checks', async (t) => {
  if (!hasKerberos(t)) return;
  const { code, stdout, stderr } = await runProgram(
    join(projectRoot, 'examples/kerberos/run.sh'),
    [],
  );
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /lab passed\s*$/);
});

test('the page about security sets up a broker and a client', async (t) => {
  if (!hasKerberos(t)) return;
  const port = await freePort();
  const page = readFileSync(join(projectRoot, 'docs/security.md'), 'utf8');
  const [, section = ''] = /### Kerberos\n([\s\S]*?)\n### /.exec(page) ?? [];
  const [shell = '', server = '', client = ''] = [
    ...section.matchAll(/```\w+\n([\s\S]*?)```/g),
  ].map(([, text = '']) =>
    text
      .replaceAll('broker1.example.com:9092', `localhost:${port}`)
      .replaceAll('broker1.example.com', 'localhost')
      .replaceAll('EXAMPLE.COM', realm)
      .replaceAll('/etc/partita', kdc.directory),
  );
  // The keytab of another test has these keys: none are made anew.
  const script = shell.replace('ktadd', 'ktadd -norandkey').replace(/^.*addprinc.*$/m, '');
  const env = { PATH: `${process.env.PATH}:/usr/sbin` };
  const made = await runProgram(
    'bash',
    ['-euc', script.replaceAll('.local', `.local -r ${realm}`)],
    { env },
  );
  assert.equal(made.code, 0, made.stderr);
  await asUser('alice');
  const files = { server: kdc.path('page.server'), client: kdc.path('page.client') };
  writeFileSync(files.server, `node.id=1\n${server}`);
  writeFileSync(files.client, client);
  const own = await BrokerProcess.start({
    ...{ file: files.server, config: { listeners: `SASL_PLAINTEXT://localhost:${port}` } },
  });
  try {
    const tool = join(projectRoot, 'bin/kafka-topics.sh');
    const at = ['--bootstrap-server', `localhost:${port}`, '--command-config', files.client];
    const created = await runProgram(tool, [...at, '--create', '--topic', 'orders']);
    assert.equal(created.code, 0, created.stdout + created.stderr);
  } finally {
    await own.dispose();
  }
});

describe('beside a broker of Apache Kafka', () => {
  test('our client works, and odd handshakes are answered alike', async (t) => {
    if (!hasKerberos(t) || !hasKafka(t)) return;
    const { bootstrapServers } = (await judge) as KafkaBroker;
    await workAt(bootstrapServers, await asUser('alice'));
    const { keyTab = '' } = await asUser('alice');
    const said = async (servers: string): Promise<Said> =>
      conversation(Number(servers.split(':')[1]), { kind: 'keytab', keyTab, principal: 'alice' });
    const [ours, theirs] = await Promise.all([said(address()), said(bootstrapServers)]);
    assert.deepEqual(ours, theirs);
  });
});
