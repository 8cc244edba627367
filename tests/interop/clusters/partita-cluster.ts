// Our brokers as a cluster: 1, 2 and 3 and the store beside them, each a process of its own, on
// the loopback or each in a network namespace.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../../root.ts';
import { loopback, type TestNetwork } from './network.ts';
import { freePort } from './ports.ts';
import { Processes } from './processes.ts';
import type { TestCluster } from './test-cluster.ts';

export interface PartitaClusterOptions {
  /** On top of what every broker here has. */
  readonly config?: Readonly<Record<string, string>>;
  /** Of one broker. */
  readonly configOf?: (id: number) => Readonly<Record<string, string>>;
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
export const storePlace = 'store';
export const clusterPlaces: readonly string[] = ['b1', 'b2', 'b3', storePlace];

const storeProcess = fileURLToPath(new URL('./store-process.js', import.meta.url));

export class PartitaCluster implements TestCluster {
  readonly product = 'partita';
  readonly brokerIds: readonly number[] = [1, 2, 3];
  readonly directory = mkdtempSync(join(tmpdir(), 'partita-cluster-'));
  readonly network: TestNetwork;
  readonly #processes = new Processes();
  readonly #ports = new Map<string, number>();
  readonly #options: PartitaClusterOptions;

  private constructor(options: PartitaClusterOptions) {
    this.#options = options;
    this.network = options.network ?? loopback;
  }

  static async start(options: PartitaClusterOptions = {}): Promise<PartitaCluster> {
    const cluster = new PartitaCluster(options);
    try {
      for (const place of clusterPlaces) cluster.#ports.set(place, await freePort());
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
    const pid = this.#processes.pidOf(storePlace);
    return pid === null ? [] : [pid];
  }

  #addressAt(place: string): string {
    return `${this.network.hostOf(place)}:${this.#ports.get(place)}`;
  }

  addressOf(id: number): string {
    return this.#addressAt(placeOf(id));
  }

  dataOf(id: number): string {
    return join(this.directory, placeOf(id));
  }

  pidsOf(id: number): number[] {
    const pid = this.#processes.pidOf(placeOf(id));
    return pid === null ? [] : [pid];
  }

  async startStore(): Promise<void> {
    const [host, port] = this.#addressAt(storePlace).split(':') as [string, string];
    const own = [process.execPath, storeProcess, host, port, join(this.directory, 'store')];
    const command = this.network.commandAt(storePlace, own);
    await this.#processes.start(storePlace, command, /^store ready/m).ready;
  }

  endStore(signal: NodeJS.Signals): Promise<void> {
    return this.#processes.end(storePlace, signal);
  }

  async startBroker(id: number, flags: readonly string[] = []): Promise<void> {
    const overrides: Record<string, string> = {
      'cluster.store': `shared://${this.#addressAt(storePlace)}`,
      'node.id': `${id}`,
      listeners: `PLAINTEXT://${this.addressOf(id)}`,
      'log.dirs': this.dataOf(id),
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.num.partitions': '4',
      'group.initial.rebalance.delay.ms': '0',
      ...this.#options.config,
      ...this.#options.configOf?.(id),
    };
    const launcher = this.#options.launcher ?? join(projectRoot, 'bin/partita.js');
    const pairs = Object.entries(overrides).flatMap(([key, value]) => {
      return ['--override', `${key}=${value}`];
    });
    const own = [process.execPath, launcher, 'start', ...pairs, ...flags];
    const command = this.network.commandAt(placeOf(id), own);
    await this.#processes.start(placeOf(id), command, /^partita ready/m).ready;
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
    rmSync(this.directory, { recursive: true, force: true });
  }
}
