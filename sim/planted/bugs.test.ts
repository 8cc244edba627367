// Each planted bug is found by its scenario, from the seed on that is noted.

import { test } from 'node:test';
import { plantedBugs } from './bugs.ts';
import { assertFound } from './find.ts';

for (const bug of plantedBugs) {
  test(`${bug.name}: ${bug.about}`, () => assertFound(bug, bug.scenario ?? 'replication'));
}
