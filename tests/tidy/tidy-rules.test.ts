// The tidy rules themselves: each is shown to find what it is there to find.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bannedCalls, bannedWords } from './bans.ts';
import { circlesOf } from './circles.ts';
import { doubleName } from './doubles.ts';
import { importsOf, mayImport } from './layers.ts';
import { unmappedFilesMax, unmappedIn } from './maps.ts';
import { codeOnly, functionsOf } from './sources.ts';
import { spreadsIn } from './spreads.ts';

function verdict(path: string, text: string, isTest = false): string | null {
  const source = { path, text };
  const imported = importsOf(source)[0];
  assert.ok(imported, 'the import is seen');
  return mayImport(source, imported, isTest);
}

test('an import against the direction of the layers is found', () => {
  const text = "// x\nimport { a } from '../broker/index.ts';\n";
  assert.match(String(verdict('src/storage/log.ts', text)), /must not import broker/);
  assert.match(String(verdict('src/client/a.ts', text)), /must not import broker/);
  assert.equal(verdict('src/cli/a.ts', text), null);
});

test('an import past a folder door is found, also over several lines', () => {
  const text = "// x\nimport {\n  a,\n  b,\n} from '../storage/segment.ts';\n";
  assert.match(String(verdict('src/broker/a.ts', text)), /through its index.ts/);
});

test('the operating system is refused outside src/io, also as a dynamic import', () => {
  assert.match(String(verdict('src/broker/a.ts', "await import('node:fs');")), /for src\/io/);
  assert.equal(verdict('src/io/node-disk.ts', "import fs from 'node:fs';"), null);
  assert.equal(verdict('src/broker/a.ts', "import { gzipSync } from 'node:zlib';"), null);
});

test('only tests may use the simulator and the doubles', () => {
  const text = "import { World } from '../../sim/index.ts';";
  assert.equal(verdict('src/storage/log.test.ts', text, true), null);
  assert.match(String(verdict('src/storage/log.ts', text)), /must not import sim/);
  const double = "import { openLog } from '../../tests/doubles/storage/log.ts';";
  assert.equal(verdict('src/storage/log.test.ts', double, true), null);
  assert.match(String(verdict('src/storage/log.ts', double)), /must not import tests/);
  const other = "import { projectRoot } from '../../tests/root.ts';";
  assert.match(String(verdict('src/storage/log.test.ts', other, true)), /must not import tests/);
});

test('a circle is found, also one of types over several files', () => {
  const file = (path: string, ...imported: string[]) => ({
    path: `src/a/${path}`,
    text: `// x\n${imported.map((each) => `import type { T } from './${each}';\n`).join('')}`,
  });
  const chain = [file('a.ts', 'b.ts'), file('b.ts', 'c.ts'), file('c.ts')];
  assert.deepEqual(circlesOf(chain), []);
  const circle = [...chain.slice(0, 2), file('c.ts', 'a.ts', 'd.ts'), file('d.ts')];
  assert.deepEqual(circlesOf(circle), [['src/a/a.ts', 'src/a/b.ts', 'src/a/c.ts']]);
});

test('a folder of many files without a map is found, and a map that lacks a file', () => {
  const names = Array.from({ length: unmappedFilesMax }, (_, number) => `file-${number}`);
  const files = [...names, 'log'].map((name) => ({ path: `src/a/b/${name}.ts`, text: '// x\n' }));
  const map = (path: string, head: string) => ({ path, text: `// ${head}\nimport './log.ts';\n` });
  assert.deepEqual(unmappedIn(files.slice(1)), [], 'few need none');
  assert.match(String(unmappedIn(files)), /src\/a\/b has 7 files and no index/);
  const tests = [...files.slice(1), { path: 'src/a/b/file-1.test.ts', text: '' }];
  assert.deepEqual(unmappedIn(tests), [], 'tests do not count');
  const all = `${names.join(', ')} and log.ts`;
  assert.deepEqual(unmappedIn([...files, map('src/a/b/index.ts', all)]), []);
  assert.deepEqual(unmappedIn([...files, map('src/a/index.ts', all)]), [], 'one above will do');
  const lacking = `${names.join(', ')} and the log, dialog.ts`;
  assert.deepEqual(unmappedIn([...files, map('src/a/b/index.ts', lacking)]), [
    'src/a/b/index.ts does not name src/a/b/log.ts',
  ]);
});

test('a file that is named as its API needs no place in a map', () => {
  const apis = Array.from({ length: 9 }, (_, number) => `api-${number}`);
  const messages = [...apis, 'index'].map((name) => ({
    path: `src/protocol/messages/${name}.ts`,
    text: '// One file each.\n',
  }));
  const handlers = [...apis, 'shared', 'index'].map((name) => ({
    path: `src/broker/handlers/${name}.ts`,
    text: '// One file each.\n',
  }));
  assert.deepEqual(unmappedIn([...messages, ...handlers]), [
    'src/broker/handlers/index.ts does not name src/broker/handlers/shared.ts',
  ]);
});

test('a double is known by its name', () => {
  const names = ['scripted-cluster.ts', 'group-harness.ts', 'a-fixture.test.ts', 'a.fixture.ts'];
  for (const name of names) assert.match(name, doubleName);
  for (const name of ['fixtures.ts', 'mocked.ts', 'log.ts']) assert.doesNotMatch(name, doubleName);
});

test('a banned call is seen in code and not in a comment or a string', () => {
  const isBanned = (line: string): boolean =>
    bannedCalls.some(({ pattern }) => pattern.test(codeOnly(line)));
  for (const line of ['setTimeout(f, 1);', 'const t = Date.now();', 'x = Math.random();']) {
    assert.ok(isBanned(line), line);
  }
  assert.equal(isBanned("// setTimeout() is banned, and so is 'Date.now'"), false);
  assert.equal(isBanned("const text = 'Math.random';"), false);
});

test('the extent of functions is measured and control flow is not a function', () => {
  const body = '  a();\n'.repeat(9);
  const text = `function f(a: number): Map<string, number> {\n${body}}\nif (x) {\n${body}}\n`;
  assert.deepEqual(functionsOf(text), [{ line: 1, lineCount: 11 }]);
});

test('a spread into arguments is found, one into a literal and a rest parameter are not', () => {
  const texts = (code: string): string[] => spreadsIn(code).map(({ text }) => text);
  assert.deepEqual(texts('list.push(...items);'), ['items']);
  assert.deepEqual(texts('Math.max(0, ...rows.map((row) => f(row, 1)))'), [
    'rows.map((row) => f(row, 1))',
  ]);
  assert.deepEqual(texts('f([...a, ...b], { ...c });'), []);
  assert.deepEqual(texts('function f(a: number, ...rest: number[]) {}'), []);
  assert.deepEqual(texts('const f = (a, ...rest) => rest;'), []);
});

test('a bare to-do is found', () => {
  const word = ['TO', 'DO'].join('');
  assert.ok(bannedWords.some(({ pattern }) => pattern.test(`// ${word}: later`)));
});
