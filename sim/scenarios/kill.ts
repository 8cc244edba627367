// Kills (kill -9) at random moments of a produce load with the default flush settings, some of
// them between two changes that one turn makes to the disk, some while the broker recovers, and
// clean stops in between. The page cache survives a kill, so that everything acknowledged has to.

import { assertNothingSetAside } from '../checkers/index.ts';
import { type Harm, Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { drawLoad, LoadRun, unchanged } from './load-run.ts';

export const kill: Scenario = {
  name: 'kill',
  about: 'everything acknowledged survives kill -9, whatever the flush settings',
  run: (world) => runKill(world),
};

const harmMsMax = 15_000;

/** `change` makes another plan of the drawn one: for tests that plant a bug. */
export async function runKill(world: World, change = unchanged): Promise<void> {
  const prng = world.prng.fork('plan');
  const run = new LoadRun(world, change(drawLoad(prng)));
  await run.begin();
  const others: readonly Harm[] = ['kill', 'clock jump', 'slow host'];
  const nemesis = new Nemesis(world, {
    targets: [run.target],
    harms: ['kill in a turn', ...others.filter(() => prng.chance(0.5))],
    pauseMsMean: prng.pick([100, 300, 1_000]),
    downMsMax: prng.pick([10, 300, 2_000]),
  });
  nemesis.start();
  const stops = { areOver: !prng.chance(0.4) };
  stopNowAndThen(run, stops);
  await world.run(() => run.isProduced || world.timeMs > harmMsMax);
  const { broker } = run.cluster;
  stops.areOver = true;
  broker.kill();
  nemesis.stop();
  await run.finish();
  broker.kill();
  broker.start();
  await run.check();
  assertNothingSetAside(broker.host.files, '/data');
}

/** Clean stops, from which the nemesis, or what follows here, starts the broker again. */
function stopNowAndThen(run: LoadRun, stops: { readonly areOver: boolean }): void {
  const { world, cluster } = run;
  const { broker } = cluster;
  const prng = world.prng.fork('stops');
  const plan = (): void => {
    world.loop.schedule(100 + prng.int(2_000), () => {
      if (stops.areOver) return;
      if (broker.isReady) broker.stop();
      else if (!broker.isUp) broker.start();
      plan();
    });
  };
  plan();
}
