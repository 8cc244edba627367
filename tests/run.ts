// The test command: runs every *.test.ts of the tree with Node's own runner, from the compiled
// output. The list is made from the sources, so a deleted test is not run from a stale build.
//
//   npm test                     everything that needs only Node.js
//   npm test -- storage records  only files whose path contains one of the words
//   npm test -- --without=bench  all files but those whose path contains one of the words
//   npm run test:interop         foreign clients (tests/interop), which need their toolchains

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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
const without = process.argv
  .filter((word) => word.startsWith('--without='))
  .flatMap((word) => word.slice('--without='.length).split(','));
const interop = process.argv.includes('--interop');
const all = ['src', 'sim', 'tests', 'bench', 'examples'].flatMap(testFiles);
// Clients that come from npm need no toolchain: they belong to the everyday tests.
const isInterop = (file: string): boolean =>
  file.startsWith(join('tests', 'interop')) && !file.startsWith(join('tests', 'interop', 'npm'));
const files = all
  .filter((file) => isInterop(file) === interop)
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .filter((file) => !without.some((word) => file.includes(word)))
  .sort((a, b) => beginsAt(a) - beginsAt(b));

if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`);
  process.exit(1);
}

const compiled = (file: string): string => join(output, file.replace(/\.ts$/, '.js'));

/** So many files of units share a process: to load the product takes longer than most of them. */
const unitsTogether = 12;

/** What is given to Node's runner, which starts a process for each. */
function processes(): readonly string[] {
  const isUnit = (file: string): boolean => file.startsWith('src');
  const units = files.filter(isUnit);
  const alone = files.filter((file) => !isUnit(file)).map(compiled);
  if (units.length <= unitsTogether) return [...alone, ...units.map(compiled)];
  const folder = join(output, 'tests', `units-${process.pid}`);
  mkdirSync(folder);
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const count = Math.ceil(units.length / unitsTogether);
  const together = Array.from({ length: count }, (_, at) => {
    const some = units.filter((_, index) => index % count === at);
    const path = join(folder, `${at}.js`);
    // Static, so that all tests are registered before the first one runs (sim/untracked.ts).
    const lines = some.map((file) => `import ${JSON.stringify(compiled(file))};\n`);
    writeFileSync(path, lines.join(''));
    return path;
  });
  return [...alone, ...together];
}

// The files are independent of each other, and some wait for processes of theirs, so that one more
// than there are cores keeps these busy. It would make files of interop miss the time-outs of the
// real programs that they drive.
const concurrency = availableParallelism() + (interop ? 0 : 1);
// A file that hangs fails by itself instead of holding up everything behind it.
const timeout = interop ? 600_000 : 300_000;
// Each file gets the flags of this process.
process.execArgv.push('--enable-source-maps');

const results = run({ files: [...processes()], concurrency, timeout });
const startMs = performance.now();
const doneMs = new Map<string, number>();
results.on('test:fail', ({ todo }) => {
  if (todo === undefined) process.exitCode = 1;
});
results.on('test:complete', ({ nesting, file, details }) => {
  // The tests in a file name its source.
  if (nesting !== 0 || !file?.endsWith('.ts')) return;
  const name = relative(projectRoot, file);
  doneMs.set(name, (doneMs.get(name) ?? 0) + details.duration_ms);
});
results.compose(new spec()).pipe(process.stdout);
process.once('exit', () => {
  if (files.length < slowestShown) return;
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const slowest = [...doneMs].sort((a, b) => b[1] - a[1]).slice(0, slowestShown);
  console.log(`${seconds(performance.now() - startMs)} s; the files that took longest:`);
  for (const [name, ms] of slowest) console.log(`${seconds(ms).padStart(7)} s  ${name}`);
});
