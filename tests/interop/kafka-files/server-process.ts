// A broker behind a server.properties file: Apache Kafka's or ours, on the same file and the same
// directories, one after the other.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../root.ts';
import { runProgram } from '../../run-program.ts';
import { kafkaJava, kafkaProgram } from '../toolchain.ts';

export type Product = 'kafka' | 'partita';

export interface ServerOptions {
  /**
   * Where Kafka finds its quorum of one: named in the metadata log, as the format of its quick
   * start writes it, or in the file.
   */
  readonly quorum: 'in log' | 'in file';
  readonly nodeId?: number;
  /** On top of what every server here has. */
  readonly config?: Readonly<Record<string, string>>;
}

const program = join(projectRoot, 'tests/interop/kafka-files/Content.java');
const startMsMax = 120_000;

export const clusterId = '5L6g3nShT-eMCtK--X86sw';

export class ServerProcess {
  readonly directory = mkdtempSync(join(tmpdir(), 'partita-files-'));
  readonly file = join(this.directory, 'server.properties');
  readonly data = join(this.directory, 'data');
  readonly port: number;
  #child: ChildProcess | null = null;
  #output = '';

  private constructor(
    [port, controllerPort]: readonly [number, number],
    { quorum, nodeId = 1, config = {} }: ServerOptions,
  ) {
    this.port = port;
    const listeners = `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`;
    const properties: Record<string, string> = {
      'process.roles': 'broker,controller',
      'node.id': String(nodeId),
      ...(quorum === 'in log'
        ? { 'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}` }
        : { 'controller.quorum.voters': `${nodeId}@127.0.0.1:${controllerPort}` }),
      'controller.listener.names': 'CONTROLLER',
      listeners,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'log.dirs': this.data,
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.num.partitions': '4',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'group.initial.rebalance.delay.ms': '0',
      'log.cleaner.backoff.ms': '200',
      'log.initial.task.delay.ms': '500',
      // So that the metadata is in snapshots, not only in the log.
      'metadata.log.max.record.bytes.between.snapshots': '4000',
    };
    const lines = Object.entries({ ...properties, ...config }).map(
      ([key, value]) => `${key}=${value}\n`,
    );
    writeFileSync(this.file, lines.join(''));
  }

  static async prepare(options: ServerOptions): Promise<ServerProcess> {
    return new ServerProcess([await freePort(), await freePort()], options);
  }

  get bootstrapServers(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** As Kafka's quick start does it, for a quorum that is named in the log. */
  async format(): Promise<void> {
    const tool = kafkaJava('kafka.tools.StorageTool', 'format', '--standalone');
    const [java, ...args] = [...tool, '-t', clusterId, '-c', this.file] as [string, ...string[]];
    const done = await runProgram(java, args);
    assert.equal(done.code, 0, done.stderr);
  }

  async start(product: Product): Promise<void> {
    const ours = [process.execPath, join(projectRoot, 'bin/partita.js'), 'start', this.file];
    const [command, ...args] = product === 'kafka' ? kafkaJava('kafka.Kafka', this.file) : ours;
    const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const onText = (text: string): void => {
      this.#output = (this.#output + text).slice(-20_000);
    };
    child.stdout?.setEncoding('utf8').on('data', onText);
    child.stderr?.setEncoding('utf8').on('data', onText);
    for (let waitedMs = 0; !(await isListening(this.port)); waitedMs += 100) {
      if (child.exitCode !== null || waitedMs > startMsMax) {
        throw new Error(`${product} did not start:\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** What ours says when it does not start beside the one that runs. */
  async refusal(): Promise<string> {
    const launcher = join(projectRoot, 'bin/partita.js');
    const elsewhere = '--override=listeners=PLAINTEXT://127.0.0.1:0';
    const args = [launcher, 'start', this.file, elsewhere];
    const { code, stdout, stderr } = await runProgram(process.execPath, args, {
      timeoutMs: 30_000,
    });
    assert.equal(code, 1, stdout);
    return stderr;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  /** What Content.java prints for the verbs. */
  async content(...verbs: readonly string[]): Promise<string> {
    const [java, ...args] = await kafkaProgram(program, this.bootstrapServers, ...verbs);
    const done = await runProgram(java, args, { timeoutMs: 240_000 });
    assert.equal(done.code, 0, `${verbs}: ${done.stderr}\n${this.#output}`);
    return done.stdout;
  }

  /** Keeps a copy of the data of a stopped broker under the name. */
  keep(name: string): void {
    cpSync(this.data, join(this.directory, name), { recursive: true });
  }

  /** Puts the copy back in place. */
  restore(name: string): void {
    rmSync(this.data, { recursive: true, force: true });
    cpSync(join(this.directory, name), this.data, { recursive: true });
  }

  async dispose(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The texts are long: says where they differ first. */
export function assertSameContent(actual: string, expected: string): void {
  if (actual === expected) return;
  const [actualLines, expectedLines] = [actual.split('\n'), expected.split('\n')];
  const at = expectedLines.findIndex((line, index) => line !== actualLines[index]);
  const around = (lines: string[]): string => lines.slice(at, at + 3).join('\n');
  assert.fail(`line ${at}:\n${around(actualLines)}\nand not:\n${around(expectedLines)}`);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
