// Apache Kafka with its StandardAuthorizer: one server that is broker and controller. Its own
// requests come from the administrator's address, and from the controller's listener.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../run-program.ts';
import { freePort, isListening } from '../clusters/ports.ts';
import { bound } from '../clusters/processes.ts';
import { kafkaJava } from '../toolchain.ts';

const startMsMax = 120_000;

export class KafkaBroker {
  readonly port: number;
  readonly #directory: string;
  readonly #child: ChildProcess;

  private constructor(port: number, directory: string, child: ChildProcess) {
    this.port = port;
    this.#directory = directory;
    this.#child = child;
  }

  /** @param protocol of the listener for clients, and its name */
  static async start(
    config: Readonly<Record<string, string>>,
    protocol = 'PLAINTEXT',
  ): Promise<KafkaBroker> {
    const directory = mkdtempSync(join(tmpdir(), 'partita-kafka-acl-'));
    const [port, controllerPort] = [await freePort(), await freePort()];
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `${protocol}://0.0.0.0:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `${protocol}://127.0.0.1:${port}`,
      'listener.security.protocol.map': `${protocol}:${protocol},CONTROLLER:PLAINTEXT`,
      'inter.broker.listener.name': protocol,
      'log.dirs': join(directory, 'data'),
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      ...config,
    };
    const file = join(directory, 'server.properties');
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(file, lines.join(''));
    const id = '5L6g3nShT-eMCtK--X86sw';
    const [java, ...words] = kafkaJava('kafka.tools.StorageTool', 'format', '-t', id, '-c', file);
    const done = await runProgram(java, words);
    assert.equal(done.code, 0, done.stderr);
    const [command, ...args] = bound(kafkaJava('kafka.Kafka', file)) as [string, ...string[]];
    const child = spawn(command, args, { stdio: 'ignore' });
    const broker = new KafkaBroker(port, directory, child);
    for (let waitedMs = 0; !(await isListening(port)); waitedMs += 200) {
      if (waitedMs > startMsMax || child.exitCode !== null) {
        broker.dispose();
        throw new Error('Kafka does not start');
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return broker;
  }

  dispose(): void {
    this.#child.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
