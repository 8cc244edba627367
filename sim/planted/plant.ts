// A copy of the built product with a bug planted in it, and the simulator in that copy: the
// product's own code has no door for tests. Modules are not changed while they are loaded, since
// whatever a broker loads late would then take time that a world does not have.

import { copyFileSync, cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Change, PlantedBug } from './bugs.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** What running needs nobody to read. */
const unneeded = /\.(map|d\.ts)$/;
const testFile = /\.test\.js$/;

/**
 * Fills the empty folder.
 * @returns the path of the simulator's main.js
 */
export function plant(bug: PlantedBug, folder: string): string {
  copyParts(['src', 'sim'], folder, (path) => !testFile.test(path));
  for (const change of [bug, ...(bug.also ?? [])]) make(change, folder);
  return join(folder, 'dist', 'sim', 'main.js');
}

/** The same for the tests that lie beside the product's files. */
export function plantForTests(change: Change, folder: string): string {
  copyParts(['src', 'sim', 'tests'], folder, () => true);
  make(change, folder);
  return join(folder, 'dist');
}

function copyParts(
  parts: readonly string[],
  folder: string,
  isNeeded: (path: string) => boolean,
): void {
  for (const part of parts) {
    const filter = (path: string): boolean => !unneeded.test(path) && isNeeded(path);
    cpSync(join(root, 'dist', part), join(folder, 'dist', part), { recursive: true, filter });
  }
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}

function make({ file, was, is }: Change, folder: string): void {
  const path = join(folder, 'dist', file);
  const text = readFileSync(path, 'utf8');
  if (text.split(was).length !== 2) throw new Error(`${file} has not once: ${was}`);
  writeFileSync(
    path,
    text.replace(was, () => is),
  );
}
