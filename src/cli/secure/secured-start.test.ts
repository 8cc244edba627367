// `partita start --secure` before a broker starts: what it makes, finds again and refuses.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createNodeIo, type Io } from '../../io/index.ts';
import { parseStart, type StartOptions } from '../start-options.ts';
import { type Secured, secured, securedBefore } from './index.ts';
import { fileNames } from './secured-folder.ts';

const dayMs = 24 * 3600 * 1000;
const real = createNodeIo({ logLevel: 'off' });
let above = '';
let said: string[] = [];

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'partita-secured-'));
  said = [];
});
afterEach(() => rmSync(above, { recursive: true, force: true }));

const folder = (): string => join(above, 'data-secure');
const at = (name: keyof typeof fileNames): string => join(folder(), fileNames[name]);
const read = (name: keyof typeof fileNames): string => readFileSync(at(name), 'utf8');

function optionsOf(...overrides: string[]): StartOptions {
  const all = [`log.dirs=${join(above, 'data')}`, ...overrides];
  const flags = all.flatMap((each) => ['--override', each]);
  return parseStart(['--secure', ...flags]) as StartOptions;
}

/** Days from now. */
const later = (days: number): Io => ({
  ...real,
  clock: { ...real.clock, now: () => Date.now() + days * dayMs },
});

const start = (options = optionsOf(), io = real): Promise<Secured> =>
  secured(io, options, (line) => said.push(line));

const half = (text: string): string => text.slice(0, text.length / 2);

const all = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder()).map((name) => [name, readFileSync(join(folder(), name), 'utf8')]),
  );

describe('a first start', () => {
  test('makes files that only their owner may read, beside the log directory', async () => {
    const { folder: path, clientFile, users, overrides } = await start();
    assert.equal(path, folder());
    assert.equal(clientFile, at('client'));
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(path).sort(), Object.values(fileNames).sort());
    for (const name of readdirSync(path)) {
      assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name);
    }
    assert.ok(!existsSync(join(above, 'data')));
    assert.deepEqual([users[0]?.name, users[0]?.iterations], ['admin', 8192]);
    assert.deepEqual(said, []);
    const password = /^password=(.*)$/m.exec(read('secrets'))?.[1] ?? assert.fail();
    assert.ok(!JSON.stringify(overrides).includes(password));
    assert.ok(!JSON.stringify(users).includes(password));
    assert.ok(read('client').includes(`password="${password}";`));
    assert.ok(read('librdkafka').includes(`sasl.password=${password}\n`));
  });

  test('makes a certificate for the hosts of the machine and its listeners', async () => {
    await start(
      optionsOf(
        'listeners=SASL_SSL://0.0.0.0:0,OTHER://10.1.2.3:0',
        'listener.security.protocol.map=SASL_SSL:SASL_SSL,OTHER:SASL_SSL',
        'advertised.listeners=SASL_SSL://Kafka.example:1,OTHER://[fe80::1]:2',
      ),
    );
    const certificate = new X509Certificate(read('server'));
    const hostName = await real.network.hostName();
    for (const name of ['localhost', 'kafka.example', hostName]) {
      assert.ok(certificate.checkHost(name) !== undefined, name);
    }
    for (const address of ['127.0.0.1', '::1', '10.1.2.3', 'fe80::1']) {
      assert.equal(certificate.checkIP(address), address);
    }
    const authority = new X509Certificate(read('trusted'));
    assert.ok(authority.ca && certificate.verify(authority.publicKey) && !certificate.ca);
    assert.ok(!read('trusted').includes('PRIVATE KEY'));
  });

  test('is told by what it would listen at, where nothing is said', async () => {
    const { overrides } = await start();
    const found = new Map(overrides);
    assert.equal(found.get('listeners'), 'SASL_SSL://127.0.0.1:9092');
    assert.equal(found.get('inter.broker.listener.name'), 'SASL_SSL');
    assert.equal(found.get('super.users'), 'User:admin');
    const file = join(above, 'server.properties');
    writeFileSync(file, `log.dirs=${join(above, 'data')}\nsuper.users=User:bob\n`);
    const again = new Map((await start(parseStart(['--secure', file]) as StartOptions)).overrides);
    assert.equal(again.get('listeners'), 'SASL_SSL://:9092');
    assert.equal(again.get('super.users'), 'User:bob;User:admin');
  });
});

describe('a later start', () => {
  test('finds everything as it was', async () => {
    const first = await start();
    const files = all();
    assert.deepEqual(await start(), first);
    assert.deepEqual(all(), files);
    assert.deepEqual((await securedBefore(folder())).users, first.users);
  });

  test('completes what a killed one has left, whichever file is missing or cut', async () => {
    await start();
    const files = all();
    const madeAgain = [fileNames.server, fileNames.secrets, fileNames.authority] as string[];
    for (const name of Object.keys(files)) {
      for (const damage of ['missing', 'empty', 'cut'] as const) {
        for (const [each, text] of Object.entries(files)) writeFileSync(join(folder(), each), text);
        const path = join(folder(), name);
        if (damage === 'missing') rmSync(path);
        else writeFileSync(path, damage === 'empty' ? '' : half(files[name] ?? ''));
        const { users } = await start();
        const now = all();
        if (!madeAgain.includes(name)) assert.deepEqual(now, files, `${name} ${damage}`);
        const certificate = new X509Certificate(now[fileNames.server] ?? '');
        const authority = new X509Certificate(now[fileNames.trusted] ?? '');
        assert.ok(certificate.verify(authority.publicKey), `${name} ${damage}`);
        const shown = read('client').replaceAll('\\n\\\n', '\n');
        assert.ok(shown.includes(authority.toString().trim()), `${name} ${damage}`);
        assert.deepEqual((await securedBefore(folder())).users, users);
      }
    }
  });

  test('renews a certificate that ends soon, signed by the same authority', async () => {
    await start();
    const before = all();
    await start(optionsOf(), later(300));
    assert.deepEqual(all(), before);
    for (const days of [370, 800]) {
      await start(optionsOf(), later(days));
      const now = all();
      assert.notEqual(now[fileNames.server], before[fileNames.server]);
      assert.deepEqual({ ...now, [fileNames.server]: '' }, { ...before, [fileNames.server]: '' });
      const { validTo } = new X509Certificate(now[fileNames.server] ?? '');
      assert.ok(Date.parse(validTo) > Date.now() + (days + 390) * dayMs);
    }
    assert.deepEqual(said, []);
  });

  test('says that an authority which ends soon is another one from now on', async () => {
    await start();
    const before = read('trusted');
    await start(optionsOf(), later(3630));
    assert.notEqual(read('trusted'), before);
    assert.match(said.join(), /ca-key\.pem ends soon: a new authority .* trust anew/);
    const authority = new X509Certificate(read('trusted'));
    assert.ok(new X509Certificate(read('server')).verify(authority.publicKey));
  });

  test('makes another certificate for other hosts', async () => {
    await start();
    const { serialNumber } = new X509Certificate(read('server'));
    await start(optionsOf('advertised.listeners=SASL_SSL://kafka.example:9092'));
    const certificate = new X509Certificate(read('server'));
    assert.notEqual(certificate.serialNumber, serialNumber);
    assert.equal(certificate.checkHost('kafka.example'), 'kafka.example');
  });
});

describe('a configuration that contradicts the flag', () => {
  const refused: readonly (readonly [string[], RegExp])[] = [
    [
      ['listeners=PLAINTEXT://127.0.0.1:9092'],
      /listens with SASL_SSL alone, and not at PLAINTEXT:\/\/127\.0\.0\.1:9092: name SASL_SSL:/,
    ],
    [['listeners=SASL_SSL://:1,SSL://:2'], /and not at SSL:\/\/:2/],
    [['listeners=IN://:1', 'listener.security.protocol.map=IN:SASL_PLAINTEXT'], /not at IN:\/\/:1/],
    [
      ['authorizer.class.name=kafka.security.authorizer.AclAuthorizer'],
      /--secure and authorizer\.class\.name=kafka.* contradict each other/,
    ],
    [['allow.everyone.if.no.acl.found=true'], /allow\.everyone\.if\.no\.acl\.found=true/],
    [['sasl.enabled.mechanisms=PLAIN'], /sasl\.enabled\.mechanisms=PLAIN/],
    [['security.inter.broker.protocol=SSL'], /security\.inter\.broker\.protocol=SSL/],
    [['ssl.client.auth=required'], /ssl\.client\.auth=required/],
    [['ssl.keystore.location=/etc/broker.p12'], /ssl\.keystore\.location=/],
    [['ssl.keystore.password=planted'], /leave ssl\.keystore\.password out/],
    [['listener.name.sasl_ssl.ssl.truststore.location=/x'], /leave listener\.name\.sasl_ssl/],
    [['listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=planted'], /sasl\.jaas\.config out/],
    [['cluster.store=etcd://127.0.0.1:2379/x'], /cluster\.store is set/],
  ];

  test('is refused in one line, and nothing is made', async () => {
    for (const [overrides, expected] of refused) {
      await assert.rejects(start(optionsOf(...overrides)), (error: Error) => {
        assert.match(error.message, expected);
        assert.doesNotMatch(error.message, /planted|\n/);
        return true;
      });
    }
    assert.deepEqual(readdirSync(above), []);
  });

  test('is refused where the folder would be in a log directory', async () => {
    const dirs = `log.dirs=${join(above, 'a')},${above}`;
    await assert.rejects(start(optionsOf(dirs)), /is a log directory: use other log\.dirs/);
    const colon = `log.dirs=${join(above, 'a:b')}`;
    await assert.rejects(start(optionsOf(colon)), /neither a colon nor a brace/);
  });
});
