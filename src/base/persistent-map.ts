// An immutable map (a hash array mapped trie) whose versions share what did not change: setting a
// key copies one path of a few small nodes, so that an image of 10 000 topics can be replaced
// after every change without copying 10 000 entries.
//
// Invariant: no node that a published map can reach is ever written again. Keys are strings or
// integers; iteration is by hash, the same for the same set of keys on every machine unless two
// keys share all 32 bits, when the older comes first.

type Key = string | number;

interface Leaf<K, V> {
  readonly hash: number;
  readonly key: K;
  readonly value: V;
  /** Entries with the same 32 bits of hash; null nearly always. */
  readonly next: Leaf<K, V> | null;
}

interface Branch<K, V> {
  /** One bit for each of the 32 slots that is taken; children are packed in slot order. */
  readonly bitmap: number;
  readonly children: readonly Node<K, V>[];
}

type Node<K, V> = Leaf<K, V> | Branch<K, V>;

const emptyBranch: Branch<never, never> = { bitmap: 0, children: [] };

export class PersistentMap<K extends Key, V> implements Iterable<[K, V]> {
  static readonly #empty = new PersistentMap<never, never>(emptyBranch, 0);

  readonly size: number;
  readonly #root: Branch<K, V>;

  private constructor(root: Branch<K, V>, size: number) {
    this.#root = root;
    this.size = size;
  }

  static empty<K extends Key, V>(): PersistentMap<K, V> {
    return PersistentMap.#empty as unknown as PersistentMap<K, V>;
  }

  static from<K extends Key, V>(entries: Iterable<readonly [K, V]>): PersistentMap<K, V> {
    let map = PersistentMap.empty<K, V>();
    for (const [key, value] of entries) map = map.set(key, value);
    return map;
  }

  get(key: K): V | undefined {
    const hash = hashOf(key);
    let node: Node<K, V> | undefined = this.#root;
    for (let shift = 0; node !== undefined && 'bitmap' in node; shift += 5) {
      const bit = 1 << ((hash >>> shift) & 31);
      node = (node.bitmap & bit) === 0 ? undefined : node.children[slotOf(node.bitmap, bit)];
    }
    return node === undefined ? undefined : leafOf(node as Leaf<K, V>, key)?.value;
  }

  has(key: K): boolean {
    const hash = hashOf(key);
    let node: Node<K, V> | undefined = this.#root;
    for (let shift = 0; node !== undefined && 'bitmap' in node; shift += 5) {
      const bit = 1 << ((hash >>> shift) & 31);
      node = (node.bitmap & bit) === 0 ? undefined : node.children[slotOf(node.bitmap, bit)];
    }
    return node !== undefined && leafOf(node as Leaf<K, V>, key) !== null;
  }

  set(key: K, value: V): PersistentMap<K, V> {
    const leaf: Leaf<K, V> = { hash: hashOf(key), key, value, next: null };
    const root = withLeaf(this.#root, leaf, 0) as Branch<K, V>;
    return new PersistentMap(root, this.has(key) ? this.size : this.size + 1);
  }

  delete(key: K): PersistentMap<K, V> {
    if (!this.has(key)) return this;
    const root = withoutKey(this.#root, hashOf(key), key, 0);
    if (root === null) return PersistentMap.empty<K, V>();
    const branch = 'bitmap' in root ? root : withLeaf<K, V>(emptyBranch, root, 0);
    return new PersistentMap(branch as Branch<K, V>, this.size - 1);
  }

  *[Symbol.iterator](): IterableIterator<[K, V]> {
    for (const leaf of leavesOf(this.#root)) yield [leaf.key, leaf.value];
  }

  *keys(): IterableIterator<K> {
    for (const leaf of leavesOf(this.#root)) yield leaf.key;
  }

  *values(): IterableIterator<V> {
    for (const leaf of leavesOf(this.#root)) yield leaf.value;
  }
}

function* leavesOf<K, V>(root: Branch<K, V>): IterableIterator<Leaf<K, V>> {
  const stack: Node<K, V>[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if ('bitmap' in node) {
      for (let i = node.children.length - 1; i >= 0; i--) stack.push(node.children[i]!);
      continue;
    }
    for (let leaf: Leaf<K, V> | null = node; leaf !== null; leaf = leaf.next) yield leaf;
  }
}

/** The node with the leaf added; the leaf replaces one of the same key, whose `next` it keeps. */
function withLeaf<K, V>(node: Node<K, V>, leaf: Leaf<K, V>, shift: number): Node<K, V> {
  if (!('bitmap' in node)) {
    if (node.hash === leaf.hash) return chainWith(node, leaf);
    const slot = (node.hash >>> shift) & 31;
    return withLeaf({ bitmap: 1 << slot, children: [node] }, leaf, shift);
  }
  const bit = 1 << ((leaf.hash >>> shift) & 31);
  const slot = slotOf(node.bitmap, bit);
  const children = node.children.slice();
  if ((node.bitmap & bit) === 0) children.splice(slot, 0, leaf);
  else children[slot] = withLeaf(children[slot]!, leaf, shift + 5);
  return { bitmap: node.bitmap | bit, children };
}

function chainWith<K, V>(chain: Leaf<K, V>, leaf: Leaf<K, V>): Leaf<K, V> {
  if (chain.key === leaf.key) return chain.next === null ? leaf : { ...leaf, next: chain.next };
  return { ...chain, next: chain.next === null ? leaf : chainWith(chain.next, leaf) };
}

/** The key is in the node. null when nothing is left of it. */
function withoutKey<K, V>(
  node: Node<K, V>,
  hash: number,
  key: K,
  shift: number,
): Node<K, V> | null {
  if (!('bitmap' in node)) {
    if (node.key === key) return node.next;
    return { ...node, next: withoutKey(node.next!, hash, key, shift) as Leaf<K, V> | null };
  }
  const bit = 1 << ((hash >>> shift) & 31);
  const slot = slotOf(node.bitmap, bit);
  const child = withoutKey(node.children[slot]!, hash, key, shift + 5);
  const children = node.children.slice();
  if (child !== null) children[slot] = child;
  else children.splice(slot, 1);
  if (children.length === 0) return null;
  // A branch of one leaf becomes that leaf, so that a map that shrank is as flat as a new one.
  if (children.length === 1 && !('bitmap' in children[0]!)) return children[0]!;
  return { bitmap: child === null ? node.bitmap & ~bit : node.bitmap, children };
}

function leafOf<K, V>(chain: Leaf<K, V>, key: K): Leaf<K, V> | null {
  for (let leaf: Leaf<K, V> | null = chain; leaf !== null; leaf = leaf.next) {
    if (leaf.key === key) return leaf;
  }
  return null;
}

function slotOf(bitmap: number, bit: number): number {
  let below = bitmap & (bit - 1);
  below -= (below >>> 1) & 0x55555555;
  below = (below & 0x33333333) + ((below >>> 2) & 0x33333333);
  return Math.imul((below + (below >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function hashOf(key: Key): number {
  let hash = 0x811c9dc5;
  if (typeof key === 'number') hash ^= key;
  else for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
