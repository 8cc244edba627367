// What `replication` does, and more: consumers read at every replica (KIP-392), an operator moves
// replicas while harm is done, and longer stories are told. `replication-moves`: nothing is lost.
// `replication-directories`: power is cut, disks are lost, and brokers of two log directories lose
// one of them and live.

import type { Prng } from '../../src/base/prng.ts';
import { directoryHarms, lossyHarms } from '../cluster-nemesis.ts';
import { reassignmentReaches } from '../metadata-counts.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { type Change, harmMsMax, nemesisOf, replicationReaches, unchanged } from './replication.ts';
import { drawReplication, type ReplicationPlan, withTwoLogDirs } from './replication-plan.ts';
import { ReplicationRun } from './replication-run.ts';
import { type Story, stories } from './replication-stories.ts';

export const replicationMoves: Scenario = {
  name: 'replication-moves',
  about: 'what consumers see at any replica stays, while replicas move to other brokers',
  reaches: [
    ...replicationReaches.map((reach) => ({ ...reach, isRare: true })),
    ...reassignmentReaches,
  ],
  run: (world) => runReplicationMoves(world),
};

export const replicationDirectories: Scenario = {
  name: 'replication-directories',
  about: 'the same where brokers lose a log directory, their disk or what was not synced',
  reaches: replicationReaches.map((reach) => ({ ...reach, isRare: true })),
  run: (world) => runReplicationDirectories(world),
};

/** What is told. null: harm at random, and replicas move. */
const told: readonly (Story | null)[] = [
  ...[null, null],
  ...[stories.leadAlone, stories.returnBehind, stories.enterUnheard],
];

async function runReplicationMoves(world: World, change: Change = unchanged): Promise<void> {
  const prng = world.prng.fork('plan');
  const story = world.prng.fork('story').pick(told);
  // Where there are brokers without a replica, they are moved to.
  const options = story === null ? { brokers: prng.pick([3, 4, 5]) } : {};
  const drawn = { ...drawReplication(prng, options), isReadNear: true };
  const moveMsMean = prng.pick([300, 1_000]);
  const plan = change(story === null ? { ...drawn, moveMsMean } : drawn);
  await runWith(world, { plan, story, prng, harms: [] });
}

async function runReplicationDirectories(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const story = world.prng.fork('story').pick([null, stories.loseWhatItHad]);
  const drawn = drawReplication(prng, story === null ? {} : { isSynced: false });
  const plan = { ...drawn, isReadNear: true };
  if (story !== null) await runWith(world, { plan, story, prng, harms: [] });
  else {
    const harms = [...lossyHarms, ...directoryHarms];
    await runWith(world, { plan: withTwoLogDirs(plan), story, prng, harms });
  }
}

interface Told {
  readonly plan: ReplicationPlan;
  /** null: harm at random, `harms` above all. */
  readonly story: Story | null;
  readonly harms: Parameters<typeof nemesisOf>[2];
  readonly prng: Prng;
}

async function runWith(world: World, { plan, story, harms, prng }: Told): Promise<void> {
  const run = new ReplicationRun(world, story?.plan?.(plan) ?? plan);
  await run.begin();
  run.maybeMove();
  const nemesis = nemesisOf(run, prng, harms);
  if (story !== null) {
    await story.tell(run, nemesis, prng);
  } else {
    nemesis.start();
    await world.run(() => run.isProduced || world.timeMs > harmMsMax);
  }
  nemesis.stop();
  await run.finish(nemesis);
}
