// What a program can import from a folder's index.ts, with its declarations.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Declaration, readDeclarations } from './declarations.ts';

export interface PublicName extends Declaration {
  /** The declarations beside it in its file, public or not. */
  readonly beside: ReadonlyMap<string, Declaration>;
}

interface SourceFile {
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** What it passes on: names, or null for all, and from where. */
  readonly passed: readonly (readonly [names: readonly string[] | null, path: string])[];
}

const exportsOf = /^export (?:type )?(\*|\{[^}]*\}) from '(\.[^']+)';/gm;

/** By name, in the order of the index. */
export function readPublicNames(indexPath: string): ReadonlyMap<string, PublicName> {
  const files = new Map<string, SourceFile>();
  const found = new Map<string, PublicName>();
  const addAll = (path: string): void => {
    const { declarations, passed } = fileAt(path, files);
    for (const [name, each] of declarations) {
      if (each.isExported) found.set(name, { ...each, beside: declarations });
    }
    for (const [names, from] of passed) {
      if (names === null) addAll(from);
      for (const name of names ?? []) found.set(name, declarationAt(from, name, files));
    }
  };
  addAll(indexPath);
  return found;
}

function declarationAt(path: string, name: string, files: Map<string, SourceFile>): PublicName {
  const { declarations, passed } = fileAt(path, files);
  const own = declarations.get(name);
  if (own !== undefined) return { ...own, beside: declarations };
  const from = passed.find(([names]) => names?.includes(name));
  if (from === undefined) throw new Error(`${path} declares no ${name} that can be read`);
  return declarationAt(from[1], name, files);
}

function fileAt(path: string, files: Map<string, SourceFile>): SourceFile {
  let file = files.get(path);
  if (file === undefined) {
    const source = readFileSync(path, 'utf8');
    const passed = [...source.matchAll(exportsOf)].map(([, what = '', specifier = '']) => {
      const names = [...what.matchAll(/\w+(?=,|\s*\})/g)].map(([name]) => name);
      return [what === '*' ? null : names, join(dirname(path), specifier)] as const;
    });
    file = { declarations: readDeclarations(source), passed };
    files.set(path, file);
  }
  return file;
}
