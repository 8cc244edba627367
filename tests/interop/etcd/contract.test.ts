// The contract of key stores, kept at a real etcd.

import { after, before, test } from 'node:test';
import { createNodeIo } from '../../../src/io/node-io.ts';
import {
  type KeyStoreHarness,
  keyStoreContract,
} from '../../../src/metadata/engines/keyed/key-store-contract.ts';
import { keyStoreOutagesContract } from '../../../src/metadata/engines/keyed/key-store-outages-contract.ts';
import { EtcdSystem } from '../../doubles/metadata/etcd-systems.ts';
import { answers, present } from '../toolchain.ts';
import { EtcdCluster } from './etcd-process.ts';

const isPresent = answers('etcd', '--version');
let etcd: EtcdCluster;

before(async () => {
  if (isPresent) etcd = await EtcdCluster.start();
});
after(() => etcd?.stop());

if (isPresent) {
  const harness: KeyStoreHarness = {
    run: async (body) => {
      await etcd.deleteAll();
      await body(new EtcdSystem(createNodeIo({ logLevel: 'off' }), etcd.hosts));
    },
  };
  keyStoreContract('a real etcd', harness);
  keyStoreOutagesContract('a real etcd', harness);
} else {
  test('the contract of key stores at a real etcd', (t) => void present(t, false, 'etcd'));
}
