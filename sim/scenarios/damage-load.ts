// What happens on a broker before its files are damaged: clients of every kind write, topics are
// deleted and created again, offsets are committed, and it may be stopped or killed once before.

import type { Prng } from '../../src/base/prng.ts';
import { Admin } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import {
  KeyedLedger,
  Ledger,
  type Place,
  placeName,
  TransactionLedger,
} from '../checkers/index.ts';
import type { Cluster } from '../cluster.ts';
import type { FileSystem } from '../file-system.ts';
import type { SimProcess } from '../sim-process.ts';
import {
  drawProducer,
  produceLoad,
  TransactionalIds,
  writeKeyed,
  writeTransactions,
} from '../workloads/index.ts';
import type { World } from '../world.ts';
import { againTopic, type DamagePlan, epochMs, goneTopic, group } from './damage-plan.ts';
import { createTopics, placesOf } from './load-run.ts';

const startMsMax = 600_000;

export class DamageLoad {
  readonly ledger = new Ledger();
  /** Of the compacted topic. */
  readonly updates = new KeyedLedger();
  /** Id by name, of those that are there. */
  topicIds: ReadonlyMap<string, string> = new Map();
  /** What was committed for each partition, the last one last. */
  readonly commits = new Map<string, number[]>();
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #plan: DamagePlan;
  readonly #prng: Prng;
  readonly #clients: SimProcess[] = [];
  #survivor: SimProcess | null = null;

  constructor(world: World, cluster: Cluster, plan: DamagePlan) {
    this.#world = world;
    this.#cluster = cluster;
    this.#plan = plan;
    this.#prng = world.prng.fork('load');
  }

  get places(): Place[] {
    return placesOf(this.#plan.topics.filter(({ name }) => name !== goneTopic));
  }

  /** Until the broker is down. Returns the files as they were some time before. */
  async run(): Promise<FileSystem> {
    const { broker, bootstrapServers } = this.#cluster;
    const [world, cluster, plan, prng] = [this.#world, this.#cluster, this.#plan, this.#prng];
    cluster.start();
    await cluster.asClient('admin', (io) => createTopics(io, plan.topics, bootstrapServers));
    this.#letLoose();
    await world.advance(500 + prng.int(2_500));
    await cluster.asClient('admin', (io) => this.#change(io));
    const older = broker.host.files.clone();
    if (prng.chance(0.5)) {
      await this.end(prng.chance(0.5));
      cluster.start();
      await world.run(() => broker.isReady, startMsMax);
    }
    await world.advance(500 + prng.int(4_000));
    await cluster.asClient('admin', (io) => this.#commit(io));
    this.topicIds = await cluster.asClient('admin', (io) => this.listTopics(io));
    await world.advance(prng.int(1_000));
    for (const client of this.#clients) client.kill();
    await this.end(plan.isStoppedCleanly);
    return older;
  }

  async end(isClean: boolean): Promise<void> {
    const { broker } = this.#cluster;
    if (!isClean) {
      broker.kill();
      return;
    }
    broker.stop();
    await this.#world.run(() => !broker.isUp, startMsMax);
  }

  /** One producer goes on over the damage. */
  killSurvivor(): void {
    this.#survivor?.kill();
  }

  async listTopics(io: Io): Promise<Map<string, string>> {
    const admin = new Admin({ bootstrapServers: this.#cluster.bootstrapServers }, io);
    const described = await admin.describeTopics(null);
    await admin.close();
    const there = described.filter(({ error }) => error === null);
    return new Map(there.map(({ name, topicId }) => [name, String(topicId)]));
  }

  #letLoose(): void {
    const { ledger, places } = this;
    const { bootstrapServers } = this.#cluster;
    const prng = this.#prng.fork('producers');
    const plain = places.filter(({ topic }) => topic === 'plain' || topic === againTopic);
    const shared = { ledger, bootstrapServers, prng: this.#world.prng };
    for (const name of ['steady', 'survivor']) {
      const endless = { name, places: plain, recordCount: 5_000, isPatient: true };
      const drawn = { ...drawProducer(prng, endless), burstMax: 8, pauseMsMean: 100 };
      const process = this.#cluster.runClient(name, (io) => produceLoad(io, drawn, shared));
      if (name === 'survivor') this.#survivor = process;
      else this.#clients.push(process);
    }
    this.#writeTransactionsAndKeys();
  }

  #writeTransactionsAndKeys(): void {
    const [world, cluster, { places }] = [this.#world, this.#cluster, this];
    const { bootstrapServers } = cluster;
    const prng = this.#prng.fork('writers');
    const ledger = new TransactionLedger();
    const watch = {
      ...{ bootstrapServers, ids: new TransactionalIds(), ledger, isSettling: false },
      clocksApartMs: (forMs: number) => cluster.clocksApartMs(forMs),
    };
    const writer = {
      name: 'transactional',
      transactionalId: 'transactional',
      places: places.filter(({ topic }) => topic === 'transactional'),
      transactionCount: 1_000,
      recordsMax: 8,
      pauseMsMean: 100,
      abortChance: 0.4,
      slowChance: 0,
      options: { transactionTimeoutMs: 5_000, lingerMs: prng.pick([0, 5]) },
    };
    const keyed = {
      name: 'keyed',
      places: places.filter(({ topic }) => topic === 'keyed'),
      keyCount: 3,
      updateCount: 5_000,
      burstMax: 8,
      tombstoneChance: 0.1,
      pauseMsMean: 100,
      transactionalId: null,
      options: { acks: 'all' as const },
    };
    const nowMs = (): number => epochMs + Math.floor(world.timeMs);
    const keyedWatch = { ...watch, updates: this.updates, nowMs };
    this.#clients.push(
      cluster.runClient(writer.name, (io) => writeTransactions(io, writer, watch, prng.fork('t'))),
      cluster.runClient(keyed.name, (io) => writeKeyed(io, keyed, keyedWatch, prng.fork('k'))),
    );
  }

  /** Deletes one topic, and another to create it again. */
  async #change(io: Io): Promise<void> {
    const { bootstrapServers } = this.#cluster;
    const admin = new Admin({ bootstrapServers }, io);
    for (const { error } of await admin.deleteTopics([goneTopic, againTopic])) {
      if (error !== null) throw error;
    }
    await admin.close();
    const again = this.#plan.topics.filter(({ name }) => name === againTopic);
    await io.clock.sleep(200);
    await createTopics(io, again, bootstrapServers);
    await this.#commit(io);
  }

  async #commit(io: Io): Promise<void> {
    const admin = new Admin({ bootstrapServers: this.#cluster.bootstrapServers }, io);
    for (let round = 0; round < 5; round++) {
      const offsets = this.places.map((place) => ({ ...place, offset: this.#prng.int(1_000) }));
      const results = await admin.alterConsumerGroupOffsets(group, offsets);
      for (const [index, { error }] of results.entries()) {
        if (error !== null) throw error;
        const { offset, ...place } = offsets[index] as Place & { offset: number };
        const name = placeName(place);
        this.commits.set(name, [...(this.commits.get(name) ?? []), offset]);
      }
    }
    await admin.close();
  }
}
