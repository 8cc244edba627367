// Three to five brokers that replicate, fail over and come back. `replication`: brokers and the
// store are killed, held for longer than a session, cut off one way and both, stopped; disks are
// slow, clocks jump, one of them is a hundred days off; or one story is told from its beginning to
// its end (replication-stories.ts). The page cache survives all this, so that nothing that was
// acknowledged by all in-sync replicas may be lost.
// `replication-power-cut`: power is cut and disks are lost, too; and all brokers die at once and
// come back one after the other, the last of them much later. Records survive while one of those
// who acknowledged them keeps its disk.

import type { Prng } from '../../src/base/prng.ts';
import { type ClusterHarm, ClusterNemesis, clusterHarms, lossyHarms } from '../cluster-nemesis.ts';
import { metadataReaches } from '../metadata-counts.ts';
import type { Reach } from '../reached.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { drawReplication, type ReplicationPlan } from './replication-plan.ts';
import { ReplicationRun } from './replication-run.ts';
import { stories } from './replication-stories.ts';
import { harmAtRandom, type Story } from './story-parts.ts';

const cut = /^fetcher a log that was not one with its leader is cut$/;

const several: Reach = {
  name: '… over several epochs',
  line: cut,
  where: ({ epochs }) => Number(epochs) > 1,
};
const compacted: Reach = { name: '… of compacted logs', line: cut, isRare: true };
const line = /^never$/;
/** The nemesis says these. */
const clockReaches: readonly Reach[] = [
  { name: 'clocks set forward', line },
  { name: 'clocks set back', line },
];
const anew = /begins anew with a snapshot of the metadata$/;

export const replicationReaches: readonly Reach[] = [
  ...metadataReaches,
  { name: 'lost AlterPartition answers', line: /^in-sync the in-sync sets of \d+ partitions wait/ },
  { name: 'truncations by epoch', line: cut },
  several,
  { ...compacted, where: ({ isCompacted }) => isCompacted === true },
  { name: 'unknown appends', line: /nobody knows what became of an append/ },
  { name: 'resumed watches', line: /the cluster store at \S+ is back$/ },
  { name: 'restarted watches', line: anew, isRare: true },
  { name: 'renewed sessions', line: /the session with the cluster store ended and is renewed$/ },
  ...clockReaches,
];

/**
 * Logs are shortened while brokers are away, or lose their end where nothing was synced. Nobody
 * leads alone here.
 */
const lossyReaches: readonly Reach[] = [
  ...replicationReaches.map((reach) => (reach === several ? { ...reach, isRare: true } : reach)),
  { name: 'out-of-range resets', line: /^fetcher (a replica starts anew|a log that reached)/ },
];

export const replication: Scenario = {
  name: 'replication',
  about: 'what all in-sync replicas acknowledged survives whoever dies; replicas agree',
  // Whoever comes back has all that it had, so that nobody waits for a last leader.
  reaches: replicationReaches.map((reach) => ({
    ...reach,
    isRare: reach.isRare === true || reach.name === 'last-leader elections',
  })),
  run: (world) => runReplication(world),
};

export const replicationPowerCut: Scenario = {
  name: 'replication-power-cut',
  about: 'records survive power cuts and lost disks while one that acknowledged keeps its disk',
  reaches: lossyReaches,
  run: (world) => runReplicationPowerCut(world),
};

const harmMsMax = 8_000;

export type Change = (plan: ReplicationPlan) => ReplicationPlan;

export function unchanged(plan: ReplicationPlan): ReplicationPlan {
  return plan;
}

const told: readonly (Story | null)[] = [null, null, stories.succeed, stories.leadAlone];

/** `change` makes another plan of the drawn one: for tests that plant a bug. */
export async function runReplication(world: World, change: Change = unchanged): Promise<void> {
  const prng = world.prng.fork('plan');
  const plan = change(drawReplication(prng));
  const story = world.prng.fork('story').pick(told);
  await runTold(world, { plan, story, prng });
}

export async function runReplicationPowerCut(
  world: World,
  change: Change = unchanged,
): Promise<void> {
  const prng = world.prng.fork('plan');
  const plan = change(drawReplication(prng));
  const story = prng.chance(0.5) ? stories.endAllAtOnce : null;
  await runTold(world, { plan, story, prng, harms: story === null ? lossyHarms : [] });
}

export interface Told {
  readonly plan: ReplicationPlan;
  /** null: harm at random. */
  readonly story: Story | null;
  /** Likelier than others. Default: all are as likely. */
  readonly harms?: readonly ClusterHarm[];
  readonly prng: Prng;
}

/** From the first start to the last check: harm is done, all is healed, progress is demanded. */
export async function runTold(
  world: World,
  { plan, story, harms = [], prng }: Told,
): Promise<void> {
  const run = new ReplicationRun(world, story?.plan?.(plan) ?? plan);
  await run.begin();
  const nemesis = nemesisOf(run, prng, harms);
  if (story !== null) await story.tell(run, nemesis, prng);
  else await harmAtRandom(run, nemesis, harmMsMax);
  nemesis.stop();
  await run.finish(nemesis);
}

/** `wanted` are likelier than others. */
function nemesisOf(
  run: ReplicationRun,
  prng: Prng,
  wanted: readonly ClusterHarm[],
): ClusterNemesis {
  const { world, cluster, plan } = run;
  const others = clusterHarms.filter((harm) => !lossyHarms.includes(harm) && prng.chance(0.4));
  return new ClusterNemesis(world, cluster, {
    clients: run.clients,
    logDirs: plan.logDirs,
    harms: [...wanted, ...wanted, 'kill', ...others],
    sessionTimeoutMs: plan.sessionTimeoutMs,
    pauseMsMean: prng.pick([200, 500, 1_500]),
    downMsMax: prng.pick([300, 2_000, 2 * plan.sessionTimeoutMs]),
    onEnd: (nodeId, harm) => {
      if (isLoss(harm, run)) run.losses.onLoss(nodeId, world.timeMs);
      else if (harm === 'power cut') run.losses.onUncleanRestart(nodeId, world.timeMs);
    },
  });
}

/**
 * After which harm a broker may not have what it had acknowledged. With power cuts about nobody can
 * know what the page cache of a killed broker still has (KIP-966), unless appends are synced.
 */
function isLoss(harm: ClusterHarm, run: ReplicationRun): boolean {
  if (harm === 'lose disk' || harm === 'lose directory') return true;
  return harm === 'power cut' ? !run.plan.isSynced : false;
}
