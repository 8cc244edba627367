// What stories are made of: who is who, waits for what comes first, and producers that write while
// a story is told.

import type { Prng } from '../../src/base/prng.ts';
import type { ClusterNemesis } from '../cluster-nemesis.ts';
import type { SimBroker } from '../sim-broker.ts';
import { drawProducer, type ProducerPlan } from '../workloads/index.ts';
import { keepingKeysApart, type ReplicationPlan } from './replication-plan.ts';
import type { ReplicationRun } from './replication-run.ts';

/** As long as who is in haste waits for anything. */
export const hasteMs = 1_000;
const readyMsMax = 60_000;

export interface Story {
  /** What it takes of the plan. Default: it is as it is. */
  readonly plan?: (plan: ReplicationPlan) => ReplicationPlan;
  readonly tell: (run: ReplicationRun, nemesis: ClusterNemesis, prng: Prng) => Promise<void>;
}

/** Until everything is produced, for so long at most. */
export async function harmAtRandom(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  forMsMax: number,
): Promise<void> {
  const { world } = run;
  const endMs = world.timeMs + forMsMax;
  nemesis.start();
  await world.run(() => run.isProduced || world.timeMs > endMs);
}

type Cast = [SimBroker, SimBroker, ...SimBroker[]];

/** How each of them begins: some time goes by, and who is who is drawn. */
export async function cast(
  { world, cluster }: ReplicationRun,
  prng: Prng,
  msMax = 1_000,
): Promise<Cast> {
  await world.advance(prng.int(msMax));
  return shuffled(cluster.brokers, prng) as Cast;
}

export async function allReady({ world, cluster }: ReplicationRun): Promise<void> {
  await world.run(() => cluster.brokers.every(({ isReady }) => isReady), readyMsMax);
}

/** Whether somebody enters the in-sync set of a partition that the broker leads, in time. */
export async function isGrowing(
  { world, cluster }: ReplicationRun,
  leader: SimBroker,
  limitMs: number,
): Promise<boolean> {
  const counts = cluster.store?.counts;
  if (counts === undefined) return false;
  const id = cluster.brokers.indexOf(leader) + 1;
  let isGrown = false;
  counts.onIsrGrowth = (leaderId) => {
    isGrown ||= leaderId === id;
  };
  const endMs = world.timeMs + limitMs;
  await world.run(() => isGrown || world.timeMs > endMs);
  counts.onIsrGrowth = null;
  return isGrown;
}

/** It writes for as long as a story takes, to all who are in sync. */
export function steadyProducer(run: ReplicationRun, prng: Prng, name: string): ProducerPlan {
  const drawn = drawProducer(prng, { name, places: run.places, recordCount: 200 });
  const options = { acks: -1, lingerMs: 0, metadataMaxAgeMs: 100, retryBackoffMs: 20 } as const;
  return {
    ...drawn,
    burstMax: 4,
    pauseMsMean: 40,
    options: { ...drawn.options, ...options, enableIdempotence: true },
  };
}

/** Who leads is enough for it, and where nobody does it gives up soon. */
export function hastyProducer(run: ReplicationRun, prng: Prng, name: string): ProducerPlan {
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

export function shuffled<T>(items: readonly T[], prng: Prng): T[] {
  const left = [...items];
  return Array.from({ length: left.length }, () => {
    return left.splice(prng.int(left.length), 1)[0] as T;
  });
}
