// A disk that runs full during a produce load, gets its room back some time later, and runs full
// again. The broker lives through it and answers readers all the time; what it stored is not
// harmed; producers are told KAFKA_STORAGE_ERROR, and succeed once there is room.

import { assert } from '../../src/base/assert.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { drawLoad, LoadRun } from './load-run.ts';

export const fullDisk: Scenario = {
  name: 'full-disk',
  about: 'a full disk harms nothing that is stored, and writes go on when there is room',
  run: runFullDisk,
};

const harmMsMax = 15_000;
const plentyBytes = 2 ** 40;

async function runFullDisk(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const configs: Readonly<Record<string, string>> = prng.chance(0.5)
    ? { 'flush.messages': '1' }
    : {};
  const run = new LoadRun(world, drawLoad(prng, { configs }));
  await run.begin();
  const { broker } = run.cluster;
  const { files } = broker.host;
  let failedWhileFull = 0;
  for (let i = 1 + prng.int(4); i > 0; i--) {
    await world.advance(prng.int(1_000));
    const freeBytes = prng.pick([0, 100, 3_000, 20_000]);
    files.capacityBytes = plentyBytes - files.usableBytes + freeBytes;
    world.note(`disk of ${broker.host.name} is full but for ${freeBytes} bytes`);
    await world.advance(prng.int(3_000));
    failedWhileFull += run.ledger.count('failed');
    files.capacityBytes = plentyBytes;
    world.note(`disk of ${broker.host.name} has room again`);
  }
  world.note(`${failedWhileFull} records were given up`);
  assert(broker.isReady && broker.startCount === 1, 'the broker lives through a full disk');
  await world.run(() => run.isProduced || world.timeMs > harmMsMax);
  run.heal();
  await run.finish();
  assert(broker.isReady && broker.startCount === 1, 'the broker lives through a full disk');
  if (configs['flush.messages'] === '1' && prng.chance(0.5)) broker.powerCut();
  else broker.kill();
  broker.start();
  await run.check();
}
