// Encrypted listeners of a broker, over real sockets: who is let in and under which name, what is
// said of keys that cannot be used, and keys that are exchanged while clients are connected.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  golden,
  goldenText,
  keyPassword,
  settingsOf,
  storePassword,
} from '../../tests/doubles/security/key-stores.ts';
import { BrokerConfig } from '../config/index.ts';
import { createNodeIo, type Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import { describeCluster, ErrorCode, incrementalAlterConfigs } from '../protocol/index.ts';
import { clientTls, type TlsKey } from '../security/tls/index.ts';
import { Broker } from './broker.ts';
import { ListenerTls } from './listener-tls.ts';

const host = '127.0.0.1';
const folder = mkdtempSync(join(tmpdir(), 'partita-tls-'));
const opened: ListenerTls[] = [];
after(() => {
  for (const each of opened) each.close();
  rmSync(folder, { recursive: true });
});

type Texts = Readonly<Record<string, string>>;

const keys = (name: string, prefix = ''): Texts => ({
  [`${prefix}ssl.keystore.location`]: golden(name),
  [`${prefix}ssl.keystore.password`]: storePassword,
});
const trust: Texts = {
  'ssl.truststore.location': golden('java17-trust.p12'),
  'ssl.truststore.password': storePassword,
};

function configOf(texts: Texts): BrokerConfig {
  const all = { listeners: `SSL://${host}:0`, 'security.inter.broker.protocol': 'SSL', ...texts };
  return new BrokerConfig({
    static: new Map(Object.entries(all).map(([key, text]) => [key, { text, origin: 'file' }])),
  });
}

/** An Io whose log is kept. */
function listeningIo(): { io: Io; lines: string[] } {
  const lines: string[] = [];
  return { io: createNodeIo({ logSink: (line) => void lines.push(line) }), lines };
}

async function open(texts: Texts, io = listeningIo().io): Promise<ListenerTls> {
  const config = configOf(texts);
  const [listener] = config.listeners;
  assert.ok(listener);
  const tls = await ListenerTls.open(io, config, listener);
  opened.push(tls);
  return tls;
}

async function connect(
  port: number,
  ssl: Partial<Record<TlsKey, string>>,
): Promise<ClientConnection> {
  const io = createNodeIo();
  const tls = await clientTls(io.disk, settingsOf(ssl));
  return ClientConnection.connect(io, { host, port, clientId: 'test', security: { tls } });
}

async function clusterIdBy(connection: ClientConnection): Promise<string> {
  const all = { includeClusterAuthorizedOperations: false };
  return (await connection.request(describeCluster, all)).clusterId;
}

describe('an encrypted listener', () => {
  test('gives whoever shows a certificate the name that the rules make of it', async () => {
    const certificate = new X509Certificate(goldenText('chain.pem')).raw;
    const peer = { certificate, protocol: 'TLSv1.3', cipher: '' };
    const nameBy = async (rules?: string): Promise<string | undefined> => {
      const more: Texts = rules === undefined ? {} : { 'ssl.principal.mapping.rules': rules };
      return (await open({ ...keys('openssl.p12'), ...more })).principalOf(peer)?.name;
    };
    assert.equal(await nameBy(), 'CN=localhost,OU=ec,O=Partita');
    assert.equal(await nameBy('RULE:^CN=(.*?),OU=(.*?),.*$/$1-$2/U,DEFAULT'), 'LOCALHOST-EC');
    assert.equal(await nameBy('RULE:^CN=nobody$/$0/'), undefined);
    const nobody = { ...peer, certificate: null };
    assert.equal((await open(keys('openssl.p12'))).principalOf(nobody)?.name, 'ANONYMOUS');
    const broken = { ...peer, certificate: Buffer.from('30023100', 'hex') };
    assert.equal((await open(keys('openssl.p12'))).principalOf(broken), null);
  });

  const refused: readonly (readonly [title: string, texts: Texts, message: RegExp])[] = [
    [
      'no certificate',
      {},
      /^cannot start: listener SSL: it has no certificate to show: set ssl\.k/,
    ],
    [
      'no authority to judge clients by',
      { ...keys('openssl.p12'), 'ssl.client.auth': 'required' },
      /ssl\.client\.auth is required, but no authority is trusted: set ssl\.truststore\.location/,
    ],
    [
      'a store whose password is wrong, under the name of the listener',
      {
        ...keys('openssl.p12', 'listener.name.ssl.'),
        'listener.name.ssl.ssl.keystore.password': 'guessed-secret',
      },
      /listener SSL: listener\.name\.ssl\.ssl\.keystore\.loc.*\): .*; correct listener\.name/,
    ],
    [
      'rules that are none',
      { ...keys('openssl.p12'), 'ssl.principal.mapping.rules': 'RULE:x' },
      /ssl\.principal\.mapping\.rules: RULE:x is no rule; expected RULE:pattern/,
    ],
    [
      'versions that are not safe',
      { ...keys('openssl.p12'), 'ssl.enabled.protocols': 'TLSv1.1,TLSv1.2' },
      /ssl\.enabled\.protocols has TLSv1\.1: TLSv1\.2 and TLSv1\.3 are spoken here/,
    ],
    [
      'ciphers that its key cannot serve',
      {
        ...keys('openssl.p12'),
        'ssl.cipher.suites': 'TLS_ECDHE_NONE_WITH_AES_128_GCM_SHA256',
      },
      /ssl\.cipher\.suites has TLS_ECDHE_NONE/,
    ],
  ];
  for (const [title, texts, message] of refused) {
    test(`does not open with ${title}`, async () => {
      await assert.rejects(open(texts), (error: Error) => {
        assert.equal(error.name, 'BrokerError');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n|guessed-secret|changeit/);
        return true;
      });
    });
  }

  test('warns of a certificate that ends within 30 days, and again each day', async () => {
    const { io, lines } = listeningIo();
    const [certificate] = (await open(keys('openssl.p12'))).certificates;
    let nowMs = (certificate?.notAfterMs ?? 0) - 31 * 24 * 3600 * 1000;
    const waiting: (() => void)[] = [];
    const clock: Io['clock'] = {
      ...io.clock,
      now: () => nowMs,
      after: (delayMs, callback) => {
        assert.equal(delayMs, 24 * 3600 * 1000);
        waiting.push(callback);
        return { cancel: () => {} };
      },
    };
    await open(keys('openssl.p12'), { ...io, clock });
    assert.deepEqual(lines, []);
    for (const day of [1, 2, 3]) {
      nowMs += 24 * 3600 * 1000;
      waiting.shift()?.();
      assert.equal(lines.length, Math.max(0, day - 1), lines.join(''));
    }
    assert.match(lines[0] ?? '', /WARN .*"CN=localhost,OU=ec,O=Partita" of .* expires at /);
    const daysLeft = lines.map((line) => /listener=SSL daysLeft=(-?\d+)/.exec(line)?.[1]);
    assert.deepEqual(daysLeft, ['29', '28']);
    nowMs += 30 * 24 * 3600 * 1000;
    waiting.shift()?.();
    assert.match(
      lines[2] ?? '',
      / expired at .*: clients refuse it; renew it listener=SSL daysLeft=-2/,
    );
  });
});

describe('keys that are exchanged', () => {
  const jks: Texts = { ...keys('store.jks'), 'ssl.key.password': keyPassword };

  test('are taken over from another store with the same names', async () => {
    const tls = await open(jks);
    const before = tls.tls();
    await tls.reconfigure(configOf(jks));
    assert.equal(tls.tls(), before, 'nothing has changed');
    await tls.reconfigure(configOf(keys('openssl.p12')));
    assert.notEqual(tls.tls(), before);
  });

  test('are taken over from the same file with other content', async () => {
    const path = join(folder, 'exchanged');
    const texts: Texts = { ...jks, 'ssl.keystore.location': path };
    copyFileSync(golden('store.jks'), path);
    const tls = await open(texts);
    const before = tls.tls();
    copyFileSync(golden('openssl.p12'), path);
    await tls.reconfigure(configOf({ ...texts, 'ssl.key.password': storePassword }));
    assert.notEqual(tls.tls(), before);
  });

  const kept: readonly (readonly [title: string, texts: Texts, message: RegExp])[] = [
    [
      'of another name',
      keys('java8.p12'),
      /CN=localhost,OU=ec,O=Partita, and of .* CN=localhost,OU=rsa.*ssl\.allow\.dn\.changes/,
    ],
    ['more of them', keys('java17.p12'), /the stores have 1 and 2 keys to show/],
    [
      'with a wrong password',
      { ...jks, 'ssl.key.password': 'x' },
      /password of the key ec is wrong/,
    ],
    ['that are not there', keys('none.jks'), /there is no such file/],
  ];
  for (const [title, texts, message] of kept) {
    test(`are refused, and the old ones kept: ${title}`, async () => {
      const { io, lines } = listeningIo();
      const tls = await open(jks, io);
      const before = tls.tls();
      await assert.rejects(tls.check(configOf(texts)), { name: 'ConfigError', message });
      await tls.reconfigure(configOf(texts));
      assert.equal(tls.tls(), before);
      assert.match(lines.join(''), /ERROR listener SSL keeps its keys: /);
      assert.match(lines.join('').replaceAll('\\"', '"'), message);
    });
  }

  test('may have another name when that is allowed', async () => {
    const tls = await open(jks);
    const before = tls.tls();
    await tls.reconfigure(configOf({ ...keys('java8.p12'), 'ssl.allow.dn.changes': 'true' }));
    assert.notEqual(tls.tls(), before);
  });
});

test('a broker serves who has the right certificate, and nobody else a byte', async () => {
  const { io, lines } = listeningIo();
  const texts = { ...keys('openssl.p12'), ...trust, 'ssl.client.auth': 'required' };
  const directory = mkdtempSync(join(folder, 'data-'));
  const broker = await Broker.start(io, configOf({ ...texts, 'log.dirs': directory }), {
    onFatal: (error) => assert.fail(error),
  });
  try {
    const port = broker.listeners[0]?.port ?? 0;
    const known = await connect(port, { ...keys('openssl.p12'), ...trust });
    assert.equal(await clusterIdBy(known), broker.clusterId);
    await assert.rejects(connect(port, trust), { name: 'TlsError', message: /certificate/ });
    const plain = createNodeIo();
    await assert.rejects(
      ClientConnection.connect(plain, { host, port, clientId: null, connectTimeoutMs: 5_000 }),
    );
    await assert.rejects(connect(port, {}), { name: 'TlsError', message: /not from an authority/ });
    assert.equal(await clusterIdBy(known), broker.clusterId);
    known.close();
    assert.match(lines.join(''), /TLS handshake failed listener=SSL remoteHost=127\.0\.0\.1/);
    assert.match(lines.join(''), /it does not speak TLS \(security\.protocol of the client may be/);
  } finally {
    await broker.stop();
  }
});

test('whatever a key store is said to be while the broker runs, nobody waits for it', async () => {
  const directory = mkdtempSync(join(folder, 'data-'));
  const { io } = listeningIo();
  const broker = await Broker.start(
    io,
    configOf({ ...keys('openssl.p12'), 'log.dirs': directory }),
    {
      onFatal: (error) => assert.fail(error),
    },
  );
  const pipe = join(folder, 'pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  // Whoever waits for the pipe goes on with nothing after a while, and this test fails.
  const writer = spawn('sh', ['-c', `sleep 1; while :; do : > ${pipe}; done`]);
  const huge = join(folder, 'huge');
  writeFileSync(huge, '');
  truncateSync(huge, 2 ** 40);
  try {
    const client = await connect(broker.listeners[0]?.port ?? 0, trust);
    for (const [path, message] of [
      [pipe, /\(.*pipe\): it is a pipe, a socket or a device; copy what it gives into a file$/],
      [folder, /: it is a directory; name the file in it$/],
      [huge, /: it has more than 16 MiB and is no key store; correct the path$/],
    ] as const) {
      const name = 'listener.name.ssl.ssl.keystore.location';
      const configs = [{ name, configOperation: 0, value: path }];
      const resources = [{ resourceType: 4, resourceName: `${broker.nodeId}`, configs }];
      const { responses } = await client.request(incrementalAlterConfigs, {
        ...{ resources, validateOnly: false },
      });
      assert.equal(responses[0]?.errorCode, ErrorCode.INVALID_REQUEST);
      assert.match(responses[0]?.errorMessage ?? '', message);
    }
    assert.equal(await clusterIdBy(client), broker.clusterId);
    client.close();
  } finally {
    writer.kill('SIGKILL');
    await broker.stop();
  }
});
