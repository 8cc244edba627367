// Keyed updates and tombstones, alone and in transactions, to compacted topics whose cleaner never
// rests: while the broker is killed, its disk runs full and what the cleaner writes fails; and the
// same under power cuts, on topics that sync before they acknowledge.

import { FaultyCleaning } from '../faulty-cleaning.ts';
import { type Harm, Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import type { BrokerExit } from '../sim-broker.ts';
import type { World } from '../world.ts';
import {
  type CompactionPlan,
  CompactionRun,
  drawCompaction,
  drawKeyedWriter,
} from './compaction-run.ts';

export const compaction: Scenario = {
  name: 'compaction',
  about: 'the last value of every key survives kills, full disks and failing writes of the cleaner',
  run: (world) => runCompaction(world, 'kill'),
};

export const compactionPowerCut: Scenario = {
  name: 'compaction-power-cut',
  about: 'the same over power cuts, with updates synced before they are acknowledged',
  run: (world) => runCompaction(world, 'power cut'),
};

export type CompactionHarm = 'kill' | 'power cut';
export type ChangeCompaction = (plan: CompactionPlan) => CompactionPlan;

const harmMsMax = 20_000;
const plentyBytes = 2 ** 40;

/** `change` makes another plan of the drawn one: for tests that plant a bug. */
export async function runCompaction(
  world: World,
  harm: CompactionHarm,
  change: ChangeCompaction = (plan) => plan,
): Promise<void> {
  const prng = world.prng.fork('plan');
  const faulty = new FaultyCleaning();
  const drawn = { ...drawCompaction(prng), plant: faulty.plant, onExit: startAgain };
  const run = new CompactionRun(world, change(harm === 'power cut' ? synced(drawn) : drawn));
  await run.begin();
  const others: readonly Harm[] = ['kill', 'slow host'];
  const nemesis = new Nemesis(world, {
    targets: [run.target],
    harms: [harm, 'kill in a turn', ...others.filter(() => prng.chance(0.4))],
    pauseMsMean: prng.pick([300, 1_000, 4_000]),
    downMsMax: prng.pick([10, 300, 2_000]),
  });
  nemesis.start();
  const season: Season = { isOver: false };
  if (prng.chance(0.5)) killWriters(run, prng, season);
  if (prng.chance(0.5)) failNowAndThen(world, { prng, season, faulty });
  if (harm === 'kill' && prng.chance(0.5)) fillNowAndThen(run, prng, season);
  await world.run(() => run.isWritten || world.timeMs > harmMsMax);
  const { broker } = run.cluster;
  season.isOver = true;
  takeDown(run, harm);
  nemesis.stop();
  run.heal();
  faulty.chance = 0;
  broker.host.files.capacityBytes = plentyBytes;
  await run.finish();
  await run.compact();
  takeDown(run, harm);
  broker.start();
  await run.check();
  await run.checkFiles();
}

function synced(plan: CompactionPlan): CompactionPlan {
  return { ...plan, config: { ...plan.config, 'log.flush.interval.messages': '1' } };
}

function takeDown({ cluster: { broker } }: CompactionRun, harm: CompactionHarm): void {
  if (harm === 'power cut') broker.powerCut();
  else broker.kill();
}

/** While harm is done. */
interface Season {
  isOver: boolean;
}

/** A broker that finds no room when it starts, or cannot finish a replacement, gives up. */
export function startAgain({ broker, error }: BrokerExit): void {
  const { world } = broker.host;
  if (!/ENOSPC|EIO/.test(error.message)) {
    world.fail(error);
    return;
  }
  world.loop.schedule(500, () => {
    if (!broker.isUp) broker.start();
  });
}

/** They are followed by others, with keys of their own. */
function killWriters(run: CompactionRun, prng: World['prng'], season: Season): void {
  const { world, plan, places } = run;
  for (let i = 0; i < 3; i++) {
    world.loop.schedule(prng.int(harmMsMax / 2), () => {
      if (season.isOver) return;
      run.killWriter(prng.int(plan.writers.length));
      const life = drawKeyedWriter(prng, `later-${i + 1}`, places);
      run.addWriter({ ...life, updateCount: 50 });
    });
  }
}

interface FaultySeason {
  readonly prng: World['prng'];
  readonly season: Season;
  readonly faulty: FaultyCleaning;
}

function failNowAndThen(world: World, { prng, season, faulty }: FaultySeason): void {
  const chance = prng.pick([0.02, 0.2]);
  for (let atMs = prng.int(2_000); atMs < harmMsMax; atMs += 1_000 + prng.int(3_000)) {
    world.loop.schedule(atMs, () => {
      if (season.isOver) return;
      world.note(`the cleaner fails with a chance of ${chance}`);
      faulty.chance = chance;
    });
    world.loop.schedule(atMs + prng.int(2_000), () => {
      faulty.chance = 0;
    });
  }
}

function fillNowAndThen(run: CompactionRun, prng: World['prng'], season: Season): void {
  const { world, cluster } = run;
  const { host } = cluster.broker;
  for (let atMs = prng.int(2_000); atMs < harmMsMax; atMs += 2_000 + prng.int(3_000)) {
    const freeBytes = prng.pick([0, 300, 2_000]);
    world.loop.schedule(atMs, () => {
      if (season.isOver) return;
      host.files.capacityBytes = plentyBytes - host.files.usableBytes + freeBytes;
      world.note(`the disk is full but for ${freeBytes} bytes`);
    });
    world.loop.schedule(atMs + prng.int(1_500), () => {
      host.files.capacityBytes = plentyBytes;
    });
  }
}
