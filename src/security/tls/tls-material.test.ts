// Key stores and trust stores as keytool of Java 8 and 17 and openssl make them, and what is said
// of those that cannot be used.

import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  golden,
  goldenText,
  keyPassword,
  settingsOf,
  storePassword,
} from '../../../tests/doubles/security/key-stores.ts';
import { Prng } from '../../base/prng.ts';
import { ConfigError } from '../../config/index.ts';
import { createNodeIo, IoError } from '../../io/index.ts';
import { readDer } from './der.ts';
import { KeyStoreError } from './key-store.ts';
import { RoundsLeft } from './password-encryption.ts';
import { pemCertificates } from './pem.ts';
import { expiryWarnings, readTlsMaterial, type TlsMaterial } from './tls-material.ts';
import type { TlsKey } from './tls-settings.ts';

type Texts = Partial<Record<TlsKey, string>>;

const { disk } = createNodeIo();
const folder = mkdtempSync(join(tmpdir(), 'partita-stores-'));
after(() => rmSync(folder, { recursive: true }));

function read(texts: Texts): Promise<TlsMaterial> {
  return readTlsMaterial(disk, settingsOf(texts));
}

const keystore = (name: string, type = 'JKS'): Texts => ({
  'ssl.keystore.location': golden(name),
  'ssl.keystore.password': storePassword,
  'ssl.keystore.type': type,
});
const truststore = (name: string, type = 'JKS'): Texts => ({
  'ssl.truststore.location': golden(name),
  'ssl.truststore.password': storePassword,
  'ssl.truststore.type': type,
});

/** A file of this run. */
function written(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function sparse(name: string, sizeBytes: number): string {
  const path = written(name, '');
  truncateSync(path, sizeBytes);
  return path;
}

function namesIn(pem: Buffer | null): string[] {
  return pemCertificates(pem?.toString() ?? '').map(
    (der) => new X509Certificate(der).subject.split('\n').find((part) => /^CN=/.test(part)) ?? '',
  );
}

/** The kinds of keys, each with the names of its chain; the key belongs to the first. */
function identitiesOf({ identities }: TlsMaterial): Record<string, string[]> {
  return Object.fromEntries(
    identities.map(({ certificate, key }) => {
      const own = createPublicKey(key);
      const [first] = pemCertificates(certificate.toString());
      assert.ok(new X509Certificate(first as Buffer).publicKey.equals(own));
      return [own.asymmetricKeyType as string, namesIn(certificate)];
    }),
  );
}

const chain = ['CN=localhost', 'CN=issuer', 'CN=root'];

describe('a key store', () => {
  const forms: readonly (readonly [title: string, texts: Texts, kinds: readonly string[]])[] = [
    ['of the keytool of Java 8', keystore('java8.p12', 'PKCS12'), ['rsa']],
    ['of the keytool of Java 17, with two keys', keystore('java17.p12', 'PKCS12'), ['rsa', 'ec']],
    ['in PKCS12 under the default type', keystore('java17.p12'), ['rsa', 'ec']],
    ['in JKS', { ...keystore('store.jks'), 'ssl.key.password': keyPassword }, ['ec']],
    [
      'in JKS under the type PKCS12',
      { ...keystore('store.jks', 'PKCS12'), 'ssl.key.password': keyPassword },
      ['ec'],
    ],
    ['of openssl', keystore('openssl.p12', 'PKCS12'), ['ec']],
    ['of openssl as it was', keystore('openssl-legacy.p12', 'PKCS12'), ['ec']],
  ];
  for (const [title, texts, kinds] of forms) {
    test(`${title} gives its keys with their chains`, async () => {
      const expected = Object.fromEntries(kinds.map((kind) => [kind, chain]));
      assert.deepEqual(identitiesOf(await read(texts)), expected);
    });
  }

  test('in PEM has the key and the chain in one file', async () => {
    const path = written('both.pem', goldenText('key.pem') + goldenText('chain.pem'));
    const texts: Texts = { 'ssl.keystore.location': path, 'ssl.keystore.type': 'PEM' };
    assert.deepEqual(identitiesOf(await read(texts)), { ec: chain });
  });

  test('in PEM may stand in the configuration, its key encrypted', async () => {
    for (const key of ['encrypted-key.pem', 'old-encrypted-key.pem']) {
      const texts: Texts = {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.key': goldenText(key),
        'ssl.keystore.certificate.chain': goldenText('chain.pem'),
        'ssl.key.password': keyPassword,
      };
      assert.deepEqual(identitiesOf(await read(texts)), { ec: chain });
    }
  });

  test('tells the names in its certificate and how long it is good', async () => {
    const { certificates } = await read(keystore('java8.p12'));
    const [facts] = certificates;
    assert.equal(facts?.distinguishedName, 'CN=localhost,OU=rsa,O=Partita');
    assert.deepEqual([...(facts?.alternativeNames ?? [])].sort(), [
      'DNS:localhost',
      'IP Address:127.0.0.1',
    ]);
    const now = Date.now();
    const until = facts?.notAfterMs ?? 0;
    assert.ok(until > now);
    assert.deepEqual(expiryWarnings(certificates, now, 1000), []);
    assert.match(
      expiryWarnings(certificates, until, 1000)[0]?.message ?? '',
      /^the certificate "CN=localhost,OU=rsa,O=Partita" of ssl\.key.*java8\.p12\) expired at /,
    );
    const [soon] = expiryWarnings(certificates, until - 999, 1000);
    assert.match(soon?.message ?? '', / expires at .*renew/);
    assert.equal(soon?.daysLeft, 0);
    assert.match(expiryWarnings(certificates, 0, 1000)[0]?.message ?? '', / is good only from /);
    assert.equal(expiryWarnings(certificates, until + 1, 1000)[0]?.daysLeft, -1);
  });
});

describe('a trust store', () => {
  for (const name of ['java8-trust.p12', 'java17-trust.p12', 'trust.jks']) {
    test(`${name} gives its trusted certificates`, async () => {
      assert.deepEqual(namesIn((await read(truststore(name))).ca).sort(), ['CN=issuer', 'CN=root']);
    });
  }

  test('in JKS opens without a password, as in Java', async () => {
    const { ca } = await read({ 'ssl.truststore.location': golden('trust.jks') });
    assert.equal(namesIn(ca).length, 2);
  });

  test('that holds a key trusts the certificate of the key', async () => {
    assert.deepEqual(namesIn((await read(truststore('openssl.p12'))).ca), ['CN=localhost']);
  });

  test('in PEM is a file, or stands in the configuration', async () => {
    const file: Texts = {
      'ssl.truststore.location': golden('root.pem'),
      'ssl.truststore.type': 'PEM',
    };
    assert.deepEqual(namesIn((await read(file)).ca), ['CN=root']);
    const inline: Texts = {
      'ssl.truststore.certificates': goldenText('root.pem') + goldenText('chain.pem'),
      'ssl.truststore.type': 'PEM',
    };
    assert.equal(namesIn((await read(inline)).ca).length, 4);
  });
});

/** A store with another number of rounds for its MAC, which Java makes 100 000. */
function manyRounds(): string {
  const bytes = readFileSync(golden('java8.p12'));
  const at = bytes.lastIndexOf(Buffer.from('02030186a0', 'hex'));
  assert.ok(at > 0);
  bytes.write('02037fffff', at, 'hex');
  return written('many.p12', bytes);
}

/** PKCS#8 under PBES2 (RFC 8018) whose maker wanted it to be opened for half an hour. */
function slowKey(): string {
  const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
    const content = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([tag, content.length]), content]);
  };
  const oid = (hex: string): Buffer => der(6, Buffer.from(hex, 'hex'));
  const rounds = der(2, Buffer.from('7fffffff', 'hex'));
  const derivation = der(
    0x30,
    oid('2a864886f70d01050c'),
    der(0x30, der(4, Buffer.alloc(8)), rounds),
  );
  const cipher = der(0x30, oid('60864801650304012a'), der(4, Buffer.alloc(16)));
  const algorithm = der(0x30, oid('2a864886f70d01050d'), der(0x30, derivation, cipher));
  const key = der(0x30, algorithm, der(4, Buffer.alloc(16))).toString('base64');
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${key}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

test('the rounds of a file are bounded together', () => {
  const left = new RoundsLeft();
  const million = readDer(Buffer.from('02030f4240', 'hex'));
  assert.deepEqual([left.take(million), left.take(million)], [1_000_000, 1_000_000]);
  assert.throws(() => left.take(undefined), KeyStoreError);
  const none = readDer(Buffer.from('020100', 'hex'));
  assert.throws(() => new RoundsLeft().take(none), KeyStoreError);
});

describe('what cannot be used is refused in a line with key, file and remedy:', () => {
  const bothPem = (): string =>
    written('alone.pem', goldenText('encrypted-key.pem') + goldenText('chain.pem'));
  const inline: Texts = {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': goldenText('key.pem'),
    'ssl.keystore.certificate.chain': goldenText('chain.pem'),
  };
  const cases: readonly (readonly [title: string, texts: () => Texts, message: RegExp])[] = [
    ...['java8.p12', 'java17.p12', 'store.jks', 'openssl.p12'].map(
      (name) =>
        [
          `a wrong password of ${name}`,
          () => ({ ...keystore(name), 'ssl.keystore.password': 'guessed-secret' }),
          /^ssl\.keystore\.location \(.*\): the password is wrong, .*; correct ssl\.key.*word$/,
        ] as const,
    ),
    [
      'a wrong password of a key in JKS',
      () => keystore('store.jks'),
      /store\.jks\): the password of the key ec is wrong; correct ssl\.key\.password$/,
    ],
    [
      'a wrong password of a key in PKCS12',
      () => ({ ...keystore('java17.p12'), 'ssl.key.password': 'guessed-secret' }),
      /java17\.p12\): the password of the key rsa is wrong; correct ssl\.key\.password$/,
    ],
    [
      'a store without its password',
      () => ({ 'ssl.keystore.location': golden('java8.p12') }),
      /password of the store is missing; give ssl\.keystore\.password$/,
    ],
    [
      'an encrypted key without its password',
      () => ({ 'ssl.keystore.location': bothPem(), 'ssl.keystore.type': 'PEM' }),
      /alone\.pem\): the private key is encrypted; give its password in ssl\.key\.password$/,
    ],
    [
      'an encrypted key with another password',
      () => ({
        'ssl.keystore.location': bothPem(),
        'ssl.keystore.type': 'PEM',
        'ssl.key.password': 'guessed-secret',
      }),
      /private key cannot be opened; ssl\.key\.password is not its password$/,
    ],
    [
      'a key without its chain',
      () => ({ 'ssl.keystore.location': golden('key.pem'), 'ssl.keystore.type': 'PEM' }),
      /key\.pem\): the key kafka has no certificate; put its chain behind it$/,
    ],
    [
      'an inline key without its chain',
      () => ({ 'ssl.keystore.type': 'PEM', 'ssl.keystore.key': goldenText('key.pem') }),
      /set without its chain: give the certificate .* ssl\.keystore\.certificate\.chain$/,
    ],
    [
      'a certificate of another key',
      () => ({ ...inline, 'ssl.keystore.certificate.chain': goldenText('root.pem') }),
      /first certificate is not that of the key kafka; the certificate of the key comes first/,
    ],
    [
      'a file that is not there',
      () => keystore('none.p12'),
      /none\.p12\): there is no such file; correct the path$/,
    ],
    [
      'a directory in place of a file',
      () => keystore('.'),
      /it is a directory; name the file in it$/,
    ],
    [
      'a device, which has no end',
      () => ({ ...keystore('x'), 'ssl.keystore.location': '/dev/zero' }),
      /\(\/dev\/zero\): it is a pipe, a socket or a device; copy what it gives into a file$/,
    ],
    [
      'a file that is much too large, unread',
      () => ({ ...keystore('x'), 'ssl.keystore.location': sparse('huge', 2 ** 40) }),
      /huge\): it has more than 16 MiB and is no key store; correct the path$/,
    ],
    [
      'a PEM file under another type',
      () => keystore('chain.pem'),
      /chain\.pem\): it is a PEM file, but ssl\.keystore\.type is JKS; set that to PEM$/,
    ],
    [
      'another file under the type PEM',
      () => keystore('java17.p12', 'PEM'),
      /it is no PEM file, but ssl\.keystore\.type is PEM; correct one of them$/,
    ],
    [
      'a password of a PEM file',
      () => ({ ...keystore('key.pem', 'PEM') }),
      /a PEM file has no password of its own; remove ssl\.keystore\.password/,
    ],
    [
      'a type that is not known',
      () => keystore('java17.p12', 'BKS'),
      /stores of type BKS are not read; give JKS, PKCS12 or PEM in ssl\.keystore\.type$/,
    ],
    [
      'a file that is no store',
      () => ({ ...keystore('x'), 'ssl.keystore.location': written('text', 'hello, world') }),
      /text\): it cannot be read as a key store: it is neither JKS nor PKCS12; make it anew/,
    ],
    [
      'a store that ends too early',
      () => {
        const half = readFileSync(golden('java17.p12')).subarray(0, 1_000);
        return { ...keystore('x'), 'ssl.keystore.location': written('half', half) };
      },
      /half\): it cannot be read as a key store: it ends too early; make it anew/,
    ],
    [
      'a trust store in place of a key store',
      () => keystore('trust.jks'),
      /no private key in the store; a store of trusted .* ssl\.truststore\.location$/,
    ],
    [
      'a trust store whose certificates nobody trusts',
      () => truststore('untrusted.p12'),
      /untrusted\.p12\): there is no trusted certificate in it; keytool -importcert adds one$/,
    ],
    [
      'a trust store in PKCS12 without its password',
      () => ({ 'ssl.truststore.location': golden('java17-trust.p12') }),
      /there is no trusted certificate in it; give ssl\.truststore\.password$/,
    ],
    [
      'inline PEM under another type',
      () => ({ ...inline, 'ssl.keystore.type': 'JKS' }),
      /^ssl\.keystore\.key is for PEM, but ssl\.keystore\.type is JKS; set that to PEM$/,
    ],
    [
      'a store whose keys would take minutes',
      () => ({ ...keystore('java8.p12'), 'ssl.keystore.location': manyRounds() }),
      /many\.p12\): its keys take 8388607 rounds more, and at most 2000000 are made for a file/,
    ],
    [
      'a key in PEM that would take minutes',
      () => ({ ...inline, 'ssl.keystore.key': slowKey(), 'ssl.key.password': 'x' }),
      /^ssl\.keystore\.key: the private key is not opened: its keys take 2147483647 rounds more/,
    ],
    [
      'inline PEM beside a file',
      () => ({ ...inline, 'ssl.keystore.location': golden('java8.p12') }),
      /^ssl\.keystore\.key and ssl\.keystore\.location exclude each other: remove one of them$/,
    ],
    [
      'trusted certificates that are none',
      () => ({ 'ssl.truststore.certificates': 'nothing', 'ssl.truststore.type': 'PEM' }),
      /^ssl\.truststore\.certificates: there is no trusted certificate in it; PEM of/,
    ],
  ];
  for (const [title, texts, message] of cases) {
    test(title, async () => {
      await assert.rejects(read(texts()), (error: unknown) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n|guessed-secret|changeit|keysecret/);
        return true;
      });
    });
  }

  test('a file that may not be read', async () => {
    const closed = {
      readFile: (path: string): Buffer => {
        throw new IoError('EACCES', `cannot read ${path}: permission denied (EACCES)`);
      },
    };
    const reading = readTlsMaterial(closed, settingsOf(keystore('java17.p12')));
    await assert.rejects(reading, /java17\.p12\): it cannot be read \(EACCES\); let the broker/);
  });

  test('stores that are changed anywhere, unless they still say the same', async () => {
    const prng = new Prng('stores');
    let refused = 0;
    for (const name of ['java17.p12', 'store.jks', 'openssl.p12']) {
      const whole = readFileSync(golden(name));
      const texts: Texts = {
        ...keystore(name),
        'ssl.key.password': name === 'store.jks' ? keyPassword : storePassword,
      };
      const { identities } = await read(texts);
      for (let round = 0; round < 20; round++) {
        const changed = Buffer.from(whole);
        const at = prng.int(changed.length);
        changed[at] = (changed[at] as number) ^ (1 + prng.int(255));
        const path = written('changed', changed);
        try {
          const found = await read({ ...texts, 'ssl.keystore.location': path });
          assert.deepEqual(found.identities, identities, `${name} at ${at}`);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          refused++;
        }
      }
    }
    assert.ok(refused > 50, String(refused));
  });
});
