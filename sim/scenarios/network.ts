// A network that misbehaves between clients and a broker that does not: resets, partitions of one
// or both ways, slow hosts, on top of the delays and resets that the seed draws. Idempotent
// producers must come out of it without a duplicate, and every reader without a surprise.

import { type Harm, Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { drawLoad, LoadRun, unchanged } from './load-run.ts';

export const network: Scenario = {
  name: 'network',
  about: 'retries over a bad network leave no duplicate, no reordering and no loss',
  run: (world) => runNetwork(world),
};

const harmMsMax = 20_000;

/** `change` makes another plan of the drawn one: for tests that plant a bug. */
export async function runNetwork(world: World, change = unchanged): Promise<void> {
  const prng = world.prng.fork('plan');
  const run = new LoadRun(world, change(drawLoad(prng)));
  await run.begin();
  const others: readonly Harm[] = ['cut one way', 'partition', 'slow host'];
  const nemesis = new Nemesis(world, {
    targets: [run.target],
    peers: run.peers,
    harms: ['reset', ...others.filter(() => prng.chance(0.6))],
    pauseMsMean: prng.pick([20, 100, 500]),
    downMsMax: prng.pick([100, 2_000, 10_000]),
  });
  nemesis.start();
  await world.run(() => run.isProduced || world.timeMs > harmMsMax);
  nemesis.stop();
  await run.finish();
}
