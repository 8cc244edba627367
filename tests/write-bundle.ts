// The command line as few files, in dist/bin: a step of `npm run build`. Node.js spends a
// third of a millisecond of processor time on each module that it reads, which for the hundreds of
// a broker is most of the time that it takes to start. What tools share is in files of its own, so
// that a process has every module once; packages stay where they are installed.

import { readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, OutputFile, Plugin } from 'esbuild-wasm';
import { hashOfInputs, isMadeOf, replaceOutput } from './build-output.ts';
import { projectRoot } from './root.ts';

const source = join(projectRoot, 'dist/src');
const target = join(projectRoot, 'dist/bin');

/** All that may be bundled, and this file. */
const inputs = hashOfInputs(source, (name) => name.endsWith('.js') && !name.endsWith('.test.js'), [
  fileURLToPath(import.meta.url),
]);
if (!isMadeOf(target, inputs)) await writeBundle();

/** Modules that are bundled elsewhere: they are imported from there. */
function apart(filter: RegExp, path: string): Plugin {
  return {
    name: 'apart',
    setup: ({ onResolve }) => onResolve({ filter }, () => ({ path, external: true })),
  };
}

/**
 * Each part that is loaded later imports `entry`, which is loaded by then. esbuild makes a file of
 * what the same parts share: so all that a process begins with becomes one, where thirteen parts
 * would cut it into twenty. Node.js resolves each import of a file letter by letter; with seventy
 * imports V8 optimized the loop, which cost 15 ms and 4 MiB (bench/README.md).
 */
function loadedAfter(entry: string): Plugin {
  const later = new Set<string>();
  return {
    name: 'loaded after',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^\.\.?\// }, ({ kind, importer, path }) => {
        if (kind === 'dynamic-import') later.add(join(dirname(importer), path));
        return null;
      });
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        if (!later.has(path)) return null;
        return { contents: `${readFileSync(path, 'utf8')}\nimport ${JSON.stringify(entry)};` };
      });
    },
  };
}

async function writeBundle(): Promise<void> {
  const { build } = await import('esbuild-wasm');
  const common: BuildOptions & { write: false } = {
    outdir: target,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    legalComments: 'none',
    // A process keeps the text of what it has loaded: no comments, no margins, and nothing that is
    // not ASCII, with which a file would take two bytes a character.
    minifyWhitespace: true,
    lineLimit: 100,
    charset: 'ascii',
    // For `node --enable-source-maps`: the lines of src in stack traces.
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
    write: false,
  };
  // Processes of their own kinds: what they share with the tools would split the files of each.
  const broker = join(source, 'cli/start.js');
  const brokers = apart(/\/(start-brokers|node-children)\.js$/, './brokers.js');
  const cluster = apart(/\/partita-cluster\.js$/, './cluster.js');
  const bundles: BuildOptions[] = [
    {
      entryPoints: { main: join(source, 'cli/main.js') },
      plugins: [brokers, cluster, apart(/\/start\.js$/, './broker.js')],
    },
    { entryPoints: { broker }, plugins: [brokers, loadedAfter(broker)] },
    { entryPoints: { brokers: join(source, 'cli/start-brokers.js') } },
    { entryPoints: { cluster: join(source, 'cli/partita-cluster.js') } },
  ];
  const outputFiles: OutputFile[] = [];
  for (const each of bundles) {
    const { outputFiles: files } = await build({ ...each, ...common });
    outputFiles.push(...files);
  }
  // What main.js imports is named by its content, and is there before it.
  const isEntry = (path: string): boolean => basename(path).startsWith('main.');
  outputFiles.sort((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)));
  const files = outputFiles.map(({ path, contents }) => [basename(path), contents] as const);
  replaceOutput(target, inputs, files);
  // What Node.js compiled of the files before (bin/partita.js): it would only lie there.
  rmSync(join(projectRoot, 'dist/compiled'), { recursive: true, force: true });
}
