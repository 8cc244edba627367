// Real randomness: cheap for choices (float, int), from the system's secure source for bytes,
// because identifiers are made of them.

import { randomBytes } from 'node:crypto';
import type { Random } from './io.ts';

export const nodeRandom: Random = {
  float: () => Math.random(),
  int: (bound) => Math.floor(Math.random() * bound),
  bytes: (count) => randomBytes(count),
};
