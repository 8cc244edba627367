// The project's own lint: layers, bans, names and sizes. The rules are data in tests/tidy/;
// they only get stricter. An exception names its file and its reason, and must go when its
// reason has gone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { projectRoot } from './root.ts';
import { bannedCalls, bannedNameEndings, bannedWords, ioFolders } from './tidy/bans.ts';
import { circlesOf, knownCircles } from './tidy/circles.ts';
import { doubleName, doublesFolder } from './tidy/doubles.ts';
import { folderOf, importsOf, mayImport } from './tidy/layers.ts';
import { unmappedIn } from './tidy/maps.ts';
import { sizeExceptions, sizeLimits } from './tidy/sizes.ts';
import { codeOnly, functionsOf, listSources, type Source } from './tidy/sources.ts';
import { allowedSpreads, spreadsIn } from './tidy/spreads.ts';

const sources = listSources();
const product = sources.filter((source) => source.path.startsWith('src/'));
const isTest = (source: Source): boolean => /\.(test|fuzz\.test)\.ts$/.test(source.path);

function expectNone(problems: string[]): void {
  assert.equal(problems.length, 0, `\n  ${problems.join('\n  ')}\n`);
}

describe('tidy', () => {
  test('folders import only what the table of layers allows', () => {
    const problems: string[] = [];
    for (const source of product) {
      for (const imported of importsOf(source)) {
        const verdict = mayImport(source, imported, isTest(source));
        if (verdict !== null) problems.push(`${source.path}:${imported.line} ${verdict}`);
      }
    }
    expectNone(problems);
  });

  test('a folder of src has no import cycle with another', () => {
    const edges = new Map<string, Set<string>>();
    for (const source of product.filter((each) => !isTest(each))) {
      const from = folderOf(source.path);
      for (const imported of importsOf(source)) {
        const to = imported.path === null ? null : folderOf(imported.path);
        if (to === null || to === from) continue;
        edges.set(from, (edges.get(from) ?? new Set()).add(to));
      }
    }
    const problems: string[] = [];
    for (const start of edges.keys()) {
      const seen = new Set<string>();
      const queue = [...(edges.get(start) ?? [])];
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        if (next === start) problems.push(`${start} reaches itself`);
        if (next === start || seen.has(next)) continue;
        seen.add(next);
        queue.push(...(edges.get(next) ?? []));
      }
    }
    expectNone(problems);
  });

  test('files do not import each other in circles', () => {
    const shown = (circle: readonly string[]): string => circle.join(', ');
    const known = new Set(knownCircles.map(shown));
    const found = new Set(
      circlesOf(sources.filter(({ path }) => /^(src|sim)\//.test(path))).map(shown),
    );
    const problems: string[] = [];
    for (const circle of found) if (!known.has(circle)) problems.push(`a circle: ${circle}`);
    for (const circle of known) {
      if (!found.has(circle)) problems.push(`not a circle any more, take it off: ${circle}`);
    }
    expectNone(problems);
  });

  test('a folder of many files has a map that names each', () => {
    expectNone(unmappedIn(sources));
  });

  test('doubles of tests are in tests/doubles', () => {
    const isDouble = ({ path }: Source): boolean =>
      path.startsWith('src/') && doubleName.test(path.split('/').at(-1) as string);
    const misplaced = sources.filter(isDouble);
    const problems = misplaced.map(({ path }) => `${path} belongs into ${doublesFolder}`);
    expectNone(problems);
  });

  test('every file that ARCHITECTURE.md names is there', () => {
    const text = readFileSync(join(projectRoot, 'ARCHITECTURE.md'), 'utf8');
    const named = new Set(
      [...text.matchAll(/`((?:[a-z-]+\/)+[a-z-]+\.ts)`/g)].map(([, path]) => path),
    );
    const paths = new Set(sources.map(({ path }) => path));
    const gone = [...named].filter((path) => !paths.has(`src/${path}`) && !paths.has(`${path}`));
    assert.ok(named.size > 20);
    // The world in which users will test, and the simulator's cluster of several brokers.
    expectNone(
      gone.filter((path) => path !== 'sim/cluster.ts').map((path) => `${path} is not there`),
    );
  });

  test('only src/io touches the operating system, the clock and chance', () => {
    const problems: string[] = [];
    for (const source of product) {
      if (isTest(source) || ioFolders.some((folder) => source.path.startsWith(folder))) continue;
      const lines = codeOnly(source.text).split('\n');
      for (const { pattern, instead, allowed } of bannedCalls) {
        if (allowed?.some((folder) => source.path.startsWith(folder))) continue;
        for (const [index, line] of lines.entries()) {
          if (pattern.test(line)) problems.push(`${source.path}:${index + 1} use ${instead}`);
        }
      }
    }
    expectNone(problems);
  });

  test('no list that may be long is spread into the arguments of a call', () => {
    const problems: string[] = [];
    const isChecked = ({ path }: Source): boolean =>
      !/(\.test|\.fuzz|-contract|-behaviour)\.ts$/.test(path);
    for (const source of product.filter(isChecked)) {
      const allowed = new Set(allowedSpreads.get(source.path));
      for (const { line, text } of spreadsIn(source.text)) {
        if (!allowed.delete(text)) problems.push(`${source.path}:${line} spreads ${text}`);
      }
      for (const text of allowed) problems.push(`${source.path} does not spread ${text} any more`);
    }
    expectNone(problems);
  });

  test('files and classes have names that say what they are', () => {
    const problems: string[] = [];
    for (const source of sources) {
      const name = source.path.split('/').at(-1) as string;
      if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(name)) {
        problems.push(`${source.path} is not kebab-case`);
      }
      if (/^(utils?|common|helpers?|types)\.ts$/.test(name)) problems.push(`${source.path}: name`);
      for (const match of codeOnly(source.text).matchAll(/\b(?:class|interface) (\w+)/g)) {
        const ending = bannedNameEndings.find((each) => (match[1] as string).endsWith(each));
        if (ending) problems.push(`${source.path}: ${match[1]} ends in ${ending}`);
      }
    }
    expectNone(problems);
  });

  test('every file opens with what it holds', () => {
    const bare = sources.filter((source) => !/^(#!.*\n)?\/[/*]/.test(source.text));
    expectNone(bare.map((source) => `${source.path} has no opening comment`));
  });

  test('files, functions and lines stay within their sizes', () => {
    const problems: string[] = [];
    for (const source of sources) {
      const lines = source.text.split('\n');
      const exception = sizeExceptions.get(source.path);
      const linesMax =
        exception?.fileLines ?? (isTest(source) ? sizeLimits.testLines : sizeLimits.fileLines);
      if (lines.length - 1 > linesMax) {
        problems.push(`${source.path} has ${lines.length - 1} lines, at most ${linesMax}`);
      }
      for (const [index, line] of lines.entries()) {
        if (line.length > sizeLimits.lineColumns && !/https?:|import |'[0-9a-f]{60,}/.test(line)) {
          problems.push(`${source.path}:${index + 1} has ${line.length} columns`);
        }
      }
      if (isTest(source) || !/^(src|sim)\//.test(source.path)) continue;
      for (const { line, lineCount } of functionsOf(source.text)) {
        const functionMax = exception?.functionLines ?? sizeLimits.functionLines;
        if (lineCount > functionMax) {
          problems.push(`${source.path}:${line} is a function of ${lineCount} lines`);
        }
      }
    }
    expectNone(problems);
  });

  test('an exception that is no longer needed is removed', () => {
    const problems: string[] = [];
    for (const [path, exception] of sizeExceptions) {
      const source = sources.find((each) => each.path === path);
      if (source === undefined) {
        problems.push(`${path} does not exist`);
        continue;
      }
      const fileLines = source.text.split('\n').length - 1;
      const limit = isTest(source) ? sizeLimits.testLines : sizeLimits.fileLines;
      if (exception.fileLines !== undefined && fileLines <= limit) {
        problems.push(`${path} fits the limit now`);
      }
      const longest = Math.max(0, ...functionsOf(source.text).map((each) => each.lineCount));
      if (exception.functionLines !== undefined && longest <= sizeLimits.functionLines) {
        problems.push(`${path}: its functions fit the limit now`);
      }
    }
    expectNone(problems);
  });

  test('no words that do not belong in the tree', () => {
    const problems: string[] = [];
    for (const source of sources) {
      if (source.path.startsWith('tests/tidy')) continue;
      for (const [index, line] of source.text.split('\n').entries()) {
        for (const { pattern, why } of bannedWords) {
          if (pattern.test(line)) problems.push(`${source.path}:${index + 1} ${why}`);
        }
      }
    }
    expectNone(problems);
  });
});
