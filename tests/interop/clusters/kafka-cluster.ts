// Apache Kafka as a cluster: brokers 1, 2 and 3 and a controller beside them, each a process of its
// own, so that any broker may be killed and the metadata log goes on.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../run-program.ts';
import { kafkaJava } from '../toolchain.ts';
import { freePort, isListening } from './ports.ts';
import { bound } from './processes.ts';
import type { TestCluster } from './test-cluster.ts';

export interface KafkaClusterOptions {
  /** On top of what every server here has. */
  readonly config?: Readonly<Record<string, string>>;
  /** Of one broker. */
  readonly configOf?: (id: number) => Readonly<Record<string, string>>;
  /** The command that runs a class of Kafka's with its arguments. */
  readonly java?: (...args: readonly string[]) => readonly [string, ...string[]];
}

const brokerIds: readonly number[] = [1, 2, 3];
const controllerId = 100;
const startMsMax = 120_000;
const clusterId = '5L6g3nShT-eMCtK--X86sw';

export class KafkaCluster implements TestCluster {
  readonly product = 'kafka';
  readonly brokerIds = brokerIds;
  readonly directory = mkdtempSync(join(tmpdir(), 'partita-kafka-'));
  readonly #ports = new Map<number, number>();
  readonly #children = new Map<number, ChildProcess>();
  readonly #options: KafkaClusterOptions;
  #output = '';

  private constructor(options: KafkaClusterOptions) {
    this.#options = options;
  }

  static async start(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
    const cluster = new KafkaCluster(options);
    try {
      for (const id of [controllerId, ...brokerIds]) cluster.#ports.set(id, await freePort());
      for (const id of [controllerId, ...brokerIds]) cluster.#configure(id);
      await cluster.#format();
      cluster.#spawn(controllerId);
      await Promise.all(brokerIds.map((id) => cluster.startBroker(id)));
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return brokerIds.map((id) => this.addressOf(id)).join(',');
  }

  get output(): string {
    return this.#output;
  }

  addressOf(id: number): string {
    return `127.0.0.1:${this.#ports.get(id)}`;
  }

  dataOf(id: number): string {
    return join(this.directory, `${id}`);
  }

  pidsOf(id: number): number[] {
    const pid = this.#children.get(id)?.pid;
    return pid === undefined ? [] : [pid];
  }

  get keeperPids(): number[] {
    return this.pidsOf(controllerId);
  }

  #fileOf(id: number): string {
    return join(this.directory, `${id}.properties`);
  }

  #configure(id: number): void {
    const isController = id === controllerId;
    const listener = isController ? 'CONTROLLER' : 'PLAINTEXT';
    const properties: Record<string, string> = {
      'process.roles': isController ? 'controller' : 'broker',
      'node.id': `${id}`,
      'controller.quorum.voters': `${controllerId}@${this.addressOf(controllerId)}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `${listener}://${this.addressOf(id)}`,
      ...(isController ? {} : { 'advertised.listeners': `PLAINTEXT://${this.addressOf(id)}` }),
      'log.dirs': this.dataOf(id),
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.num.partitions': '4',
      'group.initial.rebalance.delay.ms': '0',
      ...this.#options.config,
      ...(isController ? {} : this.#options.configOf?.(id)),
    };
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(this.#fileOf(id), lines.join(''));
  }

  /** The controller's directory by Kafka's tool; a broker's needs no more than its identity. */
  async #format(): Promise<void> {
    const file = this.#fileOf(controllerId);
    const args = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file];
    const [java, ...words] = kafkaJava(...args);
    const done = await runProgram(java, words);
    assert.equal(done.code, 0, done.stderr);
    for (const id of brokerIds) {
      mkdirSync(this.dataOf(id), { recursive: true });
      const directoryId = Buffer.alloc(16, id).toString('base64url');
      const lines = ['version=1', `cluster.id=${clusterId}`, `node.id=${id}`];
      const text = [...lines, `directory.id=${directoryId}`, ''].join('\n');
      writeFileSync(join(this.dataOf(id), 'meta.properties'), text);
    }
  }

  #spawn(id: number): ChildProcess {
    const java = this.#options.java ?? kafkaJava;
    const [command, ...args] = bound(java('kafka.Kafka', this.#fileOf(id))) as [
      string,
      ...string[],
    ];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const onText = (text: string): void => {
      this.#output = (this.#output + text).slice(-20_000);
    };
    child.stdout?.setEncoding('utf8').on('data', onText);
    child.stderr?.setEncoding('utf8').on('data', onText);
    this.#children.set(id, child);
    return child;
  }

  async startBroker(id: number): Promise<void> {
    const child = this.#spawn(id);
    const port = this.#ports.get(id) as number;
    for (let waitedMs = 0; !(await isListening(port)); waitedMs += 50) {
      if (child.exitCode !== null || waitedMs > startMsMax) {
        throw new Error(`broker ${id} of Kafka did not start:\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async end(id: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(id);
    this.#children.delete(id);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async dispose(): Promise<void> {
    for (const id of [...this.#children.keys()]) await this.end(id, 'SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}
