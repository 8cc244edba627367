// Each bug that needs a longer story is found by its scenario, from the seed on that is noted.

import { test } from 'node:test';
import { bugsOfMoves } from './bugs-of-moves.ts';
import { assertFound } from './find.ts';

for (const bug of bugsOfMoves) {
  test(`${bug.name}: ${bug.about}`, () => assertFound(bug, bug.scenario));
}
