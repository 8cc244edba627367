// Passwords are planted wherever one may stand, and looked for in everything that brokers and tools
// print and store, at the log level at which they say most. What the test writes itself may have
// them, and what SCRAM derives of them is no password.

import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { authority, certificate, key } from '../doubles/io/certificates.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';
import { argumentsWith, directory, inOwnFolders, launcher, Started } from './started-brokers.ts';

inOwnFolders();

/** Found nowhere else, and of characters that some have to escape. */
class Planted {
  readonly #names: string[] = [];

  of(name: string): string {
    if (!this.#names.includes(name)) this.#names.push(name);
    return `zq9-${name}-!xw7`;
  }

  /** What was found where. */
  in(where: string, bytes: Buffer): string[] {
    return this.#names.flatMap((name) => {
      const text = this.of(name);
      const forms = [text, Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1)];
      return forms.some((form) => bytes.includes(form)) ? [`${name} in ${where}`] : [];
    });
  }
}

/** All that was printed, and by whom. */
class Printed {
  readonly #texts: [where: string, text: string][] = [];

  add(where: string, text: string): void {
    this.#texts.push([where, text]);
  }

  get all(): readonly (readonly [string, string])[] {
    return this.#texts;
  }
}

function* filesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile()) yield path;
  }
}

function assertNowhere(planted: Planted, printed: Printed, ...folders: string[]): void {
  const found = printed.all.flatMap(([where, text]) => planted.in(where, Buffer.from(text)));
  for (const path of folders.flatMap((folder) => [...filesIn(folder)])) {
    found.push(...planted.in(path, readFileSync(path)));
  }
  assert.deepEqual(found, []);
}

const module = (name: string): string => `org.apache.kafka.common.security.${name} required`;
const plain = module('plain.PlainLoginModule');
const scram = module('scram.ScramLoginModule');

class World {
  readonly planted = new Planted();
  readonly printed = new Printed();
  /** What the user has written. */
  readonly own = join(directory, 'own');
  readonly data = join(directory, 'data');

  constructor() {
    mkdirSync(this.own);
  }

  write(name: string, text: string): string {
    const path = join(this.own, name);
    writeFileSync(path, text);
    return path;
  }

  /** A private key that a password opens, and its certificate. */
  keyFile(name: string, passphrase: string): string {
    const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const;
    return this.write(name, `${createPrivateKey(key).export(cipher)}${certificate}`);
  }

  async tool(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ProgramResult> {
    const loud = { PARTITA_LOG_LEVEL: 'debug', PARTITA_TRACE: '1', ...env };
    const result = await runProgram(process.execPath, [launcher, ...args], { env: loud });
    this.printed.add(args.slice(0, 1).join(), result.stdout + result.stderr);
    return result;
  }

  async good(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tool(args);
    assert.equal(code, 0, `${args.join(' ')}\n${stdout}${stderr}`);
    return stdout;
  }

  async refused(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tool(args);
    assert.notEqual(code, 0, `${args.join(' ')}\n${stdout}`);
    return stdout + stderr;
  }
}

/** A broker with TLS and SASL, each password of which is planted; by key, file, reference. */
function serverProperties(world: World): string {
  const { planted } = world;
  const secrets = world.write(
    'secrets.properties',
    `key=${planted.of('referred-key')}\nencoder=${planted.of('encoder')}\n` +
      `number=${planted.of('referred-number')}\n`,
  );
  const trust = world.write('ca.pem', authority);
  const keys = world.keyFile('broker.pem', planted.of('referred-key'));
  return world.write(
    'server.properties',
    `node.id=1
log.dirs=${world.data}
listeners=SASL_SSL://127.0.0.1:0,OTHER://127.0.0.1:0
listener.security.protocol.map=SASL_SSL:SASL_SSL,OTHER:SASL_PLAINTEXT
inter.broker.listener.name=SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=${plain} user_admin="${planted.of('plain-user')}" \\
  username="admin" password="${planted.of('plain-own')}";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${scram} username="admin" \\
  password="\${env:SCRAM_PASSWORD}";
listener.name.other.sasl.enabled.mechanisms=PLAIN
ssl.keystore.type=PEM
ssl.keystore.location=${keys}
ssl.key.password=\${file:${secrets}:key}
ssl.truststore.type=PEM
ssl.truststore.location=${trust}
password.encoder.secret=\${file:${secrets}:encoder}
password.encoder.old.secret=${planted.of('old-encoder')}
delegation.token.secret.key=${planted.of('token-key')}
sasl.oauthbearer.client.credentials.client.secret=${planted.of('client-secret')}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
plugin.of.somebody.password=${planted.of('unknown-key')}
ssl.keystore.pasword=${planted.of('misspelt-key')}
`,
  );
}

function environment(world: World): Record<string, string> {
  const section = `KafkaServer {\n${plain} user_file="${world.planted.of('jaas-file')}";\n};\n`;
  const path = world.write('jaas.conf', section);
  return {
    PARTITA_LOG_LEVEL: 'debug',
    KAFKA_OPTS: `-Djava.security.auth.login.config=${path}`,
    SCRAM_PASSWORD: world.planted.of('referred-variable'),
    KAFKA_CLUSTER_STORE_PASSWORD: world.planted.of('variable-of-key'),
  };
}

function clientProperties(world: World, name: string, mechanism: string, jaas: string): string {
  return world.write(
    name,
    `security.protocol=SASL_SSL\nsasl.mechanism=${mechanism}\nsasl.jaas.config=${jaas}\n` +
      `ssl.truststore.type=PEM\nssl.truststore.location=${join(world.own, 'ca.pem')}\n`,
  );
}

test('a broker and its tools show and store none of the passwords they are given', async () => {
  const world = new World();
  const { planted, printed } = world;
  const file = serverProperties(world);
  const users = `SCRAM-SHA-512=[name=admin,password=${planted.of('referred-variable')}]`;
  const env = environment(world);
  const id = 'q1Sh-9_ISia_zwGINzRvyQ';
  const made = ['kafka-storage', 'format', '-t', id, '-c', file, '--add-scram', users];
  const formatted = await world.tool(made, env);
  assert.equal(formatted.code, 0, formatted.stderr);
  const broker = await BrokerProcess.start({
    ...{ directory: world.data, file, env },
    config: { listeners: 'SASL_SSL://127.0.0.1:0,OTHER://127.0.0.1:0' },
  });
  try {
    const as = (user: string, password: string, mechanism = 'SCRAM-SHA-512'): string[] => {
      const login = mechanism === 'PLAIN' ? plain : scram;
      const jaas = `${login} username="${user}" password="${password}";`;
      const path = clientProperties(world, `${user}-${mechanism}.properties`, mechanism, jaas);
      return ['--bootstrap-server', broker.bootstrapServers, '--command-config', path];
    };
    const admin = as('admin', planted.of('referred-variable'));
    const onBroker = ['--entity-type', 'brokers', '--entity-name', '1'];
    const configs = (...args: string[]) => ['kafka-configs', ...admin, ...onBroker, ...args];
    await world.good('kafka-topics', ...admin, '--create', '--topic', 't');
    await world.good('kafka-topics', ...as('admin', planted.of('plain-user'), 'PLAIN'), '--list');
    await world.refused('kafka-topics', ...as('admin', planted.of('guess'), 'PLAIN'), '--list');
    await world.refused('kafka-topics', ...as('nobody', planted.of('guess-scram')), '--list');
    const bob = ['--alter', '--entity-type', 'users', '--entity-name', 'bob', '--add-config'];
    const scramOf = (password: string): string => `SCRAM-SHA-512=[password=${password}]`;
    await world.good('kafka-configs', ...admin, ...bob, scramOf(planted.of('wire-scram')));
    await world.refused(
      'kafka-topics',
      ...as('bob', planted.of('wire-scram')),
      '--create',
      '--topic',
      'u',
    );
    const weak = `SCRAM-SHA-512=[iterations=1,password=${planted.of('refused-scram')}]`;
    await world.refused('kafka-configs', ...admin, ...bob, weak);

    // Another key under another password, over the wire; then one that does not open it.
    const prefix = 'listener.name.sasl_ssl';
    const other = world.keyFile('other.pem', planted.of('wire-key'));
    const keys = `${prefix}.ssl.keystore.location=${other},${prefix}.ssl.key.password=`;
    await world.good(...configs('--alter', '--add-config', `${keys}${planted.of('wire-key')}`));
    await world.refused(...configs('--alter', '--add-config', `${keys}${planted.of('wrong-key')}`));
    const jaasKey = `${prefix}.plain.sasl.jaas.config`;
    const jaas = world.write(
      'jaas.properties',
      `${jaasKey}=${plain} user_admin="${planted.of('wire-jaas')}";\n`,
    );
    await world.good(...configs('--alter', '--add-config-file', jaas));
    await world.good('kafka-topics', ...as('admin', planted.of('wire-jaas'), 'PLAIN'), '--list');
    const wrongJaas = world.write(
      'wrong-jaas.properties',
      `${jaasKey}=; ${plain} user_admin="${planted.of('wrong-wire-jaas')}"\n`,
    );
    await world.refused(...configs('--alter', '--add-config-file', wrongJaas));
    const unknown = `com.example.plugin.password=${planted.of('wire-unknown')}`;
    await world.good(...configs('--alter', '--add-config', unknown));
    await world.refused(
      ...configs('--alter', '--add-config', `ssl.key.password=${planted.of('wire-bare')}`),
    );
    // A comma ends the value, so that the rest is no config.
    const torn = `${prefix}.ssl.key.password=a,${planted.of('behind-comma')}`;
    await world.refused(...configs('--alter', `--add-config=${torn}`));
    await world.good('kafka-topics', ...admin, '--list');

    const described = await world.good(...configs('--describe', '--all'));
    assert.match(described, /ssl\.key\.password=null sensitive=true/);
    await world.good(...configs('--describe'));
    const all = ['--entity-type', 'users', '--describe'];
    await world.good('kafka-configs', ...admin, ...all);
    printed.add('the title of the broker', readFileSync(`/proc/${broker.pid}/cmdline`, 'latin1'));
    assert.equal(await broker.stop(), 0);

    // The stored passwords are those that it has when it starts again.
    await broker.start();
    await world.good('kafka-topics', ...as('admin', planted.of('wire-jaas'), 'PLAIN'), '--list');
    assert.equal(await broker.stop(), 0);
    printed.add('the broker', broker.output);
    const log = join(world.data, '__cluster_metadata-0', '00000000000000000000.log');
    const decoded = ['--cluster-metadata-decoder', '--files', log];
    const dumped = await world.good('kafka-dump-log', ...decoded);
    assert.match(dumped, /ssl\.key\.password","value":"sealed:/);
    const text = join(directory, 'data', 'dump.txt');
    const cluster = await world.tool(['cluster', 'dump', '--config', file, '--to', text], env);
    assert.equal(cluster.code, 0, cluster.stderr);
    assert.match(readFileSync(text, 'utf8'), /"user":|"name":"admin"/);
  } finally {
    await broker.dispose();
  }
  assert.match(broker.output, / INFO elected controller/);
  // They would be found.
  assert.ok(planted.in('the file', readFileSync(file)).length >= 7);
  assertNowhere(planted, printed, world.data);
});

describe('what is refused at a start', () => {
  const cases: readonly (readonly [string, (world: World) => string])[] = [
    [
      'a reference in a number',
      (w) => `node.id=\${file:${join(w.own, 'secrets.properties')}:number}`,
    ],
    [
      'a key that is not there',
      (w) => `node.id=\${file:${join(w.own, 'secrets.properties')}:none}`,
    ],
    [
      'a login in a store that is none',
      (w) => `cluster.store=etc://u:${w.planted.of('store-url')}@h`,
    ],
    [
      'a login in a store without a port',
      (w) => `cluster.store=etcd://u:${w.planted.of('store-url2')}@`,
    ],
    ['a login for a ZooKeeper', (w) => `zookeeper.connect=u:${w.planted.of('zk')}@ h`],
    ['a wrong password of the key', (w) => `ssl.key.password=${w.planted.of('wrong-start')}`],
    [
      'JAAS with a syntax error',
      (w) =>
        'listener.name.sasl_ssl.plain.sasl.jaas.config=' +
        `${plain}; user_admin="${w.planted.of('wrong-jaas')}"`,
    ],
    [
      'JAAS of a module that nobody knows',
      (w) =>
        'listener.name.sasl_ssl.plain.sasl.jaas.config=' +
        `com.example.Module required password="${w.planted.of('wrong-module')}";`,
    ],
    [
      'JAAS with a quote that does not end',
      (w) =>
        'listener.name.sasl_ssl.plain.sasl.jaas.config=' +
        `${plain} user_admin="${w.planted.of('open-quote')};`,
    ],
    ['an inline key that is none', (w) => `ssl.keystore.key=${w.planted.of('inline-key')}`],
  ];

  test('is said without the passwords in it', async () => {
    const world = new World();
    const file = serverProperties(world);
    const env = environment(world);
    for (const [what, override] of cases) {
      const args = ['start', file, '--override', override(world)];
      const { code, stderr } = await world.tool(args, env);
      assert.equal(code, 1, `${what}: ${stderr}`);
    }
    const jaas = world.write(
      'jaas.conf',
      `KafkaServer {\n ${plain};\n user_a="${world.planted.of('file-syntax')}";\n}`,
    );
    assert.ok(jaas.length > 0);
    const { code } = await world.tool(['start', file], env);
    assert.equal(code, 1);
    mkdirSync(world.data, { recursive: true });
    assertNowhere(world.planted, world.printed, world.data);
  });
});

test('tools say what is wrong with files of clients without the passwords in them', async () => {
  const world = new World();
  world.write('ca.pem', authority);
  const { planted } = world;
  const wrong = [
    `${plain}; username="a" password="${planted.of('semicolon')}"`,
    `com.example.Module required username="a" password="${planted.of('module')}";`,
    `${plain} username="a" pasword="${planted.of('option')}";`,
    `${scram} username="a" password="${planted.of('quote')};`,
  ];
  for (const [index, jaas] of wrong.entries()) {
    const path = clientProperties(world, `${index}.properties`, 'PLAIN', jaas);
    const at = ['--bootstrap-server', '127.0.0.1:1', '--command-config', path];
    await world.refused(
      'kafka-topics',
      ...at,
      '--list',
      '--command-property',
      'default.api.timeout.ms=300',
    );
  }
  const bad = `SCRAM-SHA-512=[name=a,password=${planted.of('storage')},iterations=x]`;
  const file = world.write('server.properties', `log.dirs=${world.data}\n`);
  await world.refused('kafka-storage', 'format', '-t', 'x', '-c', file, '--add-scram', bad);
  await world.refused(
    'kafka-storage',
    'format',
    '-t',
    'q1Sh-9_ISia_zwGINzRvyQ',
    '-c',
    file,
    '--add-scram',
    bad,
  );
  assertNowhere(planted, world.printed);
});

test('brokers of --brokers have no password in their titles, nor does a line say one', async () => {
  const world = new World();
  const { planted, printed } = world;
  const overrides = [
    `ssl.key.password=${planted.of('override')}`,
    `listener.name.x.plain.sasl.jaas.config=${plain} user_a="${planted.of('override-jaas')}";`,
  ];
  const flags = overrides.flatMap((each) => ['--override', each]);
  const parent = new Started(process.execPath, argumentsWith('--brokers', '2', ...flags));
  await parent.prints(/Ctrl-C stops all of them/);
  const list = ['-o', 'pid=,args=', '--ppid', `${parent.child.pid}`];
  const { stdout } = await runProgram('ps', list);
  printed.add('titles', stdout);
  assert.match(stdout, /ssl\.key\.password=\$\{env:PARTITA_OVERRIDE_1\}/);
  process.kill(Number.parseInt(stdout, 10), 'SIGKILL');
  const [line] = await parent.prints(/broker \d ended.*/);
  assert.match(
    line,
    /with PARTITA_OVERRIDE_1 \(ssl\.key\.password\), PARTITA_OVERRIDE_2 .* in the env/,
  );
  printed.add('the start', parent.output);
  assertNowhere(planted, printed, join(directory, 'broker1'), join(directory, 'broker2'));
});
