// The key store on a real ZooKeeper: what the contract of key stores does not ask, since only this
// engine has it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeIo } from '../../../src/io/node-io.ts';
import type { SessionEvent } from '../../../src/metadata/engines/keyed/key-store.ts';
import { ZooKeeperStore } from '../../../src/metadata/engines/zookeeper/index.ts';
import {
  encodeChange,
  encodePath,
  openAcl,
} from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { assertRefusesGarbage } from '../store-garbage.ts';
import { anonymousLink, heldStores } from './clients.ts';
import { hasZooKeeper, startServer, type ZooKeeperServer } from './zookeeper-servers.ts';

const io = createNodeIo({ logLevel: 'off' });

type Held = ReturnType<typeof heldStores>;

function openAt(server: ZooKeeperServer, held: Held, chroot: string): Promise<ZooKeeperStore> {
  const hosts = [{ host: '127.0.0.1', port: server.port }];
  const times = { sessionTimeoutMs: 2_000, connectTimeoutMs: 20_000 };
  return held(ZooKeeperStore.open(io, { hosts, chroot, ...times }));
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
  const open = (held: Held, chroot = '/kafka/one') => openAt(server, held, chroot);

  await t.test('makes the chroot and the folders, which are no keys', async (t) => {
    const store = await open(heldStores(t));
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
  });

  await t.test('makes a folder again that another process removed', async (t) => {
    const held = heldStores(t);
    const [store, other] = [await open(held), await open(held)];
    await store.commit([{ key: 'pieces/a/1', was: null, becomes: text('x') }]);
    await other.remove('pieces');
    const change = [{ key: 'pieces/a/2', was: null, becomes: text('x') }];
    assert.deepEqual(await store.commit(change), ['0']);
    assert.equal((await other.list('pieces/a')).entries.length, 1);
  });

  await t.test('refuses a chroot in which an Apache Kafka stands', async (t) => {
    const link = await anonymousLink(t, io, server.port);
    const create = async (path: string): Promise<void> => {
      const change = { kind: 'create', path, value: null, isEphemeral: false } as const;
      await link.call('create', encodeChange({ ...change, acl: openAcl }));
    };
    for (const path of ['/old', '/old/brokers', '/old/brokers/ids', '/acls', '/acls/kafka-acl']) {
      await create(path);
    }
    const remedy = 'name another chroot: zookeeper.connect=host:2181/partita';
    const refused = async (chroot: string, what: string): Promise<void> => {
      const message = `zookeeper://127.0.0.1:${server.port}${chroot} ${what}; ${remedy}`;
      await assert.rejects(open(heldStores(t), chroot), { message });
      const { body } = await link.call('getChildren2', encodePath(chroot, false));
      assert.equal(body.vector((each) => each.text()).length, 1, 'nothing was written');
    };
    await refused('/old', 'belongs to an Apache Kafka (it has /old/brokers/ids)');
    await refused('/acls', 'belongs to an Apache Kafka (it has /acls/kafka-acl)');
    await create('/old/partita');
    await open(heldStores(t), '/old/partita');
  });

  await t.test('refuses a chroot in that of another cluster, and one around it', async (t) => {
    const held = heldStores(t);
    const inner = await open(held, '/clusters/a/b');
    await inner.commit([{ key: 'identity', was: null, becomes: text('x') }]);
    await open(held, '/clusters/a2');
    const where = `zookeeper://127.0.0.1:${server.port}`;
    const refused = async (chroot: string, what: string): Promise<void> => {
      const remedy = 'name another chroot: zookeeper.connect=host:2181/partita';
      await assert.rejects(open(held, chroot), { message: `${where}${chroot} ${what}; ${remedy}` });
    };
    await refused('/clusters/a/b/c', 'lies in the chroot /clusters/a/b of another cluster');
    await refused('/clusters', 'has the chroot /clusters/a/b of another cluster in it');
    await refused('', 'has the chroot /clusters/a/b of another cluster in it');
  });

  await t.test('says that a server asks nobody for a password', async (t) => {
    const login = { username: 'kafka', password: 'p', source: 'the section Client of /k.jaas' };
    const options = {
      hosts: [{ host: '127.0.0.1', port: server.port }],
      chroot: '/sasl',
      sessionTimeoutMs: 2_000,
      connectTimeoutMs: 600_000,
      login: { scheme: 'sasl', ...login },
    } as const;
    const what = `the ZooKeeper at 127.0.0.1:${server.port} asks nobody for a password (SASL)`;
    const remedy = 'give it a section Server, or take out the section Client of /k.jaas';
    await assert.rejects(heldStores(t)(ZooKeeperStore.open(io, options)), {
      message: `${what}: ${remedy}`,
    });
  });

  await t.test('refuses what no broker can use in one line, and leaves it as it is', async (t) => {
    const held = heldStores(t);
    await assertRefusesGarbage(io, () => open(held, '/garbage'));
  });

  await t.test('is told that its session is over by the server only', async (t) => {
    const store = await open(heldStores(t));
    const events: SessionEvent[] = [];
    store.onSession = (event) => events.push(event);
    const key = 'controller';
    await store.commit([{ key, was: null, becomes: text('x'), session: store.sessionNumber }]);
    t.after(() => server.kill('SIGCONT'));
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
  });
});

test('a store at a port where nobody listens says so in one line', async () => {
  const hosts = [{ host: '127.0.0.1', port: 1 }];
  const times = { sessionTimeoutMs: 1_000, connectTimeoutMs: 300 };
  await assert.rejects(ZooKeeperStore.open(io, { hosts, chroot: '', ...times }), {
    message: /^no ZooKeeper at zookeeper:\/\/127\.0\.0\.1:1 within 300 ms \(.*ECONNREFUSED\)\)$/,
  });
});
