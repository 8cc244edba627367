// What programs import, in dist/lib: the last step of `npm run build`. Each entry of the package is
// a file for `import` (esm/) and one for `require` (cjs/), with types of its own in either; parts
// that are loaded late stay apart. Nothing of it waits while it is loaded, and nothing does
// anything but define, so that bundlers leave out what a program does not use.

import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild-wasm';
import { hashOfInputs, isMadeOf, replaceOutput } from './build-output.ts';
import { projectRoot } from './root.ts';

const source = join(projectRoot, 'dist/src');
const target = join(projectRoot, 'dist/lib');
const zstdBinding = 'zstd-codec/lib/zstd-codec-binding-wasm.js';

/** The entries of package.json's `exports`: the name of the files, and what they are made of. */
const entries: Readonly<Record<string, string>> = { client: 'client/index' };

/** Definitions of messages: calls that only make a value, which bundlers may leave out. */
const definition = /\b(define\w+|u?int\d+|float64|bool|string|bytes|records|uuid|array|struct)\(/g;

/** How declarations name each other: as the sources do. */
const tsSpecifier = /(\bfrom '\.[^']*|\bimport\("\.[^"]*)\.ts(['"])/g;

const inputs = hashOfInputs(
  source,
  (name) => /\.(js|d\.ts)$/.test(name) && !/\.test\./.test(name),
  [fileURLToPath(import.meta.url), join(projectRoot, 'package.json')],
);
if (!isMadeOf(target, inputs)) await writeLibrary();

async function writeLibrary(): Promise<void> {
  const modules = await bundledModules();
  const texts: [name: string, text: string][] = [];
  for (const [name, text] of modules) {
    texts.push([`esm/${name}`, text]);
    texts.push([`cjs/${name}`, await asCommonJs(text)]);
  }
  for (const path of declarationsOf(Object.values(entries))) {
    const text = readFileSync(join(source, path), 'utf8').replace(tsSpecifier, '$1.js$2');
    texts.push([`esm/types/${path}`, text], [`cjs/types/${path}`, text]);
  }
  for (const [folder, type] of [
    ['esm', 'module'],
    ['cjs', 'commonjs'],
  ]) {
    texts.push([`${folder}/package.json`, `${JSON.stringify({ type, sideEffects: false })}\n`]);
  }
  texts.push(['zstd.cjs', zstdLibrary()]);
  const files = texts.map(([name, text]) => [name, Buffer.from(text)] as const);
  replaceOutput(target, inputs, files);
}

async function bundledModules(): Promise<ReadonlyMap<string, string>> {
  const { build } = await import('esbuild-wasm');
  const paths = Object.entries(entries).map(([name, path]) => [name, join(source, `${path}.js`)]);
  const { outputFiles } = await build({
    entryPoints: Object.fromEntries(paths),
    outdir: target,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    charset: 'ascii',
    logLevel: 'warning',
    write: false,
    plugins: [library(new Set(paths.map(([, path]) => path as string)))],
  });
  const texts = new Map(
    // What a part was told to be loaded after is there; nothing is left to import.
    outputFiles.map(({ path, text }) => [basename(path), text.replace(/^import "[^"]+";\n/gm, '')]),
  );
  // Of functions that nobody uses, what they would load.
  const isUsed = (name: string): boolean =>
    Object.hasOwn(entries, name.slice(0, -3)) ||
    [...texts.values()].some((one) => one.includes(name));
  for (const name of texts.keys()) if (!isUsed(name)) texts.delete(name);
  return texts;
}

/**
 * Modules without effects, so that of a folder's index.ts only what is used is taken. Each part
 * that is loaded late imports the entries, which are loaded by then, so that what they share stays
 * in the files of the entries (write-bundle.ts has the reason).
 */
function library(entryPaths: ReadonlySet<string>): Plugin {
  const later = new Set<string>();
  return {
    name: 'library',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^\.\.?\// }, ({ kind, importer, path: specifier }) => {
        const path = join(dirname(importer), specifier);
        if (kind === 'dynamic-import') later.add(path);
        return { path, sideEffects: false };
      });
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        let contents = readFileSync(path, 'utf8');
        if (/\/protocol\/(messages|structs)\//.test(path)) {
          contents = contents.replace(definition, '/* @__PURE__ */ $&');
        }
        if (later.has(path)) {
          for (const entry of entryPaths) contents += `\nimport ${JSON.stringify(entry)};`;
        }
        return { contents, resolveDir: dirname(path) };
      });
    },
  };
}

async function asCommonJs(module: string): Promise<string> {
  const { transform } = await import('esbuild-wasm');
  const { code } = await transform(module, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    charset: 'ascii',
    // jest has no `import()` in its default mode.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__filename' },
  });
  return code;
}

function zstdLibrary(): string {
  const path = join(projectRoot, 'node_modules/zstd-codec');
  const { version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const head = `/*! zstd-codec ${version} (${license}), with zstd (BSD) in WebAssembly */\n`;
  return head + readFileSync(join(projectRoot, 'node_modules', zstdBinding), 'utf8');
}

/** The declarations that those of the entries need, by their paths below dist/src. */
function declarationsOf(paths: readonly string[]): Iterable<string> {
  const needed = new Set(paths.map((path) => `${path}.d.ts`));
  for (const path of needed) {
    for (const [, specifier] of readFileSync(join(source, path), 'utf8').matchAll(tsSpecifier)) {
      const relative = (specifier as string).replace(/^.*?['"]/, '');
      needed.add(join(dirname(path), `${relative}.d.ts`));
    }
  }
  return needed;
}
