// What others do to a ZooKeeper that a cluster stands on, in virtual time against the model: a
// foreign client that deletes keys of sessions, servers in the list that are none, and chroots in
// which something else is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../../../sim/index.ts';
import { ZooKeeperEnsemble } from '../../../../sim/models/zookeeper/index.ts';
import type { Connection, Io, Log } from '../../../io/index.ts';
import { FrameReader } from '../../../network/index.ts';
import { broker } from '../../cluster-store-contract.ts';
import { KeyedStore } from '../keyed/index.ts';
import { until } from '../keyed/key-store-contract.ts';
import { JuteWriter } from './jute.ts';
import {
  encodeAnswer,
  encodeChange,
  encodeConnectAnswer,
  encodePath,
  errorCode,
  opCode,
  openAcl,
  passwordBytes,
  writeAcl,
} from './protocol.ts';
import { ZooKeeperLink } from './zookeeper-link.ts';
import { ZooKeeperStore } from './zookeeper-store.ts';

const port = 2181;
const times = { sessionTimeoutMs: 1_000, connectTimeoutMs: 5_000 };

interface Parts {
  readonly io: Io;
  readonly ensemble: ZooKeeperEnsemble;
  /** Warnings of the stores that were opened. */
  readonly lines: string[];
  open(ports?: readonly number[], chroot?: string): Promise<ZooKeeperStore>;
}

async function atModel(body: (parts: Parts) => Promise<void>): Promise<void> {
  const world = new World();
  const server = world.startProcess('zookeeper');
  const ensemble = new ZooKeeperEnsemble(server.io);
  await world.settle(ensemble.addMember(server.io, { host: '0.0.0.0', port }));
  let isDone = false;
  world.startProcess('test', async (io) => {
    const lines: string[] = [];
    const keep = (line: string): void => {
      lines.push(line);
    };
    const log: Log = { ...io.log, warn: keep, child: () => log };
    const { clock, network, disk, random } = io;
    const open = (ports: readonly number[] = [port], chroot = '/partita') => {
      const hosts = ports.map((each) => ({ host: server.host.name, port: each }));
      const options = { hosts, chroot, ...times };
      return ZooKeeperStore.open({ clock, network, disk, random, log }, options);
    };
    // Whoever comes here is answered as by a web server; nobody listens at any other port.
    await server.io.network.listen({ host: '0.0.0.0', port: 99 }, (connection) => {
      connection.onData = () => connection.write([Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]);
    });
    await server.io.network.listen({ host: '0.0.0.0', port: 98 }, (connection) => {
      connection.onData = () => connection.destroy();
    });
    await body({ io, ensemble, lines, open });
    isDone = true;
  });
  await world.run(() => isDone);
}

async function foreignLink(io: Io): Promise<ZooKeeperLink> {
  const password = Buffer.alloc(passwordBytes);
  const hello = { lastZxid: 0n, timeoutMs: 10_000, sessionId: 0n, password };
  const to = { host: 'zookeeper', port, timeoutMs: 1_000 };
  const events = { onEvent: () => {}, onZxid: () => {}, onLost: () => {} };
  return (await ZooKeeperLink.open(io, to, hello, events)).link;
}

test('keys of sessions that somebody deletes cost one election, and come back', async () => {
  await atModel(async ({ io, open }) => {
    const clusters: KeyedStore[] = [];
    for (let at = 0; at < 2; at++) {
      const { sessionTimeoutMs } = times;
      const options = { clusterId: null, mayCreate: true, sessionTimeoutMs };
      clusters.push(await KeyedStore.open(io, await open(), options));
    }
    const [first, second] = clusters as [KeyedStore, KeyedStore];
    const lost: string[] = [];
    const isLost = (what: string) => () => void lost.push(what);
    await first.register(broker(1), isLost('registration 1'));
    await second.register(broker(2), isLost('registration 2'));
    const term = await first.elect({ nodeId: 1, onLost: isLost('term 1') }).term;
    const waiting = second.elect({ nodeId: 2, onLost: isLost('term 2') }).term;

    const foreign = await foreignLink(io);
    for (const key of ['brokers/1', 'brokers/2', 'controller']) {
      const change = { kind: 'delete', path: `/partita/${key}`, version: -1 } as const;
      assert.equal((await foreign.call('delete', encodeChange(change))).error, 0);
    }
    await until(io, 'both learn of it', () => lost.length === 3);
    assert.deepEqual(lost.sort(), ['registration 1', 'registration 2', 'term 1']);
    assert.equal((await waiting).epoch, term.epoch + 1);

    await first.register(broker(1, 2), isLost('registration 1'));
    await second.register(broker(2, 2), isLost('registration 2'));
    const { error, body } = await foreign.call(
      'getChildren2',
      encodePath('/partita/brokers', false),
    );
    assert.equal(error, 0);
    assert.deepEqual(body.vector((each) => each.text()).sort(), ['1', '2']);
    await io.clock.sleep(10 * times.sessionTimeoutMs);
    assert.equal(lost.length, 3);
    foreign.lose('the test is over');
    for (const cluster of clusters) await cluster.close();
  });
});

test('servers that cannot be used are passed by, and those that are none are named', async () => {
  await atModel(async ({ io, lines, open }) => {
    for (let at = 0; at < 8; at++) {
      lines.length = 0;
      const store = await open([99, 98, 97, port]);
      await store.commit([{ key: `log/1/${at}`, was: null, becomes: Buffer.from('x') }]);
      await io.clock.sleep(1_000);
      const named = lines.filter((line) => line.includes('does not answer as ZooKeeper does'));
      const rest = lines.filter((line) => !named.includes(line));
      assert.ok(named.length <= 1, named.join('; '));
      assert.ok(
        rest.every((line) => line.includes('is open')),
        rest.join('; '),
      );
      await store.close();
    }
  });
});

test('a list of servers none of which is a ZooKeeper is refused at once', async () => {
  await atModel(async ({ io, open }) => {
    const beginMs = io.clock.monotonic();
    const message = /^zookeeper:99 does not answer as ZooKeeper does \(.*\): correct its address$/;
    await assert.rejects(open([99]), { errorName: 'INVALID_CONFIG', message });
    assert.ok(io.clock.monotonic() - beginMs < 100);
  });
});

test('servers of which one may come back are waited for, as long as is configured', async () => {
  await atModel(async ({ io, open }) => {
    const beginMs = io.clock.monotonic();
    const where =
      /^no ZooKeeper at zookeeper:\/\/zookeeper:99,zookeeper:97\/partita within 5000 ms \(/;
    await assert.rejects(open([99, 97]), { errorName: 'NETWORK_EXCEPTION', message: where });
    assert.ok(io.clock.monotonic() - beginMs >= times.connectTimeoutMs);
    const silent =
      /\(zookeeper:98 closed the connection before it said anything: it has no leader, or/;
    await assert.rejects(open([98]), { message: silent });
  });
});

test('an older or newer layout is refused with one line, and nothing is written', async () => {
  await atModel(async ({ io, ensemble, open }) => {
    const layouts = { 0: /it is older than any release$/, 99: /upgrade this broker$/ };
    for (const [layout, message] of Object.entries(layouts)) {
      const keys = await open([port], `/layout-${layout}`);
      const identity = { layout: Number(layout), clusterId: 'c', historyId: 'h' };
      const becomes = Buffer.from(JSON.stringify(identity));
      await keys.commit([{ key: 'identity', was: null, becomes }]);
      const { changeCount } = ensemble;
      const options = { clusterId: null, mayCreate: true, sessionTimeoutMs: 1_000 };
      await assert.rejects(KeyedStore.open(io, keys, options), {
        errorName: 'INCONSISTENT_CLUSTER_ID',
        message,
      });
      // The end of its session is the only change.
      assert.equal(ensemble.changeCount, changeCount + 1);
      await keys.close();
    }
  });
});

test("a chroot in another cluster's, around one, or of an Apache Kafka is refused", async () => {
  await atModel(async ({ io, ensemble, open }) => {
    const inner = await open([port], '/clusters/a/b');
    await inner.commit([{ key: 'identity', was: null, becomes: Buffer.from('x') }]);
    const foreign = await foreignLink(io);
    for (const path of ['/old', '/old/brokers', '/old/brokers/ids']) {
      const change = {
        kind: 'create',
        path,
        value: null,
        acl: openAcl,
        isEphemeral: false,
      } as const;
      await foreign.call('create', encodeChange(change));
    }
    const refused = async (chroot: string, message: RegExp): Promise<void> => {
      const { changeCount } = ensemble;
      await assert.rejects(open([port], chroot), { message });
      const sessions = 2;
      assert.ok(ensemble.changeCount <= changeCount + sessions, 'nothing was written');
    };
    await refused(
      '/clusters/a/b/c',
      /lies in the chroot \/clusters\/a\/b of another cluster; name/,
    );
    await refused('/clusters', /has the chroot \/clusters\/a\/b of another cluster in it; name/);
    await refused(
      '/old',
      /belongs to an Apache Kafka \(it has \/old\/brokers\/ids\); name another/,
    );
    foreign.lose('the test is over');
    await inner.close();
  });
});

/** A server that knows no node, and whose answers to changes and values are nonsense. */
async function listenAsNonsense(io: Io): Promise<void> {
  const write = (connection: Connection, body: Buffer, xid: number, error = 0): void => {
    connection.write([encodeAnswer({ xid, zxid: 1n, error }, body)]);
  };
  await io.network.listen({ host: '127.0.0.1', port: 96 }, (connection) => {
    const reader = new FrameReader();
    let isGreeted = false;
    connection.onData = (chunk) => {
      reader.feed(chunk);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        const [xid, operation] = [frame.readInt32BE(0), frame.readInt32BE(4)];
        const nonsense = Buffer.from([0, 0, 0]);
        const openToAll = writeAcl(new JuteWriter(), openAcl).finish();
        if (!isGreeted) {
          const password = Buffer.alloc(passwordBytes);
          connection.write([encodeConnectAnswer({ timeoutMs: 1_000, sessionId: 1n, password })]);
          isGreeted = true;
        } else if (operation === opCode.exists || operation === opCode.getChildren2) {
          write(connection, Buffer.alloc(0), xid, errorCode.noNode);
        } else if (operation === opCode.getAcl) write(connection, openToAll, xid);
        else write(connection, nonsense, xid);
      }
    };
  });
}

test('an answer that makes no sense leaves a change unknown, and a value unread', async () => {
  await atModel(async ({ io }) => {
    await listenAsNonsense(io);
    const hosts = [{ host: '127.0.0.1', port: 96 }];
    const store = await ZooKeeperStore.open(io, { hosts, chroot: '', ...times });
    const change = [{ key: 'end', was: null, becomes: Buffer.from('x') }];
    await assert.rejects(store.commit(change), {
      name: 'UnknownChangeError',
      message: /its answer makes no sense/,
    });
    await assert.rejects(store.get('end'), { name: 'StoreAwayError' });
    await store.close();
  });
});

test('the model tells each of many changes what it made', async () => {
  await atModel(async ({ open }) => {
    const store = await open();
    let was: string | null = null;
    for (let at = 0; at < 1_100; at++) {
      const made = await store.commit([{ key: 'end', was, becomes: Buffer.from('x') }]);
      assert.equal(made?.[0], String(at));
      was = String(at);
    }
    await store.close();
  });
});
