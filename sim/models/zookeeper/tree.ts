// The nodes of a modelled ZooKeeper, as one member has them, and what becomes of a change. Whoever
// leads decides a change on its own tree (`decide`); every member makes what was decided, in the
// order of the zxids (`make`).
//
// Invariant: a change of several is decided step by step on what the steps before it would leave,
// and made only if every step is fine.

import {
  type AclEntry,
  type Change,
  errorCode,
  openAcl,
  type Stat,
} from '../../../src/metadata/engines/zookeeper/protocol.ts';

interface Node {
  value: Buffer | null;
  readonly acl: readonly AclEntry[];
  version: number;
  readonly owner: bigint;
  readonly createdZxid: bigint;
  readonly createdMs: number;
  modifiedZxid: bigint;
  modifiedMs: number;
  /** How often the set of children changed, and when last. */
  childVersion: number;
  childrenZxid: bigint;
  readonly children: Set<string>;
}

/** What a watch hears of. */
export interface TreeEvent {
  readonly kind: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';
  readonly path: string;
}

/** A change that was decided: made by every member, or refused with the error of one step. */
export interface Transaction {
  readonly zxid: bigint;
  readonly timeMs: number;
  readonly session: bigint;
  readonly changes: readonly Change[];
  readonly failure: { readonly error: number; readonly at: number } | null;
  /** The session ends with it. */
  readonly endsSession: boolean;
}

/** What a node would be like after the steps before; null: it would not be there. */
interface Sketch {
  readonly version: number;
  readonly isEphemeral: boolean;
  readonly childCount: number;
}

type Made = { readonly path: string; readonly stat: Stat | null };

export class Tree {
  readonly #nodes = new Map<string, Node>();

  constructor() {
    this.#nodes.set('/', newNode({ value: null, acl: openAcl }, 0n, 0n, 0));
    // ZooKeeper's own, which clients see when they list the root.
    for (const path of ['/zookeeper', '/zookeeper/config', '/zookeeper/quota']) {
      this.#create(path, { value: Buffer.alloc(0), acl: openAcl }, 0n, 0n, 0);
    }
  }

  /** Which step is refused and why; null: none. */
  decide(changes: readonly Change[]): { error: number; at: number } | null {
    const sketches = new Map<string, Sketch | null>();
    for (const [at, change] of changes.entries()) {
      const error = this.#decideOne(change, sketches);
      if (error !== errorCode.ok) return { error, at };
    }
    return null;
  }

  /** Makes what was decided; the result of each step is told. */
  make(transaction: Transaction, onEvent: (event: TreeEvent) => void): Made[] {
    const { zxid, timeMs, session } = transaction;
    if (transaction.failure !== null) return [];
    const made = transaction.changes.map((change): Made => {
      const { path } = change;
      if (change.kind === 'create') {
        const owner = change.isEphemeral ? session : 0n;
        this.#create(path, change, owner, zxid, timeMs);
        onEvent({ kind: 'created', path });
        onEvent({ kind: 'childrenChanged', path: parentOf(path) });
      } else if (change.kind === 'delete') this.#delete(path, zxid, onEvent);
      else if (change.kind === 'setData') {
        const node = this.#nodes.get(path) as Node;
        node.value = change.value;
        node.version += 1;
        node.modifiedZxid = zxid;
        node.modifiedMs = timeMs;
        onEvent({ kind: 'dataChanged', path });
      }
      return { path, stat: change.kind === 'setData' ? this.stat(path) : null };
    });
    if (transaction.endsSession) {
      for (const path of this.ephemeralsOf(session)) this.#delete(path, zxid, onEvent);
    }
    return made;
  }

  ephemeralsOf(session: bigint): string[] {
    const found: string[] = [];
    for (const [path, { owner }] of this.#nodes) if (owner === session) found.push(path);
    return found;
  }

  has(path: string): boolean {
    return this.#nodes.has(path);
  }

  value(path: string): Buffer | null {
    return this.#nodes.get(path)?.value ?? null;
  }

  /** Who may do what with it, which the model only keeps. */
  acl(path: string): readonly AclEntry[] {
    return this.#nodes.get(path)?.acl ?? [];
  }

  children(path: string): string[] {
    return [...(this.#nodes.get(path)?.children ?? [])];
  }

  /** null: there is no such node. */
  stat(path: string): Stat | null {
    const node = this.#nodes.get(path);
    if (node === undefined) return null;
    return {
      createdZxid: node.createdZxid,
      modifiedZxid: node.modifiedZxid,
      createdMs: BigInt(node.createdMs),
      modifiedMs: BigInt(node.modifiedMs),
      version: node.version,
      childVersion: node.childVersion,
      aclVersion: 0,
      ephemeralOwner: node.owner,
      valueBytes: node.value?.length ?? 0,
      childCount: node.children.size,
      childrenZxid: node.childrenZxid,
    };
  }

  #decideOne(change: Change, sketches: Map<string, Sketch | null>): number {
    const { kind, path } = change;
    const isLookedAtFirst = kind === 'setData' || kind === 'check';
    if (isLookedAtFirst && !isPath(path)) return errorCode.badArguments;
    if (path === '/' && kind === 'delete') return errorCode.badArguments;
    const parentPath = parentOf(path);
    const node = this.#sketchOf(path, sketches);
    if (kind === 'create') {
      const parent = this.#sketchOf(parentPath, sketches);
      if (path === '/') return errorCode.nodeExists;
      if (parent === null) return errorCode.noNode;
      if (!isPath(path)) return errorCode.badArguments;
      if (node !== null) return errorCode.nodeExists;
      if (parent.isEphemeral) return errorCode.noChildrenForEphemerals;
      sketches.set(parentPath, { ...parent, childCount: parent.childCount + 1 });
      sketches.set(path, { version: 0, isEphemeral: change.isEphemeral, childCount: 0 });
      return errorCode.ok;
    }
    if (node === null) return errorCode.noNode;
    if (change.version !== -1 && change.version !== node.version) return errorCode.badVersion;
    if (kind === 'setData') sketches.set(path, { ...node, version: node.version + 1 });
    if (kind === 'delete') {
      if (node.childCount > 0) return errorCode.notEmpty;
      const parent = this.#sketchOf(parentPath, sketches) as Sketch;
      sketches.set(parentPath, { ...parent, childCount: parent.childCount - 1 });
      sketches.set(path, null);
    }
    return errorCode.ok;
  }

  #sketchOf(path: string, sketches: ReadonlyMap<string, Sketch | null>): Sketch | null {
    const sketch = sketches.get(path);
    if (sketch !== undefined) return sketch;
    const node = this.#nodes.get(path);
    if (node === undefined) return null;
    const { version, owner, children } = node;
    return { version, isEphemeral: owner !== 0n, childCount: children.size };
  }

  #create(path: string, what: Content, owner: bigint, zxid: bigint, timeMs: number): void {
    this.#nodes.set(path, newNode(what, owner, zxid, timeMs));
    const parent = this.#nodes.get(parentOf(path)) as Node;
    parent.children.add(nameOf(path));
    parent.childVersion += 1;
    parent.childrenZxid = zxid;
  }

  #delete(path: string, zxid: bigint, onEvent: (event: TreeEvent) => void): void {
    this.#nodes.delete(path);
    const parentPath = parentOf(path);
    const parent = this.#nodes.get(parentPath) as Node;
    parent.children.delete(nameOf(path));
    parent.childVersion += 1;
    parent.childrenZxid = zxid;
    onEvent({ kind: 'deleted', path });
    onEvent({ kind: 'childrenChanged', path: parentPath });
  }
}

type Content = Pick<Node, 'value' | 'acl'>;

function newNode({ value, acl }: Content, owner: bigint, zxid: bigint, timeMs: number): Node {
  return {
    value,
    acl,
    version: 0,
    owner,
    createdZxid: zxid,
    createdMs: timeMs,
    modifiedZxid: zxid,
    modifiedMs: timeMs,
    childVersion: 0,
    childrenZxid: zxid,
    children: new Set(),
  };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** ZooKeeper takes more than these; what is asked here has no other. */
function isPath(path: string): boolean {
  return path === '/' || /^(\/(?!\.{1,2}(\/|$))[!-.0-~]+)+$/.test(path);
}
