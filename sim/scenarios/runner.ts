// A group whose members run a handler: they die, freeze, leave and come, so that partitions move in
// the middle of handlers, while the broker is killed. One ordering after the other, seed by seed.

import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import { Admin, Consumer, Producer, type TopicPartition } from '../../src/client/index.ts';
import type { Ordering } from '../../src/client/runner/index.ts';
import type { Io } from '../../src/io/index.ts';
import { HandledRecords } from '../checkers/index.ts';
import { Cluster } from '../cluster.ts';
import { calm } from '../faults.ts';
import { Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import type { SimProcess } from '../sim-process.ts';
import { type RunningPlan, type RunningWatch, runRunningMember } from '../workloads/index.ts';
import type { World } from '../world.ts';
import { drawGroupConfig } from './group-plan.ts';

const line = /^never$/;
const reached = {
  beyond: 'commits with what is done beyond them',
  repeats: 'records that were handled again',
  aborted: 'handlers whose signal fired',
} as const;

export const runner: Scenario = {
  name: 'runner',
  about: 'a running handler sees every record, in order, and again only what was in hand',
  reaches: Object.values(reached).map((name) => ({ name, line })),
  run: (world, seed) => new RunnerRun(world, orderings[seed % 3] as Ordering).run(),
};

const orderings: readonly Ordering[] = ['key', 'partition', 'none'];
const topic = 'work';
const groupId = 'runners';
const harmMs = 15_000;
const settledMsMax = 600_000;

interface Slot {
  process: SimProcess | null;
  lives: number;
}

class RunnerRun {
  readonly #world: World;
  readonly #prng: Prng;
  readonly #ordering: Ordering;
  readonly #cluster: Cluster;
  readonly #watch: RunningWatch;
  readonly #places: readonly TopicPartition[];
  readonly #members: readonly Slot[];
  readonly #isClassic: boolean;
  readonly #isCooperative: boolean;

  constructor(world: World, ordering: Ordering) {
    this.#world = world;
    this.#ordering = ordering;
    this.#prng = world.prng.fork('plan');
    const prng = this.#prng;
    // Hosts differ about the time, and here nobody cares.
    const config = {
      'log.message.timestamp.after.max.ms': '9223372036854775807',
      'group.initial.rebalance.delay.ms': '0',
    };
    this.#cluster = new Cluster(world, { config: { ...drawGroupConfig(prng), ...config } });
    const { bootstrapServers } = this.#cluster;
    this.#watch = {
      bootstrapServers,
      handled: new HandledRecords(),
      isSettling: false,
      fail: (error) => world.fail(error),
    };
    const partitionCount = 1 + prng.int(4);
    this.#places = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }));
    this.#members = Array.from({ length: 2 + prng.int(2) }, () => ({ process: null, lives: 0 }));
    this.#isClassic = prng.chance(0.5);
    this.#isCooperative = prng.chance(0.5);
  }

  async run(): Promise<void> {
    const world = this.#world;
    const cluster = this.#cluster;
    const { broker } = cluster;
    await cluster.begin();
    await cluster.asClient('admin', (io) => this.#createTopic(io));
    const producer = cluster.runClient('producer', (io) => this.#produce(io));
    this.#churn();
    const prng = this.#prng;
    const nemesis = new Nemesis(world, {
      targets: [{ host: broker.host, start: () => broker.start() }],
      harms: ['kill', 'kill in a turn'],
      pauseMsMean: prng.pick([5_000, 20_000]),
      downMsMax: prng.pick([10, 2_000]),
    });
    nemesis.start();
    await world.advance(harmMs);
    nemesis.stop();
    world.faults = calm;
    world.network.heal();
    this.#watch.isSettling = true;
    await world.run(() => producer.hasReturned, settledMsMax);
    await this.#settle();
    const { handledCount, repeatCount, beyondCount, abortedCount } = this.#watch.handled;
    world.note(`${handledCount} records were handled, ${repeatCount} again`);
    const counts = new Map([
      [reached.beyond, beyondCount],
      [reached.repeats, repeatCount],
      [reached.aborted, abortedCount],
    ]);
    for (const [name, count] of counts) {
      for (let i = 0; i < count; i++) world.reached.onReached(name);
    }
  }

  async #createTopic(io: Io): Promise<void> {
    const { bootstrapServers } = this.#watch;
    const admin = new Admin({ bootstrapServers }, io);
    const [created] = await admin.createTopics([
      { name: topic, numPartitions: this.#places.length },
    ]);
    assert(created?.error === null, 'the topic is created');
    await admin.close();
  }

  async #produce(io: Io): Promise<void> {
    const prng = this.#world.prng.fork('producer');
    const { bootstrapServers } = this.#watch;
    const patience = { deliveryTimeoutMs: 3_600_000, maxBlockMs: 3_600_000 };
    const producer = new Producer({ bootstrapServers, ...patience, lingerMs: 0 }, io);
    const count = 80 + prng.int(150);
    for (let i = 0; i < count; i++) {
      const { partition } = prng.pick(this.#places);
      const key = prng.chance(0.9) ? `key-${prng.int(4)}` : `own-${i}`;
      void producer.send({ topic, partition, key, value: `${i}` });
      await io.clock.sleep(prng.chance(0.5) ? 0 : prng.int(200));
    }
    await producer.close();
  }

  #churn(): void {
    this.#start(0);
    const meanMs = this.#prng.pick([1_500, 3_000]);
    const plan = (): void => {
      const pauseMs = -meanMs * Math.log(1 - this.#prng.float());
      this.#world.loop.schedule(pauseMs, () => {
        if (this.#watch.isSettling) return;
        this.#disturb(this.#prng.int(this.#members.length));
        plan();
      });
    };
    plan();
  }

  #disturb(index: number): void {
    const { process } = this.#members[index] as Slot;
    if (process === null || !process.isAlive || process.hasReturned) this.#start(index);
    else if (this.#prng.chance(0.6)) process.freeze(this.#prng.int(6_000));
    else {
      process.kill();
      if (this.#prng.chance(0.5)) this.#start(index);
    }
  }

  #start(index: number): void {
    const member = this.#members[index] as Slot;
    member.process?.kill();
    const name = `member-${index + 1}#${++member.lives}`;
    const prng = this.#world.prng.fork(name);
    const plan = this.#drawMember(prng, name);
    member.process = this.#cluster.runClient(`member-${index + 1}`, (io) =>
      runRunningMember(io, plan, this.#watch, prng),
    );
  }

  #drawMember(prng: Prng, name: string): RunningPlan {
    const sessionTimeoutMs = 3_000;
    const classic = {
      groupProtocol: 'classic',
      sessionTimeoutMs,
      heartbeatIntervalMs: sessionTimeoutMs / 4,
      partitionAssignmentStrategy: [this.#isCooperative ? 'cooperative-sticky' : 'range'],
    } as const;
    const protocol = this.#isClassic ? classic : ({ groupProtocol: 'consumer' } as const);
    return {
      name,
      groupId,
      topic,
      options: {
        ...protocol,
        maxPollIntervalMs: 6_000,
        maxPollRecords: prng.pick([1, 5, 50]),
        fetchMaxWaitMs: prng.pick([100, 500]),
      },
      ordering: this.#ordering,
      concurrency: prng.pick([1, 3, 20]),
      drainMs: prng.pick([0, 300, 2_000]),
      commitIntervalMs: prng.pick([100, 1_000, 3_000]),
      inHandMax: prng.pick([5, 30, 1_000]),
      handleMsMean: prng.pick([5, 50, 200]),
      failChance: prng.pick([0, 0.05]),
      slowChance: prng.pick([0, 0.05]),
      heedsSignal: prng.chance(0.5),
      lifeMs: 3_000 + prng.int(20_000),
    };
  }

  /** Waits until all is handled and committed. */
  async #settle(): Promise<void> {
    const endMs = this.#world.timeMs + settledMsMax;
    for (;;) {
      for (const [index, { process }] of this.#members.entries()) {
        if (process?.isAlive !== true || process.hasReturned) this.#start(index);
      }
      const open = await this.#cluster.asClient('checker', (io) => this.#open(io), 120_000);
      if (open.length === 0) return;
      assert(this.#world.timeMs < endMs, `no progress when all is healed: ${open.join('; ')}`);
      await this.#world.advance(500);
    }
  }

  async #open(io: Io): Promise<string[]> {
    const { bootstrapServers, handled } = this.#watch;
    const open: string[] = [];
    const offsets = await readOffsets(io, bootstrapServers, this.#places);
    const admin = new Admin({ bootstrapServers }, io);
    const committed = await admin.listConsumerGroupOffsets(groupId, { partitions: this.#places });
    await admin.close();
    for (const [i, place] of this.#places.entries()) {
      const all = offsets[i] ?? [];
      const at = `${topic}-${place.partition}`;
      const missing = handled.missing({ ...place, groupId }, all);
      const end = all.length === 0 ? -1 : (all.at(-1) as number) + 1;
      const { offset, metadata } = committed[i] ?? { offset: -1, metadata: '' };
      if (offset === end && missing.length > 0) {
        assert(false, `${at}: all is committed, but ${missing.join(', ')} were not handled`);
      }
      if (offset !== end || metadata !== '') open.push(`${at} is at ${offset}, not ${end}`);
    }
    return open;
  }
}

/** The offsets of all records, by place. */
async function readOffsets(
  io: Io,
  bootstrapServers: string,
  places: readonly TopicPartition[],
): Promise<number[][]> {
  const reader = new Consumer({ bootstrapServers }, io);
  await reader.assign(places.map((place) => ({ ...place, offset: 'earliest' as const })));
  const ends = await reader.endOffsets(places);
  const offsets = places.map((): number[] => []);
  const isRead = (): boolean => ends.every(({ offset }, i) => (offsets[i]?.length ?? 0) >= offset);
  while (!isRead()) {
    for (const { partition, offset } of await reader.poll(500)) offsets[partition]?.push(offset);
  }
  await reader.close();
  return offsets;
}
