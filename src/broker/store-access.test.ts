// What `cluster.store.*` says of users and certificates, and files that are not what they should
// be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { authority, certificate, key } from '../../tests/doubles/io/certificates.ts';
import { loadBrokerConfig } from '../config/index.ts';
import type { Disk } from '../io/index.ts';
import { storeAccess } from './store-access.ts';

function accessWith(disk: Disk, lines: Readonly<Record<string, string>>) {
  const overrides = Object.entries({ ...lines, 'cluster.store': 'etcd://a', 'node.id': '1' });
  return storeAccess({ disk }, loadBrokerConfig({ overrides }).config);
}

function write(disk: Disk, path: string, text: string): void {
  const file = disk.open(path, 'create');
  file.write([Buffer.from(text)], 0);
  file.close();
}

test('without keys nobody proves anything; a user has a password', async () => {
  await simulate(({ disk }) => {
    assert.deepEqual(accessWith(disk, {}), { credentials: null, tls: null });
    const lines = { 'cluster.store.username': 'kafka', 'cluster.store.password': 'secret' };
    const credentials = { username: 'kafka', password: 'secret' };
    assert.deepEqual(accessWith(disk, lines), { credentials, tls: null });
  });
});

test('certificates are read from PEM files, and encrypt the connection', async () => {
  await simulate(({ disk }) => {
    write(disk, '/ca.pem', authority);
    write(disk, '/own.pem', certificate + key);
    const truststore = { 'cluster.store.ssl.truststore.location': '/ca.pem' };
    const ca = Buffer.from(authority);
    const name = { ca, identity: null, verify: 'name' };
    assert.deepEqual(accessWith(disk, truststore).tls, name);
    const own = Buffer.from(certificate + key);
    const all = {
      ...truststore,
      'cluster.store.ssl.keystore.location': '/own.pem',
      'cluster.store.ssl.key.password': 'p',
      'cluster.store.ssl.endpoint.identification.algorithm': '',
    };
    const identity = { certificate: own, key: own };
    const chain = { ca, identity, keyPassword: 'p', verify: 'chain' };
    assert.deepEqual(accessWith(disk, all).tls, chain);
    const enabled = { 'cluster.store.ssl.enable': 'true' };
    assert.deepEqual(accessWith(disk, enabled).tls, { ...name, ca: null });
  });
});

test('a file that is not there, or no PEM, is refused with its key', async () => {
  await simulate(({ disk }) => {
    write(disk, '/store.jks', 'JKS');
    for (const key of ['truststore', 'keystore']) {
      const refused = (path: string, message: RegExp): void => {
        const lines = { [`cluster.store.ssl.${key}.location`]: path };
        assert.throws(() => accessWith(disk, lines), { errorName: 'INVALID_CONFIG', message });
      };
      refused('/nowhere.pem', new RegExp(`ssl.${key}.location: there is no file /nowhere.pem`));
      refused('/store.jks', new RegExp(`ssl.${key}.location: /store.jks is no PEM file`));
    }
  });
});
