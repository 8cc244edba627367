// A topic that is larger than one change of a real store, made by three real brokers whose
// controller is killed at each change that it takes: before its first piece, between any two,
// before the change that makes them visible, and after that one while its answer is on the way.
//
// Invariant: the request is sent once, to the controller alone, and nobody repeats it.

import assert from 'node:assert/strict';
import { ZERO_UUID } from '../../../src/base/uuid.ts';
import { Admin } from '../../../src/client/index.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import { createTopics } from '../../../src/protocol/messages/create-topics.ts';
import { metadata } from '../../../src/protocol/messages/metadata.ts';
import { PartitaCluster } from './partita-cluster.ts';
import type { StoreKind } from './store-members.ts';
import { type HeldPart, type StoreChange, StoreRelay } from './store-relay.ts';

export interface LargeTopicsOptions {
  readonly store: StoreKind;
  readonly partitionCount: number;
  /** Of its configs, which are part of the same batch. */
  readonly configBytes: number;
  readonly sessionMs: number;
  readonly say: (line: string) => void;
}

const topic = 'large';
/** A machine that is busy makes 10 000 partitions in minutes. */
const waitMsMax = 900_000;
const quiet = createNodeIo({ logLevel: 'off' });
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Lists of replicas, which may be as long as one likes, and so may the number of a partition. */
function longConfigs(bytes: number): Record<string, string> {
  const item = `${'0'.repeat(1000)}:1`;
  const count = Math.ceil(bytes / 2 / item.length);
  const list = Array.from({ length: count }, () => item).join(',');
  const names = [
    'leader.replication.throttled.replicas',
    'follower.replication.throttled.replicas',
  ];
  return Object.fromEntries(names.map((name) => [name, list]));
}

export class LargeTopics {
  readonly #cluster: PartitaCluster;
  readonly #relays: ReadonlyMap<number, StoreRelay>;
  readonly #admin: Admin;
  readonly #options: LargeTopicsOptions;
  #probes = 0;

  private constructor(
    cluster: PartitaCluster,
    relays: ReadonlyMap<number, StoreRelay>,
    options: LargeTopicsOptions,
  ) {
    this.#cluster = cluster;
    this.#relays = relays;
    this.#options = options;
    this.#admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, quiet);
  }

  static async tell(
    options: LargeTopicsOptions,
    tell: (story: LargeTopics) => Promise<void>,
  ): Promise<void> {
    const { store, sessionMs } = options;
    const relays = new Map<number, StoreRelay>();
    for (const id of [1, 2, 3]) relays.set(id, await StoreRelay.start(store));
    try {
      const cluster = await PartitaCluster.start({
        ...{ store, storeMemberCount: 1 },
        storeConfigOf: (id, config) => (relays.get(id) as StoreRelay).before(config),
        config: {
          'broker.session.timeout.ms': `${sessionMs}`,
          'broker.heartbeat.interval.ms': `${Math.round(sessionMs / 6)}`,
        },
      });
      const story = new LargeTopics(cluster, relays, options);
      try {
        await story.#probe();
        await tell(story);
      } catch (error) {
        throw new Error(`${(error as Error).stack}\n${cluster.output}`);
      } finally {
        await story.#admin.close();
        await cluster.dispose();
      }
    } finally {
      for (const relay of relays.values()) relay.close();
    }
  }

  #connect(id: number): Promise<ClientConnection> {
    const [host = '', port] = this.#cluster.addressOf(id).split(':');
    return ClientConnection.connect(quiet, { host, port: Number(port), clientId: null });
  }

  /** Something small is decided. */
  async #probe(): Promise<void> {
    const name = `probe-${this.#probes++}`;
    const options = { timeoutMs: waitMsMax };
    const [made] = await this.#admin.createTopics([{ name, assignments: [[1, 2, 3]] }], options);
    if (made?.error && made.error.errorName !== 'TOPIC_ALREADY_EXISTS') throw made.error;
  }

  async #controller(): Promise<number> {
    for (const beganMs = performance.now(); performance.now() - beganMs < waitMsMax; ) {
      const { controllerId } = await this.#admin.describeCluster();
      if (controllerId >= 0) return controllerId;
      await sleep(20);
    }
    throw new Error('nobody controls');
  }

  /** The request, once; the error of the topic, or that its answer never came. */
  async #create(controllerId: number): Promise<number | 'no answer'> {
    const { partitionCount, configBytes } = this.#options;
    const configs = Object.entries(longConfigs(configBytes));
    const connection = await this.#connect(controllerId);
    try {
      const body = {
        topics: [
          {
            ...{ name: topic, numPartitions: partitionCount, replicationFactor: 3 },
            assignments: [],
            configs: configs.map(([name, value]) => ({ name, value })),
          },
        ],
        timeoutMs: waitMsMax,
        validateOnly: false,
      };
      const answer = await connection.request(createTopics, body, { timeoutMs: waitMsMax });
      return answer.topics[0]?.errorCode ?? -1;
    } catch {
      return 'no answer';
    } finally {
      connection.close();
    }
  }

  /** How many partitions of it each broker knows; a part of them is never seen. */
  async #known(): Promise<number[]> {
    return Promise.all(
      this.#cluster.brokerIds.map(async (id) => {
        const connection = await this.#connect(id);
        try {
          const topics = [{ topicId: ZERO_UUID, name: topic }];
          const answer = await connection.request(metadata, {
            topics,
            allowAutoTopicCreation: false,
          });
          const count = answer.topics[0]?.partitions.length ?? 0;
          const isWhole = count === 0 || count === this.#options.partitionCount;
          assert.ok(isWhole, `broker ${id} knows ${count} partitions`);
          return count;
        } finally {
          connection.close();
        }
      }),
    );
  }

  /** All brokers know all of it, or none anything. */
  async #isThere(): Promise<boolean> {
    await this.#probe();
    for (const beganMs = performance.now(); performance.now() - beganMs < waitMsMax; ) {
      const known = await this.#known();
      if (new Set(known).size === 1) return known[0] !== 0;
      await sleep(50);
    }
    throw new Error(`the brokers know ${await this.#known()} partitions`);
  }

  /** The controller is killed at this change of the creation, and starts again. */
  async #killedAt(
    isAwaited: (change: StoreChange) => boolean,
    part: HeldPart,
  ): Promise<StoreChange> {
    const controllerId = await this.#controller();
    const relay = this.#relays.get(controllerId) as StoreRelay;
    const { held, callOff } = relay.standStillAt(isAwaited, part);
    const created = this.#create(controllerId);
    void created.then((code) => code !== 'no answer' && callOff());
    const change = await held;
    if (change === null) throw new Error(`it was made before: ${await created}`);
    await this.#kill(controllerId);
    relay.goOn();
    assert.equal(await created, 'no answer');
    await this.#cluster.startBroker(controllerId);
    return change;
  }

  /** Returns how long afterwards something is decided again. */
  async #kill(id: number): Promise<number> {
    await this.#cluster.end(id, 'SIGKILL');
    const killedMs = performance.now();
    await this.#probe();
    return performance.now() - killedMs;
  }

  /** Nothing is there, whichever change the controller was about to make. */
  async killedBefore(number: number): Promise<StoreChange> {
    const change = await this.#killedAt((each) => each.number === number, 'request');
    assert.equal(await this.#isThere(), false, `killed before change ${number}`);
    const what = change.isPiece ? `of a piece, ${change.bytes} bytes` : 'that makes it visible';
    const { say, store } = this.#options;
    say(`${store}: killed before change ${number} ${what}: nothing is there`);
    return change;
  }

  /** The last change is made, and its answer never arrives: all of it is there. */
  async killedAfterAll(): Promise<void> {
    const change = await this.#killedAt(({ isPiece }) => !isPiece, 'answer');
    assert.equal(await this.#isThere(), true);
    const { say, store } = this.#options;
    say(`${store}: killed after change ${change.number}, before its answer: all is there`);
  }

  /** With nobody killed. */
  async created(): Promise<void> {
    const { say, store, partitionCount } = this.#options;
    const beganMs = performance.now();
    assert.equal(await this.#create(await this.#controller()), 0);
    const createdMs = Math.round(performance.now() - beganMs);
    await this.#inSync();
    const inSyncMs = Math.round(performance.now() - beganMs);
    say(`${store}: ${partitionCount} partitions: created in ${createdMs} ms, served ${inSyncMs}`);
  }

  async #inSync(): Promise<void> {
    for (const beganMs = performance.now(); performance.now() - beganMs < waitMsMax; ) {
      const [described] = await this.#admin.describeTopics([topic], { timeoutMs: waitMsMax });
      const partitions = described?.partitions ?? [];
      const isWhole = partitions.length === this.#options.partitionCount;
      if (isWhole && partitions.every(({ leader, isr }) => leader > 0 && isr.length === 3)) return;
      await sleep(100);
    }
    throw new Error('not in sync');
  }

  async deleted(): Promise<void> {
    const [gone] = await this.#admin.deleteTopics([topic], { timeoutMs: waitMsMax });
    assert.equal(gone?.error, null);
    assert.equal(await this.#isThere(), false);
  }

  /** How long the next controller takes, with the topic there. */
  async controllerDies(): Promise<void> {
    const { say, store, sessionMs } = this.#options;
    const controllerId = await this.#controller();
    const before = this.#cluster.output.length;
    const ms = await this.#kill(controllerId);
    const lines = this.#cluster.output.slice(before).split('\n');
    const line = lines.findLast((each) => each.includes('elected controller')) ?? 'no line';
    const all = `${Math.round(ms)} ms after the kill, with sessions of ${sessionMs} ms`;
    say(`${store}: something is decided ${all}; ${line}`);
    await this.#cluster.startBroker(controllerId);
    await this.#inSync();
  }
}
