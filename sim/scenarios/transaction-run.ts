// Transactional clients that come to harm, from the first transaction to the last check: they are
// started, die in the middle of transactions, freeze, and share transactional ids; then everything
// is healed, progress is demanded, and what is visible is held against what was promised.

import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import { Admin, Consumer, Producer } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import {
  assertCopiedOnce,
  assertNothingOpen,
  assertWholeOrAbsent,
  CommittedReads,
  type Copies,
  openPlaces,
  type Place,
  TransactionLedger,
} from '../checkers/index.ts';
import { Cluster, type ClusterOptions } from '../cluster.ts';
import { calm } from '../faults.ts';
import type { Target } from '../nemesis.ts';
import type { SimProcess } from '../sim-process.ts';
import {
  type CopierPlan,
  copyTransactions,
  followCommitted,
  readCommitted,
  stableEnds,
  TransactionalIds,
  type TransactionWatch,
  type WriterPlan,
  writeTransactions,
} from '../workloads/index.ts';
import type { World } from '../world.ts';
import { createTopics, placesOf } from './load-run.ts';
import {
  type ClientPlan,
  copiesTopic,
  drawLife,
  sourceTopic,
  type TransactionTopics,
} from './transaction-plan.ts';

/** The levels of the feature transaction.version: clients speak the second protocol from 2 on. */
export const transactionVersions = [0, 1, 2] as const;
export type TransactionVersion = (typeof transactionVersions)[number];

export interface TransactionLoadPlan extends ClusterOptions, TransactionTopics {
  /** Of the cluster: which protocol is spoken. */
  readonly transactionVersion: TransactionVersion;
  /** Small segments for the logs of the coordinators. */
  readonly internalSegmentBytes: string | null;
  /** Mean time between two events in the lives of the clients. 0: nothing happens to them. */
  readonly churnMsMean: number;
  /** Of copiers: who joins waits little longer for a coordinator that says nothing any more. */
  readonly maxPollIntervalMs?: number;
  /** After the faults every transaction ends within this. Default 600 000. */
  readonly settledMsMax?: number;
  /** What the lives of the clients have over what is drawn. */
  readonly lives?: { readonly writer: Partial<WriterPlan>; readonly copier: Partial<CopierPlan> };
  /** What is held against the promises. Default: everything. */
  readonly checks?: readonly TransactionCheck[];
}

export const transactionChecks = ['atomicity', 'isolation', 'copies', 'progress'] as const;
export type TransactionCheck = (typeof transactionChecks)[number];

/** One life after the other of one client. */
interface Slot {
  readonly client: ClientPlan;
  /** More than one may live: the older ones are zombies. */
  processes: SimProcess[];
  lifeCount: number;
}

const checkMsMax = 600_000;
const freezeMsMean = 3_000;

export class TransactionRun {
  readonly world: World;
  readonly cluster: Cluster;
  readonly ledger = new TransactionLedger();
  readonly watch: TransactionWatch;
  readonly reads: CommittedReads;
  readonly #plan: TransactionLoadPlan;
  readonly #prng: Prng;
  readonly #slots: readonly Slot[];

  constructor(world: World, plan: TransactionLoadPlan) {
    this.world = world;
    this.#plan = plan;
    this.#prng = world.prng.fork('churn');
    this.cluster = new Cluster(world, plan);
    const { bootstrapServers } = this.cluster;
    const ids = new TransactionalIds();
    const clocksApartMs = (forMs: number): number => this.cluster.clocksApartMs(forMs);
    const { ledger } = this;
    this.watch = { bootstrapServers, ledger, ids, clocksApartMs, isSettling: false };
    this.reads = new CommittedReads(this.ledger);
    this.#slots = plan.clients.map((client) => ({ client, processes: [], lifeCount: 0 }));
  }

  get places(): Place[] {
    return placesOf(this.#plan.topics);
  }

  get target(): Target {
    const { broker } = this.cluster;
    return { host: broker.host, start: () => broker.start() };
  }

  /** Hosts of the clients, for a nemesis. */
  get peers(): string[] {
    return this.#slots.map(({ client }) => client.name);
  }

  /** No client has anything left to do, but for copiers, who never have. */
  get isWritten(): boolean {
    const writers = this.#slots.filter(({ client }) => client.kind === 'writer');
    return writers.every((slot) => !isAtWork(slot));
  }

  /** Starts the broker, creates the topics, and lets the readers loose. */
  async begin(): Promise<void> {
    const { cluster, places, reads } = this;
    const { bootstrapServers } = cluster;
    await cluster.begin();
    await cluster.asClient('admin', (io) => this.#prepare(io));
    for (const name of ['tail-1', 'tail-2']) {
      const small = name === 'tail-2' ? { maxPartitionFetchBytes: 300 } : {};
      const options = { name, places, reads, bootstrapServers, ...small };
      cluster.runClient(name, (io) => followCommitted(io, options));
    }
  }

  /** The clients begin. */
  letLoose(): SimProcess[] {
    const processes = this.#slots.map(({ client }) => this.start(client));
    if (this.#plan.churnMsMean > 0) this.#churn();
    return processes;
  }

  /** One more life of the client. Those before live on, unless they are killed. */
  start(client: ClientPlan): SimProcess {
    const slot = this.#slots.find((each) => each.client === client) as Slot;
    const name = `${client.name}#${++slot.lifeCount}`;
    const prng = this.world.prng.fork(`life ${name}`);
    const drawn = this.#patient(drawLife(prng, this.#plan, { client, name }));
    const plan = this.#pollingOften({ ...drawn, ...this.#plan.lives?.[client.kind] });
    const process = this.cluster.runClient(client.name, (io) =>
      client.kind === 'writer'
        ? writeTransactions(io, plan as WriterPlan, this.watch, prng)
        : copyTransactions(io, plan as CopierPlan, this.watch, prng),
    );
    slot.processes = [...slot.processes.filter(({ isAlive }) => isAlive), process];
    return process;
  }

  #pollingOften<P extends WriterPlan | CopierPlan>(plan: P): P {
    const { maxPollIntervalMs } = this.#plan;
    if (maxPollIntervalMs === undefined || !('consumerOptions' in plan)) return plan;
    return { ...plan, consumerOptions: { ...plan.consumerOptions, maxPollIntervalMs } };
  }

  /**
   * In the first protocol an EndTxn that its client has given up on, and that comes late, ends the
   * next transaction: KIP-890 exists because of it. Clients there do not give up.
   */
  #patient<P extends WriterPlan | CopierPlan>(plan: P): P {
    if (this.#plan.transactionVersion === 2) return plan;
    const patience = { requestTimeoutMs: 100_000, deliveryTimeoutMs: 120_000 };
    return { ...plan, options: { ...plan.options, ...patience } };
  }

  heal(): void {
    this.world.faults = calm;
    this.world.network.heal();
  }

  /** To be called when everything is healed: demands progress, and checks everything. */
  async finish(): Promise<void> {
    const { world, ledger } = this;
    this.watch.isSettling = true;
    await this.#settle();
    const before = ledger.count('committed');
    await this.#commitOne();
    assert(ledger.count('committed') > before, 'when all is healed a transaction can be committed');
    await this.#settle();
    await this.check();
    const counts = (['committed', 'aborted', 'asked', 'open'] as const).map((outcome) => {
      return `${ledger.count(outcome)} ${outcome}`;
    });
    world.note(`transactions: ${counts.join(', ')}; ${this.reads.recordCount} records followed`);
  }

  /** Reads everything back and holds it against the promises. */
  async check(): Promise<readonly Copies[]> {
    const { ledger, places, reads, cluster } = this;
    const options = { bootstrapServers: cluster.bootstrapServers, places };
    const contents = await cluster.asClient(
      'checker',
      (io) => readCommitted(io, options),
      checkMsMax,
    );
    if (this.#demands('atomicity')) assertWholeOrAbsent(ledger, contents);
    if (this.#demands('isolation')) for (const each of contents) reads.assertSameAs(each);
    if (this.#demands('copies')) {
      const isComplete = this.#hasCopiers;
      for (const { input, output } of pairs(contents)) {
        assertCopiedOnce(input, output, { isComplete });
      }
    }
    return contents;
  }

  get #hasCopiers(): boolean {
    return this.#plan.clients.some(({ kind }) => kind === 'copier');
  }

  /** Every transaction has ended, and everything is copied. */
  async #settle(): Promise<void> {
    const { world, cluster, places } = this;
    const options = { bootstrapServers: cluster.bootstrapServers, places };
    const endMs = world.timeMs + (this.#plan.settledMsMax ?? 600_000);
    for (;;) {
      // Some were about to end when they were told to stay.
      for (const slot of this.#slots) {
        if (slot.client.kind === 'copier' && !isAtWork(slot)) this.start(slot.client);
      }
      const ends = await cluster.asClient('checker', (io) => stableEnds(io, options), checkMsMax);
      const isOver = world.timeMs > endMs;
      const isStable = openPlaces(ends).length === 0;
      if (isOver && this.#demands('progress')) assertNothingOpen(ends);
      if ((isStable && this.isWritten && (await this.#isCopied())) || isOver) return;
      await world.advance(500);
    }
  }

  async #isCopied(): Promise<boolean> {
    if (!this.#hasCopiers || !this.#demands('copies')) return true;
    const options = { bootstrapServers: this.cluster.bootstrapServers, places: this.places };
    const contents = await this.cluster.asClient(
      'checker',
      (io) => readCommitted(io, options),
      checkMsMax,
    );
    return pairs(contents).every(({ input, output }) => {
      return output.records.length >= input.records.length;
    });
  }

  async #commitOne(): Promise<void> {
    const client = this.#plan.clients[0] as ClientPlan;
    const prng = this.world.prng.fork('progress');
    const plan = drawLife(prng, this.#plan, { client, name: 'progress' }) as WriterPlan;
    const options = { ...plan.options, transactionTimeoutMs: 60_000 };
    const counts = { transactionCount: 5, recordsMax: 20, pauseMsMean: 5 };
    const eager = { ...plan, ...counts, options, abortChance: 0, slowChance: 0 };
    const watch = { ...this.watch, isSettling: false };
    await this.cluster.asClient('progress', (io) => writeTransactions(io, eager, watch, prng));
  }

  async #prepare(io: Io): Promise<void> {
    const { topics, transactionVersion, internalSegmentBytes } = this.#plan;
    const { bootstrapServers } = this.cluster;
    await createTopics(io, topics, bootstrapServers);
    const admin = new Admin({ bootstrapServers }, io);
    await setTransactionVersion(admin, transactionVersion);
    this.world.reached.onReached(versionName(transactionVersion));
    if (internalSegmentBytes !== null) {
      await makeInternalTopics(io, bootstrapServers);
      const configs = [
        { name: 'internal.segment.bytes', operation: 'set', value: internalSegmentBytes } as const,
      ];
      const resources = internalTopics.map((name) => ({ type: 'topic', name, configs }) as const);
      for (const { error } of await admin.incrementalAlterConfigs(resources)) {
        if (error !== null) throw error;
      }
    }
    await admin.close();
  }

  /** One thing after the other happens to clients, until they are to settle. */
  #churn(): void {
    const plan = (): void => {
      const pauseMs = -this.#plan.churnMsMean * Math.log(1 - this.#prng.float());
      this.world.loop.schedule(pauseMs, () => {
        if (this.watch.isSettling) return;
        this.#disturb(this.#prng.pick(this.#slots));
        plan();
      });
    };
    plan();
  }

  #disturb(slot: Slot): void {
    const [oldest] = slot.processes.filter(({ isAlive }) => isAlive);
    const prng = this.#prng;
    if (!isAtWork(slot)) {
      this.start(slot.client);
    } else if (prng.chance(0.25)) {
      oldest?.freeze(prng.int(2 * freezeMsMean));
      // Another life under the same id, before this one is over.
      if (prng.chance(0.3)) this.start(slot.client);
    } else if (prng.chance(0.5)) {
      oldest?.killAtNetworkOperation(prng.int(20));
    } else {
      for (const process of slot.processes) process.kill();
      if (prng.chance(0.7)) this.start(slot.client);
    }
  }

  #demands(check: TransactionCheck): boolean {
    return (this.#plan.checks ?? transactionChecks).includes(check);
  }
}

/** How runs count their clusters. */
export function versionName(version: TransactionVersion): string {
  return `clusters with transaction.version ${version}`;
}

/** A new cluster has the newest. */
export async function setTransactionVersion(
  admin: Admin,
  maxVersionLevel: TransactionVersion,
): Promise<void> {
  if (maxVersionLevel === 2) return;
  const feature = 'transaction.version';
  const upgradeType = 'unsafe-downgrade';
  await admin.cluster.updateFeatures([{ feature, maxVersionLevel, upgradeType }]);
}

const internalTopics = ['__transaction_state', '__consumer_offsets'];

/** They come into being when somebody looks for a coordinator. */
async function makeInternalTopics(io: Io, bootstrapServers: string): Promise<void> {
  const producer = new Producer({ bootstrapServers, transactionalId: 'first' }, io);
  await producer.initTransactions();
  await producer.close();
  const consumer = new Consumer({ bootstrapServers, groupId: 'first' }, io);
  await consumer.committed([{ topic: sourceTopic, partition: 0 }]);
  await consumer.close();
}

function isAtWork({ processes }: Slot): boolean {
  return processes.some(({ isAlive, hasReturned }) => isAlive && !hasReturned);
}

/** The source and its copies, partition by partition. */
function pairs(contents: readonly Copies[]): { input: Copies; output: Copies }[] {
  const of = (topic: string) => contents.filter((each) => each.topic === topic);
  const outputs = of(copiesTopic);
  return of(sourceTopic).map((input, index) => ({ input, output: outputs[index] as Copies }));
}
