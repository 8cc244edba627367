// Brokers that are members of one cluster, all in one simulated process, over a store that loses
// messages when the test says so.

import { Broker, type BrokerOptions, loadMemberParts } from '../../../src/broker/index.ts';
import { loadBrokerConfig } from '../../../src/config/index.ts';
import type { Io } from '../../../src/io/index.ts';
import { ImageLoader } from '../../../src/metadata/image-loader.ts';
import type { MetadataImage } from '../../../src/metadata/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import { type RemoteStore, StoreServer } from '../metadata/remote-stores.ts';

// Reading files takes time that a simulated world does not have.
await loadMemberParts();

export interface Member {
  readonly broker: Broker;
  readonly store: RemoteStore;
}

export class TestCluster {
  readonly server: StoreServer;
  readonly members = new Map<number, Member>();
  readonly failures: string[] = [];
  readonly #io: Io;

  private constructor(io: Io, server: StoreServer) {
    this.#io = io;
    this.server = server;
  }

  static async open(io: Io): Promise<TestCluster> {
    return new TestCluster(io, await StoreServer.open(io));
  }

  static portOf(nodeId: number): number {
    return 9090 + nodeId;
  }

  /** Resolves when the broker serves. */
  async start(
    nodeId: number,
    config: Readonly<Record<string, string>> = {},
    options: Partial<BrokerOptions> = {},
  ): Promise<Member> {
    const overrides = Object.entries({
      'node.id': String(nodeId),
      listeners: `PLAINTEXT://host:${TestCluster.portOf(nodeId)}`,
      'log.dirs': `/data-${nodeId}`,
      ...config,
    });
    const store = await this.server.connect();
    const broker = await Broker.start(this.#io, loadBrokerConfig({ overrides }).config, {
      onFatal: (error) => this.failures.push(error.message),
      openStore: async () => store,
      ...options,
    });
    const member = { broker, store };
    this.members.set(nodeId, member);
    return member;
  }

  startAll(nodeIds: readonly number[]): Promise<Member[]> {
    return Promise.all(nodeIds.map((nodeId) => this.start(nodeId)));
  }

  connect(nodeId: number): Promise<ClientConnection> {
    const port = TestCluster.portOf(nodeId);
    return ClientConnection.connect(this.#io, { host: 'host', port, clientId: 'test' });
  }

  /** As the log in the middle has it. */
  async image(): Promise<MetadataImage> {
    const loader = await ImageLoader.start(this.#io, { store: this.server.local });
    await loader.close();
    return loader.image;
  }

  async stop(): Promise<void> {
    for (const { broker } of this.members.values()) await broker.stop();
  }
}
