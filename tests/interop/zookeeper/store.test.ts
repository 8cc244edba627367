// The key store on a real ZooKeeper: what the contract of key stores does not ask, since only this
// engine has it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeIo } from '../../../src/io/node-io.ts';
import type { SessionEvent } from '../../../src/metadata/engines/keyed/key-store.ts';
import { ZooKeeperStore } from '../../../src/metadata/engines/zookeeper/index.ts';
import { hasZooKeeper, startServer, type ZooKeeperServer } from './zookeeper-servers.ts';

const io = createNodeIo({ logLevel: 'off' });

function open(server: ZooKeeperServer, chroot = '/kafka/one'): Promise<ZooKeeperStore> {
  const hosts = [{ host: '127.0.0.1', port: server.port }];
  const times = { sessionTimeoutMs: 2_000, connectTimeoutMs: 10_000 };
  return ZooKeeperStore.open(io, { hosts, chroot, ...times });
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let step = 0; !isSo(); step++) {
    assert.ok(step < 1_000, `it never came that ${what}`);
    await io.clock.sleep(20);
  }
}

const text = (value: string): Buffer => Buffer.from(value);

test('a key store on a real ZooKeeper', async (t) => {
  if (!hasZooKeeper(t)) return;
  const server = await startServer(t);

  await t.test('makes the chroot and the folders, which are no keys', async () => {
    const store = await open(server);
    const session = store.sessionNumber;
    const made = await store.commit([
      { key: 'end', was: null, becomes: text('x') },
      { key: 'log/1/a', was: null, becomes: text('') },
      { key: 'brokers/1', was: null, becomes: text('me'), session },
      { key: 'never', was: null, becomes: null },
    ]);
    assert.deepEqual(made, ['0', '0', '0', '0']);
    assert.equal(await store.get('log'), null);
    assert.equal(await store.get('never'), null);
    assert.deepEqual((await store.list('log')).entries, []);
    const entries = [{ name: 'a', value: text(''), version: '0' }];
    assert.deepEqual(await store.list('log/1'), { entries, isWhole: true });
    const again = await store.commit([
      { key: 'end', was: '0', becomes: text('y') },
      { key: 'brokers/1', was: '0', becomes: text('me again'), session },
      { key: 'log/1/a', was: '0' },
    ]);
    assert.deepEqual(again, ['1', '0', '0']);
    await store.close();
  });

  await t.test('makes a folder again that another process removed', async () => {
    const [store, other] = [await open(server), await open(server)];
    await store.commit([{ key: 'pieces/a/1', was: null, becomes: text('x') }]);
    await other.remove('pieces');
    const change = [{ key: 'pieces/a/2', was: null, becomes: text('x') }];
    assert.deepEqual(await store.commit(change), ['0']);
    assert.equal((await other.list('pieces/a')).entries.length, 1);
    await Promise.all([store.close(), other.close()]);
  });

  await t.test('is told that its session is over by the server only', async () => {
    const store = await open(server);
    const events: SessionEvent[] = [];
    store.onSession = (event) => events.push(event);
    const key = 'controller';
    await store.commit([{ key, was: null, becomes: text('x'), session: store.sessionNumber }]);
    server.kill('SIGSTOP');
    await until('it is away', () => events.length === 1);
    // Longer than the session lasts, and yet nothing is concluded.
    await io.clock.sleep(2_500);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['away'],
    );
    server.kill('SIGCONT');
    await until('it is connected again', () => events.at(-1)?.kind === 'connected');
    const isKept = store.sessionNumber === 1;
    assert.equal((await store.get(key)) !== null, isKept);
    assert.equal(
      events.some(({ kind }) => kind === 'ended'),
      !isKept,
    );
    await store.close();
  });
});

test('a store at a port where nobody listens says so in one line', async () => {
  const hosts = [{ host: '127.0.0.1', port: 1 }];
  const times = { sessionTimeoutMs: 1_000, connectTimeoutMs: 300 };
  await assert.rejects(ZooKeeperStore.open(io, { hosts, chroot: '', ...times }), {
    message: /^no ZooKeeper at zookeeper:\/\/127\.0\.0\.1:1 within 300 ms \(.*ECONNREFUSED\)\)$/,
  });
});
