// The key store over etcd in virtual time, against the model of etcd: the contract of key stores
// with one member and with three of which some are cut off, lag or lose their leader.

import { type SimProcess, World } from '../../../../sim/index.ts';
import { EtcdEnsemble, EtcdMember } from '../../../../sim/models/etcd/index.ts';
import { EtcdSystem } from '../../../../tests/doubles/metadata/etcd-systems.ts';
import { type KeyStoreHarness, keyStoreContract } from '../keyed/key-store-contract.ts';
import { keyStoreOutagesContract } from '../keyed/key-store-outages-contract.ts';

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
