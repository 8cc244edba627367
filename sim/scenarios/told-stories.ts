// The stories of `replication-told`.

import type { Prng } from '../../src/base/prng.ts';
import { KnownTopics, type Place } from '../checkers/index.ts';
import { brokerPort } from '../cluster.ts';
import type { ClusterNemesis } from '../cluster-nemesis.ts';
import type { Host } from '../host.ts';
import type { SimBroker } from '../sim-broker.ts';
import {
  askAboutTopics,
  createManyTopics,
  electPreferred,
  type ProducerPlan,
} from '../workloads/index.ts';
import { type ReplicationPlan, withMinInSync } from './replication-plan.ts';
import type { ReplicationRun } from './replication-run.ts';
import { hastyProducer, type Story, shuffled, steadyProducer } from './story-parts.ts';

/** What is said to be reached. */
export const lateAnswers = 'answers of a leader that came late';

/** Metadata reach every broker, and whoever fetches has what there is. */
const settleMs = 200;
/** When a cut is over, what waited comes within this. */
const healMs = 3_200;
const stepMsMax = 10_000;
const hourMs = 3_600_000;

/**
 * A leader's answer lies in the network; meanwhile somebody else was elected, by whom its follower
 * has a log that is as long as the answer supposes; or the follower itself.
 */
async function answerLate(run: ReplicationRun, _: ClusterNemesis, prng: Prng): Promise<void> {
  const { world, cluster, places } = run;
  const { network } = world;
  const [place] = places as [Place, ...Place[]];
  const [leader, follower, other] = shuffled(cluster.brokers, prng) as Three;
  for (const each of places) await lead(run, each, [leader, follower, other]);
  world.note(`${leader.host.name} answers ${follower.host.name} late`);
  network.cut(leader.host.name, other.host.name);
  await write(run, place, 'first', prng.int(3));
  await world.advance(settleMs);
  network.cut(leader.host.name, follower.host.name);
  await write(run, place, 'held', 1 + prng.int(2));
  const next = prng.chance(0.5) ? follower : other;
  const last = next === follower ? other : follower;
  await lead(run, place, [next, last, leader]);
  if (next === other) await write(run, place, 'second', prng.int(3));
  await world.advance(settleMs);
  network.heal();
  world.reached.onReached(lateAnswers);
  await world.advance(healMs);
  await write(run, place, 'third', 1 + prng.int(3));
}

/**
 * A leader is cut off from everybody but from clients, and takes records that nobody else has. Who
 * is elected then goes on; and when the first one hears so, its log is cut while it is read.
 */
async function cutWhileRead(run: ReplicationRun, _: ClusterNemesis, prng: Prng): Promise<void> {
  const { world, cluster, plan, places } = run;
  const { network } = world;
  const [place] = places as [Place, ...Place[]];
  const [first, next, other] = shuffled(cluster.brokers, prng) as Three;
  await lead(run, place, [first, next, other]);
  await write(run, place, 'before', prng.int(3));
  await world.advance(settleMs);
  world.note(`${first.host.name} leads alone while it is read`);
  const stores = cluster.store?.hosts ?? [];
  const cutOff = (hosts: readonly Host[]): (() => void) =>
    network.partition(
      [first.host.name],
      hosts.map(({ name }) => name),
    );
  const [hearStore, hearOthers] = [cutOff(stores), cutOff([next.host, other.host])];
  run.addProducer({ ...hastyProducer(run, prng, 'alone'), places: [place] });
  await until(run, 3 * plan.sessionTimeoutMs, () => leaderOf(run, place) !== first);
  run.addProducer({ ...steadyProducer(run, prng, 'steady'), recordCount: 40 });
  await world.advance(prng.float() * plan.sessionTimeoutMs);
  hearStore();
  // By then it follows, and whoever reads there waits for what it will be given.
  await world.advance(healMs);
  hearOthers();
  await world.advance(healMs);
}

/** A follower's clock runs ahead for a while, by less than a day; then it is right, and leads. */
async function runAhead(run: ReplicationRun, nemesis: ClusterNemesis, prng: Prng): Promise<void> {
  const { world, cluster, places } = run;
  const [place] = places as [Place, ...Place[]];
  const [leader, ahead, other] = shuffled(cluster.brokers, prng) as Three;
  await lead(run, place, [leader, ahead, other]);
  await write(run, place, 'before', 5 + prng.int(20));
  await world.advance(settleMs);
  const byMs = (12 + prng.int(10)) * hourMs;
  ahead.host.shiftClock(byMs);
  await world.advance(prng.int(1_000));
  ahead.host.shiftClock(-byMs);
  await write(run, place, 'after', prng.int(5));
  if (prng.chance(0.5)) await lead(run, place, [ahead, leader, other]);
  else {
    for (const broker of [leader, other]) nemesis.takeDown(broker, 'kill');
    await until(run, stepMsMax, () => leaderOf(run, place) === ahead);
  }
}

/**
 * A replica moves to a broker that does not reach the others. Of those who had it, the one that is
 * to stay loses its disk; what both acknowledged has the one that is to go.
 */
async function moveToTheDeaf(run: ReplicationRun, nemesis: ClusterNemesis, prng: Prng) {
  const { world, cluster, plan, places } = run;
  const [place] = places as [Place, ...Place[]];
  const isOf = (broker: SimBroker): boolean =>
    cluster.store?.counts.partition(place)?.replicas.includes(idOf(run, broker)) === true;
  const old = shuffled(cluster.brokers.filter(isOf), prng);
  const [newcomer] = cluster.brokers.filter((broker) => !isOf(broker)) as [SimBroker];
  const [, stays] = old as [SimBroker, SimBroker];
  run.addProducer({ ...steadyProducer(run, prng, 'steady'), recordCount: 20 });
  await until(run, stepMsMax, () => run.isProduced);
  await world.advance(settleMs);
  world.note(`${newcomer.host.name} is to have it, and reaches nobody`);
  const heal = world.network.partition(
    [newcomer.host.name],
    old.map(({ host }) => host.name),
  );
  await run.reassign(place, [idOf(run, newcomer), idOf(run, stays)]);
  await world.advance(prng.int(1_000));
  nemesis.takeDown(stays, 'lose disk');
  await world.advance(prng.float() * 2 * plan.sessionTimeoutMs);
  heal();
  await world.advance(prng.int(1_000));
  nemesis.maybeStart(stays);
}

/**
 * A controller is cut off from the store, for longer than a session, and from nobody else. What
 * another one has acknowledged meanwhile is known to whoever answers a question asked afterwards.
 */
async function askTheDeposed(run: ReplicationRun, _: ClusterNemesis, prng: Prng): Promise<void> {
  const { world, cluster, plan } = run;
  const { bootstrapServers, store } = cluster;
  const topics = new KnownTopics();
  const creating = { topics, pauseMs: 200, bootstrapServers };
  const operators = [
    cluster.runClient('creator', (io) => createManyTopics(io, creating)),
    ...cluster.brokers.map(({ host: { name: host } }) => {
      const asking = { topics, pauseMs: 50, broker: { host, port: brokerPort } };
      return cluster.runClient('asker', (io) => askAboutTopics(io, asking));
    }),
  ];
  for (let round = 1 + prng.int(2); round > 0; round--) {
    await world.advance(prng.int(500));
    const id = store?.counts.controllerId ?? 1;
    const { host } = cluster.brokers[id - 1] as SimBroker;
    world.note(`${host.name} controls, and hears nothing of the store`);
    const stores = store?.hosts ?? [];
    const heal = world.network.partition(
      [host.name],
      stores.map(({ name }) => name),
    );
    await world.advance((1.2 + prng.float()) * plan.sessionTimeoutMs);
    heal();
    await world.advance(prng.int(healMs));
  }
  for (const operator of operators) operator.kill();
}

type Three = [SimBroker, SimBroker, SimBroker];

async function until(run: ReplicationRun, limitMs: number, isDone: () => boolean): Promise<void> {
  const { world } = run;
  const endMs = world.timeMs + limitMs;
  await world.run(() => isDone() || world.timeMs > endMs);
}

function idOf({ cluster }: ReplicationRun, broker: SimBroker): number {
  return cluster.brokers.indexOf(broker) + 1;
}

function leaderOf({ cluster }: ReplicationRun, place: Place): SimBroker | undefined {
  return cluster.brokers[(cluster.store?.counts.partition(place)?.leader ?? 0) - 1];
}

/** The first of them leads it, as soon as that is committed. */
async function lead(run: ReplicationRun, place: Place, replicas: readonly SimBroker[]) {
  const { cluster } = run;
  const { bootstrapServers } = cluster;
  const ids = replicas.map((broker) => idOf(run, broker));
  await run.reassign(place, ids);
  await cluster.asClient('operator', (io) => electPreferred(io, bootstrapServers, place));
  await until(run, stepMsMax, () => leaderOf(run, place) === replicas[0]);
}

/** So many records, each in a batch of its own, are in the log of who leads: that is enough. */
async function write(run: ReplicationRun, place: Place, name: string, count: number) {
  if (count === 0) return;
  run.addProducer(quickProducer(place, name, count));
  await until(run, stepMsMax, () => run.isProduced);
}

function quickProducer(place: Place, name: string, recordCount: number): ProducerPlan {
  return {
    name,
    places: [place],
    recordCount,
    burstMax: 1,
    pauseMsMean: 2,
    options: {
      acks: 1,
      enableIdempotence: false,
      lingerMs: 0,
      maxInFlightRequestsPerConnection: 1,
      requestTimeoutMs: 1_000,
      deliveryTimeoutMs: 5_000,
      maxBlockMs: 5_000,
      retryBackoffMs: 20,
      metadataMaxAgeMs: 100,
    },
  };
}

function withPartitions(plan: ReplicationPlan, partitionCount: number): ReplicationPlan {
  return { ...plan, topics: plan.topics.map((topic) => ({ ...topic, partitionCount })) };
}

/** They ask more than once while a follower whose log is not its leader's rests. */
function withNearReaders(plan: ReplicationPlan): ReplicationPlan {
  const config = { ...plan.config, 'replica.fetch.backoff.ms': '300' };
  return { ...plan, config, isReadNear: true, nearWaitMs: 100 };
}

/** Both acknowledge everything; one broker has none. */
function withTwoReplicas(plan: ReplicationPlan): ReplicationPlan {
  const topics = plan.topics.map((topic) => ({ ...topic, replicationFactor: 2 }));
  return withMinInSync({ ...plan, topics }, 2);
}

function withConfigs(plan: ReplicationPlan, configs: Readonly<Record<string, string>>) {
  const topics = plan.topics.map((topic) => ({
    ...topic,
    configs: { ...topic.configs, ...configs },
  }));
  return { ...plan, topics };
}

export const toldStories = {
  // With the other one the follower goes on asking the leader.
  answerLate: { tell: answerLate, plan: (plan) => withPartitions(plan, 2) },
  cutWhileRead: { tell: cutWhileRead, plan: withNearReaders },
  runAhead: {
    tell: runAhead,
    plan: (plan) =>
      withConfigs(plan, {
        'retention.ms': `${6 * hourMs}`,
        'internal.segment.bytes': '1000',
        'file.delete.delay.ms': '0',
      }),
  },
  askTheDeposed: { tell: askTheDeposed },
  moveToTheDeaf: { tell: moveToTheDeaf, plan: withTwoReplicas },
} satisfies Readonly<Record<string, Story>>;
