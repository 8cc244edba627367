// A store's folder of which an older copy was put back while the store's process did not run, and
// which has gone on from there: whoever read the other branch finds it when it is connected again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { World } from '../../../../sim/index.ts';
import type { Disk, Io } from '../../../io/index.ts';
import { StoreRolledBackError } from '../../cluster-store.ts';
import { elected, follow, type Seen } from '../../cluster-store-contract.ts';
import { SharedStore } from './shared-store.ts';
import { SharedStoreServer } from './shared-store-server.ts';

const port = 9090;
const noticeMs = 20_000;

interface At {
  readonly world: World;
  /** Of the store's process. */
  readonly io: Io;
  serve(directory: string): Promise<SharedStoreServer>;
  connect(name: string): Promise<SharedStore>;
  /** The folder grows by these records, each a batch, and stays behind with nobody in it. */
  write(directory: string, ...texts: string[]): Promise<void>;
}

function scene(title: string, body: (at: At) => Promise<void>): void {
  test(title, async () => {
    const world = new World();
    let isDone = false;
    world.startProcess('store', async (io) => {
      const serve = (directory: string) =>
        SharedStoreServer.open(io, { host: '0.0.0.0', port, directory, clusterId: 'c' });
      const connect = (name: string) => {
        const options = { host: 'store', port, sessionTimeoutMs: 9_000, clusterId: null };
        return SharedStore.open(world.startProcess(name).io, options);
      };
      let writers = 0;
      const write = async (directory: string, ...texts: string[]): Promise<void> => {
        const server = await serve(directory);
        writers += 1;
        const store = await connect(`writer${writers}`);
        const { append } = await elected(store);
        for (const text of texts) await append(text);
        await store.close();
        await server.close();
      };
      await body({ world, io, serve, connect, write });
      isDone = true;
    });
    await world.run(() => isDone);
  });
}

function copy(disk: Disk, from: string, to: string): void {
  disk.makeDirectory(to);
  for (const { name, isDirectory } of disk.list(from)) {
    if (isDirectory) {
      copy(disk, `${from}/${name}`, `${to}/${name}`);
      continue;
    }
    const file = disk.open(`${to}/${name}`, 'create');
    file.write([disk.readFile(`${from}/${name}`) ?? Buffer.alloc(0)], 0);
    file.close();
  }
}

/** A reader that has read `c`; the store that comes back has `texts` there instead. */
async function withBranches(
  at: At,
  texts: readonly string[],
  body: (store: SharedStore, seen: Seen, server: SharedStoreServer) => Promise<void>,
): Promise<void> {
  await at.write('/data', 'a', 'b');
  copy(at.io.disk, '/data', '/older');
  const before = await at.serve('/data');
  const store = await at.connect('reader');
  const { append } = await elected(store);
  const seen = await follow(store);
  await append('c');
  await before.close();
  await at.write('/older', ...texts);
  const server = await at.serve('/older');
  await body(store, seen, server);
  const [error] = seen.errors;
  assert.ok(error instanceof StoreRolledBackError, `${error}`);
  assert.match(error.message, /has other records before offset \d+ than .* gone on from there/);
  assert.deepEqual(seen.texts, ['a', 'b', 'c']);
  await store.close();
  await server.close();
}

describe('a shared store that was put back while its process did not run', () => {
  scene('is found by a reader of the other branch, however long it is by now', (at) =>
    withBranches(at, ['x', 'y', 'z'], async (store, _, server) => {
      assert.ok(server.store.endOffset > store.endOffset, 'its end alone tells nothing');
      await at.io.clock.sleep(noticeMs);
    }),
  );

  scene('is found when it has grown to the very same end', (at) =>
    withBranches(at, ['x'], async (store, _, server) => {
      assert.equal(server.store.endOffset, store.endOffset);
      await at.io.clock.sleep(noticeMs);
    }),
  );

  scene('hands nothing on of what is written while the reader comes back', (at) =>
    withBranches(at, ['x'], async (_, seen) => {
      at.world.network.partition(['reader'], ['store']);
      const other = await at.connect('other');
      const { append } = await elected(other, 2);
      // News come between its question and the answer.
      at.world.network.slowDown('reader', 1);
      at.world.network.heal('reader', 'store');
      at.world.network.heal('store', 'reader');
      for (let i = 0; i < 5000 && seen.errors.length === 0; i++) await append(`${i}`);
      await other.close();
    }),
  );

  scene('is no other one for a reader when it is the same, restarted', async (at) => {
    const before = await at.serve('/data');
    const store = await at.connect('reader');
    const { append } = await elected(store);
    const seen = await follow(store);
    await append('a');
    await before.close();
    await at.write('/data', 'b');
    const after = await at.serve('/data');
    await at.io.clock.sleep(noticeMs);
    const next = await elected(store);
    await next.append('c');
    assert.deepEqual([seen.texts, seen.errors], [['a', 'b', 'c'], []]);
    await store.close();
    await after.close();
  });
});
