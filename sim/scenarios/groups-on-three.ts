// Groups whose members join, leave, die and are slow on three brokers that die, are cut off and
// come back: what the scenarios of one broker promise holds, wherever __consumer_offsets is led.

import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { groupKinds } from './group-plan.ts';
import { type GroupLoadPlan, GroupRun } from './group-run.ts';
import { drawGroups } from './groups.ts';
import {
  assertReplicasAgree,
  coordinatorReaches,
  drawThreeBrokers,
  endAll,
  nemesisOf,
  replicated,
  settledMsMax,
  startedAgain,
  tame,
} from './three-brokers.ts';

export const groupsOnThree: Scenario = {
  name: 'groups-on-three',
  about: 'on three brokers groups and their commits survive their coordinators',
  reaches: coordinatorReaches,
  run: (world) => runGroupsOnThree(world),
};

const harmMs = 6_000;

export async function runGroupsOnThree(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const three = drawThreeBrokers(prng);
  tame(world, three);
  const drawn = drawGroups(prng, 'kill', groupKinds);
  const plan: GroupLoadPlan = {
    ...drawn,
    ...three.options,
    // Each costs as much as a broker more.
    groups: drawn.groups.slice(0, 1),
    topics: replicated(drawn.topics),
    config: { ...drawn.config, ...three.options.config },
    mayLag: three.mayLag,
    settledMsMax,
    onExit: startedAgain,
  };
  const run = new GroupRun(world, plan);
  await run.begin();
  const { cluster } = run.load;
  const nemesis = nemesisOf(cluster, three, run.peers);
  nemesis.start();
  await world.advance(harmMs);
  nemesis.stop();
  await run.finish();
  endAll(cluster, nemesis, three);
  await run.settle();
  await assertReplicasAgree(cluster, plan.topics, nemesis);
}
