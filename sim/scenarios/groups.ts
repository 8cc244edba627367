// Groups of consumers whose members join, leave, die and are slow, in either protocol and between
// the two, while the broker is killed and stopped; the same under power cuts, with
// __consumer_offsets synced before anything is acknowledged; and the same over a bad network.

import { type Harm, Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { drawGroup, drawGroupConfig, type GroupKind, groupKinds } from './group-plan.ts';
import { type GroupLoadPlan, GroupRun } from './group-run.ts';
import { drawLoad } from './load-run.ts';

export const groups: Scenario = {
  name: 'groups',
  about: 'one owner per partition, acknowledged commits stay, groups recover from deaths and kills',
  run: (world) => runGroups(world, 'kill'),
};

export const groupsPowerCut: Scenario = {
  name: 'groups-power-cut',
  about: 'the same over power cuts, with commits synced before they are acknowledged',
  run: (world) => runGroups(world, 'power cut'),
};

export const groupsNetwork: Scenario = {
  name: 'groups-network',
  about: 'the same over a network that resets, cuts and slows down',
  run: (world) => runGroups(world, 'network'),
};

export type GroupHarm = 'kill' | 'power cut' | 'network';

const harmMs = 25_000;

const harmsOf: Readonly<Record<GroupHarm, { always: readonly Harm[]; maybe: readonly Harm[] }>> = {
  kill: { always: ['kill'], maybe: ['kill in a turn', 'clock jump', 'slow host'] },
  'power cut': { always: ['power cut'], maybe: ['kill', 'kill in a turn', 'clock jump'] },
  network: { always: ['reset'], maybe: ['cut one way', 'partition', 'slow host'] },
};

export interface GroupChanges {
  /** Default: all. */
  readonly kinds?: readonly GroupKind[];
  /** Makes another plan of the drawn one: for tests that plant a bug. */
  readonly change?: (plan: GroupLoadPlan) => GroupLoadPlan;
}

export async function runGroups(
  world: World,
  harm: GroupHarm,
  { kinds = groupKinds, change = (plan) => plan }: GroupChanges = {},
): Promise<void> {
  const prng = world.prng.fork('plan');
  const run = new GroupRun(world, change(drawGroups(prng, harm, kinds)));
  await run.begin();
  const { always, maybe } = harmsOf[harm];
  const { load } = run;
  const nemesis = new Nemesis(world, {
    targets: [load.target],
    peers: run.peers,
    harms: [...always, ...maybe.filter(() => prng.chance(0.5))],
    pauseMsMean: prng.pick([1_000, 3_000, 10_000]),
    downMsMax: prng.pick(harm === 'network' ? [1_000, 10_000] : [10, 1_000, 5_000]),
  });
  nemesis.start();
  await world.advance(harmMs);
  nemesis.stop();
  load.heal();
  await run.finish();
  const { broker } = load.cluster;
  if (harm === 'power cut') broker.powerCut();
  else broker.kill();
  broker.start();
  await run.settle();
}

export function drawGroups(
  prng: World['prng'],
  harm: GroupHarm,
  kinds: readonly GroupKind[],
): GroupLoadPlan {
  const load = drawLoad(prng, { mayDelete: false, isPatient: true });
  const groupCount = 1 + prng.int(2);
  const config = {
    ...load.config,
    ...drawGroupConfig(prng),
    ...(harm === 'power cut' && { 'log.flush.interval.messages': '1' }),
  };
  return {
    ...load,
    config,
    // Producers slow enough to write as long as the harm goes on.
    producers: load.producers.map((producer) => ({ ...producer, burstMax: 5, pauseMsMean: 500 })),
    checks: ['acknowledged', 'idempotence'],
    groups: Array.from({ length: groupCount }, (_, i) => drawGroup(prng, `group-${i + 1}`, kinds)),
    churnMsMean: prng.pick([300, 1_000, 3_000]),
  };
}
