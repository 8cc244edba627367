// What `replication` does, and more: consumers read at every replica (KIP-392), an operator moves
// replicas while harm is done, and longer stories are told. `replication-moves`: nothing is lost.
// `replication-directories`: power is cut, disks are lost, and brokers of two log directories lose
// one of them and live.

import { directoryHarms, lossyHarms } from '../cluster-nemesis.ts';
import { reassignmentReaches } from '../metadata-counts.ts';
import type { Reach } from '../reached.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { moveStories, rollingRestarts } from './move-stories.ts';
import { replicationReaches, runTold } from './replication.ts';
import { drawReplication, withTwoLogDirs } from './replication-plan.ts';
import { oldLogsGone } from './replication-run.ts';
import { stories } from './replication-stories.ts';
import type { Story } from './story-parts.ts';
import { transactionVersions, versionName } from './transaction-run.ts';
import { runTransactionsOnThree, transactionReaches } from './transactions-on-three.ts';

const line = /^never$/;
/** Few worlds are enough to come by these. */
const common: readonly string[] = [
  ...['controller changes', 'elections', 'ISR shrinks', 'ISR growths', 'truncations by epoch'],
  ...['clocks set forward', 'clocks set back'],
];

const reachesOfTransactions: readonly Reach[] = [
  ...transactionReaches,
  ...transactionVersions.map((version) => ({ name: versionName(version), line })),
];

export const replicationMoves: Scenario = {
  name: 'replication-moves',
  about: 'what consumers see at any replica stays, while replicas move to other brokers',
  reaches: [
    ...replicationReaches.map((reach) => ({ ...reach, isRare: !common.includes(reach.name) })),
    ...reassignmentReaches,
    { name: oldLogsGone, line },
    { name: rollingRestarts, line },
    ...reachesOfTransactions.map((reach) => ({ ...reach, isRare: true })),
  ],
  run: (world) => runReplicationMoves(world),
};

export const replicationDirectories: Scenario = {
  name: 'replication-directories',
  about: 'the same where brokers lose a log directory, their disk or what was not synced',
  reaches: replicationReaches.map((reach) => ({ ...reach, isRare: true })),
  run: (world) => runReplicationDirectories(world),
};

/** So many worlds have transactions, whose coordinators move as well. */
const transactionalChance = 0.2;

const { moveAmidHarm, restartInTurn, dieInAMove, loseTheAnswer } = moveStories;
const told: readonly Story[] = [
  ...[moveAmidHarm, moveAmidHarm, moveAmidHarm, moveAmidHarm, restartInTurn, restartInTurn],
  ...[dieInAMove, dieInAMove, dieInAMove, loseTheAnswer, loseTheAnswer],
  ...[stories.leadAlone, stories.returnBehind, stories.enterUnheard],
];

async function runReplicationMoves(world: World): Promise<void> {
  const kind = world.prng.fork('kind');
  if (kind.chance(transactionalChance)) {
    const transactionVersion = kind.pick(transactionVersions);
    await runTransactionsOnThree(world, { transactionVersion, isMoved: true });
    return;
  }
  const prng = world.prng.fork('plan');
  const story = world.prng.fork('story').pick(told);
  // Where there are brokers without a replica, they are moved to.
  const options = story === moveAmidHarm ? { brokers: prng.pick([3, 4, 5]) } : {};
  const plan = { ...drawReplication(prng, options), isReadNear: true };
  await runTold(world, { plan, story, prng, harms: ['clock jump'] });
}

async function runReplicationDirectories(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const story = world.prng.fork('story').pick([null, stories.loseWhatItHad]);
  const drawn = drawReplication(prng, story === null ? {} : { isSynced: false });
  const plan = { ...drawn, isReadNear: true };
  if (story !== null) await runTold(world, { plan, story, prng });
  else {
    const harms = [...lossyHarms, ...directoryHarms];
    await runTold(world, { plan: withTwoLogDirs(plan), story, prng, harms });
  }
}
