// Maps: a folder of many files has an index.ts whose head comment names each of them, so that a
// reader finds the file without opening the others. The index may be that of a folder above.

import { posix } from 'node:path';
import type { Source } from './sources.ts';

/** A folder with more files than this, tests not counted, has a map. */
export const unmappedFilesMax = 6;

/** In these a file stands for the API it is named after: a map could say no more of it. */
const foldersByApi: readonly string[] = ['src/protocol/messages', 'src/broker/handlers'];

/** What is missing from the maps. */
export function unmappedIn(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const byFolder = new Map<string, string[]>();
  for (const { path } of sources) {
    if (!path.startsWith('src/') || path.endsWith('.test.ts')) continue;
    const folder = posix.dirname(path);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), posix.basename(path, '.ts')]);
  }
  const problems: string[] = [];
  for (const [folder, names] of byFolder) {
    if (names.length <= unmappedFilesMax) continue;
    const isApi = (name: string): boolean =>
      foldersByApi.includes(folder) && byPath.has(`src/protocol/messages/${name}.ts`);
    const map = mapOf(folder, byPath);
    if (map === null) {
      problems.push(`${folder} has ${names.length} files and no index.ts that maps them`);
      continue;
    }
    const head = headOf(map.text);
    for (const name of names) {
      if (name === 'index' || isApi(name) || isNamed(name, head)) continue;
      problems.push(`${map.path} does not name ${folder}/${name}.ts`);
    }
  }
  return problems;
}

/** The folder's own index, or the nearest one above it. */
function mapOf(folder: string, byPath: ReadonlyMap<string, Source>): Source | null {
  for (let at = folder; at !== 'src' && at !== '.'; at = posix.dirname(at)) {
    const index = byPath.get(`${at}/index.ts`);
    if (index !== undefined) return index;
  }
  return null;
}

function headOf(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return lines.slice(0, end).join('\n');
}

/** By its whole name; a name of several words may be without its ending. */
function isNamed(name: string, head: string): boolean {
  const ending = name.includes('-') ? '(\\.ts)?' : '\\.ts';
  return new RegExp(`(^|[^\\w-])${name}${ending}(?![\\w-])`).test(head);
}
