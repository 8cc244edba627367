// Each bug that is planted for the test of one file makes the test fail that is named.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bugsOfUnits } from './bugs-of-units.ts';
import { run } from './find.ts';
import { plantForTests } from './plant.ts';

for (const bug of bugsOfUnits) {
  test(`${bug.name}: ${bug.about}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'planted-'));
    try {
      const path = join(plantForTests(bug, folder), `${bug.test}.test.js`);
      const { output, isGood } = await run(['--test-reporter=tap', path]);
      assert.ok(!isGood, output);
      assert.match(output, new RegExp(`not ok \\d+ - ${bug.fails}`));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
