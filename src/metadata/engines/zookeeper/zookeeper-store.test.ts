// The key store over ZooKeeper in virtual time, against the model of ZooKeeper: the contract of key
// stores with one member and with three, and what only ZooKeeper has: members that lag, sessions
// that end by mistake, a store that was put back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, World } from '../../../../sim/index.ts';
import { type Member, ZooKeeperEnsemble } from '../../../../sim/models/zookeeper/index.ts';
import { ZooKeeperSystem } from '../../../../tests/doubles/metadata/zookeeper-systems.ts';
import {
  type KeyStoreHarness,
  keyStoreContract,
  put,
  textOf,
  until,
} from '../keyed/key-store-contract.ts';
import { keyStoreOutagesContract } from '../keyed/key-store-outages-contract.ts';
import { keys, offsetName } from '../keyed/layout.ts';
import { requestBytesMax } from './protocol.ts';
import { ZooKeeperStore } from './zookeeper-store.ts';

const port = 2181;

interface Modelled {
  readonly system: ZooKeeperSystem;
  readonly ensemble: ZooKeeperEnsemble;
  readonly members: readonly Member[];
}

async function atModel(count: number, body: (parts: Modelled) => Promise<void>): Promise<void> {
  const world = new World();
  const processes: SimProcess[] = [];
  for (let index = 1; index <= count; index++) {
    processes.push(world.startProcess(`zookeeper-${index}`));
  }
  const ensemble = new ZooKeeperEnsemble((processes[0] as SimProcess).io);
  const members: Member[] = [];
  for (const { io } of processes) {
    members.push(await world.settle(ensemble.addMember(io, { host: '0.0.0.0', port })));
  }
  const hosts = processes.map(({ host }) => ({ host: host.name, port }));
  let isDone = false;
  world.startProcess('test', async (io) => {
    await body({ system: new ZooKeeperSystem(io, hosts), ensemble, members });
    isDone = true;
  });
  await world.run(() => isDone);
}

function modelled(count: number): KeyStoreHarness {
  return { run: (body) => atModel(count, ({ system }) => body(system)) };
}

keyStoreContract('the model of ZooKeeper', modelled(1));
keyStoreOutagesContract('the model of ZooKeeper', modelled(1));
keyStoreOutagesContract('the model of ZooKeeper, three members', modelled(3));

test('a read at a member that lags waits for what is newest', async () => {
  await atModel(3, async ({ system, members }) => {
    const stores = [];
    for (let at = 0; at < 6; at++) stores.push(await system.open());
    const [first] = stores as [(typeof stores)[0]];
    await put(first, 'end', 'old');
    for (const member of members.slice(1)) member.lag();
    // A change by the leader's own client; whoever is at another member has not heard of it.
    const byLeader = await system.openAt(0);
    await put(byLeader, 'end', 'new');
    const seen: (string | null)[] = [];
    for (const store of stores) void textOf(store, 'end').then((text) => seen.push(text));
    await system.io.clock.sleep(50);
    assert.ok(!seen.includes('old'));
    for (const member of members) member.catchUp();
    await until(system.io, 'all have read', () => seen.length === stores.length);
    assert.deepEqual(new Set(seen), new Set(['new']));
    for (const store of [...stores, byLeader]) await store.close();
  });
});

test('a read at a member that is cut off from the others has the newest, or fails', async () => {
  await atModel(3, async ({ system, members, ensemble }) => {
    const stores = [];
    for (let at = 0; at < 6; at++) stores.push(await system.open());
    const byLeader = await system.openAt(0);
    await put(byLeader, 'end', 'old');
    assert.equal(ensemble.leader, members[0]);
    members[2]?.part();
    await put(byLeader, 'end', 'new');
    const reads = Promise.allSettled(stores.map((store) => textOf(store, 'end')));
    await system.io.clock.sleep(1_000);
    members[2]?.hangUp();
    const seen = new Set<string | null>();
    for (const read of await reads) {
      if (read.status === 'fulfilled') seen.add(read.value);
    }
    assert.deepEqual(seen, new Set(['new']));
    for (const store of [...stores, byLeader]) await store.close();
  });
});

test('a store that was put back to an older state is read again, and not waited for', async () => {
  await atModel(1, async ({ system, ensemble }) => {
    const store = await system.open();
    await put(store, 'end', 'old');
    const { changeCount } = ensemble;
    await put(store, 'end', 'new');
    await put(store, 'end', 'newer');
    ensemble.rollBack(changeCount);
    const isRead = async (): Promise<boolean> =>
      (await textOf(store, 'end').catch(() => null)) === 'old';
    await until(system.io, 'the older state is seen', isRead);
    assert.equal(store.sessionNumber, 2);
    await store.close();
  });
});

test('a page of a listing is no larger than a frame, however large its values', async () => {
  await atModel(1, async ({ system }) => {
    const store = await system.open();
    const values = Array.from({ length: 12 }, (_, at) => Buffer.alloc(at === 0 ? 10 : 300_000));
    for (const [at, value] of values.entries()) {
      await store.commit([{ key: `log/${100 + at}`, was: null, becomes: value }]);
    }
    const pages: number[] = [];
    for (let from = ''; ; ) {
      const { entries, isWhole } = await store.list('log', from);
      pages.push(entries.reduce((bytes, { value }) => bytes + value.length, 0));
      if (isWhole) break;
      from = `${entries.at(-1)?.name}!`;
    }
    assert.deepEqual(pages, [900_010, 900_000, 900_000, 600_000]);
    await store.close();
  });
});

test('the names in the fullest folder of the log are fewer than ZooKeeper sends at once', () => {
  let count = 0;
  while (keys.bucket(count) === keys.bucket(0)) count += 1;
  const sizeBytes = (name: string): number => 4 + name.length;
  assert.ok(count * sizeBytes(offsetName(count)) < requestBytesMax / 2);
});

test('what does not answer as ZooKeeper does is said in one line', async () => {
  await atModel(1, async ({ system }) => {
    await system.io.network.listen({ host: '127.0.0.1', port: 99 }, (connection) => {
      connection.onData = () => connection.write([Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]);
    });
    const hosts = [{ host: '127.0.0.1', port: 99 }];
    const times = { sessionTimeoutMs: 1_000, connectTimeoutMs: 5_000 };
    await assert.rejects(ZooKeeperStore.open(system.io, { hosts, chroot: '', ...times }), {
      message: /^127\.0\.0\.1:99 does not answer as ZooKeeper does \(.*\): correct its address$/,
    });
  });
});
