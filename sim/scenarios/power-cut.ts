// Power cuts at random moments of a produce load on topics that sync before they acknowledge
// (flush.messages=1), with kills in between: segments roll, retention deletes and checkpoints are
// written around the cuts. At the end the power is cut once more under what was read back.

import { type Harm, Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { drawLoad, type LoadPlan, LoadRun, unchanged, withoutDurability } from './load-run.ts';

export const powerCut: Scenario = {
  name: 'power-cut',
  about: 'what was acknowledged after its fsync survives power cuts; the log is a prefix',
  run: (world) => runPowerCut(world),
};

export const powerCutUnsynced: Scenario = {
  name: 'power-cut-unsynced',
  about: 'with default flush settings a power cut leaves dense logs of what was sent, once each',
  run: (world) => runPowerCut(world, withDefaultFlush),
};

const harmMsMax = 15_000;

/** `change` makes another plan of the drawn one: for tests that plant a bug. */
export async function runPowerCut(world: World, change = unchanged): Promise<void> {
  const prng = world.prng.fork('plan');
  const plan = drawLoad(prng, { configs: { 'flush.messages': '1' } });
  const run = new LoadRun(world, change(plan));
  await run.begin();
  const others: readonly Harm[] = ['kill', 'kill in a turn', 'clock jump'];
  const nemesis = new Nemesis(world, {
    targets: [run.target],
    harms: ['power cut', 'power cut', ...others.filter(() => prng.chance(0.4))],
    pauseMsMean: prng.pick([100, 300, 1_000]),
    downMsMax: prng.pick([10, 300, 2_000]),
  });
  nemesis.start();
  await world.run(() => run.isProduced || world.timeMs > harmMsMax);
  const { broker } = run.cluster;
  broker.powerCut();
  nemesis.stop();
  await run.finish();
  broker.powerCut();
  broker.start();
  await run.check();
}

/** Kafka's defaults: the system writes back when it likes, and acknowledged records may go. */
function withDefaultFlush(plan: LoadPlan): LoadPlan {
  const topics = plan.topics.map((topic) => {
    const { 'flush.messages': _, ...configs } = topic.configs;
    return { ...topic, configs };
  });
  return { ...plan, topics, checks: withoutDurability };
}
