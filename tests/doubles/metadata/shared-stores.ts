// The shared store as it is: its server on one host, each client on another, over a network that
// the test cuts, and on which it loses single requests and answers.

import assert from 'node:assert/strict';
import { type SimProcess, World } from '../../../sim/index.ts';
import type { Connection, Io, Network } from '../../../src/io/index.ts';
import { IoError } from '../../../src/io/index.ts';
import type { ClusterStore } from '../../../src/metadata/cluster-store.ts';
import type {
  Loss,
  OutageHarness,
  StoreOutages,
  StoreRequest,
} from '../../../src/metadata/cluster-store-outages-contract.ts';
import { SharedStore, SharedStoreServer } from '../../../src/metadata/engines/shared/index.ts';
import * as messages from '../../../src/metadata/engines/shared/messages.ts';

const port = 9090;
const sessionTimeoutMs = 9_000;
/** A request that arrives is carried out, and a client that can connect has, after so long. */
const settledMs = 5_000;

const kinds: Readonly<Record<StoreRequest, number>> = {
  append: messages.append.kind,
  confirm: messages.confirm.kind,
  elect: messages.elect.kind,
  register: messages.register.kind,
  saveSnapshot: messages.saveSnapshot.kind,
};

/** A network on which the next request of a kind, or its answer, is lost with its connection. */
export class LosingNetwork implements Network {
  readonly losses = new Map<number, Loss>();
  readonly #network: Network;
  readonly #late: (() => void)[] = [];

  constructor(network: Network) {
    this.#network = network;
  }

  listen(...args: Parameters<Network['listen']>): ReturnType<Network['listen']> {
    return this.#network.listen(...args);
  }

  http(...args: Parameters<Network['http']>): ReturnType<Network['http']> {
    return this.#network.http(...args);
  }

  hostName(): Promise<string> {
    return this.#network.hostName();
  }

  async connect(options: Parameters<Network['connect']>[0]): Promise<Connection> {
    const connection = await this.#network.connect(options);
    const write = connection.write.bind(connection);
    connection.write = (chunks) => {
      const kind = chunks[0]?.readInt8(4) ?? 0;
      const loss = this.losses.get(kind);
      if (loss === undefined) return write(chunks);
      this.losses.delete(kind);
      const { onClose } = connection;
      connection.onData = () => {};
      connection.onClose = () => {};
      if (loss === 'answer') write(chunks);
      if (loss === 'late') this.#late.push(() => write(chunks));
      if (loss === 'request') connection.destroy();
      queueMicrotask(() => onClose(new IoError('ECONNRESET', 'planted')));
      return true;
    };
    return connection;
  }

  deliverLate(): void {
    for (const send of this.#late.splice(0)) send();
  }
}

interface Client {
  readonly process: SimProcess;
  readonly network: LosingNetwork;
  readonly nodeIds: Set<number>;
}

export class SharedStoreWorld implements StoreOutages {
  readonly #world: World;
  readonly #clients = new Map<ClusterStore, Client>();
  #serverProcess: SimProcess | null = null;
  server!: SharedStoreServer;

  constructor(world: World) {
    this.#world = world;
  }

  async startServer(directory: string): Promise<void> {
    this.#serverProcess?.kill();
    this.#serverProcess = this.#world.startProcess('store');
    this.server = await SharedStoreServer.open(this.#serverProcess.io, {
      host: '0.0.0.0',
      port,
      directory,
      clusterId: 'c',
      segmentBytesMax: 2000,
    });
  }

  async connect(): Promise<ClusterStore> {
    if (this.#serverProcess === null) await this.startServer('/data');
    const process = this.#world.startProcess(`client${this.#clients.size + 1}`);
    const network = new LosingNetwork(process.io.network);
    const options = { host: 'store', port, sessionTimeoutMs, clusterId: null };
    const store = await SharedStore.open({ ...process.io, network }, options);
    const nodeIds = new Set<number>();
    this.#clients.set(store, { process, network, nodeIds });
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

  #client(store: ClusterStore): Client {
    return this.#clients.get(store) ?? assert.fail('it is not of this world');
  }

  #settled(): Promise<void> {
    return (this.#serverProcess as SimProcess).io.clock.sleep(settledMs);
  }

  lose(store: ClusterStore, request: StoreRequest, loss: Loss): void {
    this.#client(store).network.losses.set(kinds[request], loss);
  }

  async deliverLate(store: ClusterStore): Promise<void> {
    this.#client(store).network.deliverLate();
    await this.#settled();
  }

  cut(store: ClusterStore): void {
    this.#world.network.partition([this.#client(store).process.host.name], ['store']);
  }

  async heal(store: ClusterStore): Promise<void> {
    const { name } = this.#client(store).process.host;
    // What was sent meanwhile would come late, and nothing would have been missed.
    this.#world.network.resetConnections(name, 'store');
    this.#world.network.heal(name, 'store');
    this.#world.network.heal('store', name);
    await this.#settled();
  }

  /** The processes that hold something for the node stop for longer than a session. */
  async expire(nodeId: number): Promise<void> {
    const stopMs = sessionTimeoutMs + settledMs;
    for (const { process, nodeIds } of this.#clients.values()) {
      if (nodeIds.has(nodeId)) process.freeze(stopMs);
    }
    await (this.#serverProcess as SimProcess).io.clock.sleep(stopMs);
    await this.#settled();
  }

  async rollBack(): Promise<void> {
    await this.startServer('/older');
  }
}

export function sharedStores(): OutageHarness {
  const worlds = new WeakMap<Io, SharedStoreWorld>();
  const worldOf = (io: Io): SharedStoreWorld => worlds.get(io) ?? assert.fail('no such world');
  return {
    run: async (body) => {
      const world = new World();
      let isDone = false;
      world.startProcess('test', async (io) => {
        worlds.set(io, new SharedStoreWorld(world));
        await body(io);
        isDone = true;
      });
      await world.run(() => isDone);
    },
    open: (io) => worldOf(io).connect(),
    outages: worldOf,
  };
}
