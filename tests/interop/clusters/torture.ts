// A cluster of three real brokers under the load of three clients while faults, drawn from a seed,
// befall it one after the other. Then everybody is left in peace, and it is judged: what was
// acknowledged is there once and in order, by Kafka's consumer; the copies of every partition are
// the same to the byte below the watermark; Kafka's DumpLogSegments reads all of them.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '../../../src/base/prng.ts';
import { Admin } from '../../../src/client/index.ts';
import { kafkaTool } from '../toolchain.ts';
import { changes } from './changes.ts';
import { compareCopies, dumpComplaints } from './copies.ts';
import { type Fault, faults } from './faults.ts';
import { judgeLoad, Load, loadKinds, type ReadRecord } from './load.ts';
import { loopback, NamespaceNetwork, whyNoNamespaces } from './network.ts';
import { clusterPlaces, PartitaCluster } from './partita-cluster.ts';
import { storeFaults } from './store-faults.ts';
import { type StoreKind, whyNoStore } from './store-members.ts';

export interface TortureOptions {
  /** Where the metadata are; etcd and ZooKeeper have three members. */
  readonly store: StoreKind;
  readonly seed: string;
  readonly seconds: number;
  /** Records a second of each client. */
  readonly rate: number;
  readonly say: (line: string) => void;
  /** Only faults whose names contain one of these; none: all. */
  readonly only?: readonly string[];
  /** Topics of the clients that send; none: all. */
  readonly clients?: readonly string[];
}

export interface PlayedFault {
  readonly count: number;
  /** The longest time in which a client heard of no record, until all was well again. */
  readonly pauseMs: number;
}

export interface TortureResult {
  /** By the fault's name. */
  readonly played: ReadonlyMap<string, PlayedFault>;
  readonly acknowledged: number;
  /** Kinds of faults that this machine cannot play, with the reason. */
  readonly leftOut: readonly string[];
  /** What is wrong, a line each. */
  readonly found: readonly string[];
}

const allFaults: readonly Fault[] = [...faults, ...storeFaults, ...changes];
const partitionCount = 2;
const sessionMs = 3_000;
const healMsMax = 120_000;
const diskMib = 192;
const readAttemptsMax = 3;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function torture(options: TortureOptions): Promise<TortureResult> {
  const { store } = options;
  const noStore = whyNoStore(store);
  if (noStore !== null) throw new Error(noStore);
  const why = whyNoNamespaces();
  const canMount = process.getuid?.() === 0;
  const network = why === null ? new NamespaceNetwork(clusterPlaces(store)) : loopback;
  const mounted: string[] = [];
  const leftOut: string[] = why === null ? [] : [`cuts: ${why}`];
  const onDirectory = (path: string): void => {
    if (!canMount) return;
    const mount = ['-t', 'tmpfs', '-o', `size=${diskMib}m`, 'tmpfs', path];
    if (spawnSync('mount', mount).status === 0) mounted.push(path);
  };
  const onEnded = (): void => {
    for (const path of mounted) spawnSync('umount', ['-l', path]);
  };
  try {
    const cluster = await PartitaCluster.start({
      ...{ store, network, onDirectory, onEnded },
      config: {
        'broker.session.timeout.ms': `${sessionMs}`,
        'broker.heartbeat.interval.ms': '500',
        'replica.lag.time.max.ms': `${sessionMs}`,
        'log.segment.bytes': '1048576',
      },
    });
    const folder = mkdtempSync(join(tmpdir(), 'partita-torture-'));
    try {
      if (mounted.length < 3) leftOut.push('full disks: nothing can be mounted here');
      return await new Torture(cluster, { ...options, folder, leftOut }).run();
    } finally {
      await cluster.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    network.dispose();
  }
}

class Torture {
  readonly #cluster: PartitaCluster;
  readonly #options: TortureOptions & { readonly folder: string; readonly leftOut: string[] };
  readonly #prng: Prng;
  readonly #admin: Admin;
  readonly #loads: Load[] = [];
  readonly #played = new Map<string, PlayedFault>();

  constructor(
    cluster: PartitaCluster,
    options: TortureOptions & { readonly folder: string; readonly leftOut: string[] },
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#prng = new Prng(options.seed);
    this.#admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
  }

  async run(): Promise<TortureResult> {
    try {
      await this.#begin();
      const found = await this.#playFaults().then(
        () => this.#judge(),
        // Whatever failed is told together with what was played before.
        (error: Error) => [`${error.stack}\n${this.#cluster.output}`],
      );
      const acknowledged = this.#loads.reduce((sum, load) => sum + load.acknowledged.length, 0);
      return { played: this.#played, acknowledged, leftOut: this.#options.leftOut, found };
    } finally {
      for (const load of this.#loads) load.kill();
      await this.#admin.close();
    }
  }

  async #begin(): Promise<void> {
    const created = await this.#admin.createTopics(
      loadKinds.map(({ topic: name }) => ({
        ...{ name, numPartitions: partitionCount, replicationFactor: 3 },
        configs: { 'min.insync.replicas': '2' },
      })),
    );
    for (const { error } of created) if (error !== null) throw error;
    const { clients = [] } = this.#options;
    for (const kind of loadKinds) {
      if (clients.length > 0 && !clients.includes(kind.topic)) continue;
      const load = Load.start(kind, this.#cluster.bootstrapServers, this.#options);
      if (load === null) this.#options.leftOut.push(`${kind.topic}: it is not installed`);
      else this.#loads.push(load);
    }
    await this.#acknowledgedMore();
  }

  #possibleFaults(): Fault[] {
    const { only = [], leftOut } = this.#options;
    const canMount = !leftOut.some((line) => line.startsWith('full disks'));
    const hasMembers = this.#cluster.store.places.length === this.#cluster.brokerIds.length;
    return allFaults
      .filter(({ needsCuts }) => !needsCuts || this.#cluster.network.canCut)
      .filter(({ needsSmallDisks }) => !needsSmallDisks || canMount)
      .filter(({ needsMembers }) => !needsMembers || hasMembers)
      .filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));
  }

  async #playFaults(): Promise<void> {
    const possible = this.#possibleFaults();
    const endMs = performance.now() + this.#options.seconds * 1000;
    let round: Fault[] = [];
    while (performance.now() < endMs) {
      // Each kind comes once before any comes again.
      if (round.length === 0) round = [...possible];
      const [fault] = round.splice(this.#prng.int(round.length), 1) as [Fault];
      await this.#play(fault);
    }
  }

  async #play(fault: Fault): Promise<void> {
    const { say } = this.#options;
    for (const load of this.#loads) load.takeLongestPauseMs();
    await fault.play(
      {
        ...{ cluster: this.#cluster, admin: this.#admin, prng: this.#prng, sessionMs },
        topics: this.#loads.map(({ topic }) => topic),
        inSync: () => this.#inSync(fault.name),
      },
      say,
    );
    const beganMs = performance.now();
    await this.#inSync(fault.name);
    const inSyncMs = Math.round(performance.now() - beganMs);
    const last = await this.#acknowledgedMore();
    const pauseMs = Math.max(...this.#loads.map((load) => load.takeLongestPauseMs()));
    const before = this.#played.get(fault.name) ?? { count: 0, pauseMs: 0 };
    const longest = Math.max(before.pauseMs, pauseMs);
    this.#played.set(fault.name, { count: before.count + 1, pauseMs: longest });
    const goesOnMs = Math.round(performance.now() - beganMs);
    say(`  in sync after ${inSyncMs} ms, going on after ${goesOnMs} ms (${last} last),`);
    say(`  the longest time without progress was ${pauseMs} ms`);
  }

  /** Every replica of every partition is in its ISR, and every partition has a leader. */
  async #inSync(after: string): Promise<void> {
    let seen = '';
    for (const beganMs = performance.now(); performance.now() - beganMs < healMsMax; ) {
      try {
        const topics = await this.#admin.describeTopics(null, { timeoutMs: 5_000 });
        const open = topics.flatMap(({ name, partitions }) =>
          partitions
            .filter(({ leader, isr, replicas }) => leader < 0 || isr.length < replicas.length)
            .map(({ partition, leader, isr }) => `${name}-${partition}: ${leader} of ${isr}`),
        );
        if (topics.length >= loadKinds.length && open.length === 0) return;
        seen = open.join(', ');
      } catch (error) {
        seen = (error as Error).message;
      }
      await sleep(200);
    }
    throw new Error(`not in sync after '${after}': ${seen}\n${this.#cluster.output}`);
  }

  /**
   * Progress: every client hears of another record in each partition that it has come to. Says
   * which one came last.
   */
  async #acknowledgedMore(): Promise<string> {
    const before = this.#loads.map(({ counts }) => new Map(counts));
    let waitsFor = ['nothing'];
    for (const beganMs = performance.now(); performance.now() - beganMs < healMsMax; ) {
      const still = this.#loads.flatMap(({ topic, counts }, at) => {
        if (counts.size === 0) return [topic];
        return [...(before[at] ?? [])]
          .filter(([partition, count]) => counts.get(partition) === count)
          .map(([partition]) => `${topic}-${partition}`);
      });
      if (still.length === 0) return waitsFor.join(' and ');
      waitsFor = still;
      await sleep(100);
    }
    const errors = this.#loads.flatMap((load) => load.errors.slice(0, 3));
    const what = [`${waitsFor.join(' and ')} do not go on`, ...errors].join('; ');
    throw new Error(`${what}\n${this.#cluster.output}`);
  }

  async #judge(): Promise<string[]> {
    await Promise.all(this.#loads.map((load) => load.stop()));
    await this.#inSync('the end');
    const found: string[] = [];
    const watermarks = new Map<string, number>();
    for (const load of this.#loads) {
      const read: ReadRecord[][] = [];
      const count = await this.#partitionCountOf(load.topic);
      for (let partition = 0; partition < count; partition++) {
        const end = await this.#endOf(load.topic, partition);
        watermarks.set(`${load.topic}-${partition}`, end);
        read.push(await this.#read(load.topic, partition, end));
      }
      found.push(...judgeLoad(load, read));
    }
    // So that followers know the watermark, too.
    await sleep(1_000);
    await Promise.all(this.#cluster.brokerIds.map((id) => this.#cluster.end(id, 'SIGTERM')));
    const directories: string[] = [];
    for (const [name, watermark] of watermarks) {
      const copies = this.#cluster.brokerIds.map((brokerId) => {
        return { brokerId, directory: join(this.#cluster.dataOf(brokerId), name) };
      });
      found.push(...compareCopies(name, copies, watermark));
      for (const { directory } of copies) directories.push(directory);
    }
    return [...found, ...(await dumpComplaints(directories))];
  }

  async #partitionCountOf(topic: string): Promise<number> {
    const [described] = await this.#admin.describeTopics([topic]);
    const count = described?.partitions.length ?? 0;
    if (described?.error) throw described.error;
    if (count < partitionCount) throw new Error(`${topic} has ${count} partitions`);
    return count;
  }

  async #endOf(topic: string, partition: number): Promise<number> {
    const [found] = await this.#admin.listOffsets([{ topic, partition, timestamp: -1 }]);
    if (found === undefined || found.error !== null) throw found?.error ?? new Error('no answer');
    return found.offset;
  }

  /** By Kafka's consumer, which gives up early on a machine that is busy: it is asked again. */
  async #read(topic: string, partition: number, end: number): Promise<ReadRecord[]> {
    if (end === 0) return [];
    for (let attempt = 1; ; attempt++) {
      const read = await this.#readOnce(topic, partition, end);
      if (read.length >= end || attempt === readAttemptsMax) return read;
    }
  }

  async #readOnce(topic: string, partition: number, end: number): Promise<ReadRecord[]> {
    const { code, stdout, stderr } = await kafkaTool(
      'kafka-console-consumer',
      [
        ...['--bootstrap-server', this.#cluster.bootstrapServers, '--topic', topic],
        ...['--partition', `${partition}`, '--offset', 'earliest', '--max-messages', `${end}`],
        ...['--formatter-property', 'print.offset=true', '--timeout-ms', '30000'],
      ],
      { timeoutMs: 180_000 },
    );
    if (code !== 0) throw new Error(`${topic}-${partition} could not be read: ${stderr}`);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [, offset, value] = /^Offset:(\d+)\t(.*)$/.exec(line) ?? [];
        return { offset: Number(offset), value: value ?? line };
      });
  }
}
