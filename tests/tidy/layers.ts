// Which folder of src may import which: the table of ARCHITECTURE.md, as data. The broker side
// and the client side share only the floor; the wire is the border between them.

import { posix } from 'node:path';
import { doublesFolder } from './doubles.ts';
import type { Source } from './sources.ts';

const floor = ['base', 'io', 'protocol', 'config', 'metrics', 'network', 'security'];

/** A folder may import itself and the folders listed for it. */
const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  io: ['base'],
  protocol: ['base'],
  config: ['base', 'protocol'],
  metrics: ['base', 'io'],
  network: ['base', 'io', 'protocol', 'config', 'metrics'],
  security: ['base', 'io', 'protocol', 'config', 'metrics'],
  storage: floor,
  machine: [...floor, 'storage'],
  metadata: [...floor, 'storage', 'machine'],
  replication: [...floor, 'storage', 'machine', 'metadata'],
  coordinator: [...floor, 'storage', 'machine', 'metadata', 'replication'],
  broker: [...floor, 'storage', 'machine', 'metadata', 'replication', 'coordinator'],
  client: floor,
  testing: [...floor, 'storage', 'metadata', 'broker', 'client'],
  cli: [...floor, 'storage', 'metadata', 'broker', 'client', 'testing'],
};

/** Doors to the operating system other than src/io. */
const systemModules =
  /^(node:)?(fs|net|tls|dgram|dns|http|https|http2|child_process|worker_threads|timers|os)(\/|$)/;

export interface Imported {
  readonly specifier: string;
  readonly line: number;
  /** The imported file relative to the root; null for a package or a built-in. */
  readonly path: string | null;
}

export function importsOf(source: Source): Imported[] {
  const found: Imported[] = [];
  const pattern = /(?:^|\n)[^\n]*?(?:\bfrom|\bimport\(|^import|\nimport)\s*['"]([^'"\n]+)['"]/g;
  for (const match of source.text.matchAll(pattern)) {
    const specifier = match[1] as string;
    const line = source.text.slice(0, (match.index ?? 0) + match[0].length).split('\n').length;
    const path = specifier.startsWith('.')
      ? posix.normalize(posix.join(posix.dirname(source.path), specifier))
      : null;
    found.push({ specifier, line, path });
  }
  return found;
}

/** The folder of src that a path belongs to, or the top folder of the tree. */
export function folderOf(path: string): string {
  const parts = path.split('/');
  return parts[0] === 'src' && parts.length > 2 ? (parts[1] as string) : (parts[0] as string);
}

/** null if the import is allowed, otherwise what is wrong with it. */
export function mayImport(source: Source, imported: Imported, isTest: boolean): string | null {
  const from = folderOf(source.path);
  if (imported.path === null) {
    if (isTest || from === 'io' || !systemModules.test(imported.specifier)) return null;
    return `${from} must not import ${imported.specifier}: it is for src/io`;
  }
  const to = folderOf(imported.path);
  if (from === to) return null;
  const allowed = layers[from];
  if (allowed === undefined) return `${from} is not in the table of layers`;
  // Unit tests run over the simulator and the doubles; nothing else in src knows those.
  if (isTest && (to === 'sim' || imported.path.startsWith(doublesFolder))) return null;
  if (!allowed.includes(to)) return `${from} must not import ${to} (${imported.specifier})`;
  const isDoor = /\/(index|node-io)\.ts$/.test(imported.path) || to === 'base';
  return isDoor ? null : `enter ${to} through its index.ts, not ${imported.specifier}`;
}
