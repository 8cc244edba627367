// `partita start --brokers N`: a cluster on this machine, for trying only. This process keeps the
// cluster's store and starts N brokers, which are ordinary `partita start` processes with
// overrides; it serves no client and leads nothing.
//
// Invariants: any broker may be killed, and is not started again by itself: a line says how; one
// that fails to start ends the others; at a stop the store is there until the last broker ended.

import { join, resolve } from 'node:path';
import {
  type BrokerConfig,
  type BrokerKey,
  ConfigError,
  formatListener,
  isSecretOfBroker,
  type Listener,
} from '../config/index.ts';
import { type Child, createNodeIo, type Io, IoError, loadChildren } from '../io/index.ts';
import { SharedStoreServer } from '../metadata/engines/shared/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { LogDirectoryError, readMetaProperties } from '../storage/index.ts';
import type { Secured } from './secure/index.ts';
import {
  acceptLostLogDirs,
  acceptLostMetadata,
  brokerFolder,
  configFlag,
  loadConfig,
  logLevel,
  NUMBER_VARIABLE,
  parseStart,
  SECURE_VARIABLE,
  STORE_FOLDER,
  type StartOptions,
  sayAs,
  securedLine,
  securedStart,
  shellWord,
  stopSignal,
} from './start-options.ts';
import { UsageError } from './tool.ts';

const brokersMax = 16;
const host = '127.0.0.1';
/** Beside the ports of the brokers, so that a broker finds the store of the next start, too. */
const storePortAbove = 10_000;
/** Brokers of a start whose process was killed end by themselves within a minute. */
const leftoversMsMax = 90_000;
const lookMs = 250;
/** A broker that does not end cleanly within this is killed; the next start recovers its logs. */
const stopMsMax = 30_000;

const say = sayAs('partita');

export async function run(args: readonly string[]): Promise<number> {
  const options = parseStart(args);
  if (options === null) return 0;
  const io = createNodeIo({ logLevel: logLevel() });
  try {
    const count = countOf(options);
    const secured = await securedStart(io, options, say);
    const told = secured?.options ?? options;
    const config = loadConfig(io, told, say);
    const files = secured?.files ?? null;
    return await new Brokers(io, { options: told, config, count, files }).run();
  } catch (error) {
    const isLine = [ConfigError, LogDirectoryError, KafkaError, IoError].some(
      (type) => error instanceof type,
    );
    if (!isLine) throw error;
    say((error as Error).message);
    return 1;
  }
}

function countOf({ brokers }: StartOptions): number {
  const count = Number(brokers);
  if (Number.isInteger(count) && count >= 1 && count <= brokersMax) return count;
  throw new UsageError(`--brokers takes a number from 1 to ${brokersMax}, not '${brokers}'`);
}

interface BrokersOptions {
  readonly options: StartOptions;
  readonly config: BrokerConfig;
  readonly count: number;
  /** Of --secure. */
  readonly files: Secured | null;
}

class Brokers {
  readonly #io: Io;
  readonly #options: StartOptions;
  readonly #config: BrokerConfig;
  readonly #files: Secured | null;
  readonly #numbers: readonly number[];
  readonly #living = new Map<number, Child>();
  /** By number: a broker says a line for each of its listeners. */
  readonly #readyLines = new Map<number, number>();
  #server!: SharedStoreServer;
  #isStopping = false;

  constructor(io: Io, { options, config, count, files }: BrokersOptions) {
    this.#io = io;
    this.#options = options;
    this.#config = config;
    this.#files = files;
    this.#numbers = Array.from({ length: count }, (_, index) => index + 1);
  }

  async run(): Promise<number> {
    this.#assertPossible();
    const stopped = stopSignal(this.#io, () => this.#killAll()).then(() => {
      this.#isStopping = true;
      return 'stopped';
    });
    await this.#waitForLeftovers();
    if (this.#isStopping) return 0;
    await this.#openStore();
    try {
      const failed = this.#startAll();
      const end = await Promise.race([stopped, failed]);
      await this.#stopAll();
      return end === 'stopped' ? 0 : 1;
    } finally {
      await this.#server.close();
    }
  }

  #assertPossible(): void {
    const config = this.#config;
    if (config.get('cluster.store') !== null) {
      throw new UsageError('--brokers brings its own store: leave out cluster.store');
    }
    for (const path of config.logDirs) {
      const meta = readMetaProperties(this.#io, path);
      if (meta === null) continue;
      throw new UsageError(
        `${path} is the log directory of a single broker (node ${meta.nodeId} of cluster ` +
          `${meta.clusterId}): use another log.dirs, such as --override log.dirs=./cluster`,
      );
    }
    const ports = new Set<number>();
    for (const { port } of this.#numbers.flatMap((number) => this.#listenersOf(number))) {
      if (port !== 0 && ports.has(port)) {
        const count = this.#numbers.length;
        throw new UsageError(
          `port ${port} would come twice: give the listeners ports that are ${count} or more apart`,
        );
      }
      ports.add(port);
    }
  }

  #listenersOf(number: number, listeners = this.#config.listeners): Listener[] {
    return listeners.map((each) => {
      return { ...each, port: each.port === 0 ? 0 : each.port + number - 1 };
    });
  }

  #directoryOf(name: string): string {
    return join(resolve(this.#config.logDirs[0] as string), name);
  }

  async #openStore(): Promise<void> {
    const firstPort = this.#config.listeners[0]?.port ?? 0;
    const wanted = firstPort === 0 ? 0 : firstPort + storePortAbove;
    const open = (port: number): Promise<SharedStoreServer> =>
      SharedStoreServer.open(this.#io, {
        ...{ host, port, directory: this.#directoryOf(STORE_FOLDER) },
        clusterId: this.#config.clusterId,
        mayLose: this.#options.accepted.has(acceptLostMetadata),
        onFailure: exitOnFatal,
      });
    this.#server = await open(wanted <= 65_535 ? wanted : 0).catch((error: unknown) => {
      if (!(error instanceof IoError) || error.code !== 'EADDRINUSE') throw error;
      return open(0);
    });
  }

  /** They hold their directories and ports; without a store they end. */
  async #waitForLeftovers(): Promise<void> {
    const { clock } = this.#io;
    const endMs = clock.monotonic() + leftoversMsMax;
    let isTold = false;
    while (!this.#isStopping) {
      const held = this.#numbers.filter((number) =>
        this.#isHeld(this.#directoryOf(brokerFolder(number))),
      );
      if (held.length === 0) return;
      // One that has a store is another start's, which says so itself.
      if (this.#isHeld(this.#directoryOf(STORE_FOLDER))) return;
      const who = `broker ${held.join(', ')} of an earlier start`;
      if (clock.monotonic() > endMs) {
        throw new UsageError(`${who} still runs: end it, and start again`);
      }
      if (!isTold) say(`${who} still runs and ends within a minute: waiting for it`);
      isTold = true;
      await clock.sleep(lookMs);
    }
  }

  #isHeld(directory: string): boolean {
    const { disk } = this.#io;
    if (disk.stat(directory) === null) return false;
    const lock = disk.lock(`${directory}/.lock`);
    lock?.release();
    return lock === null;
  }

  /** Resolves when one of them could not be started. */
  async #startAll(): Promise<void> {
    process.stdout.write(
      `${this.#numbers.length} brokers on one machine, for trying only: what is lost with it is ` +
        `lost. Metadata: shared://${host}:${this.#server.port}\n`,
    );
    const ends = this.#numbers.map((number) => this.#start(number));
    await Promise.race(ends);
  }

  /** Resolves when it has ended without having been ready; of later ends a line is said. */
  async #start(number: number): Promise<void> {
    const { startChild } = await loadChildren();
    const { args, secrets } = this.#argumentsOf(number);
    const command = [process.argv[1] as string, 'start', ...args];
    const child = await startChild({
      args: command,
      env: {
        ...Object.fromEntries([...secrets].map(([name, { value }]) => [name, value])),
        [NUMBER_VARIABLE]: String(number),
        ...(this.#files === null ? {} : { [SECURE_VARIABLE]: this.#files.folder }),
      },
      onLine: (line) => this.#onLine(number, line),
    });
    this.#living.set(number, child);
    if (this.#isStopping) child.signal('SIGTERM');
    const end = await child.ended;
    this.#living.delete(number);
    if (this.#isStopping) return;
    if (!this.#isReady(number)) return;
    const names = [...secrets].map(([name, { key }]) => `${name} (${key})`).join(', ');
    const first = names === '' ? '' : `, with ${names} in the environment`;
    const again = command.map(shellWord).join(' ');
    say(`broker ${number} ended (${end}); this starts it again${first}: ${again}`);
    await new Promise(() => {});
  }

  /** Everybody on the machine sees arguments: they refer to secrets by variables. */
  #argumentsOf(number: number): { readonly args: string[]; readonly secrets: Secrets } {
    const { file, overrides, accepted } = this.#options;
    const own = new Map([...overrides, ...this.#overridesOf(number)]);
    const secrets = new Map<string, { readonly key: string; readonly value: string }>();
    for (const [key, value] of own) {
      if (value.includes(`\${`) || !isSecretOfBroker(key, value)) continue;
      const name = `PARTITA_OVERRIDE_${secrets.size + 1}`;
      secrets.set(name, { key, value });
      own.set(key, `\${env:${name}}`);
    }
    const args = [
      ...(file === null ? [] : [resolve(file)]),
      ...[...own].flatMap(([key, value]) => ['--override', `${key}=${value}`]),
      ...(accepted.has(acceptLostLogDirs) ? [acceptLostLogDirs] : []),
      ...(accepted.has(acceptLostMetadata) ? [acceptLostMetadata] : []),
    ];
    return { args, secrets };
  }

  /** What is the broker's own, and stays below what a cluster of so many can give. */
  #overridesOf(number: number): [string, string][] {
    const config = this.#config;
    const listeners = (given: readonly Listener[]): string =>
      this.#listenersOf(number, given).map(formatListener).join(',');
    const directories = config.logDirs.map((path) => join(resolve(path), brokerFolder(number)));
    const overrides: [string, string][] = [
      ['cluster.store', `shared://${host}:${this.#server.port}`],
      ['node.id', String(number)],
      ['listeners', listeners(config.listeners)],
      ['log.dirs', directories.join(',')],
    ];
    if (config.isSet('broker.id')) overrides.push(['broker.id', String(number)]);
    if (config.isSet('log.dir')) overrides.push(['log.dir', directories[0] as string]);
    if (config.advertisedListeners.length > 0) {
      overrides.push(['advertised.listeners', listeners(config.advertisedListeners)]);
    }
    const count = this.#numbers.length;
    for (const [key, replicas] of internalReplicas) {
      if (count < replicas && !config.isSet(key)) overrides.push([key, String(count)]);
    }
    return overrides;
  }

  #onLine(number: number, line: string): void {
    process.stdout.write(`${line}\n`);
    if (!line.startsWith('partita ready ')) return;
    this.#readyLines.set(number, (this.#readyLines.get(number) ?? 0) + 1);
    const isLast = this.#numbers.every((each) => this.#isReady(each));
    if (isLast && !this.#isStopping) this.#printHints();
  }

  #isReady(number: number): boolean {
    return this.#readyLines.get(number) === this.#config.listeners.length;
  }

  #printHints(): void {
    const { host: at, port } = this.#config.listeners[0] as Listener;
    const name = ['', '0.0.0.0', '::', '127.0.0.1'].includes(at) ? 'localhost' : at;
    const servers = this.#numbers.map((number) => `${name}:${port + number - 1}`).join(',');
    const clientFile = this.#files?.clientFile ?? null;
    const address = port === 0 ? 'HOST:PORT' : servers;
    const server = `--bootstrap-server ${address}${configFlag(clientFile)}`;
    const replicas = Math.min(3, this.#numbers.length);
    const last = this.#living.get(this.#numbers.length);
    const lines = [
      ...(clientFile === null ? [] : ['', securedLine(clientFile)]),
      '',
      'Try, in another terminal:',
      `  bin/kafka-topics.sh ${server} --create --topic greetings --replication-factor ${replicas}`,
      `  kill -9 ${last?.pid}    # any of the brokers`,
      `  bin/kafka-topics.sh ${server} --describe --topic greetings`,
      'Ctrl-C stops all of them; what was acknowledged is kept.',
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }

  async #stopAll(): Promise<void> {
    this.#isStopping = true;
    for (const child of this.#living.values()) child.signal('SIGTERM');
    const ends = Promise.all([...this.#living.values()].map(({ ended }) => ended));
    const late = this.#io.clock.after(stopMsMax, () => {
      say(`broker ${[...this.#living.keys()].join(', ')} did not end in time and is killed`);
      this.#killAll();
    });
    await ends;
    late.cancel();
  }

  #killAll(): void {
    this.#isStopping = true;
    for (const child of this.#living.values()) child.signal('SIGKILL');
  }
}

/** By the names of variables. */
type Secrets = ReadonlyMap<string, { readonly key: string; readonly value: string }>;

/** What internal topics need by default; they are made with so many replicas or not at all. */
const internalReplicas: readonly (readonly [key: BrokerKey, count: number])[] = [
  ['offsets.topic.replication.factor', 3],
  ['transaction.state.log.replication.factor', 3],
  ['transaction.state.log.min.isr', 2],
  ['share.coordinator.state.topic.replication.factor', 3],
  ['share.coordinator.state.topic.min.isr', 2],
];

/** The disk of the store failed, or a bug was found: brokers go on without it for a minute. */
function exitOnFatal(error: Error): never {
  say(`stopped: ${error.message}`);
  process.exit(1);
}
