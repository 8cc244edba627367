// A cluster of ours on a real store under a steady producer and a reader, while the store is away,
// or forgets everybody who is registered in it. Whoever plays a part says what was wrong in it.
//
// Invariant: leaders are moved by nothing but what the story does: they are compared by their
// epochs, so that one who left and came back is found.

import { Admin, Consumer, Producer } from '../../../src/client/index.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import { loopback, NamespaceNetwork, whyNoNamespaces } from './network.ts';
import { clusterPlaces, PartitaCluster, placeOf } from './partita-cluster.ts';
import type { StoreKind } from './store-members.ts';

/** How a store goes away: all of its members end, nobody reaches them, or they stand still. */
export type Away = 'stop' | 'cut' | 'SIGSTOP';

export interface StoryOptions {
  readonly store: StoreKind;
  readonly storeMemberCount: number;
  readonly sessionMs: number;
  readonly say: (line: string) => void;
}

interface Led {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
}

const topic = 'told';
const partitionCount = 6;
const minInSync = 2;
const sendEachMs = 20;
const settleMsMax = 120_000;
const quiet = createNodeIo({ logLevel: 'off' });
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Records of one partition as somebody heard of them. */
class Heard {
  readonly values: string[] = [];
  lastMs = performance.now();
  longestPauseMs = 0;

  add(value: string): void {
    const nowMs = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - this.lastMs);
    this.lastMs = nowMs;
    this.values.push(value);
  }
}

export class StoreStory {
  readonly cluster: PartitaCluster;
  readonly #options: StoryOptions;
  readonly #admin: Admin;
  readonly #producer: Producer;
  readonly #consumer: Consumer;
  readonly #sent = Array.from({ length: partitionCount }, () => new Heard());
  readonly #read = Array.from({ length: partitionCount }, () => new Heard());
  readonly #found: string[] = [];
  #loops: Promise<void>[] = [];
  #isEnding = false;
  #probes = 0;

  private constructor(cluster: PartitaCluster, options: StoryOptions) {
    this.cluster = cluster;
    this.#options = options;
    const { bootstrapServers } = cluster;
    this.#admin = new Admin({ bootstrapServers }, quiet);
    const patient = { deliveryTimeoutMs: 2 * settleMsMax, maxBlockMs: 2 * settleMsMax };
    this.#producer = new Producer({ bootstrapServers, acks: 'all', ...patient }, quiet);
    this.#consumer = new Consumer({ bootstrapServers, fetchMaxWaitMs: 100 }, quiet);
  }

  static async tell(
    options: StoryOptions,
    tell: (story: StoreStory) => Promise<void>,
  ): Promise<readonly string[]> {
    const { store, storeMemberCount, sessionMs } = options;
    const places = clusterPlaces(store, storeMemberCount);
    const network = whyNoNamespaces() === null ? new NamespaceNetwork(places) : loopback;
    try {
      const cluster = await PartitaCluster.start({
        ...{ store, storeMemberCount, network },
        config: {
          'broker.session.timeout.ms': `${sessionMs}`,
          'broker.heartbeat.interval.ms': `${Math.round(sessionMs / 6)}`,
          'replica.lag.time.max.ms': `${2 * sessionMs}`,
          'auto.leader.rebalance.enable': 'false',
        },
      });
      const story = new StoreStory(cluster, options);
      try {
        await story.#begin();
        await tell(story);
        await story.#end();
        return story.#found;
      } finally {
        await story.#close();
        await cluster.dispose();
      }
    } finally {
      network.dispose();
    }
  }

  async #begin(): Promise<void> {
    await this.#create(topic, partitionCount);
    for (const [partition, heard] of this.#sent.entries()) {
      this.#loops.push(this.#send(partition, heard));
    }
    this.#loops.push(this.#poll());
    await this.#progress();
  }

  async #create(name: string, numPartitions: number): Promise<void> {
    const configs = { 'min.insync.replicas': `${minInSync}` };
    const [created] = await this.#admin.createTopics(
      [{ name, numPartitions, replicationFactor: 3, configs }],
      { timeoutMs: settleMsMax },
    );
    // The answer to an attempt before may have been lost.
    if (created?.error && created.error.errorName !== 'TOPIC_ALREADY_EXISTS') throw created.error;
  }

  async #send(partition: number, heard: Heard): Promise<void> {
    for (let number = 0; !this.#isEnding; number++) {
      try {
        await this.#producer.send({ topic, partition, value: `${number}` });
        heard.add(`${number}`);
      } catch (error) {
        if (this.#isEnding) return;
        this.#found.push(`${topic}-${partition}: ${number}: ${(error as Error).message}`);
        return;
      }
      await sleep(sendEachMs);
    }
  }

  async #poll(): Promise<void> {
    const all = Array.from({ length: partitionCount }, (_, partition) => partition);
    await this.#consumer.assign(
      all.map((partition) => ({ topic, partition, offset: 'earliest' as const })),
    );
    while (!this.#isEnding) {
      for (const { partition, value } of await this.#consumer.poll(100)) {
        this.#read[partition]?.add(`${value}`);
      }
    }
  }

  get #heard(): readonly Heard[] {
    return [...this.#sent, ...this.#read];
  }

  /** Each partition takes another record, which is read. */
  async #progress(): Promise<void> {
    const before = this.#heard.map(({ values }) => values.length);
    const isOver = (): boolean =>
      this.#heard.every(({ values }, index) => values.length > (before[index] as number));
    for (const beganMs = performance.now(); !isOver(); await sleep(20)) {
      if (performance.now() - beganMs > settleMsMax) {
        const now = this.#heard.map(({ values }) => values.length);
        throw new Error(`no progress: ${before} became ${now}\n${this.cluster.output}`);
      }
    }
  }

  async #led(): Promise<Map<string, Led>> {
    const topics = await this.#admin.describeTopics(null);
    return new Map(
      topics.flatMap(({ name, partitions }) =>
        partitions.map((each) => [`${name}-${each.partition}`, each] as const),
      ),
    );
  }

  async inSync(): Promise<void> {
    let seen = '';
    for (const beganMs = performance.now(); performance.now() - beganMs < settleMsMax; ) {
      const led = await this.#led().catch(() => null);
      const open = [...(led ?? [])].filter(([, { leader, isr }]) => leader < 0 || isr.length < 3);
      if (led !== null && open.length === 0) return;
      seen = open.map(([name, { leader, isr }]) => `${name}: ${leader} of ${isr}`).join(', ');
      await sleep(100);
    }
    throw new Error(`not in sync: ${seen}\n${this.cluster.output}`);
  }

  /** Something is decided and seen again. */
  async #settled(): Promise<void> {
    await this.#create(`probe-${this.#probes++}`, 1);
    await sleep(2 * this.#options.sessionMs);
    await this.inSync();
  }

  async #goAway(how: Away): Promise<void> {
    const { cluster } = this;
    if (how === 'stop') await cluster.endStore('SIGTERM');
    else if (how === 'SIGSTOP') this.#signalStore('SIGSTOP');
    else {
      for (const broker of cluster.brokerIds.map(placeOf)) {
        for (const member of cluster.store.places) {
          cluster.network.cut(broker, member);
          cluster.network.cut(member, broker);
        }
      }
    }
  }

  async #comeBack(how: Away): Promise<void> {
    if (how === 'stop') await this.cluster.startStore();
    else if (how === 'SIGSTOP') this.#signalStore('SIGCONT');
    else this.cluster.network.heal();
  }

  #signalStore(signal: NodeJS.Signals): void {
    for (const place of this.cluster.store.places) this.cluster.signal(place, signal);
  }

  canPlay(how: Away): boolean {
    return how !== 'cut' || this.cluster.network.canCut;
  }

  /** With nothing else broken: everything goes on meanwhile, and no leader moves afterwards. */
  async away(how: Away, awayMs: number): Promise<void> {
    const { say } = this.#options;
    const before = await this.#led();
    for (const heard of this.#heard) heard.longestPauseMs = 0;
    await this.#goAway(how);
    await sleep(awayMs / 2);
    const halfMs = performance.now();
    await sleep(awayMs / 2);
    for (const [index, { lastMs }] of this.#heard.entries()) {
      if (lastMs > halfMs) continue;
      const what = index < partitionCount ? 'acknowledged' : 'read';
      this.#found.push(`${how}: nothing is ${what} of ${topic}-${index % partitionCount}`);
    }
    const returnMs = performance.now();
    await this.#comeBack(how);
    await this.#settled();
    const settledMs = Math.round(performance.now() - returnMs);
    this.#compare(how, before, await this.#led(), 0);
    const pauseMs = Math.max(...this.#heard.map(({ longestPauseMs }) => longestPauseMs));
    const name = `${this.#options.store} away by ${how} for ${awayMs} ms`;
    say(`${name}: longest pause ${Math.round(pauseMs)} ms, settled ${settledMs} ms after`);
  }

  /** Elections since then, of each partition, are at most so many. */
  #compare(what: string, before: Map<string, Led>, after: Map<string, Led>, electionsMax: number) {
    for (const [name, { leader, leaderEpoch }] of before) {
      const now = after.get(name);
      if (now !== undefined && now.leaderEpoch <= leaderEpoch + electionsMax) continue;
      const then = `${name} was led by ${leader} in epoch ${leaderEpoch}`;
      this.#found.push(`${what}: ${then}, and is by ${now?.leader} in ${now?.leaderEpoch}`);
    }
  }

  /** A leader that dies meanwhile is replaced when the store is back; returns how long after. */
  async leaderDies(how: Away, awayMs: number): Promise<number> {
    const victim = (await this.#led()).get(`${topic}-0`)?.leader as number;
    await this.#goAway(how);
    await sleep(awayMs / 2);
    await this.cluster.end(victim, 'SIGKILL');
    await sleep(awayMs / 2);
    await this.#comeBack(how);
    const returnMs = performance.now();
    await this.#progress();
    const tookMs = Math.round(performance.now() - returnMs);
    this.#options.say(`${this.#options.store} back after ${how}: replaced in ${tookMs} ms`);
    await this.cluster.startBroker(victim);
    await this.inSync();
    return tookMs;
  }

  /** All who are registered are forgotten at once, while all of them live. */
  async sessionsEnd(): Promise<void> {
    const before = await this.#led();
    const ended = await this.cluster.store.endSessions();
    const isLow = new Set<string>();
    const { sessionMs, say, store } = this.#options;
    for (const beganMs = performance.now(); performance.now() - beganMs < 2 * sessionMs; ) {
      for (const [name, { isr }] of await this.#led().catch(() => new Map<string, Led>())) {
        if (isr.length < minInSync) isLow.add(`${name}: the ISR became ${isr}`);
      }
      await sleep(20);
    }
    this.#found.push(...isLow);
    await this.#settled();
    const after = await this.#led();
    this.#compare('sessions ended', before, after, 1);
    const moved = [...before].filter(([name, was]) => {
      return after.get(name)?.leaderEpoch !== was.leaderEpoch;
    });
    const elections = `${moved.length} elections in ${before.size} partitions`;
    say(`${store}: ${ended} sessions or keys of them ended: ${elections}`);
  }

  /** What was acknowledged is read once and in order. */
  async #end(): Promise<void> {
    await this.#progress();
    this.#isEnding = true;
    await Promise.all(this.#loops);
    for (const [partition, { values }] of this.#sent.entries()) {
      const read = this.#read[partition]?.values as string[];
      const beganMs = performance.now();
      while (read.length < values.length && performance.now() - beganMs < settleMsMax) {
        for (const each of await this.#consumer.poll(100)) {
          this.#read[each.partition]?.add(`${each.value}`);
        }
      }
      const at = values.findIndex((value, index) => read[index] !== value);
      if (at < 0) continue;
      this.#found.push(`${topic}-${partition}: at ${at} is ${read[at]}, and not ${values[at]}`);
    }
  }

  async #close(): Promise<void> {
    this.#isEnding = true;
    await this.#consumer.close();
    await this.#admin.close();
    await this.#producer.close({ timeoutMs: 0 });
  }
}
