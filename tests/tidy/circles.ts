// Circles: files that import each other, directly or by way of others, be it only for types. In a
// circle nobody can say which file comes first, and none can be read, moved or tested alone. The
// list held those that were there when the rule came. It is empty, and stays so.

import { importsOf } from './layers.ts';
import type { Source } from './sources.ts';

/** Each in the order of its paths. */
export const knownCircles: readonly (readonly string[])[] = [];

/** The largest sets of files of which each reaches each of the others by imports. */
export function circlesOf(sources: readonly Source[]): string[][] {
  const imports = new Map(
    sources.map((source) => [
      source.path,
      importsOf(source).flatMap(({ path }) => (path === null ? [] : [path])),
    ]),
  );
  const reachable = new Map([...imports.keys()].map((path) => [path, reachedFrom(path, imports)]));
  const circles: string[][] = [];
  const placed = new Set<string>();
  for (const [path, reached] of reachable) {
    if (placed.has(path) || !reached.has(path)) continue;
    const circle = [...reached].filter((other) => reachable.get(other)?.has(path)).sort();
    for (const member of circle) placed.add(member);
    circles.push(circle);
  }
  return circles;
}

/** Without the file itself, unless a way leads back to it. */
function reachedFrom(path: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const queue = [...(imports.get(path) ?? [])];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    queue.push(...(imports.get(next) ?? []));
  }
  return reached;
}
