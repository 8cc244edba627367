// Where the project's root is, for tests that read its sources or start its programs. The
// compiled tests may lie at any depth below it.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('no package.json above the tests');
  return findRoot(parent);
}

export const projectRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));
