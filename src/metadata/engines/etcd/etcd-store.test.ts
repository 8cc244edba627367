// The key store over etcd in virtual time, against the model of etcd: the contract of key stores
// with one member and with three of which some are cut off, lag or lose their leader.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, World } from '../../../../sim/index.ts';
import {
  type EnsembleOptions,
  EtcdEnsemble,
  EtcdMember,
} from '../../../../sim/models/etcd/index.ts';
import { EtcdSystem } from '../../../../tests/doubles/metadata/etcd-systems.ts';
import type { Io, Log } from '../../../io/index.ts';
import { type KeyEntry, StoreAwayError } from '../keyed/key-store.ts';
import { type KeyStoreHarness, keyStoreContract, put, until } from '../keyed/key-store-contract.ts';
import { keyStoreOutagesContract } from '../keyed/key-store-outages-contract.ts';
import { parseEtcdAddress } from './etcd-address.ts';
import { EtcdStore } from './etcd-store.ts';

const port = 2379;

function modelled(count: number): KeyStoreHarness {
  return {
    run: async (body) => {
      const world = new World();
      const ensemble = new EtcdEnsemble();
      const processes: SimProcess[] = [];
      for (let index = 1; index <= count; index++) {
        const process = world.startProcess(`etcd-${index}`);
        processes.push(process);
        const member = new EtcdMember(process.io, ensemble);
        await world.settle(member.listen('0.0.0.0', port));
      }
      const hosts = processes.map(({ host }) => `${host.name}:${port}`).join();
      let isDone = false;
      world.startProcess('test', async (io) => {
        await body(new EtcdSystem(io, hosts));
        isDone = true;
      });
      await world.run(() => isDone);
    },
  };
}

keyStoreContract('the model of etcd', modelled(1));
keyStoreOutagesContract('the model of etcd', modelled(1));
keyStoreOutagesContract('the model of etcd, three members', modelled(3));

interface Etcd {
  readonly world: World;
  readonly ensemble: EtcdEnsemble;
  readonly members: readonly EtcdMember[];
  readonly processes: readonly SimProcess[];
  readonly hosts: string;
  /** What the process under test has logged. */
  readonly lines: string[];
}

/** Runs the body beside an etcd of as many members, in virtual time. */
async function beside(
  count: number,
  options: EnsembleOptions,
  body: (io: Io, etcd: Etcd) => Promise<void>,
): Promise<void> {
  const world = new World();
  const ensemble = new EtcdEnsemble(options);
  const members: EtcdMember[] = [];
  const processes: SimProcess[] = [];
  for (let index = 1; index <= count; index++) {
    const process = world.startProcess(`etcd-${index}`);
    const member = new EtcdMember(process.io, ensemble);
    await world.settle(member.listen('0.0.0.0', port));
    processes.push(process);
    members.push(member);
  }
  const hosts = processes.map(({ host }) => `${host.name}:${port}`).join();
  const lines: string[] = [];
  let isDone = false;
  world.startProcess('test', async (io) => {
    const keep = (message: string): void => void lines.push(message);
    const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
    const { clock, disk, network, random } = io;
    const etcd = { world, ensemble, members, processes, hosts, lines };
    await body({ clock, disk, network, random, log }, etcd);
    isDone = true;
  });
  await world.run(() => isDone);
}

function open(io: Io, hosts: string, login = ''): Promise<EtcdStore> {
  const address = parseEtcdAddress(`etcd://${login}${hosts}/kafka`);
  return EtcdStore.open(io, { address, sessionTimeoutMs: 9_000 });
}

/** What each of them reads at once; whoever gets no answer is left out. */
async function readBy(stores: readonly EtcdStore[]): Promise<Set<string>> {
  const read = stores.map(async (store) => `${(await store.get('end'))?.value}`);
  const texts: string[] = [];
  for (const each of await Promise.allSettled(read)) {
    if (each.status === 'fulfilled') texts.push(each.value);
  }
  return new Set(texts);
}

test('a read at a member that lags or is apart has the newest, or no answer', async () => {
  await beside(3, {}, async (io, { hosts, members }) => {
    const stores: EtcdStore[] = [];
    for (let at = 0; at < 9; at++) stores.push(await open(io, hosts));
    await put(stores[0] as EtcdStore, 'end', 'first');
    const change = async (text: string): Promise<void> => {
      const becomes = Buffer.from(text);
      for (const store of stores) {
        const was = (await store.get('end').catch(() => null))?.version;
        if (was === undefined) continue;
        await store.commit([{ key: 'end', was, becomes }]);
        return;
      }
    };
    for (const member of members.slice(1)) member.lagMs = 300;
    await change('beside members that lag');
    assert.deepEqual(await readBy(stores), new Set(['beside members that lag']));
    for (const member of members) member.lagMs = 0;
    await io.clock.sleep(1_000);
    members[2]?.connect(false);
    await change('without a member');
    assert.deepEqual(await readBy(stores), new Set(['without a member']));
    for (const store of stores) await store.close();
  });
});

test('a member that is cut off from the others is left, and its watches end', async () => {
  await beside(3, {}, async (io, { hosts, members }) => {
    const [writer, reader] = [await open(io, hosts), await open(io, hosts)];
    let seen = '';
    reader.watch('end', 'value', async () => {
      seen = (await reader.get('end').catch(() => null))?.value.toString() ?? seen;
    });
    for (const member of members) {
      member.connect(false);
      await io.clock.sleep(5_000);
      await put(writer, 'end', `without ${member.id}`);
      await until(io, 'it is seen', () => seen === `without ${member.id}`);
      member.connect(true);
      await io.clock.sleep(5_000);
    }
    assert.equal(reader.sessionNumber, 1);
    await Promise.all([writer.close(), reader.close()]);
  });
});

test('without a majority nothing is answered, and the session is there afterwards', async () => {
  await beside(3, {}, async (io, { hosts, members }) => {
    const store = await open(io, hosts);
    const kinds: string[] = [];
    store.onSession = ({ kind }) => kinds.push(kind);
    for (const member of members.slice(0, 2)) member.connect(false);
    await io.clock.sleep(30_000);
    await assert.rejects(store.get('end'), StoreAwayError);
    assert.deepEqual(kinds, ['away']);
    for (const member of members) member.connect(true);
    await until(io, 'it is back', () => kinds.at(-1) === 'connected');
    assert.equal(store.sessionNumber, 1);
    await put(store, 'end', 'goes on');
    await store.close();
  });
});

test('a member that lags answers with what is newest', async () => {
  await beside(1, {}, async (io, { hosts, members }) => {
    const [writer, reader] = [await open(io, hosts), await open(io, hosts)];
    (members[0] as EtcdMember).lagMs = 700;
    let seen = '';
    reader.watch('end', 'value', async () => {
      seen = ((await reader.get('end')) as KeyEntry).value.toString();
    });
    await put(writer, 'end', '1');
    assert.equal((await reader.get('end'))?.value.toString(), '1');
    await until(io, 'it is seen', () => seen === '1');
    await Promise.all([writer.close(), reader.close()]);
  });
});

test('when every lease is revoked at once every session begins anew', async () => {
  await beside(3, {}, async (io, { hosts, ensemble }) => {
    const stores = [await open(io, hosts), await open(io, hosts), await open(io, hosts)];
    ensemble.revokeAll();
    await until(io, 'all have new ones', () => stores.every((store) => store.sessionNumber === 2));
    for (const store of stores) await store.close();
    assert.equal(ensemble.data.leases.size, 0);
  });
});

test('a process that was stopped for longer than a request takes loses no connection', async () => {
  await beside(1, {}, async (io, { hosts, world }) => {
    const kinds: string[] = [];
    let store: EtcdStore | null = null;
    const process = world.startProcess('stopped', async (own) => {
      store = await open(own, hosts);
      store.onSession = ({ kind }) => kinds.push(kind);
    });
    await until(io, 'it is open', () => store !== null);
    for (let round = 0; round < 20; round++) {
      process.freeze(5_000);
      await io.clock.sleep(5_700);
    }
    assert.deepEqual(kinds, []);
  });
});

test('an etcd that nobody compacts, and one that is open, are told of once', async () => {
  await beside(1, {}, async (io, { hosts, ensemble, lines }) => {
    ensemble.data.revision = 60_000;
    const store = await open(io, hosts);
    await until(io, 'it is told', () => lines.some((line) => line.includes('nobody compacts')));
    assert.equal(lines.filter((line) => line.includes('is open: ')).length, 1);
    await store.close();
    lines.splice(0);
    ensemble.compact({ revision: '59000' });
    const another = await open(io, hosts);
    await io.clock.sleep(10_000);
    assert.deepEqual(
      lines.filter((line) => line.includes('nobody compacts')),
      [],
    );
    await another.close();
  });
});

test('with the space used up changes are refused, and heal without a restart', async () => {
  await beside(1, { quotaBytes: 2_000_000 }, async (io, { hosts, ensemble, lines }) => {
    const store = await open(io, hosts);
    const becomes = Buffer.alloc(1_000_000, 'x');
    for (const key of ['a', 'b']) await store.commit([{ key, was: null, becomes }]);
    const change = [{ key: 'c', was: null, becomes }];
    for (let round = 0; round < 3; round++) {
      await assert.rejects(store.commit(change), { errorName: 'KAFKA_STORAGE_ERROR' });
    }
    assert.equal(lines.filter((line) => line.includes('has no space')).length, 1);
    const a = (await store.get('a'))?.version ?? '';
    await store.commit([{ key: 'a', was: a, becomes: null }]);
    assert.equal(
      lines.some((line) => line.includes('space again')),
      false,
    );
    ensemble.compact({ revision: `${ensemble.data.revision}` });
    ensemble.defragment();
    ensemble.disarm();
    assert.notEqual(await store.commit([{ key: 'c', was: null, becomes: Buffer.alloc(1) }]), null);
    assert.equal(lines.filter((line) => line.includes('space again')).length, 1);
    await store.close();
  });
});

test('with etcd.compaction=auto what is older than five minutes is compacted', async () => {
  await beside(1, {}, async (io, { hosts, ensemble, lines }) => {
    const address = parseEtcdAddress(`etcd://${hosts}/kafka`);
    const options = { address, sessionTimeoutMs: 9_000 } as const;
    const silent = await EtcdStore.open(io, options);
    const auto = await EtcdStore.open(io, { ...options, compaction: 'auto' });
    const { compactedRevision: before } = ensemble.data;
    await put(auto, 'end', '1');
    const { revision: old } = ensemble.data;
    await io.clock.sleep(290_000);
    assert.equal(ensemble.data.compactedRevision, before, 'nothing is old yet');
    await io.clock.sleep(20_000);
    await put(auto, 'end', '2');
    await io.clock.sleep(300_000);
    assert.equal(ensemble.data.compactedRevision, old);
    assert.equal((await silent.get('end'))?.value.toString(), '2');
    await auto.close();
    for (let number = 0; number < 10; number++) {
      await put(silent, 'end', `${number}`);
      await io.clock.sleep(3_600_000);
    }
    assert.equal(ensemble.data.compactedRevision, old, 'an etcd is its owner’s');
    assert.deepEqual(
      lines.filter((line) => line.includes('compact')),
      [],
    );
    await silent.close();
  });
});

test('whoever starts at an etcd without space says so at once, and waits for it', async () => {
  await beside(1, {}, async (io, { hosts, ensemble, lines }) => {
    ensemble.isAlarmed = true;
    await assert.rejects(open(io, hosts), {
      errorName: 'KAFKA_STORAGE_ERROR',
      message: /^[^\n]*space exceeded; etcdctl compact [^\n]*alarm disarm$/,
    });
    lines.splice(0);
    let store: EtcdStore | null = null;
    const opening = open(io, hosts).then((opened) => {
      store = opened;
    });
    await io.clock.sleep(1_000);
    assert.equal(lines.filter((line) => line.includes('has no space')).length, 1);
    assert.equal(store, null);
    ensemble.disarm();
    await opening;
    await (store as EtcdStore | null)?.close();
  });
});

test('prefixes lie side by side: one inside another is refused, from both sides', async () => {
  await beside(1, {}, async (io, { hosts, ensemble }) => {
    const at = (prefix: string): Promise<EtcdStore> => {
      const address = parseEtcdAddress(`etcd://${hosts}${prefix}`);
      return EtcdStore.open(io, { address, sessionTimeoutMs: 9_000 });
    };
    const begin = async (prefix: string): Promise<void> => {
      const store = await at(prefix);
      await put(store, 'identity', '{"layout":1}');
      for (let number = 0; number < 20; number++) await put(store, `log/0/${number}`, 'x');
      await store.close();
    };
    await begin('/kafka');
    await begin('/kafka2');
    await begin('/a/b/c');
    const refused = async (prefix: string, what: string): Promise<void> => {
      const { revision } = ensemble.data;
      const line = `etcd:[^\\n]+${prefix} ${what} of another cluster: name another [^\\n]+$`;
      await assert.rejects(at(prefix), {
        errorName: 'INCONSISTENT_CLUSTER_ID',
        message: new RegExp(`^the cluster store at ${line}`),
      });
      assert.deepEqual([ensemble.data.revision, ensemble.data.leases.size], [revision, 0]);
    };
    await refused('/kafka/inner', 'lies in the prefix /kafka');
    await refused('/kafka/log/0', 'lies in the prefix /kafka');
    await refused('/a', 'has in it the prefix /a/b/c');
    await refused('/a/b', 'has in it the prefix /a/b/c');
    for (const prefix of ['/kafka', '/kafka2', '/kafka3', '/a/b/d', '/b']) {
      await (await at(prefix)).close();
    }
  });
});

test('another program may keep an identity of its own beside a cluster', async () => {
  await beside(1, {}, async (io, { hosts, ensemble }) => {
    for (const value of ['{"id":7}', 'me', '', '7', 'null']) {
      const key = Buffer.from('/app/identity').toString('base64');
      ensemble.data.put({ key, value: Buffer.from(value).toString('base64') });
      const address = parseEtcdAddress(`etcd://${hosts}/app/kafka`);
      await (await EtcdStore.open(io, { address, sessionTimeoutMs: 9_000 })).close();
    }
  });
});

test('a token that ended is asked for anew, and a change is not made twice', async () => {
  const user = { name: 'kafka', password: 'secret' };
  await beside(1, { user }, async (io, { hosts, members, ensemble }) => {
    const store = await open(io, hosts, 'kafka:secret@');
    await put(store, 'end', '1');
    const { revision } = ensemble.data;
    members[0]?.tokens.clear();
    await put(store, 'end', '2');
    assert.equal(ensemble.data.revision, revision + 1);
    await store.close();
    for (const login of ['', 'kafka:wrong@']) {
      const line = /refuses: [^\n]*cluster\.store\.username[^\n]*$/;
      await assert.rejects(open(io, hosts, login), line);
    }
  });
});

/** Says the same to everybody who asks, whatever it is; closed afterwards like a page from 1999. */
async function sayAlways(process: SimProcess, answer: string): Promise<{ asked: number }> {
  const heard = { asked: 0 };
  await process.io.network.listen({ host: '0.0.0.0', port }, (connection) => {
    connection.onData = () => {
      heard.asked += 1;
      connection.write([Buffer.from(answer, 'latin1')]);
    };
  });
  return heard;
}

function http(status: number, body: string, length = body.length): string {
  return `HTTP/1.1 ${status} -\r\nContent-Length: ${length}\r\n\r\n${body}`;
}

/** Of a program that will not be an etcd in a moment, either. */
const strangers = [
  'SSH-2.0-OpenSSH_9.2\r\n',
  http(200, '<!doctype html><title>It works!</title>'),
  http(404, '404 page not found\n'),
  http(200, '[]'),
  http(200, '{"status":"ok"}'),
  http(301, ''),
  http(400, 'Client sent an HTTP request to an HTTPS server.\n'),
  '\0\0\0\u0008\0\0\0\0\0\0\0\0',
];

/** Of one that may be an etcd behind something, or in trouble. */
const troubled = [
  http(500, ''),
  http(503, '<html>no backend</html>'),
  http(200, '{"header":{"cluster_id"', 4_000),
  http(200, 'x', 9_999_999_999),
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
];

for (const [what, answers, waitMs] of [
  ['refused at once', strangers, 0],
  ['waited for, and refused', troubled, 30_000],
] as const) {
  test(`what is no etcd is ${what}, in one line, and hears questions only`, async () => {
    for (const answer of answers) {
      await beside(0, {}, async (io, { world }) => {
        const heard = await sayAlways(world.startProcess('other'), answer);
        const beganMs = io.clock.monotonic();
        await assert.rejects(open(io, `other:${port}`), ({ message }: Error) => {
          assert.match(message, /^the cluster store at etcd:\/\/other:2379\/kafka [^\n]+$/, answer);
          assert.match(message, /is this an etcd|correct cluster\.store|speak HTTP|ssl\.enable/);
          return true;
        });
        const tookMs = io.clock.monotonic() - beganMs;
        assert.ok(tookMs >= waitMs && tookMs < waitMs + 10_000, `${answer}: ${tookMs} ms`);
        assert.ok(heard.asked > 0);
      });
    }
  });
}

test('a member that is none, and one that is not there, are left for one that is', async () => {
  for (const answer of [...strangers, ...troubled]) {
    await beside(1, {}, async (io, { world, hosts, ensemble }) => {
      await sayAlways(world.startProcess('other'), answer);
      const stores: EtcdStore[] = [];
      // Whichever of the three is asked first.
      for (let round = 0; round < 4; round++) {
        stores.push(await open(io, `other:${port},nobody:${port},${hosts}`));
      }
      for (const [index, store] of stores.entries()) await put(store, `a/${index}`, 'x');
      assert.equal(ensemble.data.leases.size, 4);
      for (const store of stores) await store.close();
    });
  }
});

test('members that cannot be used are named one by one', async () => {
  await beside(0, {}, async (io, { world }) => {
    await sayAlways(world.startProcess('other'), strangers[0] as string);
    await assert.rejects(open(io, `other:${port},nobody:${port}`), ({ message }: Error) => {
      assert.match(message, /other:2379: it does not speak HTTP/);
      assert.match(message, /nobody:2379/);
      assert.match(message, /start it, or correct cluster\.store$/);
      return true;
    });
  });
});
