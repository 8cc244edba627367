// The test command: runs every *.test.ts of the tree with Node's own runner, from the compiled
// output. The list is made from the sources, so a deleted test is not run from a stale build.
//
//   npm test                     everything that needs only Node.js
//   npm test -- storage records  only files whose path contains one of the words
//   npm run test:interop         foreign clients (tests/interop), which need their toolchains

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './root.ts';

const output = fileURLToPath(new URL('..', import.meta.url));

function testFiles(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .sort();
}

/** Files that take longest begin first, so that none of them is left for the end. */
const longest = [
  'interop/clusters/answers',
  'interop/clusters/torture',
  'interop/transactions-under-faults',
  'interop/streams-exactly-once',
  'interop/kafka-files/both-ways',
  'interop/group-clients',
  'interop/kafka-files/migrate',
  'interop/clusters/store-story',
  'interop/dump-log',
  'interop/npm/groups',
  'sim/checkers/exact-copies',
  'tests/e2e/examples',
];

function beginsAt(file: string): number {
  const at = longest.findIndex((one) => file.includes(one));
  return at < 0 ? longest.length : at;
}

/** Files named at the end, so that one that has become slow is seen. */
const slowestShown = 12;

const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const interop = process.argv.includes('--interop');
const all = ['src', 'sim', 'tests', 'bench', 'examples'].flatMap(testFiles);
// Clients that come from npm need no toolchain: they belong to the everyday tests.
const isInterop = (file: string): boolean =>
  file.startsWith(join('tests', 'interop')) && !file.startsWith(join('tests', 'interop', 'npm'));
const files = all
  .filter((file) => isInterop(file) === interop)
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort((a, b) => beginsAt(a) - beginsAt(b))
  .map((file) => join(output, file.replace(/\.ts$/, '.js')));

if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`);
  process.exit(1);
}

// The files are independent of each other. More at a time than there are cores would make those
// of interop miss the time-outs of the real programs that they drive.
const concurrency = availableParallelism();
// A file that hangs fails by itself instead of holding up everything behind it.
const timeout = interop ? 600_000 : 300_000;
// Each file gets the flags of this process.
process.execArgv.push('--enable-source-maps');

const results = run({ files, concurrency, timeout });
const startMs = performance.now();
const doneMs = new Map<string, number>();
results.on('test:fail', ({ todo }) => {
  if (todo === undefined) process.exitCode = 1;
});
results.on('test:complete', ({ nesting, file, details }) => {
  // The tests in a file name its source, the file as a whole what was compiled of it.
  if (nesting !== 0 || !file?.startsWith(output)) return;
  const name = relative(output, file).replace(/\.js$/, '.ts');
  doneMs.set(name, details.duration_ms);
});
results.compose(new spec()).pipe(process.stdout);
process.once('exit', () => {
  if (files.length < slowestShown) return;
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const slowest = [...doneMs].sort((a, b) => b[1] - a[1]).slice(0, slowestShown);
  console.log(`${seconds(performance.now() - startMs)} s; the files that took longest:`);
  for (const [name, ms] of slowest) console.log(`${seconds(ms).padStart(7)} s  ${name}`);
});
