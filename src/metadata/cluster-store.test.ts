// The contract of cluster stores, over one that several processes reach by links that fail; and
// that each sentence of it is broken by a store that has the bug.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { bugs } from '../../tests/doubles/metadata/buggy-stores.ts';
import { type RemoteStore, StoreServer } from '../../tests/doubles/metadata/remote-stores.ts';
import type { Io } from '../io/index.ts';
import { clusterStoreContract, storeContracts } from './cluster-store-contract.ts';
import {
  clusterStoreOutagesContract,
  type OutageHarness,
  outageContracts,
} from './cluster-store-outages-contract.ts';

type MakeStore = (io: Io, server: StoreServer) => RemoteStore;

function remoteStores(makeStore?: MakeStore): OutageHarness {
  const servers = new WeakMap<Io, StoreServer>();
  return {
    run: (body) => simulate(body),
    open: async (io) => {
      const server = servers.get(io) ?? (await StoreServer.open(io));
      servers.set(io, server);
      return server.connect(makeStore);
    },
    outages: (io) => servers.get(io) ?? assert.fail('no store was opened'),
  };
}

clusterStoreContract('over a network', remoteStores());
clusterStoreOutagesContract('over a network', remoteStores());

/** By bug: what of the contract it breaks, by a part of the title. */
const broken: Readonly<Record<string, readonly string[]>> = {
  'reads backwards': ['what is appended is read back'],
  'does not compare the end': ['an append that expects another end'],
  'takes one append at a time': ['appends may follow each other'],
  'does not compare the epoch': ['a later controller fences'],
  'elects whoever appends': ['nobody appends without being elected'],
  'confirms everybody': ['a controller is confirmed until'],
  'confirms when nobody answers': ['a confirmation whose answer is lost'],
  'does not withdraw': ['a candidate that withdraws', 'a withdrawal that meets'],
  'withdraws when it is heard': ['an election is withdrawn from a store'],
  'tells watchers later': ['a watcher has each batch before'],
  'begins a watch where it has arrived': ['a watcher that joins during appends'],
  'watches from beyond its end': ['a watch from beyond the end'],
  'calls every view old': ['what an engine at work knows'],
  'calls no view old': ['a view grows old'],
  'forgets its snapshots': ['a reader starts from the newest', 'a watch whose place is gone'],
  'reads snapshots whole': ['a large snapshot comes and goes'],
  'keeps half a snapshot': ['a snapshot whose pieces end'],
  'takes snapshots of anybody': ['only the newest controller saves'],
  'lets the last process win': ['a node id that a living process holds'],
  'lets the first process win': [
    'a new life on the same directories',
    'a process that registers again',
    'asked for again when a message is lost: answer',
  ],
  'says of no session that it was lost': [
    'a new life on the same directories',
    'a process taken for dead',
    'a process that was cut off',
  ],
  'registers without an answer': ['asked for again when a message is lost'],
  'ends no session': ['sessions of brokers are seen'],
  'ends sessions by node id': ['a new life on the same', 'a process taken for dead'],
  'expels nobody': ['a process that is expelled', 'an expelled process that was cut off'],
  'expels by node id': ['only the process that is named'],
  'is another store at each start': ['everything committed is there'],
  'sends an append again': ['has an unknown outcome'],
  'goes on after an unknown append': ['has an unknown outcome'],
  'counts a lost answer as a yes': ['of appends under way'],
  'stands once': ['won although a message is lost'],
  'stands again for an attempt that came late': ['won although a message is lost: late'],
  'forgets what it was told during an outage': [
    'a controller taken for dead',
    'a process that was cut off',
    'an expelled process that was cut off',
  ],
  'keeps its view after an outage': ['after an outage watchers', 'a watch goes on where it was'],
  'skips what it missed': ['a watch goes on where it was'],
  'reads from its beginning': ['a watch goes on where it was'],
  'reads other times than it told': ['told from others alike'],
  'does not see that it was put back': ['whoever read more than the store has'],
};

describe('the contract finds a store that', () => {
  const contracts = [...storeContracts(), ...outageContracts()];
  const found = new Set<string>();
  for (const [bug, parts] of Object.entries(broken)) {
    test(bug, async () => {
      const Store = bugs[bug] ?? assert.fail('there is no such store');
      for (const part of parts) {
        const named = contracts.filter(({ title }) => title.includes(part));
        assert.ok(named.length > 0, `no sentence has ${part}`);
        for (const { title, run } of named) {
          const harness = remoteStores((io, server) => new Store(io, server));
          await assert.rejects(run(harness), (error) => error instanceof Error, `keeps: ${title}`);
          found.add(title);
        }
      }
    });
  }

  test('has any of these bugs, and each sentence is broken by one', () => {
    assert.deepEqual(Object.keys(broken).sort(), Object.keys(bugs).sort());
    assert.deepEqual(
      contracts.map(({ title }) => title).filter((title) => !found.has(title)),
      [],
    );
  });
});
