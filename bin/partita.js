#!/usr/bin/env node
// The launcher: everything is in dist/bin, which `npm run build` makes from src/cli.
import { existsSync } from 'node:fs';
import nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/bin/main.js', import.meta.url);
if (!existsSync(built)) {
  console.error('partita: not built yet; run npm ci && npm run build');
  process.exit(1);
}
// From Node.js 22 on, what it has compiled lies beside the code, for the next start. Where that
// folder cannot be written every start compiles anew, and nothing else is different.
nodeModule.enableCompileCache?.(fileURLToPath(new URL('../dist/compiled', import.meta.url)));
const { main } = await import(built.href);
process.exitCode = await main(process.argv.slice(2));
