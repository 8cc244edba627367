// `partita start`: runs a broker until it is told to stop. What a person sees is on standard
// output and short; what the configuration gets wrong, and what goes wrong later, is on standard
// error, a line each.

import { Broker, BrokerError } from '../broker/index.ts';
import { type BrokerConfig, ConfigError, formatListener } from '../config/index.ts';
import { createNodeIo, type Io, IoError } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { relaxFullCollections, releaseYoungGeneration } from './garbage-collection.ts';
import {
  acceptLostLogDirs,
  acceptLostMetadata,
  brokersFolder,
  configFlag,
  loadConfig,
  logLevel,
  NUMBER_VARIABLE,
  parseStart,
  sayAs,
  securedLine,
  securedStart,
  stopSignal,
} from './start-options.ts';
import { StoreWatch } from './store-watch.ts';
import { UsageError } from './tool.ts';

/** Of this process among those of `--brokers`; null: it is alone. */
const number = process.env[NUMBER_VARIABLE] ?? null;
const name = number === null ? 'partita' : `partita broker ${number}`;

const say = sayAs(name);

export async function run(args: readonly string[]): Promise<number> {
  const options = parseStart(args);
  if (options === null) return 0;
  relaxFullCollections();
  const logSink = (line: string): void => {
    process.stderr.write(number === null ? `${line}\n` : `broker ${number}: ${line}\n`);
  };
  const io = createNodeIo({ logLevel: logLevel(), logSink });
  const watch = new StoreWatch(io, say);
  try {
    // What is odd about the configuration was said by who started the brokers.
    const secured = await securedStart(io, options, say);
    const { options: told = options, files = null } = secured ?? {};
    const config = loadConfig(io, told, number === null ? say : () => {});
    assertOwnFolder(io, config);
    // Listened for from the start: a script may stop us as soon as it reads that we are ready.
    const stopped = stopSignal(io, () => process.exit(1));
    // A promise that nobody waits for and that fails comes here, too.
    process.on('uncaughtException', exitOnFatal);
    const broker = await Broker.start(io, config, {
      onFatal: exitOnFatal,
      acceptLostMetadata: options.accepted.has(acceptLostMetadata),
      acceptLostLogDirs: options.accepted.has(acceptLostLogDirs),
      users: files?.users ?? [],
    });
    // A store that one process keeps may be gone for good; every other one comes back.
    const isForTrying = config.get('cluster.store')?.startsWith('shared:') ?? false;
    if (broker.store !== null && isForTrying) watch.begin(broker.store);
    releaseYoungGeneration();
    printReady(broker, files?.clientFile ?? null);
    await Promise.race([stopped, watch.away]);
    await broker.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof BrokerError)) throw error;
    say(error.message);
    return 1;
  } finally {
    watch.end();
  }
}

/** @throws UsageError */
function assertOwnFolder(io: Io, config: BrokerConfig): void {
  if (config.get('cluster.store') !== null) return;
  for (const logDir of config.logDirs) {
    const found = brokersFolder(io, logDir);
    if (found === null) continue;
    const { path, count } = found;
    throw new UsageError(
      `${logDir} has the data of a cluster of several brokers: start it with ` +
        `partita start --brokers ${count} --override log.dirs=${path}, or use another log.dirs`,
    );
  }
}

function printReady(broker: Broker, clientFile: string | null): void {
  const sinceStartMs = Math.round(process.uptime() * 1000);
  const { listeners, clusterId, nodeId } = broker;
  const lines = listeners.map((listener) => {
    const address = formatListener(listener);
    return `partita ready ${address} cluster=${clusterId} node=${nodeId} in ${sinceStartMs} ms`;
  });
  const [first] = listeners;
  if (first !== undefined && number === null) {
    // A listener on every address has none that could be typed.
    const host = ['', '0.0.0.0', '::'].includes(first.host) ? 'localhost' : first.host;
    const server = `--bootstrap-server ${host}:${first.port}${configFlag(clientFile)}`;
    if (clientFile !== null) lines.push('', securedLine(clientFile));
    lines.push(
      '',
      'Try, in another terminal:',
      `  echo hello | bin/kafka-console-producer.sh ${server} --topic greetings`,
      `  bin/kafka-console-consumer.sh ${server} --topic greetings --from-beginning`,
      'Ctrl-C stops the broker; what was acknowledged is kept.',
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The state in memory cannot be trusted any more; the next start recovers from the log. */
function exitOnFatal(error: Error): never {
  // What a disk refused, or a store holds, is said by its message; a bug needs its stack.
  const isLine = [IoError, BrokerError, KafkaError].some((kind) => error instanceof kind);
  const isBug = error instanceof Error && !isLine;
  const text = isBug ? (error.stack ?? error.message) : String(error.message ?? error);
  say(`stopped: ${text.replaceAll(/\s*\n\s*/g, ' ')}`);
  process.exit(1);
}
