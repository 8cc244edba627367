// The folders that ZooKeeper needs above a key: made before the first key in each, and remembered.
// A folder has no value at all, which is how it is told from a key whose value is empty.
//
// Invariant: a folder counts as known only after ZooKeeper said that it is there; one that somebody
// may have removed is forgotten.

import type { AclEntry } from './protocol.ts';
import { encodeChange, errorCode } from './protocol.ts';
import { ZooKeeperError, type ZooKeeperLink } from './zookeeper-link.ts';

/** Folders come and go with the log: what is forgotten is only made once more. */
const knownMax = 10_000;

export class Folders {
  readonly #aclOf: (path: string) => readonly AclEntry[];
  #known = new Set<string>();

  constructor(aclOf: (path: string) => readonly AclEntry[]) {
    this.#aclOf = aclOf;
  }

  /** The folder of a path is there, as far as is known. */
  isKnown(path: string): boolean {
    const folder = folderOf(path);
    return folder === '' || this.#known.has(folder);
  }

  forget(): void {
    this.#known = new Set();
  }

  /** Makes those above each path that are not known. @throws ZooKeeperError, LinkLostError */
  async makeAbove(paths: readonly string[], link: ZooKeeperLink): Promise<void> {
    const missing = new Set<string>();
    for (const path of paths) {
      for (let at = folderOf(path); at !== '' && !this.#known.has(at); at = folderOf(at)) {
        missing.add(at);
      }
    }
    // The upper ones first: a server answers in order.
    const ordered = [...missing].sort((a, b) => a.length - b.length);
    const answers = await Promise.all(
      ordered.map((path) => link.call('create', encodeChange(this.#folder(path)))),
    );
    if (this.#known.size > knownMax) this.forget();
    answers.forEach(({ error }, at) => {
      const path = ordered[at] as string;
      if (error !== errorCode.ok && error !== errorCode.nodeExists) {
        throw new ZooKeeperError(error, `${path} cannot be made`);
      }
      this.#known.add(path);
    });
  }

  #folder(path: string) {
    const acl = this.#aclOf(path);
    return { kind: 'create', path, value: null, acl, isEphemeral: false } as const;
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
