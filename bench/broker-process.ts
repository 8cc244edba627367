// The brokers that are measured, as processes of their own: ours, and Apache Kafka from the cache
// that the interop tests keep, with a heap of 1 GiB. Both get the same port range, a fresh data
// directory and no retention (the records of a bench carry a fixed, old time).

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../src/io/index.ts';
import { ClientConnection } from '../src/network/index.ts';
import { projectRoot } from '../tests/root.ts';
import { processorMs, residentMib } from './process-figures.ts';

export type Product = 'partita' | 'kafka';

export const kafkaVersion = '4.3.1';
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
export const kafkaJars = join(cache, 'partita', `kafka-${kafkaVersion}`);
const startMsMax = 60_000;

export function hasKafka(): boolean {
  const java = spawnSync('java', ['-version'], { stdio: 'ignore' });
  return java.error === undefined && existsSync(kafkaJars);
}

/** Runs with a broker of each product that there is here (`partita,kafka`), and ends them. */
export async function withBrokers(
  io: Io,
  products: string,
  use: (brokers: readonly BrokerProcess[]) => Promise<void>,
): Promise<void> {
  const brokers: BrokerProcess[] = [];
  try {
    for (const product of products.split(',') as Product[]) {
      if (product === 'kafka' && !hasKafka()) continue;
      const broker = await BrokerProcess.prepare(io, product);
      brokers.push(broker);
      await broker.start();
    }
    await use(brokers);
  } finally {
    for (const broker of brokers) await broker.dispose();
  }
}

export interface BrokerProcessOptions {
  readonly config?: Readonly<Record<string, string>>;
  /** Another checkout's launcher; ours by default. */
  readonly launcher?: string;
  /** Flags for Node.js, such as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
  readonly heap?: string;
  /** A key and its certificate in PEM: there is an encrypted listener, too. */
  readonly keyFile?: string;
}

export class BrokerProcess {
  readonly product: Product;
  readonly directory = mkdtempSync(join(tmpdir(), 'partita-bench-'));
  readonly port: number;
  /** Of the encrypted listener, where there is one. */
  readonly tlsPort: number;
  readonly #io: Io;
  readonly #options: BrokerProcessOptions;
  #child: ChildProcess | null = null;

  private constructor(
    io: Io,
    product: Product,
    ports: { readonly port: number; readonly tlsPort: number },
    options: BrokerProcessOptions,
  ) {
    this.#io = io;
    this.product = product;
    this.port = ports.port;
    this.tlsPort = ports.tlsPort;
    this.#options = options;
  }

  /** Prepares a data directory; nothing runs yet. */
  static async prepare(
    io: Io,
    product: Product,
    options: BrokerProcessOptions = {},
  ): Promise<BrokerProcess> {
    const ports = { port: await freePort(), tlsPort: await freePort() };
    const broker = new BrokerProcess(io, product, ports, options);
    if (product === 'kafka') broker.#format(await freePort());
    return broker;
  }

  get host(): string {
    return '127.0.0.1';
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Milliseconds from the start of the process to the first answered request. */
  async start(): Promise<number> {
    const beganMs = performance.now();
    const [command, args] = this.#command();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let output = '';
    const isReady = new Promise<void>((resolve, reject) => {
      const onText = (text: string): void => {
        output += text;
        if (/ready PLAINTEXT:/.test(output)) resolve();
      };
      child.stdout?.setEncoding('utf8').on('data', onText);
      child.stderr?.setEncoding('utf8').on('data', onText);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the broker ended with ${code}: ${output}`)));
    });
    // Kafka says nothing without a log configuration, and is asked until it answers.
    if (this.product === 'partita') await isReady;
    else await Promise.race([this.#answers(beganMs), isReady]);
    isReady.catch(() => {});
    return performance.now() - beganMs;
  }

  async #answers(beganMs: number): Promise<void> {
    const { host, port } = this;
    for (;;) {
      try {
        const connection = await ClientConnection.connect(this.#io, {
          host,
          port,
          clientId: 'bench',
        });
        connection.close();
        return;
      } catch (error) {
        if (performance.now() - beganMs > startMsMax) throw error;
        await this.#io.clock.sleep(5);
      }
    }
  }

  get #listeners(): string {
    const plain = `PLAINTEXT://127.0.0.1:${this.port}`;
    const { keyFile } = this.#options;
    return keyFile === undefined ? plain : `${plain},SSL://127.0.0.1:${this.tlsPort}`;
  }

  #encrypted(): Record<string, string> {
    const { keyFile } = this.#options;
    if (keyFile === undefined) return {};
    return { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': keyFile };
  }

  #command(): [string, string[]] {
    if (this.product === 'kafka') {
      const heap = this.#options.heap ?? '1g';
      const memory = [`-Xmx${heap}`, `-Xms${heap}`];
      const classes = ['-cp', join(kafkaJars, '*')];
      // As kafka-server-start.sh starts it.
      const collector = ['-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
      const file = join(this.directory, 'server.properties');
      return ['java', [...memory, ...collector, ...classes, 'kafka.Kafka', file]];
    }
    const overrides: Record<string, string> = {
      ...this.#encrypted(),
      listeners: this.#listeners,
      'log.dirs': join(this.directory, 'data'),
      'log.retention.ms': '-1',
      ...this.#options.config,
    };
    const pairs = Object.entries(overrides).map(([key, value]) => `--override=${key}=${value}`);
    const launcher =
      this.#options.launcher ?? process.env.PARTITA_LAUNCHER ?? join(projectRoot, 'bin/partita.js');
    return [process.execPath, [...(this.#options.nodeFlags ?? []), launcher, 'start', ...pairs]];
  }

  #format(controllerPort: number): void {
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      ...this.#encrypted(),
      listeners: `${this.#listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': this.#listeners,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT',
      'log.dirs': join(this.directory, 'data'),
      'log.retention.ms': '-1',
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'group.initial.rebalance.delay.ms': '0',
      ...this.#options.config,
    };
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    const file = join(this.directory, 'server.properties');
    writeFileSync(file, lines.join(''));
    const id = 'AAAAAAAAQACAAAAAAAAAAQ';
    const tool = ['-cp', join(kafkaJars, '*'), 'kafka.tools.StorageTool'];
    const done = spawnSync('java', [...tool, 'format', '-t', id, '-c', file]);
    if (done.status !== 0) throw new Error(`kafka-storage: ${done.stderr}`);
  }

  /** Resident memory in MiB. */
  residentMib(): number {
    return residentMib(this.pid);
  }

  residentMibMax(): number {
    return residentMib(this.pid, 'VmHWM');
  }

  descriptorCount(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Processor time the process has used, in milliseconds. */
  processorMs(): number {
    return processorMs(this.pid);
  }

  /** Stops it cleanly; returns how long that took, in milliseconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return 0;
    const beganMs = performance.now();
    await new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill(signal);
    });
    return performance.now() - beganMs;
  }

  async dispose(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
