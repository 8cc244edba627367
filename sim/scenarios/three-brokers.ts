// Three brokers under groups, transactions or compacted topics: what these scenarios share. Every
// topic has three replicas, those of the coordinators, too, and two must be in sync for anything to
// be acknowledged; so that whoever dies takes nothing along, and coordinators move. In half of the
// worlds power is cut as well, and everything is synced before it counts.
//
// A broker that is held, cut off or slow may coordinate for a while beside the one that has taken
// its place, and show what was committed before. `mayLag` says of a world that this can be; in the
// others brokers only die, and whatever a coordinator shows is the newest.

import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import { Admin } from '../../src/client/index.ts';
import { OFFSETS_TOPIC, TRANSACTION_TOPIC } from '../../src/coordinator/index.ts';
import type { Io } from '../../src/io/index.ts';
import {
  assertCopiesAgree,
  type Copy,
  copiesOf,
  type Place,
  placeName,
} from '../checkers/index.ts';
import type { Cluster, ClusterOptions } from '../cluster.ts';
import { type ClusterHarm, ClusterNemesis } from '../cluster-nemesis.ts';
import { withFaults } from '../faults.ts';
import { metadataReaches } from '../metadata-counts.ts';
import type { Reach } from '../reached.ts';
import type { BrokerExit } from '../sim-broker.ts';
import { stableEnds } from '../workloads/index.ts';
import type { World } from '../world.ts';
import { nodeIdOf, type TopicPlan } from './load-run.ts';

export interface ThreeBrokers {
  readonly options: ClusterOptions & { readonly brokers: 3 };
  readonly sessionTimeoutMs: number;
  readonly mayLag: boolean;
  readonly harms: readonly ClusterHarm[];
  readonly pauseMsMean: number;
  readonly downMsMax: number;
}

/** Nobody is alive and taken for dead. */
const deaths: readonly ClusterHarm[] = ['kill in a turn', 'kill all', 'stop', 'store: kill'];
const others: readonly ClusterHarm[] = [
  ...deaths,
  ...(['hold', 'cut one way', 'partition', 'cut from the store', 'isolate'] as const),
  ...(['reset', 'slow host', 'slow disk', 'store: hold', 'store: cut off'] as const),
];

const internalTopics = [OFFSETS_TOPIC, TRANSACTION_TOPIC];
const againMs = 500;
const restMs = 300;
const checkMsMax = 600_000;
/** After the faults everything that clients wait for comes within this virtual time. */
export const settledMsMax = 60_000;
const inSyncMsMax = 60_000;
/** All brokers at once, with the store there. */
const stopMsMax = 10_000;

const common: readonly string[] = ['elections', 'ISR shrinks', 'ISR growths'];

/** Found in every scenario of three brokers, over a few seeds. */
export const coordinatorReaches: readonly Reach[] = [
  ...metadataReaches.map((reach) => ({ ...reach, isRare: !common.includes(reach.name) })),
  // The scenario itself says it.
  { name: 'coordinator deaths', line: /^never$/ },
  {
    name: 'coordinators that took over',
    line: / the \S+ of __\S+ are loaded$/,
    where: ({ leaderEpoch }) => Number(leaderEpoch) > 0,
  },
];

export function drawThreeBrokers(prng: Prng): ThreeBrokers {
  const mayLag = prng.chance(0.5);
  const isPowerCut = prng.chance(0.5);
  const sessionTimeoutMs = mayLag ? prng.pick([1_000, 2_000, 4_000]) : 4_000;
  const drawn = (mayLag ? others : deaths).filter(() => prng.chance(0.4));
  const power: ClusterHarm[] = isPowerCut ? ['power cut', 'power cut'] : [];
  const config = {
    'broker.session.timeout.ms': `${sessionTimeoutMs}`,
    'broker.heartbeat.interval.ms': `${sessionTimeoutMs / prng.pick([4, 10])}`,
    'replica.lag.time.max.ms': prng.pick(['1000', '3000']),
    'replica.fetch.wait.max.ms': prng.pick(['200', '500']),
    'replica.fetch.backoff.ms': prng.pick(['50', '300']),
    'replica.fetch.max.bytes': prng.pick(['1000', '20000', '1048576']),
    'num.replica.fetchers': '1',
    'min.insync.replicas': '2',
    'default.replication.factor': '3',
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
    'log.cleaner.dedupe.buffer.size': '2097152',
    ...(isPowerCut && { 'log.flush.interval.messages': '1' }),
  };
  return {
    options: { brokers: 3, store: prng.chance(0.5) ? { segmentBytesMax: 8_000 } : {}, config },
    sessionTimeoutMs,
    mayLag,
    harms: ['kill', 'kill', ...power, ...drawn],
    pauseMsMean: prng.pick([500, 1_500, 3_000]),
    downMsMax: prng.pick([300, 2_000, 2 * sessionTimeoutMs]),
  };
}

/** A broker that cannot start while the store is away is started again, as by an init system. */
export function startedAgain({ broker, error, wasStarting }: BrokerExit): void {
  const { world } = broker.host;
  if (!wasStarting) {
    world.fail(error);
    return;
  }
  world.loop.schedule(againMs, () => {
    if (!broker.isUp && broker.host.isUp) broker.start();
  });
}

export function replicated(topics: readonly TopicPlan[]): TopicPlan[] {
  return topics.map((topic) => ({
    ...topic,
    replicationFactor: 3,
    configs: { ...topic.configs, 'min.insync.replicas': '2' },
  }));
}

/** Where brokers only die, the network is never slower than a session allows. */
export function tame(world: World, { mayLag }: ThreeBrokers): void {
  if (mayLag) return;
  const network = { delayMsMean: Math.min(world.faults.network.delayMsMean, 5), spikeChance: 0 };
  world.faults = withFaults(world.faults, { network });
}

export function nemesisOf(
  cluster: Cluster,
  plan: ThreeBrokers,
  clients: readonly string[],
): ClusterNemesis {
  const { world, store } = cluster;
  const { harms, sessionTimeoutMs, pauseMsMean, downMsMax } = plan;
  return new ClusterNemesis(world, cluster, {
    ...{ clients, harms, sessionTimeoutMs, pauseMsMean, downMsMax },
    onEnd: (nodeId) => {
      const isUp = cluster.brokers[nodeId - 1]?.isReady === true;
      const leads = store?.counts.leadersOf(internalTopics).has(nodeId) === true;
      if (isUp && leads) world.reached.onReached('coordinator deaths');
    },
  });
}

/** All brokers die in the same moment, and come back. */
export function endAll(cluster: Cluster, nemesis: ClusterNemesis, plan: ThreeBrokers): void {
  const harm = plan.harms.includes('power cut') ? 'power cut' : 'kill';
  for (const broker of cluster.brokers) nemesis.takeDown(broker, harm);
}

/**
 * To be called when everything is healed and clients write no more: waits until all replicas are in
 * sync, stops all brokers at once, and compares what they leave of every topic, those of the
 * coordinators, too.
 * @returns the logs of the topics of the clients
 */
export async function assertReplicasAgree(
  cluster: Cluster,
  topics: readonly TopicPlan[],
  nemesis: ClusterNemesis,
): Promise<ReplicatedLog[]> {
  const { world, bootstrapServers } = cluster;
  const compacted = topics.filter(({ configs }) => configs['cleanup.policy'] === 'compact');
  const compactedNames = [...compacted.map(({ name }) => name), ...internalTopics];
  const names = topics.map(({ name }) => name);
  const places = await untilInSync(cluster, [...names, ...internalTopics]);
  const ends = await cluster.asClient(
    'checker',
    (io) => stableEnds(io, { bootstrapServers, places }),
    checkMsMax,
  );
  nemesis.leave();
  for (const broker of cluster.brokers) broker.stop();
  await world.run(() => cluster.brokers.every(({ isUp }) => !isUp), stopMsMax);
  const filesOf = (id: number) => cluster.brokers[id - 1]?.host.files as never;
  const logs = ends.map(({ topic, partition, highWatermark: endOffset }, at) => {
    const ids = places[at]?.replicas ?? [];
    const files = new Map(ids.map((id) => [id, filesOf(id)] as const));
    const isCompacted = compactedNames.includes(topic);
    const log = { topic, partition, startOffset: 0, endOffset, isCompacted };
    const copies = copiesOf(log, files);
    assertCopiesAgree(log, copies);
    return { ...log, copies };
  });
  return logs.filter(({ topic }) => names.includes(topic));
}

export interface ReplicatedLog extends Place {
  readonly endOffset: number;
  readonly copies: readonly Copy[];
}

interface ReplicasOf extends Place {
  readonly replicas: readonly number[];
  readonly isInSync: boolean;
}

/** @returns the partitions of those of the topics that there are */
async function untilInSync(cluster: Cluster, topics: readonly string[]): Promise<ReplicasOf[]> {
  const { world } = cluster;
  const endMs = world.timeMs + inSyncMsMax;
  for (;;) {
    const found = await cluster.asClient('admin', (io) => partitionsOf(io, cluster, topics));
    const behind = found.filter(({ isInSync }) => !isInSync).map(placeName);
    // What was committed last is below the watermark of everybody a moment later.
    await world.advance(restMs);
    if (behind.length === 0) return found;
    assert(world.timeMs < endMs, `no progress when all is healed: behind is ${behind.join(', ')}`);
  }
}

async function partitionsOf(
  io: Io,
  { bootstrapServers }: Cluster,
  topics: readonly string[],
): Promise<ReplicasOf[]> {
  const admin = new Admin({ bootstrapServers }, io);
  const described = await admin.describeTopics(topics);
  await admin.close();
  return described.flatMap(({ name: topic, partitions }) =>
    (partitions ?? []).map(({ partition, isr, replicas }) => {
      const isInSync = isr.length === replicas.length;
      return { topic, partition, isInSync, replicas: replicas.map(nodeIdOf) };
    }),
  );
}
