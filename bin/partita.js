#!/usr/bin/env node
// The launcher: everything is in dist/bin, which `npm run build` makes from src/cli.
import { existsSync } from 'node:fs';

const built = new URL('../dist/bin/main.js', import.meta.url);
if (!existsSync(built)) {
  console.error('partita: not built yet; run npm ci && npm run build');
  process.exit(1);
}
const { main } = await import(built.href);
process.exitCode = await main(process.argv.slice(2));
