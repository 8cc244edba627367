// A disk whose fsync fails during a produce load on topics that sync before they acknowledge. The
// broker must not acknowledge what it could not sync, and gives up in one line (its only log
// directory is gone). The machine is started anew on a disk that works, as an operator would who
// knows what Linux does with pages it could not write, and what was acknowledged is there.

import { assert } from '../../src/base/assert.ts';
import type { Scenario } from '../scenario.ts';
import type { BrokerExit } from '../sim-broker.ts';
import type { World } from '../world.ts';
import { drawLoad, LoadRun, unchanged } from './load-run.ts';

export const badDisk: Scenario = {
  name: 'bad-disk',
  about: 'what could not be synced is never acknowledged; a broker without a disk gives up',
  run: (world) => runBadDisk(world),
};

const harmMsMax = 20_000;

/** `change` makes another plan of the drawn one: for tests that plant a bug. */
export async function runBadDisk(world: World, change = unchanged): Promise<void> {
  const prng = world.prng.fork('plan');
  const exits: BrokerExit[] = [];
  const onExit = (exit: BrokerExit): void => {
    exits.push(exit);
  };
  const plan = drawLoad(prng, { configs: { 'flush.messages': '1' } });
  const run = new LoadRun(world, change({ ...plan, onExit }));
  await run.begin();
  const { broker } = run.cluster;
  const syncFailChance = prng.pick([0.01, 0.1, 1]);
  for (let i = 1 + prng.int(3); i > 0; i--) {
    await world.advance(prng.int(1_500));
    setSyncFailChance(world, syncFailChance);
    await world.advance(prng.int(2_000));
    setSyncFailChance(world, 0);
    assert(broker.isUp === (exits.length === 0), 'a broker that gave up is gone');
    for (const { error } of exits.splice(0)) {
      assert(!error.message.includes('\n'), 'why a broker gives up is said in one line');
      assert(/EIO/.test(error.message), `the disk is named as the reason, not ${error.message}`);
    }
    broker.powerCut();
    broker.start();
  }
  await world.run(() => run.isProduced || world.timeMs > harmMsMax);
  run.heal();
  await run.finish();
  broker.powerCut();
  broker.start();
  await run.check();
  assert(exits.length === 0, 'a disk that works keeps the broker going');
}

function setSyncFailChance(world: World, syncFailChance: number): void {
  world.note(`syncs fail with a chance of ${syncFailChance}`);
  world.faults = { ...world.faults, disk: { ...world.faults.disk, syncFailChance } };
}
