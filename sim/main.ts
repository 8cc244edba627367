// npm run sim -- [--seed N] [--seeds COUNT] [--scenario NAME] [--trace] [--twice] [--reach]
//   [--list]
//
// Runs scenarios under seeds, and says for the first failure which seed it was, what happened last
// and how to see it again. Without --seed it starts at a random one. --twice runs each seed twice
// and demands the same trace. What the runs of a scenario came by is printed; --reach demands that
// nothing of it is missing.

import { parseArgs } from 'node:util';
import { createNodeIo } from '../src/io/index.ts';
import { Reached } from './reached.ts';
import { runScenario, type Scenario, type ScenarioOutcome } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import type { World } from './world.ts';

const usage = `npm run sim -- [options]
  --seed N         the first seed (default: random)
  --seeds COUNT    how many seeds, counting up from the first (default: 1 with --seed, else 100)
  --scenario NAME  only this scenario (--list shows them)
  --trace          print everything that happens
  --twice          run each seed twice and compare the traces
  --reach          fail if the seeds never came by something that the scenario is there for
  --list           name the scenarios and stop`;

const tailLines = 40;

interface Options {
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly chosen: readonly Scenario[];
  readonly isTraced: boolean;
  readonly isTwice: boolean;
  readonly isReachDemanded: boolean;
}

let currentWorld: World | null = null;

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'number') return options;
  // A promise that nobody waits for is as fatal in a world as it is in Node.
  process.on('unhandledRejection', (reason) => currentWorld?.fail(reason));
  const monotonic = createNodeIo().clock.monotonic;
  for (const scenario of options.chosen) {
    const startMs = monotonic();
    let virtualMs = 0;
    const reached = new Reached(scenario.reaches);
    for (let i = 0; i < options.seedCount; i++) {
      const seed = options.firstSeed + i;
      showProgress(`${scenario.name}: seed ${seed} (${i + 1} of ${options.seedCount})`);
      const outcome = await runSeed(scenario, seed, options);
      if (outcome === null) return 1;
      virtualMs += outcome.virtualMs;
      reached.add(outcome.reached);
      if (options.seedCount === 1) print(`${scenario.name} seed ${seed} trace ${outcome.hash}`);
    }
    const { seedCount, firstSeed } = options;
    const range = `${firstSeed}..${firstSeed + seedCount - 1}`;
    const verdict = seedCount === 1 ? `seed ${firstSeed} is good` : `seeds ${range} are good`;
    const seconds = ((monotonic() - startMs) / 1000).toFixed(1);
    const hours = (virtualMs / 3_600_000).toFixed(2);
    print(`${scenario.name}: ${verdict} (${hours} h simulated in ${seconds} s)`);
    if (reached.counts.size > 0) print(`${scenario.name}: came by ${reached.describe()}`);
    const missing = reached.missing();
    if (missing.length === 0 || !options.isReachDemanded) continue;
    print(`\n${scenario.name} FAILED: it never came by ${missing.join(', ')}`);
    return 1;
  }
  return 0;
}

function readOptions(): Options | number {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      scenario: { type: 'string' },
      trace: { type: 'boolean', default: false },
      twice: { type: 'boolean', default: false },
      reach: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    print(usage);
    return 0;
  }
  if (values.list) {
    for (const { name, about } of scenarios) print(`${name.padEnd(20)} ${about}`);
    return 0;
  }
  const chosen = scenarios.filter(({ name }) => name === (values.scenario ?? name));
  if (chosen.length === 0) {
    print(`no scenario ${values.scenario}; there are: ${scenarios.map((s) => s.name).join(', ')}`);
    return 2;
  }
  const firstSeed = Number(values.seed ?? createNodeIo().random.int(1e9));
  const seedCount = Number(values.seeds ?? (values.seed === undefined ? 100 : 1));
  if (!Number.isSafeInteger(firstSeed) || !Number.isSafeInteger(seedCount) || seedCount < 1) {
    print(`--seed and --seeds are whole numbers\n\n${usage}`);
    return 2;
  }
  const { trace: isTraced, twice: isTwice, reach: isReachDemanded } = values;
  return { firstSeed, seedCount, chosen, isTraced, isTwice, isReachDemanded };
}

/** null: it failed, and the failure is printed. */
async function runSeed(
  scenario: Scenario,
  seed: number,
  { isTraced, isTwice }: Options,
): Promise<ScenarioOutcome | null> {
  const trace = isTraced ? { onLine: print } : { linesMax: tailLines };
  const onWorld = (world: World): void => {
    currentWorld = world;
  };
  try {
    const outcome = await runScenario(scenario, { seed, trace }, onWorld);
    if (isTwice) {
      const again = await runScenario(scenario, { seed }, onWorld);
      if (again.hash !== outcome.hash) {
        throw new Error(`two runs differ: trace ${outcome.hash}, then ${again.hash}`);
      }
    }
    return outcome;
  } catch (error) {
    showProgress('');
    for (const line of currentWorld?.trace.lines ?? []) print(line);
    print(`\n${scenario.name} FAILED under seed ${seed}`);
    print(error instanceof Error ? (error.stack ?? error.message) : String(error));
    print(`\nagain: npm run sim -- --scenario ${scenario.name} --seed ${seed} --trace`);
    return null;
  }
}

function print(line: string): void {
  showProgress('');
  process.stdout.write(`${line}\n`);
}

function showProgress(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
}

process.exitCode = await main();
