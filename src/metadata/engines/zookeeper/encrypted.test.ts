// Encrypted connections to a ZooKeeper, on the real network: to the model behind a port that wants
// certificates. (A real ZooKeeper's secure port: tests/interop/zookeeper.)

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZooKeeperEnsemble } from '../../../../sim/models/zookeeper/index.ts';
import { authority, certificate, key } from '../../../../tests/doubles/io/certificates.ts';
import { startTlsFront } from '../../../../tests/doubles/metadata/tls-front.ts';
import { createNodeIo } from '../../../io/node-io.ts';
import { ZooKeeperStore, type ZooKeeperStoreOptions } from './zookeeper-store.ts';

const io = createNodeIo({ logLevel: 'off' });
const ca = Buffer.from(authority);
const identity = { certificate: Buffer.from(certificate), key: Buffer.from(key) };
const tls = { ca, identity, verify: 'name' } as const;

type Options = Partial<Omit<ZooKeeperStoreOptions, 'hosts'>> & { readonly host?: string };

test('connections to a ZooKeeper are encrypted, and both sides prove who they are', async (t) => {
  const ensemble = new ZooKeeperEnsemble(io);
  const member = await ensemble.addMember(io, { host: '127.0.0.1', port: 0 });
  const front = await startTlsFront(member.port);
  t.after(async () => {
    front.close();
    await ensemble.close();
  });
  const openAt = (port: number, { host = '127.0.0.1', ...options }: Options) =>
    ZooKeeperStore.open(io, {
      hosts: [{ host, port }],
      chroot: '/tls',
      sessionTimeoutMs: 10_000,
      connectTimeoutMs: 60_000,
      ...options,
    });
  const open = (options: Options) => openAt(front.port, options);

  for (const versions of [undefined, ['TLSv1.2'], ['TLSv1.3']] as const) {
    const store = await open({ tls: versions === undefined ? tls : { ...tls, versions } });
    assert.equal(await store.get('nothing'), null);
    await store.close();
  }
  const named = await open({ host: 'localhost', tls });
  await named.close();

  // Each at once, though there would be a minute to wait for.
  const here = `cannot connect to 127.0.0.1:${front.port}: `;
  const wrongCa = { ...tls, ca: null };
  const correct = 'correct zookeeper.ssl.truststore.location, or the certificate of the store';
  await assert.rejects(open({ tls: wrongCa }), ({ message }: Error) => {
    assert.ok(message.startsWith(here) && message.endsWith(`: ${correct}`), message);
    return true;
  });
  const encrypted = openAt(member.port, { tls, connectTimeoutMs: 1_000 });
  await assert.rejects(encrypted, ({ message }: Error) => {
    assert.match(
      message,
      /is it encrypted at all\? If not, leave out zookeeper\.ssl|closed|reset/i,
    );
    return true;
  });
  for (const versions of [['TLSv1.2'], ['TLSv1.3']] as const) {
    const nobody = open({ tls: { ...tls, identity: null, versions } });
    await assert.rejects(nobody, { message: /: correct zookeeper\.ssl\.keystore\.location$/ });
  }
  const plain = open({ connectTimeoutMs: 300 });
  await assert.rejects(plain, {
    message: /before it said anything: it has no leader, or asks for TLS\)$/,
  });
});

test('a ZooKeeper with a certificate of another name is refused, unless any will do', async (t) => {
  const ensemble = new ZooKeeperEnsemble(io);
  const member = await ensemble.addMember(io, { host: '127.0.0.1', port: 0 });
  const front = await startTlsFront(member.port, { requestCert: false });
  t.after(async () => {
    front.close();
    await ensemble.close();
  });
  const open = (verify: 'name' | 'chain') =>
    ZooKeeperStore.open(io, {
      // This machine, too, under an address that the certificate does not have.
      hosts: [{ host: '127.0.0.2', port: front.port }],
      chroot: '',
      sessionTimeoutMs: 10_000,
      connectTimeoutMs: 60_000,
      tls: { ca, identity: null, verify },
    });
  await assert.rejects(open('name'), { message: /: name the host in zookeeper\.connect as its/ });
  await (await open('chain')).close();
});
