// Each bug that is planted for the test of one file makes the test fail that is named.

import { test } from 'node:test';
import { bugsOfUnits } from './bugs-of-units.ts';
import { assertTestFails } from './find.ts';

for (const bug of bugsOfUnits) {
  test(`${bug.name}: ${bug.about}`, () => assertTestFails(bug));
}
