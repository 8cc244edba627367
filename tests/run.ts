// The test command: runs every *.test.ts of the tree with Node's own runner, from the compiled
// output. The list is made from the sources, so a deleted test is not run from a stale build.
//
//   npm test                     everything that needs only Node.js
//   npm test -- storage records  only files whose path contains one of the words
//   npm run test:interop         foreign clients (tests/interop), which need their toolchains

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './root.ts';

const output = fileURLToPath(new URL('..', import.meta.url));

function testFiles(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .sort();
}

const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const interop = process.argv.includes('--interop');
const all = ['src', 'sim', 'tests', 'bench', 'examples'].flatMap(testFiles);
// Clients that come from npm need no toolchain: they belong to the everyday tests.
const isInterop = (file: string): boolean =>
  file.startsWith(join('tests', 'interop')) && !file.startsWith(join('tests', 'interop', 'npm'));
const files = all
  .filter((file) => isInterop(file) === interop)
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .map((file) => relative(process.cwd(), join(output, file.replace(/\.ts$/, '.js'))));

if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`);
  process.exit(1);
}

// Interop tests share machine-wide things (toolchains, caches) and measure time-outs of real
// programs: one file at a time. The others are independent of each other.
const concurrency = interop ? 1 : 2;
const runner = spawn(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${concurrency}`,
    // A test that hangs fails by itself instead of holding up everything behind it.
    '--test-timeout=300000',
    ...files,
  ],
  { stdio: 'inherit', cwd: process.cwd() },
);
runner.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
