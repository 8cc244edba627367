// What the server of a shared store keeps beside the contract of cluster stores: sessions that are
// not sockets, time that it did not run, and strangers on its port.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type SimProcess, World } from '../../../../sim/index.ts';
import type { Io, Timer } from '../../../io/index.ts';
import { aliveIn, broker, candidate, elected, notLost } from '../../cluster-store-contract.ts';
import * as messages from './messages.ts';
import { SharedStore } from './shared-store.ts';
import { SharedStoreServer } from './shared-store-server.ts';

const port = 9090;
const sessionTimeoutMs = 9_000;

interface At {
  readonly world: World;
  readonly io: Io;
  readonly serverProcess: SimProcess;
  readonly lines: string[];
  connect(clusterId?: string | null): Promise<SharedStore>;
}

function scene(title: string, body: (at: At) => Promise<void>): void {
  test(title, async () => {
    const lines: string[] = [];
    const world = new World({
      onLog: (name, { level, message }) => {
        if (name.startsWith('store') && level === 'warn') lines.push(message);
      },
    });
    const serverProcess = world.startProcess('store');
    const { io } = world.startProcess('client');
    const connect = (clusterId: string | null = null): Promise<SharedStore> =>
      SharedStore.open(io, { host: 'store', port, sessionTimeoutMs, clusterId });
    let isDone = false;
    world.startProcess('test', async () => {
      const options = { host: '0.0.0.0', port, directory: '/data', clusterId: 'c' };
      await SharedStoreServer.open(serverProcess.io, options);
      await body({ world, io, serverProcess, lines, connect });
      isDone = true;
    });
    await world.run(() => isDone);
  });
}

/** Sends the bytes and resolves when the server has closed the connection. */
async function sendAsStranger(io: Io, bytes: Buffer): Promise<void> {
  const connection = await io.network.connect({ host: 'store', port });
  const closed = new Promise<void>((resolve) => {
    connection.onClose = () => resolve();
  });
  if (bytes.length > 0) connection.write([bytes]);
  await closed;
}

describe('the server of a shared store', () => {
  scene('does not end a session because its socket was closed', async ({ world, io, connect }) => {
    const store = await connect();
    await store.register(broker(1), notLost);
    const { epoch, append } = await elected(store);
    for (let round = 0; round < 5; round++) {
      world.network.resetConnections('client', 'store');
      await io.clock.sleep(5_000);
    }
    assert.deepEqual([...aliveIn(store).keys()], [1]);
    await store.confirm(epoch);
    await append('a');
    await store.close();
  });

  scene('ends the session of a client that died, a session time-out later', async (at) => {
    const store = await at.connect();
    await store.register(broker(1), notLost);
    const watcher = at.world.startProcess('watcher');
    const options = { host: 'store', port, sessionTimeoutMs, clusterId: null };
    const other = await SharedStore.open(watcher.io, options);
    at.world.host('client').kill();
    await watcher.io.clock.sleep(sessionTimeoutMs - 2_000);
    assert.deepEqual([...aliveIn(other).keys()], [1]);
    await watcher.io.clock.sleep(3_000);
    assert.deepEqual([...aliveIn(other).keys()], []);
    await other.close();
  });

  scene('holds no time against anybody in which it did not run itself', async (at) => {
    const store = await at.connect();
    await store.register(broker(1), notLost);
    const term = await store.elect({ ...candidate(1), onLost: notLost }).term;
    for (const stopMs of [8_000, 40_000, 300_000]) {
      at.serverProcess.freeze(stopMs);
      await at.io.clock.sleep(stopMs + 20_000);
      assert.deepEqual([...aliveIn(store).keys()], [1]);
      await store.confirm(term.epoch);
    }
    await store.close();
  });

  scene('refuses strangers, each with a line, and nobody else hears of it', async (at) => {
    const store = await at.connect();
    const { append } = await elected(store);
    const hello = messages.encodeCall(messages.hello, 1, {
      ...{ mark: messages.MARK, layoutVersion: 77, sessionId: '', sessionTimeoutMs },
    });
    const strangers: readonly [Buffer, RegExp][] = [
      [Buffer.from('GET / HTTP/1.1\r\n\r\n'), /size|bytes/],
      [Buffer.from([0, 0, 0, 20, 0, 18, 0, 3, ...new Array(16).fill(0)]), /does not speak/],
      [Buffer.from([0x7f, 0xff, 0xff, 0xff]), /size|bytes/],
      [Buffer.from([0xff, 0xff, 0xff, 0xff]), /size|bytes/],
      [Buffer.concat(hello), /version 77/],
      [Buffer.alloc(0), /does not say who it is/],
    ];
    for (const [bytes, why] of strangers) {
      at.lines.splice(0);
      await sendAsStranger(at.io, bytes);
      assert.equal(at.lines.length, 1, `${bytes.subarray(0, 8).toString('hex')} ${at.lines}`);
      assert.match(at.lines[0] as string, why);
      await append('a');
    }
    await store.close();
  });

  scene('leaves no timer behind when it is closed: its process would not end', async (at) => {
    const { clock } = at.serverProcess.io;
    const pending = new Set<Timer>();
    const after: Io['clock']['after'] = (delayMs, callback) => {
      const timer = clock.after(delayMs, () => {
        pending.delete(counted);
        callback();
      });
      const cancel = (): void => {
        pending.delete(counted);
        timer.cancel();
      };
      const counted = { cancel };
      pending.add(counted);
      return counted;
    };
    const { now, monotonic, sleep, nextTurn } = clock;
    const io = { ...at.serverProcess.io, clock: { now, monotonic, sleep, nextTurn, after } };
    const other = { host: '0.0.0.0', port: port + 1, directory: '/other', clusterId: 'c' };
    const server = await SharedStoreServer.open(io, other);
    const options = { host: 'store', port: port + 1, sessionTimeoutMs, clusterId: null };
    const store = await SharedStore.open(at.io, options);
    await store.close();
    await server.close();
    assert.equal(pending.size, 0);
  });

  scene('tells a process of another cluster at once what it is', async (at) => {
    const beganMs = at.io.clock.monotonic();
    await assert.rejects(at.connect('other'), /of cluster other, and this is the store of c/);
    assert.ok(at.io.clock.monotonic() - beganMs < 5_000);
  });
});
