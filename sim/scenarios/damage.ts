// Damage at random to the files of a broker that is stopped or was killed: bits that flip, blocks
// of zeros, files that are cut short, grown, gone, exchanged or old, folders and directories that
// are missing.

import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { type DamagePlan, drawDamage } from './damage-plan.ts';
import { DamageRun } from './damage-run.ts';

export const damage: Scenario = {
  name: 'damage',
  about: 'what is not damaged is served, or the broker says which file it is and what to do',
  faults: {},
  run: (world) => runDamage(world),
};

/** `change` makes another plan of the drawn one: for tests that plant a bug. */
export async function runDamage(
  world: World,
  change: (plan: DamagePlan) => DamagePlan = (plan) => plan,
): Promise<void> {
  const prng = world.prng.fork('plan');
  await new DamageRun(world, change(drawDamage(prng))).run();
}
