// What harm done at random seldom comes by, since it takes several steps in their order: how a
// cluster comes to elect somebody who has less than the one before, or to have logs that part over
// several epochs. Nothing else happens meanwhile; when and to whom is drawn from the seed.

import type { Prng } from '../../src/base/prng.ts';
import type { ClusterNemesis } from '../cluster-nemesis.ts';
import type { SimBroker } from '../sim-broker.ts';
import { drawProducer, type ProducerPlan } from '../workloads/index.ts';
import { keepingKeysApart } from './replication-plan.ts';
import type { ReplicationRun } from './replication-run.ts';

/** A story is not as long as the longest bound. */
const lagMsMax = 2_000;
/** Who looks whether others are behind does it once in this time. */
const checkMs = 1_000;
const hasteMs = 1_000;

/** All brokers die in the same moment, and come back in an order of their own. */
export async function endAllAtOnce(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster, plan } = run;
  const harm = prng.pick(['kill', 'power cut'] as const);
  await world.run(() => cluster.brokers.every(({ isReady }) => isReady), 60_000);
  await world.advance(prng.int(2_000));
  world.note(`all brokers: ${harm}`);
  nemesis.leave();
  for (const broker of cluster.brokers) nemesis.takeDown(broker, harm);
  const order = shuffled(cluster.brokers, prng);
  const late = prng.chance(0.5) ? order.pop() : undefined;
  for (const broker of order) {
    await world.advance(prng.float() * prng.pick([10, 2_000, 3 * plan.sessionTimeoutMs]));
    nemesis.maybeStart(broker);
  }
  // Without it only what can be proven to be everything may be served; what is read must be right.
  if (late !== undefined) await world.advance(3 * plan.sessionTimeoutMs);
  nemesis.stop();
}

/**
 * One falls out of sync and comes back; while it catches up those who are ahead of it die, one
 * after the other.
 */
export async function succeed(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster, plan } = run;
  const { network } = world;
  for (let round = 1 + prng.int(2); round > 0; round--) {
    await world.advance(prng.int(1_000));
    const [behind, ...ahead] = shuffled(cluster.brokers, prng) as [SimBroker, ...SimBroker[]];
    const { name } = behind.host;
    const others = ahead.map(({ host }) => host.name);
    world.note(`succession: ${name} falls behind`);
    network.partition([name], others);
    const lagMs = Math.min(plan.lagTimeMs, lagMsMax) + checkMs;
    await world.advance(lagMs * (0.5 + prng.float()));
    network.heal();
    // What it lacks comes at once, or slowly.
    if (prng.chance(0.5)) network.slowDown(name, prng.pick([10, 100]));
    const pauseMs = prng.pick([5, 50, 500, 2_000]);
    for (const broker of ahead.slice(0, 2)) {
      await world.advance(prng.float() * pauseMs);
      nemesis.takeDown(broker, prng.pick(['kill', 'kill', 'kill in a turn'] as const));
    }
    await world.advance(prng.float() * prng.pick([100, 2 * plan.sessionTimeoutMs]));
    network.slowDown(name, undefined);
    for (const broker of shuffled(ahead, prng)) {
      await world.advance(prng.float() * prng.pick([10, 1_000]));
      nemesis.maybeStart(broker);
    }
  }
}

/**
 * All die; one leads alone, in one epoch after the other, and takes what nobody else has; then the
 * others lead, before it is back: its log and theirs part over all of these epochs.
 */
export async function leadAlone(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster, plan } = run;
  await world.advance(prng.int(1_000));
  const [first, ...others] = shuffled(cluster.brokers, prng) as [SimBroker, ...SimBroker[]];
  world.note(`${first.host.name} leads alone`);
  for (const broker of cluster.brokers) nemesis.takeDown(broker, 'kill');
  for (let life = 2 + prng.int(2); life > 0; life--) {
    nemesis.maybeStart(first);
    // It leads when the sessions of the others are over.
    await world.advance(1.2 * plan.sessionTimeoutMs + prng.float() * 1_000);
    run.addProducer(hastyProducer(run, prng, `alone-${life}`));
    await world.advance(hasteMs);
    nemesis.takeDown(first, 'kill');
  }
  for (const broker of others) nemesis.maybeStart(broker);
  await world.advance(1.2 * plan.sessionTimeoutMs + prng.float() * 2_000);
}

/** Who leads is enough for it, and where nobody does it gives up soon. */
function hastyProducer(run: ReplicationRun, prng: Prng, name: string): ProducerPlan {
  const { places, plan } = run;
  const drawn = drawProducer(prng, { name, places, recordCount: 6 * places.length });
  const options = {
    requestTimeoutMs: hasteMs / 2,
    deliveryTimeoutMs: hasteMs,
    maxBlockMs: hasteMs,
    lingerMs: 0,
    retryBackoffMs: 20,
    metadataMaxAgeMs: 100,
  };
  const hasty = { ...drawn, burstMax: 40, options: { ...drawn.options, ...options } };
  return keepingKeysApart(hasty, plan.topics, true);
}

function shuffled(brokers: readonly SimBroker[], prng: Prng): SimBroker[] {
  const left = [...brokers];
  return Array.from({ length: left.length }, () => {
    return left.splice(prng.int(left.length), 1)[0] as SimBroker;
  });
}
