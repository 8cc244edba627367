// The library as others load and check it: jest in its default mode, Bun and Deno over TLS, types
// under each way of resolving modules, and the two programs that judge published packages.

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { makeClientPackage } from '../client-package.ts';
import { golden, storePassword } from '../doubles/security/key-stores.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { cacheFolder } from './builds.ts';
import { present } from './toolchain.ts';

/** Its name changes with the list of what is in it, as install.sh has it. */
const { version } = JSON.parse(
  readFileSync(join(projectRoot, 'tests/interop/library/package.json'), 'utf8'),
) as { version: string };
const tools = cacheFolder(`npm-tools-${version}`);
const tool = (path: string): string => join(tools, 'node_modules', path);

const folder = mkdtempSync(join(tmpdir(), 'partita-library-'));
after(() => rmSync(folder, { recursive: true }));

function hasTools(t: TestContext): boolean {
  return present(t, existsSync(join(tools, '.complete')), 'what judges the packages');
}

async function passes(command: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runProgram(command, args, {
    cwd: folder,
    env: { NO_COLOR: '1' },
  });
  assert.equal(code, 0, `${stdout}${stderr}`.slice(0, 4000));
}

function write(name: string, text: string): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function link(from: string, name: string): void {
  const path = join(folder, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(from, path);
}

/** Sends by itself and in a transaction, and reads both in a group. */
const program = `
async function sendAndRead(options, topic) {
  const producer = new Producer({ ...options, compressionType: 'zstd' });
  await producer.send({ topic, value: 'alone' });
  await producer.close();
  const transactional = new Producer({ ...options, transactionalId: topic });
  await transactional.initTransactions();
  await transactional.transaction((transaction) => transaction.send({ topic, value: 'in one' }));
  await transactional.close();
  const consumer = new Consumer({
    ...options,
    groupId: topic,
    autoOffsetReset: 'earliest',
    isolationLevel: 'read_committed',
  });
  consumer.subscribe([topic]);
  const read = [];
  for await (const { value } of consumer) {
    read.push(String(value));
    if (read.length === 2) break;
  }
  await consumer.close();
  return read.sort().join(', ');
}
`;

describe('the library', () => {
  let broker: BrokerProcess;
  let options = '';

  before(async () => {
    const client = join(folder, 'client');
    makeClientPackage(client);
    link(client, '@partita/client');
    link(projectRoot, 'partita');
    link(tool('@types'), '@types');
    write('package.json', '{ "dependencies": { "@partita/client": "*" } }');
    broker = await BrokerProcess.start({
      config: {
        listeners: 'SSL://0.0.0.0:0',
        'security.inter.broker.protocol': 'SSL',
        'ssl.keystore.location': golden('java8.p12'),
        'ssl.keystore.password': storePassword,
        'group.initial.rebalance.delay.ms': '0',
        'num.partitions': '1',
        'offsets.topic.num.partitions': '1',
        'transaction.state.log.num.partitions': '1',
      },
    });
    options = JSON.stringify({
      bootstrapServers: broker.bootstrapServers,
      securityProtocol: 'SSL',
      ssl: { truststoreLocation: golden('root.pem'), truststoreType: 'PEM' },
    });
    write(
      'program.mjs',
      `import { Consumer, Producer } from '@partita/client';${program}
      const read = await sendAndRead(${options}, process.argv[2]);
      if (read !== 'alone, in one') throw new Error(read);`,
    );
    write(
      'send-and-read.test.js',
      `const { Consumer, Producer } = require('@partita/client');${program}
      test('records come back', async () => {
        expect(await sendAndRead(${options}, 'jest')).toBe('alone, in one');
      });`,
    );
  });
  after(() => broker.dispose());

  test('is loaded by jest, in its default mode', async (t) => {
    if (!hasTools(t)) return;
    const flags = [
      '--rootDir',
      folder,
      '--testTimeout=60000',
      '--cacheDirectory',
      join(folder, 'c'),
    ];
    await passes('node', [tool('jest/bin/jest.js'), ...flags]);
  });

  test('runs in Bun', async (t) => {
    if (!hasTools(t)) return;
    await passes(tool('@oven/bun-linux-x64-baseline/bin/bun'), ['program.mjs', 'bun']);
  });

  test('runs in Deno', async (t) => {
    if (!hasTools(t)) return;
    await passes(tool('@deno/linux-x64-glibc/deno'), ['run', '-A', 'program.mjs', 'deno']);
  });

  test('has types under each way of resolving modules', async (t) => {
    if (!hasTools(t)) return;
    const use = (name: string): string => `import { Consumer, Producer } from '${name}';
      const producer: Producer = new Producer({ bootstrapServers: 'localhost:9092' });
      const sent: Promise<{ readonly offset: number }> = producer.send({ topic: 't', value: 'v' });
      const consumer = new Consumer({ bootstrapServers: 'localhost:9092', groupId: 'g' });
      export const all = [sent, consumer.poll()];\n`;
    for (const name of ['partita', 'partita/client', '@partita/client']) {
      const file = name.replace(/\W/g, '-');
      write(`types/${file}.mts`, use(name));
      write(`types/${file}.cts`, use(name));
      write(`types/${file}.ts`, use(name));
    }
    const common = {
      ...{ strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noEmit: true },
      ...{ target: 'es2023', lib: ['es2023'], types: ['node'] },
    };
    const check = async (name: string, compiler: string, options: object, ends: string[]) => {
      const compilerOptions = { ...common, ...options };
      write(
        `types/${name}.json`,
        JSON.stringify({ compilerOptions, include: ends.map((end) => `*.${end}`) }),
      );
      await passes('node', [compiler, '-p', join('types', `${name}.json`)]);
    };
    const newest = join(projectRoot, 'node_modules/typescript/bin/tsc');
    const five = tool('typescript/bin/tsc');
    await check('node16', newest, { module: 'node16' }, ['mts', 'cts']);
    await check('bundler', newest, { module: 'esnext', moduleResolution: 'bundler' }, ['ts']);
    await check('node10', five, { module: 'commonjs', moduleResolution: 'node10' }, ['ts']);
  });

  test('is well made, say publint and Are the types wrong', async (t) => {
    if (!hasTools(t)) return;
    const packing = ['pack', './client', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await runProgram('npm', packing, { cwd: folder });
    const tarball = join(folder, stdout.trim().split('\n').at(-1) as string);
    await passes('node', [tool('publint/src/cli.js'), 'run', tarball, '--strict']);
    await passes('node', [tool('@arethetypeswrong/cli/dist/index.js'), tarball]);
  });
});
