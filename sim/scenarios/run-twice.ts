// Runs scenarios under a seed or more, each twice: the same seed is the same story. Several files
// of tests, as together they take longer than a file may.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScenario } from '../scenario.ts';
import { scenarios } from './index.ts';

export function runTwice(isChosen: (name: string) => boolean, seeds = [1]): void {
  for (const scenario of scenarios.filter(({ name }) => isChosen(name))) {
    test(`${scenario.name}: ${scenario.about}`, async () => {
      for (const seed of seeds) {
        const first = await runScenario(scenario, { seed });
        const second = await runScenario(scenario, { seed });
        assert.equal(second.hash, first.hash, `two runs of seed ${seed} differ`);
      }
    });
  }
}
