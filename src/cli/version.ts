// The version of this package, as every command prints it for --version.

import { fileURLToPath } from 'node:url';
import { createNodeIo, type Io } from '../io/index.ts';

/** The nearest package.json above the compiled file is ours. */
export function version(io: Io = createNodeIo()): string {
  for (let up = '../'; up.length < 20; up += '../') {
    const path = fileURLToPath(new URL(`${up}package.json`, import.meta.url));
    const text = io.disk.readFile(path)?.toString('utf8');
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version;
  }
  return 'unknown';
}
