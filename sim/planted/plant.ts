// The built product with a bug planted in it, and the simulator in there: the product's own code
// has no door for tests. Modules are not changed while they are loaded, since whatever a broker
// loads late would then take time that a world does not have.
//
// Only what is changed is a file of its own, in folders of its own; whatever lies beside them is a
// link, so that the product itself is never written to. Node.js has to take a module's path as it
// stands (`asLinked`): a link that it follows leads back to the product without the bug.

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Change, PlantedBug } from './bugs.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Flags of Node.js for whoever runs what was planted. */
export const asLinked = ['--preserve-symlinks', '--preserve-symlinks-main'];

/**
 * Fills the empty folder.
 * @returns the folder that stands for dist/
 */
export function plant(bug: Change & Pick<PlantedBug, 'also'>, folder: string): string {
  const changes = [bug, ...(bug.also ?? [])].map((change) => {
    return { ...change, file: join('dist', change.file) };
  });
  const own = new Set(changes.flatMap(({ file }) => withParents(file)));
  linkBeside(own, folder);
  const texts = new Map<string, string>();
  for (const { file, was, is } of changes) {
    const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
    if (text.split(was).length !== 2) throw new Error(`${file} has not once: ${was}`);
    const changed = text.replace(was, () => is);
    texts.set(file, changed);
  }
  for (const [file, text] of texts) writeFileSync(join(folder, file), text, { flag: 'wx' });
  return join(folder, 'dist');
}

/** The path and those of all folders that it is in. */
function withParents(path: string): string[] {
  return path === '.' ? [] : [...withParents(dirname(path)), path];
}

/** Links whatever the project has in its own folder, and in those of `own`, but for `own`. */
function linkBeside(own: ReadonlySet<string>, folder: string): void {
  for (const parent of new Set([...own].map((path) => dirname(path)))) {
    mkdirSync(join(folder, parent), { recursive: true });
    for (const name of readdirSync(join(root, parent))) {
      const path = join(parent, name);
      if (!own.has(path)) symlinkSync(join(root, path), join(folder, path));
    }
  }
}
