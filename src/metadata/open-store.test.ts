// What `cluster.store` may be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { loadStoreEngines, openStore, storeHosts } from './open-store.ts';

test('a store that nobody knows is refused, with those that there are', async () => {
  await simulate(async (io) => {
    for (const address of ['consul://a:1', 'constructor://a:1', 'a:2181', 'etcd:a', '']) {
      const opened = openStore(io, { address, clusterId: null, sessionTimeoutMs: 9_000 });
      await assert.rejects(opened, {
        errorName: 'INVALID_CONFIG',
        message: /expected etcd:\/\/, shared:\/\/, zookeeper:\/\/$/,
      });
    }
  });
});

test('whatever is wrong with an address, what stands before an @ is not said', async () => {
  await loadStoreEngines();
  await simulate(async (io) => {
    const wrong = [
      'consul://u:hush@a:1',
      'shared://u:hush@a',
      'etcd:/u:hush@a',
      'etcd://u:hu/sh@a',
    ];
    for (const address of [...wrong, 'etcd://u:1/hush@a', 'zookeeper://u:hush@a/b//c']) {
      const opened = openStore(io, { address, clusterId: null, sessionTimeoutMs: 9_000 });
      await assert.rejects(opened, ({ message }: Error) => {
        assert.match(message, /^[^\n]*(expected|percent-encoded)[^\n]*$/);
        assert.doesNotMatch(message, /hu|sh@/);
        return true;
      });
    }
  });
});

test('the hosts of a store are found without ports, credentials and path', () => {
  assert.deepEqual(storeHosts('shared://store:9090'), ['store']);
  assert.deepEqual(storeHosts('etcd://u:p@a:2379,b/x'), ['a', 'b']);
  assert.deepEqual(storeHosts('zookeeper://127.0.0.1:2181,[::1]:2182/kafka/one'), [
    '127.0.0.1',
    '[::1]',
  ]);
  assert.deepEqual(storeHosts(''), []);
});
