// Stories of replicas that move to other brokers: under harm at random; while brokers are restarted
// one after the other; and step by step, where brokers die while a move waits, which then is
// cancelled or exchanged for another.

import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Place } from '../checkers/index.ts';
import type { ClusterNemesis } from '../cluster-nemesis.ts';
import type { KnownPartition } from '../metadata-counts.ts';
import type { SimBroker } from '../sim-broker.ts';
import { type ReplicationPlan, withMinInSync } from './replication-plan.ts';
import type { ReplicationRun } from './replication-run.ts';
import {
  allReady,
  harmAtRandom,
  isGrowing,
  type Story,
  shuffled,
  steadyProducer,
} from './story-parts.ts';

const harmMsMax = 8_000;
/** A broker that is asked to stop gives its partitions to others first; each wait has a bound. */
const stopMsMax = 60_000;
/** A move that nobody disturbs. */
const movedMsMax = 5_000;
const lagMs = 600;
const moveMsMeans = [100, 300, 1_000];

export const rollingRestarts = 'rolling restarts';

async function moveAmidHarm(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  run.addProducer(steadyProducer(run, prng, 'steady'));
  run.moveReplicas(prng.pick(moveMsMeans));
  await harmAtRandom(run, nemesis, harmMsMax);
}

/** One after the other is stopped, and comes back when its clock was set, or a moment later. */
async function restartInTurn(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster } = run;
  run.addProducer(steadyProducer(run, prng, 'steady'));
  run.moveReplicas(prng.pick(moveMsMeans));
  const uncleanCount = (): number => world.reached.counts.get('unclean restarts') ?? 0;
  const before = uncleanCount();
  for (const broker of shuffled(cluster.brokers, prng)) {
    await allReady(run);
    await world.advance(prng.int(500));
    broker.stop();
    await world.run(() => !broker.isUp, stopMsMax);
    if (prng.chance(0.5)) nemesis.setClock(broker);
    await world.advance(prng.int(1_000));
    nemesis.maybeStart(broker);
  }
  await allReady(run);
  world.reached.onReached(rollingRestarts);
  const unclean = uncleanCount() - before;
  assert(unclean === 0, `${unclean} times a broker that was stopped counts as not stopped cleanly`);
}

/**
 * A move waits, since the new replica does not reach the others; one of those whom it concerns
 * dies, and the move is cancelled, or exchanged for another, or goes on.
 */
async function dieInAMove(run: ReplicationRun, nemesis: ClusterNemesis, prng: Prng): Promise<void> {
  const { world, cluster, plan } = run;
  run.addProducer(steadyProducer(run, prng, 'steady'));
  for (let round = 2 + prng.int(2); round > 0; round--) {
    await allReady(run);
    await world.advance(prng.int(500));
    const place = prng.pick(run.places);
    const known = knownOf(run, place);
    const [newcomer, another] = shuffled(cluster.brokers, prng).filter(
      (broker) => !known.replicas.includes(idOf(run, broker)),
    );
    if (newcomer === undefined) continue;
    const old = shuffled(known.replicas, prng);
    const heal = world.network.partition(
      [newcomer.host.name],
      old.map((id) => brokerOf(run, id).host.name),
    );
    const kept = old.slice(prng.int(2));
    await run.reassign(place, prng.shuffle([idOf(run, newcomer), ...kept]));
    await world.advance(prng.float() * 500);
    const leader = known.leader > 0 ? brokerOf(run, known.leader) : newcomer;
    const victim = prng.pick([newcomer, leader, controllerOf(run)]);
    nemesis.takeDown(victim, 'kill');
    await world.advance(prng.float() * prng.pick([100, 2 * plan.sessionTimeoutMs]));
    const then = prng.pick(['cancel', 'cancel', 'exchange', 'exchange', 'go on']);
    if (then === 'cancel') await run.reassign(place, null);
    else if (then === 'exchange') {
      const others = another === undefined ? old : [idOf(run, another), ...kept];
      await run.reassign(place, prng.shuffle([...others]));
    }
    await world.advance(prng.float() * 500);
    heal();
    await world.advance(prng.float() * 500);
    nemesis.maybeStart(victim);
  }
}

/**
 * A leader asks another broker, the controller, to take somebody into its in-sync set. That is
 * done, and nothing reaches the leader any more but what clients send: not the answer, and no
 * fetch. When it hears that the connection is gone it dies.
 */
async function loseTheAnswer(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster, plan } = run;
  const { network } = world;
  await world.advance(prng.int(1_000));
  const place = prng.pick(run.places);
  const controller = controllerOf(run);
  const others = cluster.brokers.filter((broker) => broker !== controller);
  const known = knownOf(run, place);
  const isAmongOthers = (): boolean => !known.replicas.includes(idOf(run, controller));
  const target = shuffled(others, prng).slice(0, known.replicas.length);
  await run.reassign(
    place,
    target.map((broker) => idOf(run, broker)),
  );
  await within(run, movedMsMax, () => isAmongOthers() && known.leader > 0);
  if (!isAmongOthers() || known.leader < 0) return;
  const leader = brokerOf(run, known.leader);
  const followers = known.replicas.filter((id) => id !== known.leader);
  const behind = followers.map((id) => brokerOf(run, id));
  world.note(`${leader.host.name} does not hear who enters from ${controller.host.name}`);
  for (const broker of behind) nemesis.takeDown(broker, 'kill');
  await within(run, 2.5 * plan.sessionTimeoutMs, () => known.isr.length === 1);
  for (const broker of shuffled(behind, prng)) nemesis.maybeStart(broker);
  if (await isGrowing(run, leader, 5 * plan.sessionTimeoutMs)) {
    const store = cluster.store?.hosts ?? [];
    const peers = [controller, ...behind].map(({ host }) => host.name);
    network.cutWays([...peers, ...store.map(({ name }) => name)], [leader.host.name]);
    run.addProducer(steadyProducer(run, prng, 'unheard'));
    // By then it waits for no follower, but for those who may be in its set.
    await world.advance(lagMs + prng.float() * 500);
    network.resetConnections(controller.host.name, leader.host.name);
    await world.advance(prng.float() * 500);
  }
  nemesis.takeDown(leader, 'kill');
  network.heal();
  await world.advance(1.2 * plan.sessionTimeoutMs + prng.float() * 1_000);
}

async function within(
  { world }: ReplicationRun,
  limitMs: number,
  isDone: () => boolean,
): Promise<void> {
  const endMs = world.timeMs + limitMs;
  await world.run(() => isDone() || world.timeMs > endMs);
}

/** Nobody waits for long for who is behind, and one leads alone. */
function withLittlePatience(plan: ReplicationPlan): ReplicationPlan {
  const config = { ...plan.config, 'replica.lag.time.max.ms': `${lagMs}` };
  return { ...withMinInSync(withRoom(plan), 1), lagTimeMs: lagMs, config };
}

function idOf({ cluster }: ReplicationRun, broker: SimBroker): number {
  return cluster.brokers.indexOf(broker) + 1;
}

function brokerOf({ cluster }: ReplicationRun, id: number): SimBroker {
  return cluster.brokers[id - 1] as SimBroker;
}

/** It follows what is committed. */
function knownOf({ cluster }: ReplicationRun, place: Place): KnownPartition {
  return cluster.store?.counts.partition(place) as KnownPartition;
}

function controllerOf(run: ReplicationRun): SimBroker {
  return brokerOf(run, run.cluster.store?.counts.controllerId ?? 1);
}

/** Some have no replica: one may come to them. */
function withRoom(plan: ReplicationPlan): ReplicationPlan {
  return { ...plan, brokers: Math.max(4, plan.brokers) };
}

export const moveStories = {
  moveAmidHarm: { tell: moveAmidHarm },
  restartInTurn: { tell: restartInTurn },
  dieInAMove: { tell: dieInAMove, plan: withRoom },
  loseTheAnswer: { tell: loseTheAnswer, plan: withLittlePatience },
} satisfies Readonly<Record<string, Story>>;
