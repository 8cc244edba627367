// A cluster in a world: real brokers on hosts of their own, and hosts for their clients; with more
// than one broker also a host `store`, which keeps the metadata that they share. This is, next to
// broker.ts and the launchers, the place that constructs things; scenarios only speak of brokers
// that start and die and of clients that have an Io.

import type { Io } from '../src/io/index.ts';
import { ModelledStore } from './modelled-store.ts';
import { type BrokerExit, SimBroker } from './sim-broker.ts';
import type { Main, SimProcess } from './sim-process.ts';
import { SimStore, type SimStoreOptions } from './sim-store.ts';
import type { StoreHosts } from './store-hosts.ts';
import type { World } from './world.ts';

export interface ClusterOptions {
  /** Default 1: a broker that has its metadata in its own log directory, and no store. */
  readonly brokers?: number;
  /** Of the listener. Default PLAINTEXT. */
  readonly protocol?: 'PLAINTEXT' | 'SASL_PLAINTEXT';
  readonly store?: SimStoreOptions;
  /** Keys of server.properties, beyond the listener, the log directory and the store. */
  readonly config?: Readonly<Record<string, string>>;
  /** Stands between a broker and its system: for tests that plant a bug. */
  readonly plant?: (io: Io) => Io;
  /** A broker that gives up. Default: the world fails. */
  readonly onExit?: (exit: BrokerExit) => void;
}

export const brokerPort = 9092;

export class Cluster {
  readonly world: World;
  readonly brokers: readonly SimBroker[];
  /** null with one broker. */
  readonly store: StoreHosts | null;

  constructor(world: World, options: ClusterOptions = {}) {
    this.world = world;
    const count = options.brokers ?? 1;
    this.store = count === 1 ? null : storeIn(world, options.store);
    const onExit = options.onExit ?? (({ error }: BrokerExit) => world.fail(error));
    const { protocol = 'PLAINTEXT' } = options;
    const plant = options.plant ?? ((io: Io) => io);
    this.brokers = Array.from({ length: count }, (_, index) => {
      const host = world.host(`broker-${index + 1}`);
      const config = {
        'node.id': `${index + 1}`,
        listeners: `${protocol}://0.0.0.0:${brokerPort}`,
        'log.dirs': '/data',
        ...(this.store !== null && sharing(`${protocol}://${host.name}`, this.store)),
        ...options.config,
      };
      return new SimBroker(host, { config, onExit, plant });
    });
  }

  /** The first broker. */
  get broker(): SimBroker {
    return this.brokers[0] as SimBroker;
  }

  /** What clients are told of to find the cluster. */
  get bootstrapServers(): string {
    return this.brokers.map(({ host }) => `${host.name}:${brokerPort}`).join(',');
  }

  /** How far two of the brokers' wall clocks, or one and itself, were apart in the last `forMs`. */
  clocksApartMs(forMs: number): number {
    const skews = this.brokers.flatMap(({ host }) => host.clockSkewsMs(forMs));
    return Math.max(...skews) - Math.min(...skews);
  }

  /** Starts the store and every broker that is down. */
  start(): void {
    if (this.store?.isUp === false) this.store.start();
    for (const broker of this.brokers) if (!broker.isUp) broker.start();
  }

  /**
   * Starts all of it and, with several brokers, waits until each of them serves: topics want so
   * many replicas. Clients of a broker on its own wait for it themselves.
   */
  async begin(): Promise<void> {
    this.start();
    if (this.brokers.length === 1) return;
    await this.world.run(() => this.brokers.every(({ isReady }) => isReady), beginMsMax);
  }

  /** Runs a client program on the host of that name. */
  runClient(hostName: string, main: Main): SimProcess {
    return this.world.startProcess(hostName, main);
  }

  /** Runs the callback as a program on the host of that name, and returns what it returns. */
  async asClient<T>(
    hostName: string,
    callback: (io: Io) => Promise<T>,
    limitMs = clientLimitMs,
  ): Promise<T> {
    let outcome: { value: T } | null = null;
    const process = this.world.startProcess(hostName, async (io) => {
      outcome = { value: await callback(io) };
    });
    await this.world.run(() => outcome !== null, limitMs);
    process.kill();
    return (outcome as unknown as { value: T }).value;
  }
}

function storeIn(world: World, options: SimStoreOptions = {}): StoreHosts {
  const { kind = 'shared' } = options;
  if (kind !== 'shared') return new ModelledStore(world, kind);
  return new SimStore(world.host('store'), world.reached, options);
}

/** What a broker of several has. */
function sharing(listener: string, { address }: StoreHosts): Record<string, string> {
  return {
    'advertised.listeners': `${listener}:${brokerPort}`,
    'cluster.store': address,
  };
}

/** Until all brokers serve that nobody harms. */
const beginMsMax = 60_000;
/** What a client program may take by default, in virtual time. */
const clientLimitMs = 600_000;
