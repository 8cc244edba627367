// Each bug of a work runner is found by the scenario of runners, from the seed on that is noted.

import { test } from 'node:test';
import { bugsOfRunner } from './bugs-of-runner.ts';
import { assertFound } from './find.ts';

for (const bug of bugsOfRunner) {
  test(`${bug.name}: ${bug.about}`, () => assertFound(bug, 'runner'));
}
