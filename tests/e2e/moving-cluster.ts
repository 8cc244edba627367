// What the tests of `partita cluster` share: a broker on its own with something of everything, a
// store to take it to, and the command with a configuration file for it.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EtcdEnsemble, EtcdMember } from '../../sim/models/etcd/index.ts';
import { createNodeIo } from '../../src/io/node-io.ts';
import { serveSharedStore } from '../../src/metadata/open-store.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

export const launcher = join(projectRoot, 'bin/partita.js');

/** Of one test: whatever it starts ends with it. */
export class MovingCluster {
  /** Of the broker on its own. */
  readonly data: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'partita-moving-'));
  readonly #ends: (() => Promise<unknown>)[] = [];

  constructor() {
    this.data = this.path('data');
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** A small etcd in this process, for brokers in others. */
  async etcdModel(): Promise<string> {
    const member = new EtcdMember(createNodeIo({ logLevel: 'off' }), new EtcdEnsemble());
    const port = await member.listen('127.0.0.1', 0);
    this.#ends.push(async () => member.close());
    return `etcd://127.0.0.1:${port}`;
  }

  /** A store as `partita start --brokers` keeps it, in this process. */
  async sharedStore(): Promise<string> {
    const fail = (error: Error): never => assert.fail(error);
    const server = await serveSharedStore(createNodeIo({ logLevel: 'off' }), {
      ...{ host: '127.0.0.1', port: 0, directory: this.path('shared') },
      onFailure: fail,
    });
    this.#ends.push(() => server.close());
    return `shared://127.0.0.1:${server.port}`;
  }

  /** @param config on top of those of node 1, whose data are `data` */
  async startBroker(config: Readonly<Record<string, string>> = {}): Promise<BrokerProcess> {
    const directory = config['log.dirs'] ?? this.data;
    const options = { directory, config: { 'node.id': '1', ...config } };
    const broker = await BrokerProcess.start(options);
    this.#ends.push(() => broker.kill9());
    return broker;
  }

  /** A configuration file of node 1. */
  configFile(config: Readonly<Record<string, string>> = {}): string {
    const path = this.path('server.properties');
    const all = { 'node.id': '1', 'log.dirs': this.data, ...config };
    const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(path, lines.join(''));
    return path;
  }

  /** `partita cluster …` */
  command(
    store: string | null,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ProgramResult> {
    const config = this.configFile(store === null ? {} : { 'cluster.store': store });
    const all = [launcher, 'cluster', ...args, '--config', config];
    return runProgram(process.execPath, all, { env, timeoutMs: 60_000 });
  }

  async done(store: string | null, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.command(store, args);
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  /** The snippet of docs/cluster.md that has the words, run with the configuration of node 1. */
  async documented(store: string, words: string, broker?: BrokerProcess): Promise<ProgramResult> {
    const page = readFileSync(join(projectRoot, 'docs/cluster.md'), 'utf8');
    const snippets = [...page.matchAll(/```shell\n([\s\S]*?)```/g)].map(([, text]) => text);
    const snippet = snippets.find((text) => text?.includes(words));
    assert.ok(snippet !== undefined, `docs/cluster.md has a snippet with ${words}`);
    this.configFile({ 'cluster.store': store });
    if (!existsSync(this.path('bin'))) symlinkSync(join(projectRoot, 'bin'), this.path('bin'));
    const script = snippet.replaceAll('localhost:9092', broker?.bootstrapServers ?? '');
    const options = { cwd: this.#folder, timeoutMs: 60_000 };
    return await runProgram('bash', ['-euo', 'pipefail', '-c', script], options);
  }

  async didDocumented(store: string, words: string, broker?: BrokerProcess): Promise<string> {
    const { code, stdout, stderr } = await this.documented(store, words, broker);
    assert.equal(code, 0, `${words}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Refused with one line. */
  async refused(store: string | null, args: readonly string[], message: RegExp): Promise<void> {
    const { code, stderr } = await this.command(store, args);
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
    // An etcd that is open is warned of besides.
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('['));
    assert.equal(lines.length, 1, stderr);
  }

  async dispose(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A tool under its name in Kafka, which must succeed. */
export async function tool(name: string, broker: BrokerProcess, ...args: string[]) {
  const all = [launcher, name, '--bootstrap-server', broker.bootstrapServers, ...args];
  const { code, stdout, stderr } = await runProgram(process.execPath, all);
  assert.equal(code, 0, `${name} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** Acknowledged by all replicas. */
export async function produced(broker: BrokerProcess, topic: string, values: readonly string[]) {
  const args = ['--bootstrap-server', broker.bootstrapServers, '--topic', topic];
  const input = values.map((value) => `${value}\n`).join('');
  const all = [launcher, 'kafka-console-producer', ...args];
  const { code, stdout, stderr } = await runProgram(process.execPath, all, { input });
  assert.equal(code, 0, stdout + stderr);
}

/** The values of so many records, from the beginning. */
export async function recordsOf(broker: BrokerProcess, topic: string, count: number) {
  const args = ['--topic', topic, '--from-beginning', '--max-messages', String(count)];
  const isolation = ['--isolation-level', 'read_committed', '--timeout-ms', '20000'];
  const text = await tool('kafka-console-consumer', broker, ...args, ...isolation);
  return text.trimEnd().split('\n');
}
