// What a broker loads before it can serve, as a graph of imports and not as a time: every file that
// it reads costs a third of a millisecond of processor time at each start, and a library several.
// What few clusters need is loaded with its first use.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { join, posix } from 'node:path';
import { describe, test } from 'node:test';
import { projectRoot } from './root.ts';
import { listSources } from './tidy/sources.ts';

/** Raise it knowingly: a new file of the broker belongs here, a new tool or client does not. */
const filesMax = 571;
/** What write-bundle.ts makes of them. */
const bundledMax = 6;

/** Each takes Node.js 1 to 3 ms to make ready. */
const systemModules = ['crypto', 'fs', 'module', 'net', 'url', 'util', 'v8', 'zlib'];

const textByPath = new Map(listSources().map(({ path, text }) => [path, text]));

/** What is loaded before the first statement of a file runs; types and `import()` are not. */
function loadedBy(path: string): string[] {
  const pattern = /^(?:import|export)\s(?!type\b)(?:[^;'"`(]*?\sfrom\s)?\s*'([^']+)'/gm;
  return [...(textByPath.get(path) ?? '').matchAll(pattern)].map((match) => {
    const specifier = match[1] as string;
    const isFile = specifier.startsWith('.');
    return isFile ? posix.normalize(posix.join(posix.dirname(path), specifier)) : specifier;
  });
}

function loadedWith(...entries: readonly string[]): string[] {
  const seen = new Set(entries);
  for (const path of seen) for (const loaded of loadedBy(path)) seen.add(loaded);
  return [...seen];
}

describe('a broker that starts', () => {
  const loaded = loadedWith('src/cli/main.ts', 'src/cli/start.ts');
  const files = loaded.filter((path) => textByPath.has(path));
  const others = loaded.filter((path) => !textByPath.has(path));

  test('loads itself', () => {
    assert.ok(files.includes('src/broker/broker.ts'));
    assert.ok(files.includes('src/io/node-disk.ts'));
  });

  test('loads nothing of the tools and the client', () => {
    const ours = files.filter((path) => /^src\/(cli|client)\//.test(path)).sort();
    const names = [
      'garbage-collection',
      'main',
      'read-text',
      'start-options',
      'start',
      'store-watch',
      'tool',
    ];
    assert.deepEqual(
      ours,
      names.map((name) => `src/cli/${name}.ts`),
    );
  });

  test('loads no package, and of Node.js what serving needs', () => {
    const allowed = new Set(systemModules.map((name) => `node:${name}`));
    const unexpected = others.filter((name) => !allowed.has(name));
    assert.deepEqual(unexpected, []);
  });

  test('loads a bounded number of files', () => {
    assert.ok(files.length <= filesMax, `${files.length} files, at most ${filesMax}`);
  });

  test('loads them as a few, which the build makes of them', () => {
    const folder = join(projectRoot, 'dist/bin');
    const bundled = new Set(['main.js', 'broker.js']);
    for (const name of bundled) {
      const text = readFileSync(join(folder, name), 'utf8').replaceAll('\\\n', '');
      for (const [, other] of text.matchAll(/\b(?:import|from)"\.\/([^"]+)"/g)) {
        bundled.add(other as string);
      }
    }
    assert.ok(bundled.size > 2 && bundled.size <= bundledMax, [...bundled].join(' '));
  });

  test('keeps a text in memory that takes one byte a character, and has no comments', () => {
    const folder = join(projectRoot, 'dist/bin');
    for (const name of readdirSync(folder).filter((each) => each.endsWith('.js'))) {
      const text = readFileSync(join(folder, name), 'latin1');
      assert.equal(/[^\0-\x7f]/.exec(text), null, name);
      assert.ok(!text.includes('\n/** '), name);
    }
  });
});

test('what Node.js has compiled is kept beside the code, where Node.js can do that', () => {
  const { status } = spawnSync(process.execPath, ['bin/partita.js', '--version'], {
    cwd: projectRoot,
    env: { ...process.env, NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: undefined },
  });
  assert.equal(status, 0);
  const isKept = Object.hasOwn(nodeModule, 'enableCompileCache');
  assert.ok(!isKept || existsSync(join(projectRoot, 'dist/compiled')));
});
