// The contract of key stores, kept at a real ZooKeeper.

import { after, before, test } from 'node:test';
import { createNodeIo } from '../../../src/io/node-io.ts';
import {
  type KeyStoreHarness,
  keyStoreContract,
} from '../../../src/metadata/engines/keyed/key-store-contract.ts';
import { keyStoreOutagesContract } from '../../../src/metadata/engines/keyed/key-store-outages-contract.ts';
import { ZooKeeperSystem } from '../../doubles/metadata/zookeeper-systems.ts';
import { present } from '../toolchain.ts';
import { isZooKeeperHere, startServer, type ZooKeeperServer } from './zookeeper-servers.ts';

let server: ZooKeeperServer;
const endings: (() => Promise<void>)[] = [];

if (isZooKeeperHere()) {
  before(async () => {
    server = await startServer({ after: (fn) => endings.push(fn) });
  });
  after(async () => {
    for (const end of endings) await end();
  });
  let count = 0;
  const harness: KeyStoreHarness = {
    run: async (body) => {
      const io = createNodeIo({ logLevel: 'off' });
      const hosts = [{ host: '127.0.0.1', port: server.port }];
      count += 1;
      await body(new ZooKeeperSystem(io, hosts, `/test-${count}`));
    },
  };
  keyStoreContract('a real ZooKeeper', harness);
  keyStoreOutagesContract('a real ZooKeeper', harness);
} else {
  test('the contract of key stores at a real ZooKeeper', (t) => {
    present(t, false, 'ZooKeeper');
  });
}
