// A scenario is a workload with its checkers, run in a world made from a seed. It either ends or
// throws; nothing else decides whether a seed is good.

import type { Reach } from './reached.ts';
import { World, type WorldOptions } from './world.ts';

export interface Scenario {
  /** As given to `--scenario`. */
  readonly name: string;
  /** One line: what is promised. */
  readonly about: string;
  /** Default: `swarm`. */
  readonly faults?: WorldOptions['faults'];
  /**
   * The seed of the world, where it is not the one given: for scenarios that go through the steps
   * of one world, and take the seed for the number of the step.
   */
  readonly worldSeed?: (seed: number) => string;
  /** What its runs are to come by, over a few seeds. */
  readonly reaches?: readonly Reach[];
  /** Throws when a promise is broken. */
  run(world: World, seed: number): Promise<void>;
}

export interface ScenarioOutcome {
  readonly hash: string;
  readonly virtualMs: number;
  readonly eventCount: number;
  readonly reached: ReadonlyMap<string, number>;
}

export async function runScenario(
  scenario: Scenario,
  options: WorldOptions,
  onWorld?: (world: World) => void,
): Promise<ScenarioOutcome> {
  const number = Number(options.seed ?? 1);
  const seed = scenario.worldSeed?.(number) ?? options.seed;
  const world = new World({
    faults: scenario.faults ?? 'swarm',
    reaches: scenario.reaches ?? [],
    ...options,
    ...(seed !== undefined && { seed }),
  });
  onWorld?.(world);
  await scenario.run(world, number);
  // Leftovers of this world must not run on while the next one does.
  for (const host of world.hosts) host.kill();
  return {
    hash: world.trace.hash,
    virtualMs: world.timeMs,
    eventCount: world.loop.eventCount,
    reached: world.reached.counts,
  };
}
