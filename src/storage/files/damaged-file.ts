// What becomes of a file that cannot be what its name says: it is kept beside its place, under a
// name that nothing reads. A later one takes the place of an earlier one.

import type { Disk } from '../../io/index.ts';

/** Also of bytes that are set aside and are no segment. */
export const DAMAGED_SUFFIX = '.damaged';

/** Renames the file, or a directory that has a file's place; returns the new path. */
export function keepDamaged(disk: Disk, path: string): string {
  const kept = `${path}${DAMAGED_SUFFIX}`;
  disk.rename(path, kept);
  return kept;
}
