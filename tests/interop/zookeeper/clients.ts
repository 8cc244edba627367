// What tests of real ZooKeepers hold, and let go when they end, however they end: an open store
// keeps its process running.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../../src/io/index.ts';
import type { ZooKeeperStore } from '../../../src/metadata/engines/zookeeper/index.ts';
import { passwordBytes } from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { ZooKeeperLink } from '../../../src/metadata/engines/zookeeper/zookeeper-link.ts';

export interface Ending {
  after(fn: () => void | Promise<void>): void;
}

/** Closes each store that it was given, at the latest with the test. */
export function heldStores(
  t: Ending,
): (opening: Promise<ZooKeeperStore>) => Promise<ZooKeeperStore> {
  const stores: ZooKeeperStore[] = [];
  t.after(async () => {
    await Promise.all(stores.map((store) => store.close()));
  });
  return async (opening) => {
    const store = await opening;
    stores.push(store);
    return store;
  };
}

/** A connection of somebody else's. */
export async function anonymousLink(t: Ending, io: Io, port: number): Promise<ZooKeeperLink> {
  const to = { host: '127.0.0.1', port, timeoutMs: 10_000 };
  const password = Buffer.alloc(passwordBytes);
  const hello = { lastZxid: 0n, timeoutMs: 10_000, sessionId: 0n, password };
  const { link } = await ZooKeeperLink.open(io, to, hello, {
    onEvent: () => {},
    onZxid: () => {},
    onLost: () => {},
  });
  t.after(() => link.lose('the test is over'));
  return link;
}

export function temporaryFolder(t: Ending): string {
  const folder = mkdtempSync(join(tmpdir(), 'partita-zookeeper-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
