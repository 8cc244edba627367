// What `cluster.store=etcd://…` may say, and what is refused in one line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEtcdAddress } from './etcd-address.ts';

test('an address names hosts and ports, a prefix and a user', () => {
  const parsed = parseEtcdAddress('etcd://me:p%40ss%3Aword@a:1,b,[::1]:3/kafka/one/');
  assert.deepEqual(
    parsed.endpoints.map(({ host, port }) => [host, port]),
    [
      ['a', 1],
      ['b', 2379],
      ['::1', 3],
    ],
  );
  assert.equal(parsed.prefix, '/kafka/one');
  assert.deepEqual(parsed.credentials, { username: 'me', password: 'p@ss:word' });
  assert.equal(parsed.shown, 'etcd://a:1,b:2379,[::1]:3/kafka/one');
});

test('without a prefix it is /partita; without a user it is the configured one', () => {
  const credentials = { username: 'u', password: 'p' };
  for (const address of ['etcd://a', 'etcd://a/']) {
    const parsed = parseEtcdAddress(address, { credentials });
    assert.equal(parsed.prefix, '/partita');
    assert.deepEqual(parsed.credentials, credentials);
  }
});

test('with TLS each member has to prove its own name', () => {
  const tls = { ca: null, identity: null, verify: 'name' } as const;
  const { endpoints } = parseEtcdAddress('etcd://a,b', { tls });
  assert.deepEqual(
    endpoints.map((endpoint) => endpoint.tls?.serverName),
    ['a', 'b'],
  );
});

test('what makes no sense is refused in one line, which has no password', () => {
  const refused = [
    'etcd://',
    'etcd:///kafka',
    'etcd://a,/kafka',
    'etcd://a:0',
    'etcd://a:65536',
    'etcd://a:x',
    'etcd://a b',
    'etcd://a/kafka//x',
    'etcd://a/../x',
    'etcd://a/kaf ka',
    'etcd://a//x',
    'etcd://a/x/..',
    'etcd://a/./x',
    'etcd://a/käfka',
    'etcd://a/x\u0001',
    'etcd://a/x//',
    'etcd://secret@a',
    'etcd://:secret@a',
    'etcd://u:secret%@a',
    'etcd://secret:secret/x@a',
    'etcd://u:secret@secret@a/x',
    'etcd://u:1/secret@a',
  ];
  for (const address of refused) {
    assert.throws(
      () => parseEtcdAddress(address),
      (error: Error) =>
        /^cluster\.store: [^\n]+$/.test(error.message) && !/secret/.test(error.message),
      address,
    );
  }
});
