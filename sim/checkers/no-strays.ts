// The promise (files): where nothing was damaged no topic's folder is set aside. A kill or a power
// cut leaves folders of topics whose deletion was acknowledged, and what proves that they may go.
//
// Of what a power cut tears from the end of the metadata log it says nothing: that may be kept.

import { assert } from '../../src/base/assert.ts';
import { isStrayFolder } from '../../src/storage/index.ts';
import { DirectoryNode, type FileSystem } from '../file-system.ts';

/** @param directory an entry of log.dirs */
export function assertNothingSetAside(files: FileSystem, directory: string): void {
  const node = files.find(directory);
  const names = node instanceof DirectoryNode ? [...node.entries.keys()] : [];
  const strays = names.filter((name) => {
    return isStrayFolder(name) && !name.startsWith('__cluster_metadata-');
  });
  assert(strays.length === 0, `set aside though nothing was damaged: ${strays.join(', ')}`);
}
