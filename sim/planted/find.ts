// Runs the scenario of a planted bug from the seed on that is noted, or the test of one file, and
// demands that it says what is wrong.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlantedBug } from './bugs.ts';
import type { BugOfUnit } from './bugs-of-units.ts';
import { asLinked, plant } from './plant.ts';

/** Other changes of the code move a bug to other seeds. */
const seedsMax = 40;

export async function assertFound(bug: PlantedBug, scenario: string): Promise<void> {
  const { finding, foundAt } = bug;
  const folder = mkdtempSync(join(tmpdir(), 'planted-'));
  try {
    const output = await simulate(plant(bug, folder), scenario, foundAt);
    assert.ok(output.includes(`${scenario} FAILED under seed`), output);
    assert.match(output, finding);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The test that is named fails, whatever others of its file do. */
export async function assertTestFails(bug: BugOfUnit): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'planted-'));
  try {
    const path = join(plant(bug, folder), `${bug.test}.test.js`);
    const only = `--test-name-pattern=${bug.fails}`;
    const { output, isGood } = await run(['--test-reporter=tap', only, path]);
    assert.ok(!isGood, output);
    assert.match(output, new RegExp(`not ok \\d+ - ${bug.fails}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function simulate(dist: string, scenario: string, firstSeed: number): Promise<string> {
  const seeds = ['--seed', `${firstSeed}`, '--seeds', `${seedsMax}`];
  const main = join(dist, 'sim/main.js');
  return (await run([main, '--scenario', scenario, ...seeds])).output;
}

/** Runs Node in what was planted. */
function run(args: readonly string[]): Promise<{ output: string; isGood: boolean }> {
  // A test that runs as a part of others says so in a form for programs.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const options = { maxBuffer: 2 ** 26, env };
  return new Promise((resolve) => {
    execFile(process.execPath, [...asLinked, ...args], options, (error, stdout, stderr) => {
      resolve({ output: stdout + stderr, isGood: error === null });
    });
  });
}
