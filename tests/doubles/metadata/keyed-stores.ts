// Cluster stores of several processes over one system of keys in memory, for the contract.

import assert from 'node:assert/strict';
import { simulate } from '../../../sim/index.ts';
import type { Io } from '../../../src/io/index.ts';
import type { ClusterStore } from '../../../src/metadata/cluster-store.ts';
import type {
  Loss,
  OutageHarness,
  StoreOutages,
  StoreRequest,
} from '../../../src/metadata/cluster-store-outages-contract.ts';
import type { IdentityOptions } from '../../../src/metadata/engines/keyed/identity.ts';
import { KeyedStore, type KeyStep } from '../../../src/metadata/engines/keyed/index.ts';
import { KeySystem, type KeySystemOptions, MemoryKeyStore } from './key-stores.ts';

/** Until everybody knows. */
const settledMs = 5_000;

const puts = (change: string | readonly KeyStep[], prefix: string): boolean =>
  typeof change !== 'string' &&
  change.some(({ key, becomes }) => key.startsWith(prefix) && becomes instanceof Buffer);

const isMeant: Readonly<Record<StoreRequest, (request: string | readonly KeyStep[]) => boolean>> = {
  append: (request) => puts(request, 'log/') && !puts(request, 'controller'),
  confirm: (request) => request === 'epoch',
  elect: (request) => puts(request, 'controller'),
  register: (request) => puts(request, 'brokers/'),
  saveSnapshot: (request) => puts(request, 'snapshot'),
};

interface Client {
  readonly keys: MemoryKeyStore;
  readonly nodeIds: Set<number>;
}

export class KeyedStoreWorld implements StoreOutages {
  readonly io: Io;
  readonly system: KeySystem;
  readonly #clients = new Map<ClusterStore, Client>();
  #older: KeySystem['data'] | null = null;

  constructor(io: Io, options?: KeySystemOptions) {
    this.io = io;
    this.system = new KeySystem(io, options);
  }

  async connect(identity: Partial<IdentityOptions> = {}): Promise<KeyedStore> {
    const keys = new MemoryKeyStore(this.system);
    const { sessionTimeoutMs } = this.system;
    const options = { clusterId: null, mayCreate: true, sessionTimeoutMs, ...identity };
    const store = await KeyedStore.open(this.io, keys, options);
    this.#older ??= new Map(this.system.data);
    const nodeIds = new Set<number>();
    this.#clients.set(store, { keys, nodeIds });
    const { elect, register } = store;
    store.elect = (candidate) => {
      nodeIds.add(candidate.nodeId);
      return elect.call(store, candidate);
    };
    store.register = (broker, onLost) => {
      nodeIds.add(broker.nodeId);
      return register.call(store, broker, onLost);
    };
    return store;
  }

  keysOf(store: ClusterStore): MemoryKeyStore {
    return this.#clients.get(store)?.keys ?? assert.fail('it is not of this world');
  }

  lose(store: ClusterStore, request: StoreRequest, loss: Loss): void {
    this.keysOf(store).lose(isMeant[request], loss);
  }

  deliverLate(store: ClusterStore): Promise<void> {
    return this.keysOf(store).deliverLate();
  }

  cut(store: ClusterStore): void {
    this.keysOf(store).cut();
  }

  heal(store: ClusterStore): Promise<void> {
    return this.keysOf(store).heal();
  }

  async expire(nodeId: number): Promise<void> {
    for (const { keys, nodeIds } of this.#clients.values()) {
      if (!nodeIds.has(nodeId)) continue;
      this.system.endSession(keys.session);
      keys.noticeSession();
    }
    await this.io.clock.sleep(settledMs);
  }

  async rollBack(): Promise<void> {
    this.system.data = new Map(this.#older);
  }
}

export function keyedStores(options?: KeySystemOptions): OutageHarness {
  const worlds = new WeakMap<Io, KeyedStoreWorld>();
  const worldOf = (io: Io): KeyedStoreWorld => {
    const world = worlds.get(io) ?? new KeyedStoreWorld(io, options);
    worlds.set(io, world);
    return world;
  };
  return {
    run: (body) => simulate(body),
    open: (io) => worldOf(io).connect(),
    outages: worldOf,
  };
}
