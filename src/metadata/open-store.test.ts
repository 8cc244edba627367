// What `cluster.store` may be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { openStore, storeHosts } from './open-store.ts';

test('a store that nobody knows is refused, with those that there are', async () => {
  await simulate(async (io) => {
    for (const address of ['consul://a:1', 'a:2181', 'etcd:a', '']) {
      const opened = openStore(io, { address, clusterId: null, sessionTimeoutMs: 9_000 });
      await assert.rejects(opened, {
        errorName: 'INVALID_CONFIG',
        message: /expected etcd:\/\/, shared:\/\/, zookeeper:\/\/$/,
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
