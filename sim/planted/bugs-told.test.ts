// Each bug that takes steps in their order is found by the scenario that tells them, from the seed
// on that is noted.

import { test } from 'node:test';
import { bugsTold } from './bugs-told.ts';
import { assertFound } from './find.ts';

for (const bug of bugsTold) {
  test(`${bug.name}: ${bug.about}`, () => assertFound(bug, bug.scenario));
}
