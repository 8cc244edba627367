// TLS of clients: options and Java's properties say the same, and what cannot be is refused in a
// line that names the key.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { golden, goldenText, storePassword } from '../../tests/doubles/security/key-stores.ts';
import { createNodeIo } from '../io/index.ts';
import { ClientConfigError } from './client-config-error.ts';
import { connectionSecurity } from './client-security.ts';
import {
  resolveSecurity,
  type SecurityOptions,
  securityFromProperties,
} from './security-options.ts';

const io = createNodeIo();
const properties = {
  'security.protocol': 'SSL',
  'ssl.keystore.location': golden('openssl.p12'),
  'ssl.keystore.password': storePassword,
  'ssl.truststore.location': golden('trust.jks'),
  'ssl.truststore.password': storePassword,
  'ssl.truststore.type': 'JKS',
  'ssl.protocol': 'TLS',
};

function optionsOf(texts: Readonly<Record<string, string>>): SecurityOptions {
  const { options, known } = securityFromProperties(new Map(Object.entries(texts)));
  assert.deepEqual([...known].sort(), Object.keys(texts).sort());
  return resolveSecurity(options);
}

describe('a client that encrypts', () => {
  test("reads its keys and authorities as Java's properties name them", async () => {
    const security = await connectionSecurity(io, optionsOf(properties));
    const { ca, identity, versions, verify } = security?.tls ?? assert.fail();
    assert.equal(ca?.toString().match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.match(identity?.key.toString() ?? '', /BEGIN PRIVATE KEY/);
    assert.deepEqual(versions, ['TLSv1.2', 'TLSv1.3']);
    assert.equal(verify, 'name');
  });

  test('takes the same as options, and PEM inline', async () => {
    const options = resolveSecurity({
      securityProtocol: 'SSL',
      ssl: {
        truststoreType: 'PEM',
        truststoreCertificates: goldenText('root.pem'),
        keystoreType: 'PEM',
        keystoreKey: goldenText('key.pem'),
        keystoreCertificateChain: goldenText('chain.pem'),
        endpointIdentificationAlgorithm: '',
      },
    });
    const { tls } = (await connectionSecurity(io, options)) ?? assert.fail();
    assert.equal(tls?.verify, 'chain');
    assert.ok(tls?.identity);
  });

  test('without a trust store trusts the authorities of Node.js', async () => {
    const security = await connectionSecurity(io, optionsOf({ 'security.protocol': 'ssl' }));
    assert.equal(security?.tls?.ca, null);
    assert.equal(security?.tls?.verify, 'name');
  });

  test('says what cannot be in one line, without the secret', async () => {
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{ 'ssl.truststore.password': 'guessed-secret' }, /correct ssl\.truststore\.password$/],
      [{ 'ssl.keystore.location': golden('none') }, /^ssl\.keystore\.location .*no such file/],
      [{ 'ssl.enabled.protocols': 'SSLv3' }, /^ssl\.enabled\.protocols has SSLv3/],
      [{ 'ssl.endpoint.identification.algorithm': 'x' }, /expected https, or nothing/],
    ];
    for (const [changed, message] of cases) {
      const options = optionsOf({ ...properties, ...changed });
      await assert.rejects(connectionSecurity(io, options), (error: Error) => {
        assert.ok(error instanceof ClientConfigError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n|guessed-secret|changeit/);
        return true;
      });
    }
  });

  test('refuses options that contradict each other or do not exist', () => {
    assert.throws(
      () => resolveSecurity({ ssl: {} }),
      /ssl has no effect with PLAINTEXT: set it to/,
    );
    const ssl = { keyStoreLocation: 'x' } as never;
    assert.throws(() => resolveSecurity({ securityProtocol: 'SSL', ssl }), /no option keyStoreLoc/);
    const number = { keystorePassword: 1 } as never;
    assert.throws(
      () => resolveSecurity({ securityProtocol: 'SSL', ssl: number }),
      /ssl\.keystorePassword is of type number: expected a string/,
    );
  });
});
