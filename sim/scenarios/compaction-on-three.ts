// Keyed updates and tombstones, alone and in transactions, to compacted topics on three brokers
// that die, are cut off and come back, each of which compacts its own copy: the last value of every
// key is on every one of them.

import type { Reach } from '../reached.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { type CompactionPlan, CompactionRun, drawCompaction } from './compaction-run.ts';
import {
  assertReplicasAgree,
  coordinatorReaches,
  drawThreeBrokers,
  endAll,
  nemesisOf,
  replicated,
  startedAgain,
  tame,
} from './three-brokers.ts';

const cleaned = / a log was cleaned$/;
const cut = /^fetcher a log that was not one with its leader is cut$/;

const reaches: readonly Reach[] = [
  ...coordinatorReaches.map((reach) => ({ ...reach, isRare: true })),
  {
    name: 'compactions by leaders',
    line: cleaned,
    where: ({ role }) => role === 'leader',
  },
  {
    name: 'compactions by followers',
    line: cleaned,
    where: ({ role }) => role === 'follower',
  },
  {
    name: 'truncations into compacted logs',
    line: cut,
    where: ({ isCompacted, topic }) => isCompacted === true && !`${topic}`.startsWith('__'),
  },
];

export const compactionOnThree: Scenario = {
  name: 'compaction-on-three',
  about: 'on three brokers the last value of every key is on every replica',
  reaches,
  run: (world) => runCompactionOnThree(world),
};

const harmMsMax = 8_000;

export async function runCompactionOnThree(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const three = drawThreeBrokers(prng);
  tame(world, three);
  const drawn = drawCompaction(prng);
  const plan: CompactionPlan = {
    ...drawn,
    ...three.options,
    topics: replicated(drawn.topics),
    config: { ...drawn.config, ...three.options.config },
    onExit: startedAgain,
  };
  const run = new CompactionRun(world, plan);
  await run.begin();
  const { cluster } = run;
  const nemesis = nemesisOf(cluster, three, run.clients);
  nemesis.start();
  await world.run(() => run.isWritten || world.timeMs > harmMsMax);
  nemesis.stop();
  run.settle();
  await run.finish();
  await run.compact();
  endAll(cluster, nemesis, three);
  await run.check();
  const logs = await assertReplicasAgree(cluster, plan.topics, nemesis);
  run.checkCopies(logs);
}
