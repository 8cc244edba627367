// Keyed updates to compacted topics on a broker that comes to harm, from the first update to the
// last check: the cleaner runs all the time; then everything is healed, the last value of every key
// has to be there, and in the end nothing else.

import type { Prng } from '../../src/base/prng.ts';
import { Admin } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import {
  assertCompacted,
  assertLastValues,
  assertNothingOpen,
  assertWholeLog,
  type KeyedContents,
  KeyedLedger,
  keyedContentsOf,
  openPlaces,
  type Place,
  placeName,
  superfluousIn,
  TransactionLedger,
} from '../checkers/index.ts';
import { Cluster, type ClusterOptions } from '../cluster.ts';
import { calm, withFaults } from '../faults.ts';
import type { Target } from '../nemesis.ts';
import type { SimProcess } from '../sim-process.ts';
import {
  type KeyedWatch,
  type KeyedWriterPlan,
  readKeyed,
  rereadKeyed,
  stableEnds,
  TransactionalIds,
  writeKeyed,
} from '../workloads/index.ts';
import type { World } from '../world.ts';
import { createTopics, placesOf, type TopicPlan } from './load-run.ts';
import type { ReplicatedLog } from './three-brokers.ts';
import { setTransactionVersion, type TransactionVersion } from './transaction-run.ts';

export interface CompactionPlan extends ClusterOptions {
  readonly topics: readonly TopicPlan[];
  readonly writers: readonly KeyedWriterPlan[];
  /** min.compaction.lag.ms of every topic. */
  readonly minCompactionLagMs: number;
  /** Which of the two protocols. Default: the second. */
  readonly transactionVersion?: TransactionVersion;
  /** What is held against the promises. Default: everything. */
  readonly checks?: readonly CompactionCheck[];
}

export const compactionChecks = ['last values', 'compacted', 'files'] as const;
export type CompactionCheck = (typeof compactionChecks)[number];

/** 2026-01-01: what hosts with right clocks say when the world begins. */
const epochMs = Date.UTC(2026, 0, 1);
const progressMsMax = 4 * 3_600_000;
const checkMsMax = 600_000;
const decidedMsMax = 60_000;
/** Longer than the cleaner leaves a log alone that found the disk full. */
const compactedMsMax = 180_000;

export class CompactionRun {
  readonly world: World;
  readonly cluster: Cluster;
  readonly plan: CompactionPlan;
  readonly watch: KeyedWatch;
  readonly #prng: Prng;
  readonly #writers: SimProcess[] = [];
  #closingCount = 0;

  constructor(world: World, plan: CompactionPlan) {
    this.world = world;
    this.plan = plan;
    this.#prng = world.prng.fork('writers');
    // How old a record is, is for the broker's clock to say. Beside one that is behind by an hour
    // records are not old enough for max.compaction.lag.ms before that hour is over.
    const skewMsMax = plan.minCompactionLagMs > 0 ? 0 : 1_000;
    if (world.faults.clock.skewMsMax > skewMsMax) {
      world.faults = withFaults(world.faults, { clock: { skewMsMax } });
    }
    this.cluster = new Cluster(world, plan);
    this.watch = {
      bootstrapServers: this.cluster.bootstrapServers,
      ledger: new TransactionLedger(),
      ids: new TransactionalIds(),
      updates: new KeyedLedger(),
      clocksApartMs: (forMs) => this.cluster.clocksApartMs(forMs),
      nowMs: () => this.#nowMs,
      isSettling: false,
    };
  }

  get places(): Place[] {
    return placesOf(this.plan.topics);
  }

  get target(): Target {
    const { broker } = this.cluster;
    return { host: broker.host, start: () => broker.start() };
  }

  /** Hosts of the clients, for a nemesis. */
  get clients(): string[] {
    return this.#writers.map(({ host }) => host.name);
  }

  get isWritten(): boolean {
    return this.#writers.every(({ isAlive, hasReturned }) => !isAlive || hasReturned);
  }

  get #nowMs(): number {
    return Math.floor(epochMs + this.world.timeMs);
  }

  /** Starts the broker, creates the topics and lets the clients loose. */
  async begin(): Promise<void> {
    const { cluster, plan, places, watch } = this;
    const { bootstrapServers, updates } = watch;
    await cluster.begin();
    await cluster.asClient('admin', (io) => this.#prepare(io));
    for (const writer of plan.writers) this.addWriter(writer);
    const options = { bootstrapServers, places, updates };
    cluster.runClient('reader', (io) => rereadKeyed(io, options));
  }

  async #prepare(io: Io): Promise<void> {
    const { bootstrapServers } = this.watch;
    await createTopics(io, this.plan.topics, bootstrapServers);
    const admin = new Admin({ bootstrapServers }, io);
    await setTransactionVersion(admin, this.plan.transactionVersion ?? 2);
    await admin.close();
  }

  addWriter(writer: KeyedWriterPlan): void {
    const prng = this.#prng.fork(writer.name);
    const { isSettling } = this.watch;
    const watch = isSettling ? { ...this.watch, isSettling: false } : this.watch;
    const run = this.cluster.runClient(writer.name, (io) => writeKeyed(io, writer, watch, prng));
    this.#writers.push(run);
  }

  /** A writer dies in the middle of whatever it does. */
  killWriter(index: number): void {
    this.#writers[index]?.killAtNetworkOperation(this.#prng.int(10));
  }

  heal(): void {
    this.world.faults = calm;
    this.world.network.heal();
  }

  /** To be called when everything is healed: waits for the load, and checks. */
  async finish(): Promise<void> {
    await this.world.run(() => this.isWritten, progressMsMax);
    await this.#decide();
    await this.check();
  }

  /** Waits until transactions that nobody ends are aborted: what is behind them is not read. */
  async #decide(): Promise<void> {
    const { cluster, places, world } = this;
    const options = { bootstrapServers: cluster.bootstrapServers, places };
    const endMs = world.timeMs + decidedMsMax;
    for (;;) {
      const ends = await cluster.asClient('checker', (io) => stableEnds(io, options), checkMsMax);
      if (openPlaces(ends).length === 0) return;
      if (world.timeMs > endMs) assertNothingOpen(ends);
      await world.advance(500);
    }
  }

  /** Writers end as soon as what they have begun is settled. */
  settle(): void {
    this.watch.isSettling = true;
  }

  /** Reads everything back and holds it against the promises. */
  async check(): Promise<readonly KeyedContents[]> {
    const contents = await this.#read();
    for (const each of contents) this.#checkLastValues(each);
    return contents;
  }

  #checkLastValues(contents: KeyedContents): void {
    if (!this.#demands('last values')) return;
    const { minCompactionLagMs } = this.plan;
    const youngAfterMs =
      minCompactionLagMs === 0 ? Number.POSITIVE_INFINITY : this.#nowMs - minCompactionLagMs;
    const tombstonesAfterMs = this.#nowMs - this.#deleteRetentionMs(contents.topic);
    assertLastValues(this.watch.updates, contents, { youngAfterMs, tombstonesAfterMs });
  }

  /** Holds what brokers that were stopped left against the promises, each for itself. */
  checkCopies(logs: readonly ReplicatedLog[]): void {
    for (const { endOffset, copies } of logs) {
      for (const { nodeId, log, files } of copies) {
        try {
          this.#checkLastValues(keyedContentsOf(log, endOffset, this.watch.updates));
        } catch (error) {
          throw new Error(`on broker ${nodeId}: ${(error as Error).message}`);
        }
        if (this.#demands('files')) assertWholeLog(files, log.path);
      }
    }
  }

  /** Stops the broker and judges what it leaves. */
  async checkFiles(): Promise<void> {
    const { broker } = this.cluster;
    await this.world.run(() => broker.isReady, checkMsMax);
    broker.stop();
    await this.world.run(() => !broker.isUp, checkMsMax);
    if (!this.#demands('files')) return;
    for (const place of this.places) assertWholeLog(broker.host.files, `/data/${placeName(place)}`);
  }

  #deleteRetentionMs(topic: string): number {
    const plan = this.plan.topics.find(({ name }) => name === topic);
    return Number(plan?.configs['delete.retention.ms'] ?? 0);
  }

  /** Begins new segments behind everything, and waits until there is nothing superfluous. */
  async compact(): Promise<void> {
    const { world } = this;
    const endMs = world.timeMs + compactedMsMax;
    for (;;) {
      await this.#close();
      const contents = await this.check();
      if (contents.every((each) => superfluousIn(each) === null)) return;
      if (world.timeMs < endMs) continue;
      if (this.#demands('compacted')) for (const each of contents) assertCompacted(each);
      return;
    }
  }

  /** A key that nobody else has, when the segment of what came before is due to be closed. */
  async #close(): Promise<void> {
    await this.world.advance(segmentMs + 1_000);
    const name = `closing-${++this.#closingCount}`;
    for (const place of this.places) {
      const writer: KeyedWriterPlan = {
        name: `${name}-${place.topic}-${place.partition}`,
        places: [place],
        keyCount: 1,
        updateCount: 1,
        burstMax: 1,
        tombstoneChance: 0,
        pauseMsMean: 0,
        transactionalId: null,
        options: { acks: 'all', lingerMs: 0 },
      };
      this.addWriter(writer);
    }
    await this.world.run(() => this.isWritten, progressMsMax);
  }

  async #read(): Promise<KeyedContents[]> {
    const { places, watch, cluster } = this;
    const options = { bootstrapServers: watch.bootstrapServers, places, updates: watch.updates };
    return await cluster.asClient('checker', (io) => readKeyed(io, options), checkMsMax);
  }

  #demands(check: CompactionCheck): boolean {
    return (this.plan.checks ?? compactionChecks).includes(check);
  }
}

/** segment.ms of every topic is at most this. */
const segmentMs = 2_000;
/** A log whose dirty part is too small is compacted none the less when it is that old. */
const maxCompactionLagMs = 5_000;

const codecs = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** Topics with small segments that are soon dirty enough, and writers of both kinds. */
export function drawCompaction(prng: Prng): CompactionPlan {
  const minCompactionLagMs = prng.pick([0, 0, 3_000]);
  const topics = Array.from({ length: 1 + prng.int(2) }, (_, index) => ({
    name: `keyed-${index + 1}`,
    partitionCount: 1 + prng.int(2),
    configs: drawCompactedConfigs(prng, minCompactionLagMs),
  }));
  const places = placesOf(topics);
  const writers = Array.from({ length: 1 + prng.int(3) }, (_, index) => {
    return drawKeyedWriter(prng, `writer-${index + 1}`, places);
  });
  const config = {
    'log.cleaner.backoff.ms': prng.pick(['50', '500', '2000']),
    'log.cleaner.io.buffer.size': prng.pick(['1000', '524288']),
    'log.cleaner.io.max.bytes.per.second': prng.pick(['20000', '200000', '1.7e308']),
    'log.flush.offset.checkpoint.interval.ms': prng.pick(['50', '500', '60000']),
    'log.retention.check.interval.ms': prng.pick(['500', '300000']),
    'transaction.state.log.num.partitions': '1',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    'auto.create.topics.enable': 'false',
    'num.recovery.threads.per.data.dir': '1',
  };
  return { topics, writers, minCompactionLagMs, config };
}

function drawCompactedConfigs(prng: Prng, minCompactionLagMs: number): Record<string, string> {
  return {
    'cleanup.policy': 'compact',
    // No batch of ours is larger than that: it would never be taken.
    'internal.segment.bytes': prng.pick(['4000', '4000', '20000']),
    'segment.ms': prng.pick(['300', String(segmentMs)]),
    'min.cleanable.dirty.ratio': prng.pick(['0', '0.01', '0.5']),
    'min.compaction.lag.ms': String(minCompactionLagMs),
    'max.compaction.lag.ms': String(maxCompactionLagMs),
    'delete.retention.ms': prng.pick(['0', '500', '86400000']),
    'file.delete.delay.ms': prng.pick(['0', '300', '60000']),
    'index.interval.bytes': prng.pick(['0', '500', '4096']),
    'message.timestamp.after.max.ms': '9223372036854775807',
    'compression.type': prng.pick(['producer', 'producer', 'gzip', 'zstd', 'uncompressed']),
  };
}

/** One that never gives an update up. */
export function drawKeyedWriter(
  prng: Prng,
  name: string,
  places: readonly Place[],
): KeyedWriterPlan {
  const isTransactional = prng.chance(0.4);
  return {
    name,
    places,
    keyCount: prng.pick([1, 3, 10]),
    updateCount: 30 + prng.int(150),
    burstMax: prng.pick([1, 10, 30]),
    tombstoneChance: prng.pick([0, 0.1, 0.4]),
    pauseMsMean: prng.pick([100, 300, 1_000]),
    transactionalId: isTransactional ? name : null,
    options: {
      acks: 'all',
      compressionType: prng.pick(codecs),
      batchSizeBytes: prng.pick([200, 1_000, 2_500]),
      lingerMs: prng.pick([0, 5, 50]),
      requestTimeoutMs: prng.pick([1_000, 5_000]),
      deliveryTimeoutMs: isTransactional ? prng.pick([6_000, 3_600_000]) : 3_600_000,
      maxBlockMs: 3_600_000,
      retryBackoffMs: prng.pick([20, 100]),
    },
  };
}
