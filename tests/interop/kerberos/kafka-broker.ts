// One broker of Apache Kafka with a listener that asks, for what is to be held beside it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../run-program.ts';
import { freePort, isListening } from '../clusters/ports.ts';
import { bound } from '../clusters/processes.ts';
import { kafkaJava } from '../toolchain.ts';

const startMsMax = 60_000;

export class KafkaBroker {
  readonly #directory = mkdtempSync(join(tmpdir(), 'partita-kafka-'));
  #child: ChildProcess | null = null;
  #port = 0;
  #output = '';

  /** With these settings besides those of a broker that is alone. */
  static async start(config: Readonly<Record<string, string>>): Promise<KafkaBroker> {
    const broker = new KafkaBroker();
    try {
      await broker.#start(config);
      return broker;
    } catch (error) {
      await broker.dispose();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return `localhost:${this.#port}`;
  }

  async #start(config: Readonly<Record<string, string>>): Promise<void> {
    this.#port = await freePort();
    const controller = `127.0.0.1:${await freePort()}`;
    const properties: Record<string, string> = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@${controller}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `SASL_PLAINTEXT://${this.bootstrapServers},CONTROLLER://${controller}`,
      'advertised.listeners': `SASL_PLAINTEXT://${this.bootstrapServers}`,
      'listener.security.protocol.map': 'SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'security.inter.broker.protocol': 'SASL_PLAINTEXT',
      'log.dirs': join(this.#directory, 'data'),
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      ...config,
    };
    const file = join(this.#directory, 'server.properties');
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(file, lines.join(''));
    const id = Buffer.alloc(16, 7).toString('base64url');
    const [java, ...format] = kafkaJava('kafka.tools.StorageTool', 'format', '-t', id, '-c', file);
    const formatted = await runProgram(java, format);
    assert.equal(formatted.code, 0, formatted.stderr);
    const [program, ...args] = bound(kafkaJava('kafka.Kafka', file)) as [string, ...string[]];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-20_000);
      });
    }
    for (let waitedMs = 0; !(await isListening(this.#port)); waitedMs += 50) {
      if (child.exitCode !== null || waitedMs > startMsMax) {
        throw new Error(`the broker of Kafka did not start:\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async dispose(): Promise<void> {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
