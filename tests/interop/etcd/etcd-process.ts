// Real etcd members on free ports of this machine, each with its folder; stopped by process id.

import assert from 'node:assert/strict';
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loopback, type TestNetwork } from '../clusters/network.ts';

/** In memory: what etcd syncs is no question of these tests. */
const memory = '/dev/shm';

export interface EtcdOptions {
  readonly members?: number;
  /** More arguments for each member. */
  readonly args?: readonly string[];
  readonly scheme?: 'http' | 'https';
  /** With the places m0, m1, …; default: the loopback. */
  readonly network?: TestNetwork;
}

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  child: ChildProcess | null;
}

/** One etcd of one or more members. */
export class EtcdCluster {
  readonly #folder: string;
  readonly #members: readonly Member[];
  readonly #options: EtcdOptions;

  private constructor(folder: string, members: readonly Member[], options: EtcdOptions) {
    this.#folder = folder;
    this.#members = members;
    this.#options = options;
  }

  static async start(options: EtcdOptions = {}): Promise<EtcdCluster> {
    const ports = await freePorts(2 * (options.members ?? 1));
    const members = Array.from({ length: options.members ?? 1 }, (_, index) => ({
      name: `m${index}`,
      clientPort: ports[2 * index] as number,
      peerPort: ports[2 * index + 1] as number,
      child: null,
    }));
    const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'partita-etcd-'));
    const cluster = new EtcdCluster(folder, members, options);
    for (let index = 0; index < members.length; index++) cluster.startMember(index);
    await cluster.untilReady();
    return cluster;
  }

  /** `127.0.0.1:1234,127.0.0.1:1235` */
  get hosts(): string {
    return [...this.#members.keys()].map((index) => this.hostOf(index)).join();
  }

  /** With the port, as clients have it. */
  hostOf(index: number): string {
    const { name, clientPort } = this.#members[index] as Member;
    return `${this.#network.hostOf(name)}:${clientPort}`;
  }

  get #network(): TestNetwork {
    return this.#options.network ?? loopback;
  }

  urlOf(index: number): string {
    return `${this.#options.scheme ?? 'http'}://${this.hostOf(index)}`;
  }

  startMember(index: number, args = this.#options.args ?? []): void {
    const member = this.#members[index] as Member;
    const { name } = member;
    const network = this.#network;
    const client = this.urlOf(index);
    const peerOf = (each: Member): string => `http://${network.hostOf(each.name)}:${each.peerPort}`;
    const peer = peerOf(member);
    const all = this.#members.map((each) => `${each.name}=${peerOf(each)}`);
    const log = openSync(this.#logOf(name), 'a');
    const flags: Record<string, string> = {
      name,
      'data-dir': join(this.#folder, name),
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': all.join(),
      // Leases of a second, and elections that tests can wait for.
      'heartbeat-interval': '50',
      'election-timeout': '500',
    };
    const list = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const [command = '', ...words] = network.commandAt(name, ['etcd', ...list, ...args]);
    member.child = spawn(command, words, { stdio: ['ignore', log, log] });
    closeSync(log);
  }

  #logOf(name: string): string {
    return join(this.#folder, `${name}.log`);
  }

  logOf(index: number): string {
    return readFileSync(this.#logOf(this.#members[index]?.name as string), 'utf8');
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#members[index]?.child?.kill(signal);
  }

  async kill(index: number): Promise<void> {
    const member = this.#members[index] as Member;
    const { child } = member;
    member.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Every member serves. */
  async untilReady(): Promise<void> {
    for (const index of this.#members.keys()) {
      for (let step = 0; !(await this.#isHealthy(index)); step++) {
        if (step > 600) throw new Error(`etcd does not start:\n${this.logOf(index).slice(-2_000)}`);
        await sleep(50);
      }
    }
  }

  async #isHealthy(index: number): Promise<boolean> {
    // With certificates nobody is asked who has none: then the port is enough.
    if (this.#options.scheme === 'https') return this.logOf(index).includes('ready to serve');
    try {
      const response = await fetch(`${this.urlOf(index)}/health`);
      return ((await response.json()) as { health?: string }).health === 'true';
    } catch {
      return false;
    }
  }

  async ask(path: string, body: unknown = {}, index = 0): Promise<Record<string, unknown>> {
    const text = JSON.stringify(body);
    const response = await fetch(this.urlOf(index) + path, { method: 'POST', body: text });
    return (await response.json()) as Record<string, unknown>;
  }

  etcdctl(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.tryEtcdctl(...args);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  tryEtcdctl(...args: readonly string[]): SpawnSyncReturns<string> {
    const env = { ...process.env, ETCDCTL_API: '3' };
    const patience = ['--dial-timeout=30s', '--command-timeout=30s'];
    const all = ['--endpoints', this.urlOf(0), ...patience, ...args];
    return spawnSync('etcdctl', all, { env, encoding: 'utf8' });
  }

  /** Which member leads. */
  async leader(askIndex = 0): Promise<number> {
    const { leader } = await this.ask('/v3/maintenance/status', {}, askIndex);
    for (const index of this.#members.keys()) {
      const isGone = this.#members[index]?.child === null;
      const status = isGone ? null : await this.ask('/v3/maintenance/status', {}, index);
      const header = status?.header as { member_id?: string } | undefined;
      if (header?.member_id === leader) return index;
    }
    throw new Error('nobody leads');
  }

  async deleteAll(): Promise<void> {
    await this.ask('/v3/kv/deleterange', { key: 'AA==', range_end: 'AA==' });
  }

  async stop(): Promise<void> {
    for (const index of this.#members.keys()) await this.kill(index);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}
