// What is published, as its users get it: the whole, and the library alone, packed and unpacked
// into an empty folder. Each is imported, required and bundled by a program that sends records in
// every compression and reads them back.

import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import { build } from 'esbuild-wasm';
import { BrokerProcess } from './broker-process.ts';
import { makeClientPackage } from './client-package.ts';
import { projectRoot } from './root.ts';
import { runProgram } from './run-program.ts';
import { doubleName } from './tidy/doubles.ts';

const folder = mkdtempSync(join(tmpdir(), 'partita-package-'));
after(() => rmSync(folder, { recursive: true }));

/** Raise it knowingly: what few programs need is loaded late, and what they do not, left out. */
const bundleKilobytesMax = 400;

const isZstdNative = 'zstdCompressSync' in zlib;

/** Packs what is in `from` and unpacks it as installed in `folder`; its files. */
async function install(from: string, name: string): Promise<string[]> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const packed = await runProgram('npm', args, { cwd: from });
  assert.equal(packed.code, 0, packed.stderr);
  const [{ filename, files }] = JSON.parse(packed.stdout) as [Packed];
  const target = join(folder, 'node_modules', name);
  mkdirSync(target, { recursive: true });
  const unpacking = ['-xzf', join(folder, filename), '-C', target, '--strip-components=1'];
  assert.equal((await runProgram('tar', unpacking)).code, 0);
  return files.map(({ path }) => path);
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function megabytesOf(name: string): number {
  const path = join(folder, 'node_modules', name);
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  const sizes = names.map((each) => statSync(join(path, each)).size);
  return sizes.reduce((sum, size) => sum + size, 0) / 1e6;
}

const isForTests = (path: string): boolean =>
  /^(sim|tests|bench)\/|\.test\.|-contract\.|-behaviour\.|\/golden\//.test(path) ||
  (path.startsWith('dist/') && doubleName.test(path.split('/').at(-1) as string));

/** Sends a record in each compression, and reads them; `Producer` and `Consumer` are there. */
const program = `
const [bootstrapServers, topic] = process.argv.slice(2);
async function main() {
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
  for (const compressionType of codecs) {
    const producer = new Producer({ bootstrapServers, compressionType });
    await producer.send({ topic, value: Buffer.from(compressionType.repeat(300)) });
    await producer.close();
  }
  const consumer = new Consumer({ bootstrapServers, groupId: topic, autoOffsetReset: 'earliest' });
  consumer.subscribe([topic]);
  const read = [];
  for await (const { value } of consumer) {
    read.push(value.toString());
    if (read.length === codecs.length) break;
  }
  await consumer.close();
  const missing = codecs.filter((codec) => !read.includes(codec.repeat(300)));
  console.log(missing.length === 0 ? 'all came back' : missing);
}
main();
`;

const importing = (name: string): string =>
  `import { Consumer, Producer } from '${name}';${program}`;
const requiring = (name: string): string =>
  `const { Consumer, Producer } = require('${name}');${program}`;

describe('a package', () => {
  let broker: BrokerProcess;
  let whole: string[];
  let alone: string[];

  before(async () => {
    const client = join(folder, 'client-package');
    makeClientPackage(client);
    [broker, whole, alone] = await Promise.all([
      BrokerProcess.start({ config: { 'num.partitions': '1' } }),
      install(projectRoot, 'partita'),
      install(client, '@partita/client'),
    ]);
    const { dependencies } = descriptionOf('partita');
    for (const name of Object.keys(dependencies)) link(name, folder);
  });
  after(() => broker.dispose());

  function descriptionOf(name: string): { readonly dependencies: object } {
    return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
  }

  /** A package of this project, as if it were installed there. */
  function link(name: string, where: string): void {
    const path = join(where, 'node_modules', name);
    mkdirSync(join(path, '..'), { recursive: true });
    symlinkSync(join(projectRoot, 'node_modules', name), path);
  }

  let topics = 0;
  async function run(file: string, ...flags: string[]): Promise<string> {
    const args = [...flags, file, broker.bootstrapServers, `topic-${++topics}`];
    const { stdout, stderr } = await runProgram('node', args, { cwd: folder, timeoutMs: 60_000 });
    // Node.js shows the line that threw, which in a bundle is all of it.
    return `${stdout}${stderr}`.replace(/^(.{300}).*$/gm, '$1');
  }

  /** In a folder without packages, or with those named. */
  async function bundle(name: string, format: 'cjs' | 'esm', packages: string[]): Promise<string> {
    const where = mkdtempSync(join(tmpdir(), 'partita-bundle-'));
    after(() => rmSync(where, { recursive: true }));
    for (const each of packages) link(each, where);
    const outfile = join(where, format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs');
    const stdin = { contents: importing(name), resolveDir: folder };
    const common = { bundle: true, minify: true, platform: 'node', logLevel: 'silent' } as const;
    const { warnings } = await build({ stdin, outfile, format, ...common });
    assert.deepEqual(warnings, []);
    const kilobytes = statSync(outfile).size / 1000;
    assert.ok(kilobytes < bundleKilobytesMax, `${kilobytes} KB`);
    return outfile;
  }

  test('holds the product and nothing that is for tests alone', () => {
    for (const needed of ['bin/partita.js', 'dist/bin/main.js', 'dist/lib/esm/client.js']) {
      assert.ok(whole.includes(needed), needed);
    }
    assert.deepEqual([...whole, ...alone].filter(isForTests), []);
  });

  test('of the library alone depends on nothing, and is small', () => {
    assert.equal(descriptionOf('@partita/client').dependencies, undefined);
    const outside = alone.filter((path) => !path.startsWith('dist/lib/')).sort();
    assert.deepEqual(outside, ['LICENSE', 'README.md', 'package.json']);
    const megabytes = megabytesOf('@partita/client');
    assert.ok(megabytes < 5, `${megabytes} MB`);
  });

  test('is imported, and required', async () => {
    const files: [name: string, text: string][] = [
      ['whole.mjs', importing('partita/client')],
      ['whole.cjs', requiring('partita')],
      ['alone.mjs', importing('@partita/client')],
      ['alone.cjs', requiring('@partita/client')],
    ];
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    const flags = isZstdNative ? ['--disallow-code-generation-from-strings'] : [];
    const outputs = await Promise.all(files.map(([name]) => run(name, ...flags)));
    assert.deepEqual(
      outputs,
      files.map(() => 'all came back\n'),
    );
  });

  test('is bundled, minified, for a folder without packages', async () => {
    const packages = isZstdNative ? [] : ['zstd-codec'];
    const outputs = await Promise.all([
      bundle('partita/client', 'cjs', packages).then((file) => run(file)),
      bundle('@partita/client', 'esm', packages).then((file) => run(file)),
    ]);
    assert.deepEqual(outputs, ['all came back\n', 'all came back\n']);
    if (isZstdNative) return;
    const without = await run(await bundle('@partita/client', 'cjs', []));
    assert.match(
      without,
      /zstd needs Node.js 22.15 or later, or a package.*npm install zstd-codec/,
    );
  });
});
