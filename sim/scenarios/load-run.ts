// A produce load on a broker that comes to harm, from the first record to the last check: what the
// scenarios with records share. A plan, drawn from the seed, says which topics and producers there
// are; the scenario does the harm; then everything is healed, progress is demanded, and every
// partition is read back and held against what was promised.

import type { Prng } from '../../src/base/prng.ts';
import { Admin, ErrorCode, type TopicPartition } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import {
  assertAcknowledgedSurvive,
  assertDense,
  assertLookupsAgree,
  assertNoDuplicatesNorReordering,
  assertPrefixOfSent,
  assertSent,
  Ledger,
  type PartitionContents,
  StableReads,
} from '../checkers/index.ts';
import { Cluster, type ClusterOptions } from '../cluster.ts';
import { calm } from '../faults.ts';
import type { Target } from '../nemesis.ts';
import type { SimProcess } from '../sim-process.ts';
import {
  drawProducer,
  followTail,
  lookUp,
  type ProducerPlan,
  produceLoad,
  readBack,
} from '../workloads/index.ts';
import type { World } from '../world.ts';

export interface TopicPlan {
  readonly name: string;
  readonly partitionCount: number;
  readonly configs: Readonly<Record<string, string>>;
  /** Default: the broker's, which is 1. */
  readonly replicationFactor?: number;
}

export interface LoadPlan extends ClusterOptions {
  readonly topics: readonly TopicPlan[];
  readonly producers: readonly ProducerPlan[];
  /** Retention is on: logs may begin late. */
  readonly mayStartLate: boolean;
  /** What is held against the promises. Default: everything. */
  readonly checks?: readonly Check[];
}

export const allChecks = ['acknowledged', 'prefix', 'idempotence', 'reads', 'lookups'] as const;
export type Check = (typeof allChecks)[number];

/** For a power cut without flush.messages=1: records that were acknowledged may go. */
export const withoutDurability: readonly Check[] = ['idempotence', 'lookups'];

export function unchanged(plan: LoadPlan): LoadPlan {
  return plan;
}

/** After the faults everything that was sent is settled within this virtual time. */
const progressMsMax = 4 * 3_600_000;
const checkMsMax = 600_000;

export class LoadRun {
  readonly world: World;
  readonly cluster: Cluster;
  readonly ledger = new Ledger();
  readonly plan: LoadPlan;
  readonly #reads: StableReads;
  readonly #producers: SimProcess[] = [];
  readonly #readers: SimProcess[] = [];
  #checkCount = 0;

  constructor(world: World, plan: LoadPlan) {
    this.world = world;
    this.plan = plan;
    this.cluster = new Cluster(world, plan);
    this.#reads = new StableReads({ mayStartLate: plan.mayStartLate });
  }

  get places(): TopicPartition[] {
    return placesOf(this.plan.topics);
  }

  /** For a nemesis. */
  get target(): Target {
    const { broker } = this.cluster;
    return { host: broker.host, start: () => broker.start() };
  }

  /** Hosts of the clients. */
  get peers(): string[] {
    return [...this.#producers, ...this.#readers].map(({ host }) => host.name);
  }

  /** Every producer has settled all of its records. */
  get isProduced(): boolean {
    return this.#producers.every(({ hasReturned }) => hasReturned);
  }

  /** Starts the broker, creates the topics and lets the clients loose. */
  async begin(): Promise<void> {
    const { plan, cluster } = this;
    const { bootstrapServers } = cluster;
    await cluster.begin();
    await cluster.asClient('admin', (io) => createTopics(io, plan.topics, bootstrapServers));
    for (const producer of plan.producers) this.addProducer(producer);
    if (!this.#demands('reads')) return;
    for (const [name, isolationLevel] of [
      ['tail-1', 'read_uncommitted'],
      ['tail-2', 'read_committed'],
    ] as const) {
      const options = { name, isolationLevel, places: this.places, bootstrapServers };
      const tail = { ...options, reads: this.#reads, fetchMaxWaitMs: 200 };
      this.#readers.push(cluster.runClient(name, (io) => followTail(io, tail)));
    }
  }

  addProducer(producer: ProducerPlan): void {
    const { ledger, world, cluster } = this;
    const shared = { ledger, bootstrapServers: cluster.bootstrapServers, prng: world.prng };
    this.#producers.push(
      cluster.runClient(producer.name, (io) => produceLoad(io, producer, shared)),
    );
  }

  /** Network and disk are good from now on. */
  heal(): void {
    this.world.faults = calm;
    this.world.network.heal();
  }

  /** To be called when everything is healed: waits for the load, demands more, and checks all. */
  async finish(): Promise<void> {
    const { world } = this;
    const prng = world.prng.fork('progress');
    await world.run(() => this.isProduced, progressMsMax);
    const { places } = this;
    const drawn = { name: 'progress', places, recordCount: 2 * places.length, isPatient: true };
    this.addProducer(drawProducer(prng, drawn));
    await world.run(() => this.isProduced, progressMsMax);
    await this.check();
  }

  /** Reads everything back and holds it against the promises. */
  async check(): Promise<readonly PartitionContents[]> {
    const { cluster, world, places, plan, ledger } = this;
    const reader = `check-${++this.#checkCount}`;
    const { bootstrapServers } = cluster;
    // Requests without an answer may still be on their way and be read by others meanwhile.
    const marks = this.#reads.marks();
    const contents = await cluster.asClient(
      'checker',
      (io) => readBack(io, { bootstrapServers, places, mayStartLate: plan.mayStartLate }),
      checkMsMax,
    );
    for (const each of contents) {
      assertDense(each);
      assertSent(ledger, each);
      const { mayStartLate } = plan;
      if (this.#demands('idempotence')) assertNoDuplicatesNorReordering(ledger, each);
      if (this.#demands('prefix')) assertPrefixOfSent(ledger, each);
      if (this.#demands('acknowledged')) assertAcknowledgedSurvive(ledger, each, { mayStartLate });
      if (!this.#demands('reads')) continue;
      this.#reads.assertStillThere(each, marks);
      for (const record of each.records) this.#reads.onRecord(reader, record);
    }
    const [some] = contents;
    if (some === undefined || plan.mayStartLate || !this.#demands('lookups')) return contents;
    const asked = { bootstrapServers, prng: world.prng.fork('lookups'), count: 3 };
    const answers = await cluster.asClient('checker', (io) => lookUp(io, some, asked), checkMsMax);
    assertLookupsAgree(some, answers);
    return contents;
  }

  #demands(check: Check): boolean {
    return (this.plan.checks ?? allChecks).includes(check);
  }
}

export function placesOf(topics: readonly TopicPlan[]): TopicPartition[] {
  return topics.flatMap(({ name, partitionCount }) =>
    Array.from({ length: partitionCount }, (_, partition) => ({ topic: name, partition })),
  );
}

export interface DrawLoadOptions {
  /** What every topic has, over what is drawn. */
  readonly configs?: Readonly<Record<string, string>>;
  readonly mayDelete?: boolean;
  readonly recordCountMax?: number;
  readonly isPatient?: boolean;
}

/** Topics with small segments, and producers of every kind, from the seed. */
export function drawLoad(prng: Prng, options: DrawLoadOptions = {}): LoadPlan {
  const mayStartLate = (options.mayDelete ?? true) && prng.chance(0.4);
  const topics = Array.from({ length: 1 + prng.int(2) }, (_, index) => ({
    name: `topic-${index + 1}`,
    partitionCount: 1 + prng.int(3),
    configs: { ...drawTopicConfigs(prng, mayStartLate), ...options.configs },
  }));
  const recordCountMax = options.recordCountMax ?? 80;
  const producers = Array.from({ length: 1 + prng.int(3) }, (_, index) =>
    drawProducer(prng, {
      name: `producer-${index + 1}`,
      places: placesOf(topics),
      recordCount: 20 + prng.int(recordCountMax - 20),
      isPatient: options.isPatient ?? false,
    }),
  );
  const config = {
    'log.retention.check.interval.ms': prng.pick(['100', '500', '300000']),
    'log.flush.offset.checkpoint.interval.ms': prng.pick(['50', '500', '60000']),
    'replica.high.watermark.checkpoint.interval.ms': prng.pick(['50', '5000']),
    'auto.create.topics.enable': 'false',
    'num.recovery.threads.per.data.dir': '1',
  };
  return { topics, producers, mayStartLate, config };
}

function drawTopicConfigs(prng: Prng, mayStartLate: boolean): Record<string, string> {
  const configs: Record<string, string> = {
    'internal.segment.bytes': prng.pick(['4000', '10000', '60000', '1000000']),
    'segment.ms': prng.pick(['100', '3000', '604800000']),
    'index.interval.bytes': prng.pick(['0', '500', '4096']),
    'file.delete.delay.ms': prng.pick(['0', '300', '60000']),
    // Clocks are off by hours here.
    'message.timestamp.after.max.ms': '9223372036854775807',
    'compression.type': prng.pick(['producer', 'producer', 'gzip', 'zstd', 'uncompressed']),
  };
  if (mayStartLate && prng.chance(0.7)) {
    configs['retention.bytes'] = prng.pick(['8000', '30000']);
  } else if (mayStartLate) {
    configs['retention.ms'] = prng.pick(['200', '2000']);
  }
  return configs;
}

/** A controller that is replaced has perhaps done what it was asked for. */
const unknownOutcomes: readonly number[] = [
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NETWORK_EXCEPTION,
];

/** @throws KafkaError */
export async function createTopics(
  io: Io,
  topics: readonly TopicPlan[],
  bootstrapServers: string,
): Promise<void> {
  const admin = new Admin({ bootstrapServers }, io);
  const specs = topics.map(({ name, partitionCount, configs, replicationFactor }) => {
    const replication = replicationFactor === undefined ? {} : { replicationFactor };
    return { name, numPartitions: partitionCount, configs, ...replication };
  });
  for (let isUnknown = true; isUnknown; ) {
    isUnknown = false;
    for (const { error } of await admin.createTopics(specs)) {
      // A connection was reset, or a controller was replaced before it answered, and the request
      // is repeated: it is told of its first attempt.
      if (error === null || error.code === ErrorCode.TOPIC_ALREADY_EXISTS) continue;
      if (!unknownOutcomes.includes(error.code)) throw error;
      isUnknown = true;
    }
  }
  await admin.close();
}

/** Of what describes a partition. */
export function nodeIdOf(node: number | { readonly nodeId: number }): number {
  return typeof node === 'number' ? node : node.nodeId;
}
