// A cluster in a world: real brokers on hosts of their own, and hosts for their clients. This is,
// next to broker.ts and the launchers, the place that constructs things; scenarios only speak of
// brokers that start and die and of clients that have an Io.

import type { Io } from '../src/io/index.ts';
import { type BrokerExit, SimBroker } from './sim-broker.ts';
import type { Main, SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

export interface ClusterOptions {
  /** Keys of server.properties, beyond the listener and the log directory. */
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

  constructor(world: World, options: ClusterOptions = {}) {
    this.world = world;
    const host = world.host('broker-1');
    const config = {
      'node.id': '1',
      listeners: `PLAINTEXT://0.0.0.0:${brokerPort}`,
      'log.dirs': '/data',
      ...options.config,
    };
    const onExit = options.onExit ?? (({ error }: BrokerExit) => world.fail(error));
    this.brokers = [new SimBroker(host, { config, onExit, plant: options.plant ?? ((io) => io) })];
  }

  /** The first broker, and today the only one. */
  get broker(): SimBroker {
    return this.brokers[0] as SimBroker;
  }

  /** What clients are told of to find the cluster. */
  get bootstrapServers(): string {
    return this.brokers.map(({ host }) => `${host.name}:${brokerPort}`).join(',');
  }

  /** Starts every broker that is down. */
  start(): void {
    for (const broker of this.brokers) if (!broker.isUp) broker.start();
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

/** What a client program may take by default, in virtual time. */
const clientLimitMs = 600_000;
