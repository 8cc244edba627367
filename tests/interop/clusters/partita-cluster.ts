// Our brokers as a cluster: 1, 2 and 3 and the store beside them, each a process of its own, on
// the loopback or each in a network namespace. Brokers are started as an operator starts them, with
// a server.properties each; with ZooKeeper that is one of Kafka's ZooKeeper years.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../root.ts';
import { loopback, type TestNetwork } from './network.ts';
import { freePort } from './ports.ts';
import { Processes } from './processes.ts';
import { type StoreKind, type StoreMembers, storeMembers, storePlaces } from './store-members.ts';
import type { TestCluster } from './test-cluster.ts';

export interface PartitaClusterOptions {
  /** On top of what every broker here has. */
  readonly config?: Readonly<Record<string, string>>;
  /** Of one broker. */
  readonly configOf?: (id: number) => Readonly<Record<string, string>>;
  /** What one broker's file says of the store, instead of what that of all says. */
  readonly storeConfigOf?: (
    id: number,
    config: Readonly<Record<string, string>>,
  ) => Readonly<Record<string, string>>;
  /** Default: shared. */
  readonly store?: StoreKind;
  /** Default 3; `shared` is always one. */
  readonly storeMemberCount?: number;
  readonly network?: TestNetwork;
  /** Called with a broker's directory before its first start, to mount something there. */
  readonly onDirectory?: (path: string) => void;
  /** Called when all processes have ended, before the directories are removed. */
  readonly onEnded?: () => void;
  /** Another checkout's launcher; ours by default. */
  readonly launcher?: string;
}

/** Names of places in the network. */
export const placeOf = (id: number): string => `b${id}`;

const brokerIds: readonly number[] = [1, 2, 3];
const memberCountDefault = 3;
/** What a store syncs is no question of these tests. */
const memory = '/dev/shm';
const storeReadyMsMax = 60_000;
/** On a machine that has much else to do. */
const startMsMax = 120_000;

/** All places that a cluster has. */
export function clusterPlaces(
  store: StoreKind = 'shared',
  memberCount = memberCountDefault,
): readonly string[] {
  return [...brokerIds.map(placeOf), ...storePlaces(store, memberCount)];
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class PartitaCluster implements TestCluster {
  readonly product = 'partita';
  readonly brokerIds = brokerIds;
  readonly directory = mkdtempSync(join(tmpdir(), 'partita-cluster-'));
  readonly network: TestNetwork;
  readonly store: StoreMembers;
  readonly #storeDirectory: string;
  readonly #processes = new Processes();
  readonly #ports = new Map<string, number>();
  readonly #options: PartitaClusterOptions;

  private constructor(options: PartitaClusterOptions) {
    this.#options = options;
    this.network = options.network ?? loopback;
    const { store = 'shared', storeMemberCount = memberCountDefault } = options;
    const folder = store === 'shared' || !existsSync(memory) ? this.directory : memory;
    this.#storeDirectory = mkdtempSync(join(folder, 'partita-store-'));
    this.store = storeMembers(store, storePlaces(store, storeMemberCount), {
      directory: this.#storeDirectory,
      hostOf: (place) => this.network.hostOf(place),
      portOf: (place, purpose = 'client') => this.#ports.get(`${place} ${purpose}`) as number,
    });
  }

  static async start(options: PartitaClusterOptions = {}): Promise<PartitaCluster> {
    const cluster = new PartitaCluster(options);
    try {
      for (const id of brokerIds) cluster.#ports.set(placeOf(id), await freePort());
      for (const place of cluster.store.places) {
        for (const purpose of ['client', 'peer', 'election']) {
          cluster.#ports.set(`${place} ${purpose}`, await freePort());
        }
      }
      for (const id of cluster.brokerIds) {
        mkdirSync(cluster.dataOf(id), { recursive: true });
        options.onDirectory?.(cluster.dataOf(id));
      }
      await cluster.startStore();
      await Promise.all(cluster.brokerIds.map((id) => cluster.startBroker(id)));
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return this.brokerIds.map((id) => this.addressOf(id)).join(',');
  }

  get output(): string {
    return this.#processes.output;
  }

  get keeperPids(): number[] {
    return this.store.places
      .map((place) => this.#processes.pidOf(place))
      .filter((pid) => pid !== null);
  }

  /** The store's member on the machine of a broker, if there is one. */
  memberBeside(id: number): string | null {
    return this.store.places.length === brokerIds.length
      ? (this.store.places[brokerIds.indexOf(id)] as string)
      : null;
  }

  addressOf(id: number): string {
    const place = placeOf(id);
    return `${this.network.hostOf(place)}:${this.#ports.get(place)}`;
  }

  dataOf(id: number): string {
    return join(this.directory, placeOf(id));
  }

  pidsOf(id: number): number[] {
    const pid = this.#processes.pidOf(placeOf(id));
    return pid === null ? [] : [pid];
  }

  async startStore(): Promise<void> {
    await Promise.all(this.store.places.map((place) => this.startMember(place)));
  }

  async endStore(signal: NodeJS.Signals): Promise<void> {
    await Promise.all(this.store.places.map((place) => this.endMember(place, signal)));
  }

  /** Waits until it serves. */
  async startMember(place: string): Promise<void> {
    const command = this.network.commandAt(place, this.store.commandOf(place));
    if (this.store.kind === 'shared') {
      await this.#processes.start(place, command, /^store ready/m).ready;
      return;
    }
    this.#processes.spawn(place, command);
    for (const beganMs = performance.now(); !(await this.store.isServing(place)); ) {
      if (performance.now() - beganMs < storeReadyMsMax) await sleep(100);
      else throw new Error(`the member ${place} does not serve:\n${this.output}`);
    }
  }

  endMember(place: string, signal: NodeJS.Signals): Promise<void> {
    return this.#processes.end(place, signal);
  }

  async startBroker(id: number, flags: readonly string[] = []): Promise<void> {
    const launcher = this.#options.launcher ?? join(projectRoot, 'bin/partita.js');
    const own = [process.execPath, launcher, 'start', this.#fileOf(id), ...flags];
    const command = this.network.commandAt(placeOf(id), own);
    await this.#processes.start(placeOf(id), command, /^partita ready/m, startMsMax).ready;
  }

  /** The server.properties of a broker. */
  #fileOf(id: number): string {
    const { brokerConfig } = this.store;
    const properties: Record<string, string> = {
      [this.store.kind === 'zookeeper' ? 'broker.id' : 'node.id']: `${id}`,
      ...(this.#options.storeConfigOf?.(id, brokerConfig) ?? brokerConfig),
      listeners: `PLAINTEXT://${this.addressOf(id)}`,
      'log.dirs': this.dataOf(id),
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.num.partitions': '4',
      'group.initial.rebalance.delay.ms': '0',
      ...this.#options.config,
      ...this.#options.configOf?.(id),
    };
    const file = join(this.directory, `${placeOf(id)}.properties`);
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(file, lines.join(''));
    return file;
  }

  signal(place: string, signal: NodeJS.Signals): void {
    this.#processes.signal(place, signal);
  }

  end(id: number, signal: NodeJS.Signals): Promise<void> {
    return this.#processes.end(placeOf(id), signal);
  }

  async dispose(): Promise<void> {
    await this.#processes.endAll();
    this.#options.onEnded?.();
    rmSync(this.#storeDirectory, { recursive: true, force: true });
    rmSync(this.directory, { recursive: true, force: true });
  }
}
