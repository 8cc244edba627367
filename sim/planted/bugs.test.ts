// Each planted bug is found by the scenario `replication`, from the seed on that is noted.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { plantedBugs } from './bugs.ts';
import { plant } from './plant.ts';

/** Other changes of the code move a bug to other seeds. */
const seedsMax = 40;

function simulate(main: string, firstSeed: number): Promise<string> {
  const seeds = ['--seed', `${firstSeed}`, '--seeds', `${seedsMax}`];
  const args = [main, '--scenario', 'replication', ...seeds];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 2 ** 26 }, (_, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}

for (const bug of plantedBugs) {
  test(`${bug.name}: ${bug.about}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'planted-'));
    try {
      const output = await simulate(plant(bug, folder), bug.foundAt);
      assert.match(output, /replication FAILED under seed/);
      assert.match(output, bug.finding);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
