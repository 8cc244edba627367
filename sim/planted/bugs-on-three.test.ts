// Each bug that is planted for groups, transactions and compaction on three brokers is found there,
// from the seed on that is noted.

import { test } from 'node:test';
import { bugsOnThree } from './bugs-on-three.ts';
import { assertFound } from './find.ts';

for (const bug of bugsOnThree) {
  test(`${bug.name}: ${bug.about}`, () => assertFound(bug, bug.scenario));
}
