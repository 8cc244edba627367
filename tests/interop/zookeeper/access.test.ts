// Who may do what at a real ZooKeeper that asks for users (SASL): those who are known get in, and
// what they make is theirs; everybody else is told in one line why not.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openNamedStore } from '../../../src/broker/member.ts';
import { loadBrokerConfig } from '../../../src/config/index.ts';
import { createNodeIo } from '../../../src/io/node-io.ts';
import {
  type ZooKeeperLogin,
  ZooKeeperStore,
  type ZooKeeperStoreOptions,
} from '../../../src/metadata/engines/zookeeper/index.ts';
import { encodePath, readAcl } from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { authority, certificate, key } from '../../doubles/io/certificates.ts';
import { projectRoot } from '../../root.ts';
import { anonymousLink, heldStores, temporaryFolder } from './clients.ts';
import { freePorts, hasZooKeeper, startServer } from './zookeeper-servers.ts';

const saslProvider = 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider';

const lines: string[] = [];
const io = createNodeIo({ logLevel: 'warn', logSink: (line) => lines.push(line) });

function kafka(password: string): ZooKeeperLogin {
  return { scheme: 'sasl', username: 'kafka', password, source: 'the section Client of /k.jaas' };
}

/** As docs/cluster.md tells users to write it. */
function sectionOfDocs(name: string): string {
  const docs = readFileSync(join(projectRoot, 'docs/cluster.md'), 'utf8');
  const found = [...docs.matchAll(/^```jaas\n(.*?)^```/gms)].map(([, text = '']) => text);
  const section = found.find((text) => text.startsWith(`${name} {`));
  assert.ok(section !== undefined, `docs/cluster.md has a section ${name}`);
  return section;
}

test('access to a real ZooKeeper with users', async (t) => {
  if (!hasZooKeeper(t)) return;
  const folder = temporaryFolder(t);
  const users = join(folder, 'server.jaas');
  // What RFC 2831 quotes and encodes is in the second user.
  const odd = String.raw`user_käfka="pä\"ss\\wörd"`;
  writeFileSync(users, sectionOfDocs('Server').replace('user_kafka', `${odd} user_kafka`));
  const pem = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const ca = pem('ca.pem', authority);
  const own = pem('own.pem', certificate + key);
  const [securePort] = (await freePorts(1)) as [number];
  const server = await startServer(t, {
    config: [
      `authProvider.1=${saslProvider}`,
      'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
      `secureClientPort=${securePort}`,
      `ssl.keyStore.location=${own}`,
      `ssl.trustStore.location=${ca}`,
    ],
    flags: [`-Djava.security.auth.login.config=${users}`, '-Dfile.encoding=UTF-8'],
  });
  const hosts = [{ host: '127.0.0.1', port: server.port }];
  const times = { sessionTimeoutMs: 10_000, connectTimeoutMs: 20_000 };
  const held = heldStores(t);
  const open = (options: Partial<ZooKeeperStoreOptions>): Promise<ZooKeeperStore> =>
    held(ZooKeeperStore.open(io, { hosts, chroot: '/kafka/one', ...times, ...options }));
  const value = Buffer.from('x');

  await t.test('who is known makes nodes that are for him alone', async (t) => {
    const store = await open({ login: kafka('secret'), setAcl: true });
    const session = store.sessionNumber;
    await store.commit([
      { key: 'identity', was: null, becomes: value },
      { key: 'log/1/a', was: null, becomes: value },
      { key: 'brokers/1', was: null, becomes: value, session },
      { key: 'anything/else', was: null, becomes: value },
    ]);
    assert.deepEqual(lines, []);
    const link = await anonymousLink(t, io, server.port);
    const aclOf = async (path: string): Promise<string> => {
      const { body } = await link.call('getAcl', encodePath(`/kafka${path}`));
      const entries = body.remainingBytes === 0 ? [] : readAcl(body);
      return entries.map((each) => `${each.scheme}:${each.id}:${each.permissions}`).join();
    };
    for (const path of ['', '/one', '/one/identity', '/one/brokers', '/one/brokers/1']) {
      assert.equal(await aclOf(path), 'sasl:kafka:31,world:anyone:1', path);
    }
    // Who may not read a node may not ask for its list either.
    for (const path of ['/one/log', '/one/log/1', '/one/log/1/a', '/one/anything/else']) {
      assert.equal(await aclOf(path), '', path);
    }
  });

  await t.test('another connection of the same user goes on with them', async () => {
    const store = await open({ login: kafka('secret'), setAcl: true });
    assert.deepEqual(await store.commit([{ key: 'log/1/a', was: '0', becomes: value }]), ['1']);
    await store.remove('log');
    assert.equal(await store.get('log/1/a'), null);
  });

  await t.test('names and passwords of any letters are proven', async () => {
    const login = { ...kafka('pä"ss\\wörd'), username: 'käfka' };
    const store = await open({ chroot: '/kafka-2', login, setAcl: true });
    assert.deepEqual(await store.commit([{ key: 'end', was: null, becomes: value }]), ['0']);
  });

  await t.test('who is not known, or nobody, is told so at once', async () => {
    const refused = async (options: Partial<ZooKeeperStoreOptions>, message: string) => {
      const where = `zookeeper://127.0.0.1:${server.port}/kafka/one`;
      const line = message.replace('MEMBER', `127.0.0.1:${server.port}`).replace('STORE', where);
      await assert.rejects(open({ ...options, connectTimeoutMs: 600_000 }), { message: line });
    };
    const correct = 'correct user and password in the section Client of /k.jaas';
    const notIn = 'the ZooKeeper at MEMBER does not let the user kafka in (sasl)';
    await refused({ login: kafka('wrong'), setAcl: true }, `${notIn}: ${correct}`);
    const nobody = { ...kafka('any'), username: 'nobody' };
    await refused({ login: nobody }, `${notIn.replace('kafka', 'nobody')}: ${correct}`);
    const closed = 'STORE is closed to WHO (nodes in it cannot be made)';
    const jaas = 'a JAAS file (KAFKA_OPTS=-Djava.security.auth.login.config=FILE)';
    const nameOne = closed.replace('WHO', 'whoever has no credentials');
    await refused({}, `${nameOne}: name a user in the section Client of ${jaas}`);
    const digest: ZooKeeperLogin = { ...kafka('secret'), scheme: 'digest' };
    const letIn = 'or let him in (setAcl in zkCli.sh)';
    const line = closed.replace('WHO', 'the user kafka (digest)');
    await refused({ login: digest }, `${line}: ${correct}, ${letIn}`);
  });

  await t.test('the scheme digest needs no more than the same password again', async () => {
    const login: ZooKeeperLogin = { ...kafka('any'), scheme: 'digest' };
    const first = await open({ chroot: '/digest', login, setAcl: true });
    await first.commit([{ key: 'log/1/a', was: null, becomes: value }]);
    const again = await open({ chroot: '/digest', login, setAcl: true });
    assert.equal((await again.get('log/1/a'))?.value.toString(), 'x');
    const other = { ...login, password: 'other' };
    await assert.rejects(open({ chroot: '/digest', login: other, setAcl: true }), {
      message: /\/digest is closed to the user kafka \(digest\)/,
    });
  });

  await t.test('a broker takes its user from the JAAS file that KAFKA_OPTS names', async (t) => {
    const jaas = join(folder, 'client.jaas');
    writeFileSync(jaas, sectionOfDocs('Client'));
    const { config } = loadBrokerConfig({
      overrides: [
        ['broker.id', '1'],
        ['log.dirs', join(folder, 'data')],
        ['zookeeper.connect', `127.0.0.1:${server.port}/kafka/two`],
        ['zookeeper.set.acl', 'true'],
      ],
      env: { KAFKA_OPTS: `-Djava.security.auth.login.config=${jaas}` },
    });
    lines.length = 0;
    const store = await openNamedStore(io, config);
    t.after(() => store.close());
    const link = await anonymousLink(t, io, server.port);
    const { body } = await link.call('getAcl', encodePath('/kafka/two/epoch'));
    assert.deepEqual(readAcl(body)[0], { permissions: 31, scheme: 'sasl', id: 'kafka' });
    assert.deepEqual(lines, []);
  });

  await t.test('a certificate is a user, too, and the connection is encrypted', async (t) => {
    const lines: [string, string][] = [
      ['zookeeper.connect', `127.0.0.1:${securePort}/tls`],
      ['zookeeper.ssl.client.enable', 'true'],
      ['zookeeper.clientCnxnSocket', 'org.apache.zookeeper.ClientCnxnSocketNetty'],
      ['zookeeper.ssl.truststore.location', ca],
      ['zookeeper.ssl.keystore.location', own],
      ['zookeeper.set.acl', 'true'],
      ['log.dirs', join(folder, 'data')],
      ['broker.id', '1'],
    ];
    const openWith = (more: [string, string][] = []) =>
      openNamedStore(io, loadBrokerConfig({ overrides: [...lines, ...more] }).config);
    const store = await openWith([['zookeeper.ssl.enabled.protocols', 'TLSv1.2']]);
    await store.close();
    const link = await anonymousLink(t, io, server.port);
    const { body } = await link.call('getAcl', encodePath('/tls/epoch'));
    assert.deepEqual(readAcl(body)[0], { permissions: 31, scheme: 'x509', id: 'CN=server' });
    const refused = async (more: [string, string][], message: RegExp): Promise<void> => {
      await assert.rejects(openWith([['zookeeper.connection.timeout.ms', '15000'], ...more]), {
        message,
      });
    };
    const well = new RegExp(
      `127\\.0\\.0\\.1:${securePort}: .*correct zookeeper\\.ssl\\.truststore`,
    );
    const wrongCa = join(projectRoot, 'src/security/tls/golden/root.pem');
    await refused([['zookeeper.ssl.truststore.location', wrongCa]], well);
    const elsewhere: [string, string] = ['zookeeper.connect', `127.0.0.2:${securePort}/tls`];
    await refused([elsewhere], /name the host in zookeeper\.connect as its certificate does/);
    await (
      await openWith([elsewhere, ['zookeeper.ssl.endpoint.identification.algorithm', '']])
    ).close();
    // A port that is not encrypted hangs up, which may pass.
    const toPlain: [string, string][] = [
      ['zookeeper.connect', `127.0.0.1:${server.port}/tls`],
      ['zookeeper.connection.timeout.ms', '500'],
    ];
    await refused(toPlain, /disconnected before secure TLS connection was established/);
    // Nobody without a certificate is let in, by whatever port he comes.
    const plain = open({ hosts: [{ host: '127.0.0.1', port: securePort }], connectTimeoutMs: 500 });
    await assert.rejects(plain, {
      message: /before it said anything: it has no leader, or asks for TLS\)$/,
    });
  });

  await t.test('a chroot that is open to everybody is warned of, once', async () => {
    lines.length = 0;
    const store = await open({ chroot: '/open', login: kafka('secret') });
    await store.commit([{ key: 'end', was: null, becomes: value }]);
    const where = `zookeeper://127.0.0.1:${server.port}/open`;
    const open_ = `the ZooKeeper at ${where} is open: whoever reaches it`;
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.includes(open_), lines[0]);
    assert.match(lines[0] ?? '', /set zookeeper\.set\.acl=true, and credentials/);
    // It was made before: what is new there is not for everybody, what is old still is.
    await open({ chroot: '/open', login: kafka('secret'), setAcl: true });
    assert.match(lines[1] ?? '', /setAcl -R in zkCli\.sh/);
    assert.equal(lines.length, 2);
  });
});
