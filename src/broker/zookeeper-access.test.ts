// Who a broker is to a ZooKeeper: the JAAS file that KAFKA_OPTS names, `zookeeper.*`, and what is
// wrong with them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { authority, certificate, key } from '../../tests/doubles/io/certificates.ts';
import { loadBrokerConfig } from '../config/index.ts';
import type { Disk } from '../io/index.ts';
import { zooKeeperAccess } from './zookeeper-access.ts';

const digestModule = 'org.apache.zookeeper.server.auth.DigestLoginModule';

function accessWith(disk: Disk, lines: Readonly<Record<string, string>>, options?: string) {
  const overrides = Object.entries({ ...lines, 'zookeeper.connect': 'a', 'node.id': '1' });
  const env = options === undefined ? {} : { KAFKA_OPTS: options };
  return zooKeeperAccess({ disk }, loadBrokerConfig({ overrides, env }).config);
}

function write(disk: Disk, path: string, text: string): void {
  const file = disk.open(path, 'create');
  file.truncate(0);
  file.write([Buffer.from(text)], 0);
  file.close();
}

const jaas = '-Djava.security.auth.login.config=/kafka.jaas';

test('the section Client of the JAAS file that KAFKA_OPTS names says who we are', async () => {
  await simulate(({ disk }) => {
    const module = `${digestModule} required username="kafka" password="secret";`;
    write(disk, '/kafka.jaas', `Client { ${module} }; Other { ${module.replace('kafka', 'me')} };`);
    const user = { scheme: 'sasl', password: 'secret' };
    const login = { ...user, username: 'kafka', source: 'the section Client of /kafka.jaas' };
    assert.deepEqual(accessWith(disk, {}, jaas).login, login);
    const other = { ...user, username: 'me', source: 'the section Other of /kafka.jaas' };
    const named = `${jaas} -Dzookeeper.sasl.clientconfig=Other`;
    assert.deepEqual(accessWith(disk, {}, named).login, other);
    const missing = `${jaas} -Dzookeeper.sasl.clientconfig=Absent`;
    assert.equal(accessWith(disk, {}, missing).login, undefined);
    assert.equal(accessWith(disk, {}).login, undefined);
    const setAcl = { 'zookeeper.set.acl': 'true' };
    assert.equal(accessWith(disk, setAcl, jaas).setAcl, true);
  });
});

test('the login module of Kerberos has its principal prove who it is', async () => {
  await simulate(({ disk }) => {
    const options = 'useKeyTab=true keyTab="/k" principal="kafka/host@REALM"';
    const module = 'com.sun.security.auth.module.Krb5LoginModule';
    write(disk, '/kafka.jaas', `Client { ${module} required ${options}; };`);
    const { login } = accessWith(disk, {}, jaas);
    assert.deepEqual([login?.scheme, login?.username], ['sasl', 'kafka/host@REALM']);
    assert.equal(typeof login?.exchange, 'function');
  });
});

test('a user of cluster.store.username is one of the scheme digest', async () => {
  await simulate(({ disk }) => {
    const lines = { 'cluster.store.username': 'kafka', 'cluster.store.password': 'secret' };
    const source = 'cluster.store.username and cluster.store.password';
    const login = { scheme: 'digest', username: 'kafka', password: 'secret', source };
    assert.deepEqual(accessWith(disk, lines), { login, setAcl: false, tls: undefined });
  });
});

test('what says who we are and cannot be used is refused, without the password', async () => {
  await simulate(({ disk }) => {
    const refused = (text: string, message: RegExp, more = ''): void => {
      write(disk, '/kafka.jaas', text);
      assert.throws(
        () => accessWith(disk, {}, jaas + more),
        (error: Error) => {
          assert.match(error.message, message);
          assert.ok(!error.message.includes('secret'));
          return true;
        },
      );
    };
    const good = `Client { ${digestModule} required username="kafka" password="secret"; };`;
    refused('Client { a.B required; };', /section Client of \/kafka\.jaas asks for a\.B: only org/);
    refused('Client { };', /asks for nothing: only/);
    refused(good.replace('username="kafka"', ''), /Client of \/kafka\.jaas has no username$/);
    refused(good.replace('=', ' '), /^java\S+ \(KAFKA_OPTS\): \/kafka\.jaas, line 1: expected =$/);
    refused(
      good,
      /^the section Client .*zookeeper\.sasl\.client=false/,
      ' -Dzookeeper.sasl.client=false',
    );
    const nowhere = '-Djava.security.auth.login.config=/nowhere';
    assert.throws(() => accessWith(disk, {}, nowhere), { message: /there is no file \/nowhere$/ });
    assert.throws(() => accessWith(disk, { 'zookeeper.set.acl': 'true' }), {
      errorName: 'INVALID_CONFIG',
      message: /^zookeeper\.set\.acl=true needs somebody .*: a section Client/,
    });
  });
});

test('connections are encrypted when zookeeper.ssl.client.enable says so', async () => {
  await simulate(({ disk }) => {
    write(disk, '/ca.pem', authority);
    write(disk, '/own.pem', certificate + key);
    write(disk, '/store.jks', 'JKS');
    const enabled = { 'zookeeper.ssl.client.enable': 'true' };
    const plain = { ca: null, identity: null, verify: 'name' };
    assert.deepEqual(accessWith(disk, enabled).tls, plain);
    const all = {
      ...enabled,
      'zookeeper.clientCnxnSocket': 'org.apache.zookeeper.ClientCnxnSocketNetty',
      'zookeeper.ssl.truststore.location': '/ca.pem',
      'zookeeper.ssl.truststore.type': 'PEM',
      'zookeeper.ssl.keystore.location': '/own.pem',
      'zookeeper.ssl.keystore.password': 'p',
      'zookeeper.ssl.endpoint.identification.algorithm': '',
      'zookeeper.ssl.enabled.protocols': 'TLSv1.3',
      'zookeeper.set.acl': 'true',
    };
    const own = Buffer.from(certificate + key);
    assert.deepEqual(accessWith(disk, all), {
      login: undefined,
      setAcl: true,
      tls: {
        ca: Buffer.from(authority),
        identity: { certificate: own, key: own },
        keyPassword: 'p',
        versions: ['TLSv1.3'],
        verify: 'chain',
      },
    });
    for (const name of ['truststore', 'keystore']) {
      const lines = { [`zookeeper.ssl.${name}.location`]: '/store.jks' };
      const noPem = new RegExp(
        `^zookeeper.ssl.${name}.location: /store.jks is no PEM file \\(open`,
      );
      assert.throws(() => accessWith(disk, { ...enabled, ...lines }), { message: noPem });
      const off = new RegExp(`^zookeeper.ssl.${name}.location needs zookeeper.ssl.client.enable`);
      assert.throws(() => accessWith(disk, lines), { message: off });
    }
  });
});
