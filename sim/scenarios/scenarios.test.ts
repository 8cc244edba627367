// Every scenario that is registered, under a few seeds, each twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScenario } from '../scenario.ts';
import { scenarios } from './index.ts';

const seeds = [1, 2, 3];

for (const scenario of scenarios) {
  test(`${scenario.name}: ${scenario.about}`, async () => {
    for (const seed of seeds) {
      const first = await runScenario(scenario, { seed });
      const second = await runScenario(scenario, { seed });
      assert.equal(second.hash, first.hash, `two runs of seed ${seed} differ`);
    }
  });
}
