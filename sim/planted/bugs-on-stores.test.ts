// Each bug that is planted for metadata in etcd or ZooKeeper is found: by its scenario from the
// seed on that is noted, or by the test of one file.

import { test } from 'node:test';
import { bugsOnStores, unitBugsOnStores } from './bugs-on-stores.ts';
import { assertFound, assertTestFails } from './find.ts';

for (const bug of bugsOnStores) {
  test(`${bug.name}: ${bug.about}`, () => assertFound(bug, bug.scenario));
}

for (const bug of unitBugsOnStores) {
  test(`${bug.name}: ${bug.about}`, () => assertTestFails(bug));
}
