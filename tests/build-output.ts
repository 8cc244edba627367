// What the last steps of `npm run build` have in common: to make nothing again that was made of the
// same, and to put whole files of one build in place of those before.

import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const stampName = 'inputs.sha256';

/** Of the files of `folder` that `isInput` takes, and of `others`. */
export function hashOfInputs(
  folder: string,
  isInput: (name: string) => boolean,
  others: readonly string[],
): string {
  const hash = createHash('sha256');
  for (const path of others) hash.update(readFileSync(path));
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names) {
    if (isInput(name)) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

/** Whether `target` was made of what has this hash. */
export function isMadeOf(target: string, inputs: string): boolean {
  const stamp = join(target, stampName);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs;
}

/**
 * Writes the files, in their order, and removes what else is in `target`. Whoever runs meanwhile (a
 * test that builds) finds whole files: each is replaced by renaming, if at all.
 */
export function replaceOutput(
  target: string,
  inputs: string,
  files: readonly (readonly [name: string, contents: Uint8Array])[],
): void {
  for (const [name, contents] of files) {
    const path = join(target, name);
    if (existsSync(path) && readFileSync(path).equals(contents)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.tmp`, contents);
    renameSync(`${path}.tmp`, path);
  }
  const current = new Set(files.map(([name]) => name));
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const name = path.slice(target.length + 1);
    if (entry.isFile() && !current.has(name)) rmSync(path);
  }
  writeFileSync(join(target, stampName), inputs);
}
