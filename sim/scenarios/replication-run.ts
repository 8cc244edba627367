// A produce load on a cluster of several brokers that comes to harm, from the first record to the
// last check. A plan, drawn from the seed, says what the cluster and its topics are; the scenario
// does the harm; then everything is healed and progress is demanded: what was sent is settled, new
// records are taken, every replica is in sync. Partitions are read back and held against what was
// promised, the brokers are stopped all at once, and their copies are compared.

import { Admin, type TopicPartition } from '../../src/client/index.ts';
import {
  assertAcknowledgedSurvive,
  assertCopiesAgree,
  assertDense,
  assertNoCopy,
  assertNoDuplicatesNorReordering,
  assertPrefixOfSent,
  assertSent,
  copiesOf,
  DiskLosses,
  Ledger,
  type PartitionContents,
  PartitionLeaders,
  placeName,
  ReplicatedReads,
} from '../checkers/index.ts';
import { brokerPort, Cluster } from '../cluster.ts';
import type { ClusterNemesis } from '../cluster-nemesis.ts';
import type { BrokerExit } from '../sim-broker.ts';
import type { SimProcess } from '../sim-process.ts';
import {
  drawProducer,
  followTail,
  moveReplicas,
  type ProducerPlan,
  produceLoad,
  readBack,
  readNear,
  reassign,
  reassignMsMax,
  watchLeaders,
} from '../workloads/index.ts';
import type { World } from '../world.ts';
import { createTopics, nodeIdOf, placesOf } from './load-run.ts';
import type { ReplicatedTopicPlan, ReplicationPlan } from './replication-plan.ts';

/** After the faults everything that was sent is settled within this virtual time. */
const progressMsMax = 120_000;
const inSyncMsMax = 60_000;
const checkMsMax = 600_000;
/** What is said to be reached. */
export const oldLogsGone = 'logs of old replicas removed';
/** All brokers at once, with the store there. */
const stopMsMax = 10_000;
const restMs = 300;
const againMs = 500;

export class ReplicationRun {
  readonly world: World;
  readonly cluster: Cluster;
  readonly plan: ReplicationPlan;
  readonly ledger: Ledger;
  readonly losses: DiskLosses;
  /** Of brokers that did not come to serve. */
  readonly exits: BrokerExit[] = [];
  readonly #reads: ReplicatedReads;
  readonly #leaders: PartitionLeaders;
  readonly #producers: SimProcess[] = [];
  readonly #readers: SimProcess[] = [];
  #mover: SimProcess | null = null;
  /** As they were last. */
  readonly #replicas = new Map<string, readonly number[]>();

  constructor(world: World, plan: ReplicationPlan) {
    this.world = world;
    this.plan = plan;
    this.ledger = new Ledger(() => world.timeMs);
    this.cluster = new Cluster(world, { ...plan, onExit: (exit) => this.#onExit(exit) });
    this.losses = new DiskLosses({
      topics: plan.topics,
      replicasOf: (place) => this.#replicas.get(placeName(place)) ?? [],
      sentMs: ({ producer, number, ...place }) =>
        this.ledger.session(producer)?.sentTo(place)[number]?.sentMs ?? 0,
    });
    const { mayStartLate } = plan;
    this.#reads = new ReplicatedReads({ losses: this.losses, mayStartLate });
    this.#leaders = new PartitionLeaders(this.losses);
  }

  get places(): TopicPartition[] {
    return placesOf(this.plan.topics);
  }

  /** Hosts of the clients. */
  get clients(): string[] {
    return [...this.#producers, ...this.#readers].map(({ host }) => host.name);
  }

  /** Every producer has settled all of its records. */
  get isProduced(): boolean {
    return this.#producers.every(({ hasReturned }) => hasReturned);
  }

  /** A broker that cannot start while the store is away is started again, as by an init system. */
  #onExit(exit: BrokerExit): void {
    const { broker, error, wasStarting } = exit;
    this.exits.push(exit);
    if (!wasStarting) {
      this.world.fail(error);
      return;
    }
    this.world.note(`${broker.host.name} is started again in a moment`);
    this.world.loop.schedule(againMs, () => {
      if (!broker.isUp && broker.host.isUp) broker.start();
    });
  }

  /** Starts the cluster, creates the topics and lets the clients loose. */
  async begin(): Promise<void> {
    const { plan, cluster, places, world } = this;
    const { bootstrapServers } = cluster;
    const wrong = cluster.brokers[world.prng.fork('wrong clock').int(plan.brokers)];
    if (plan.wrongClockMs !== 0) wrong?.host.shiftClock(plan.wrongClockMs);
    cluster.start();
    await world.run(() => cluster.brokers.every(({ isReady }) => isReady), inSyncMsMax);
    await cluster.asClient('admin', (io) => createTopics(io, plan.topics, bootstrapServers));
    await this.#learnReplicas();
    for (const producer of plan.producers) this.addProducer(producer);
    for (const [name, isolationLevel] of [
      ['tail-1', 'read_uncommitted'],
      ['tail-2', 'read_committed'],
    ] as const) {
      const options = { name, isolationLevel, places, bootstrapServers };
      const tail = { ...options, reads: this.#reads, fetchMaxWaitMs: 200 };
      this.#readers.push(cluster.runClient(name, (io) => followTail(io, tail)));
    }
    const brokers = cluster.brokers.map(({ host }) => ({ host: host.name, port: brokerPort }));
    if (plan.isReadNear) {
      this.#readers.push(
        cluster.runClient('near', (io) =>
          readNear(io, { places, brokers, reads: this.#reads, waitMsMax: plan.nearWaitMs }),
        ),
      );
    }
    this.#readers.push(
      cluster.runClient('watch', (io) =>
        watchLeaders(io, {
          places,
          brokers,
          leaders: this.#leaders,
          onHighWatermark: (place, offset) => this.#reads.onHighWatermark('watch', place, offset),
          pauseMs: 200,
          prng: world.prng.fork('watch'),
        }),
      ),
    );
  }

  /** From now on replicas are moved to other brokers, so often. */
  moveReplicas(pauseMsMean: number): void {
    const { plan, cluster, places, world } = this;
    const { bootstrapServers } = cluster;
    const brokerIds = cluster.brokers.map((_, index) => index + 1);
    const prng = world.prng.fork('mover');
    const minOf = ({ topic }: TopicPartition): number =>
      plan.topics.find(({ name }) => name === topic)?.minInSyncReplicas ?? 1;
    this.#mover = cluster.runClient('mover', (io) =>
      moveReplicas(io, {
        ...{ bootstrapServers, places, brokerIds, pauseMsMean, prng },
        // One may be out of sync.
        replicasMin: (place) => Math.min(brokerIds.length, Math.max(2, minOf(place))),
      }),
    );
  }

  /** `replicas` null: cancels. */
  async reassign(place: TopicPartition, replicas: readonly number[] | null): Promise<void> {
    const { bootstrapServers } = this.cluster;
    const wanted = { ...place, replicas };
    await this.cluster.asClient('operator', (io) => reassign(io, bootstrapServers, wanted));
  }

  addProducer(producer: ProducerPlan): void {
    const { ledger, world, cluster } = this;
    const shared = { ledger, bootstrapServers: cluster.bootstrapServers, prng: world.prng };
    this.#producers.push(
      cluster.runClient(producer.name, (io) => produceLoad(io, producer, shared)),
    );
  }

  /** To be called when everything is healed: waits for the load, demands more, and checks all. */
  async finish(nemesis: ClusterNemesis): Promise<void> {
    const { world, places } = this;
    const prng = world.prng.fork('progress');
    this.#mover?.kill();
    await this.#settled('everything is taken', () => this.isProduced, progressMsMax);
    const recordCount = 2 * places.length;
    this.addProducer(
      drawProducer(prng, { name: 'progress', places, recordCount, isPatient: true }),
    );
    await this.#settled('everything new is taken', () => this.isProduced, progressMsMax);
    const isServed = (): boolean => this.cluster.brokers.every(({ isReady }) => isReady);
    // Also those without a replica: one that starts yet is not asked to stop.
    await this.#settled('every broker serves', isServed, progressMsMax);
    // A broker may yet pass on what was asked by who is dead.
    if (this.#mover !== null) await world.advance(reassignMsMax);
    await this.#untilInSync();
    await this.#untilMoved();
    await world.advance(restMs);
    const contents = await this.check();
    nemesis.leave();
    await this.#stopAll();
    this.#compareCopies(contents);
  }

  /** Reads everything back and holds it against the promises. */
  async check(): Promise<readonly PartitionContents[]> {
    const { cluster, places, plan, ledger, losses } = this;
    const { mayStartLate } = plan;
    const { bootstrapServers } = cluster;
    const marks = this.#reads.marks();
    const contents = await cluster.asClient(
      'checker',
      (io) => readBack(io, { bootstrapServers, places, mayStartLate }),
      checkMsMax,
    );
    for (const each of contents) {
      assertDense(each);
      assertSent(ledger, each);
      assertNoDuplicatesNorReordering(ledger, each);
      const isPromised = losses.isPromised.bind(losses);
      assertAcknowledgedSurvive(ledger, each, { mayStartLate, isReplicated: true, isPromised });
      if (losses.isPromisedAll(each)) assertPrefixOfSent(ledger, each, { isReplicated: true });
      this.#reads.assertStillThere(each, marks);
      for (const record of each.records) this.#reads.onRecord('checker', record);
    }
    return contents;
  }

  async #settled(what: string, isDone: () => boolean, limitMs: number): Promise<void> {
    try {
      await this.world.run(isDone, limitMs);
    } catch (error) {
      if (!(error as Error).message.startsWith('what was waited for')) throw error;
      throw new Error(`no progress after everything healed: not ${what}; ${await this.#states()}`);
    }
  }

  async #states(): Promise<string> {
    const states = await this.#describe(({ leader, isr }) => [leader, ...isr], 5_000).catch(
      () => new Map<string, readonly number[]>(),
    );
    const shown = [...states].map(([place, [leader, ...isr]]) => {
      const replicas = this.#replicas.get(place)?.join(' ');
      return `${place} of ${replicas} has leader ${leader}, in sync ${isr.join(' ')}`;
    });
    return shown.join('; ');
  }

  async #learnReplicas(): Promise<void> {
    const replicas = await this.#describe(({ replicas: ids }) => ids);
    for (const [place, ids] of replicas) this.#replicas.set(place, ids);
  }

  async #untilInSync(): Promise<void> {
    const { world } = this;
    const endMs = world.timeMs + inSyncMsMax;
    for (;;) {
      const missing = await this.#describe(({ replicas, isr }) =>
        replicas.filter((id) => !isr.includes(id)),
      );
      const behind = [...missing].filter(([, ids]) => ids.length > 0);
      if (behind.length === 0) return;
      if (world.timeMs > endMs) {
        const list = behind.map(([place, ids]) => `${ids.join(' and ')} of ${place}`).join(', ');
        throw new Error(`no progress after everything healed: not in sync are ${list}`);
      }
      await world.advance(restMs);
    }
  }

  /** Whatever was under way is complete. */
  async #untilMoved(): Promise<void> {
    const { world, cluster } = this;
    const { bootstrapServers } = cluster;
    const endMs = world.timeMs + inSyncMsMax;
    for (;;) {
      const left = await cluster.asClient('admin', async (io) => {
        const admin = new Admin({ bootstrapServers }, io);
        const found = await admin.cluster.listReassignments();
        await admin.close();
        return found.map(placeName);
      });
      if (left.length === 0) break;
      if (world.timeMs > endMs) throw new Error(`never moved: ${left.join(', ')}`);
      await world.advance(restMs);
    }
    await this.#learnReplicas();
  }

  async #describe(
    pick: (partition: PartitionReplicas) => readonly number[],
    limitMs?: number,
  ): Promise<Map<string, readonly number[]>> {
    const { cluster, plan } = this;
    const { bootstrapServers } = cluster;
    const topics = plan.topics.map(({ name }) => name);
    return await cluster.asClient(
      'admin',
      async (io) => {
        const admin = new Admin({ bootstrapServers }, io);
        const found = new Map<string, readonly number[]>();
        for (const topic of await admin.describeTopics(topics)) {
          for (const each of topic.partitions ?? []) {
            const { partition, replicas, isr, leader } = each;
            const ids = { replicas: replicas.map(nodeIdOf), isr: isr.map(nodeIdOf), leader };
            found.set(placeName({ topic: topic.name, partition }), pick(ids));
          }
        }
        await admin.close();
        return found;
      },
      limitMs,
    );
  }

  /** As with Ctrl-C: all of them get the signal at once. */
  async #stopAll(): Promise<void> {
    const { cluster } = this;
    for (const reader of this.#readers) reader.kill();
    for (const broker of cluster.brokers) broker.stop();
    const isOver = () => cluster.brokers.every(({ isUp }) => !isUp);
    await this.#settled('all brokers stop at once', isOver, stopMsMax);
  }

  #assertOldGone(place: TopicPartition): void {
    const { cluster, world, plan } = this;
    const ids = this.#replicas.get(placeName(place)) ?? [];
    for (const id of cluster.store?.counts.partition(place)?.everReplicas ?? []) {
      if (ids.includes(id)) continue;
      assertNoCopy(place, id, cluster.brokers[id - 1]?.host.files as never, plan.logDirs);
      world.reached.onReached(oldLogsGone);
    }
  }

  #compareCopies(contents: readonly PartitionContents[]): void {
    for (const { topic, partition, startOffset, endOffset } of contents) {
      const place = { topic, partition };
      this.#assertOldGone(place);
      const plan = this.plan.topics.find(({ name }) => name === topic) as ReplicatedTopicPlan;
      const files = new Map(
        (this.#replicas.get(placeName(place)) ?? []).map((id) => {
          return [id, this.cluster.brokers[id - 1]?.host.files as never] as const;
        }),
      );
      const isCompacted = plan.configs['cleanup.policy'] === 'compact';
      const copies = copiesOf(place, files, this.plan.logDirs);
      assertCopiesAgree({ ...place, startOffset, endOffset, isCompacted }, copies);
    }
  }
}

interface PartitionReplicas {
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}
