// `partita start`: runs a broker until it is told to stop. What a person sees is on standard
// output and short; what the configuration gets wrong, and what goes wrong later, is on standard
// error, a line each.

import { Deferred } from '../base/deferred.ts';
import { Broker, BrokerError } from '../broker/index.ts';
import {
  type BrokerConfig,
  ConfigError,
  formatListener,
  loadBrokerConfig,
} from '../config/index.ts';
import { createNodeIo, type Io, IoError, type LogLevel } from '../io/index.ts';
import { relaxFullCollections, releaseYoungGeneration } from './garbage-collection.ts';
import { UsageError } from './tool.ts';

interface StartOptions {
  readonly file: string | null;
  readonly overrides: readonly (readonly [key: string, value: string])[];
  /** What the operator says is lost, so that the broker may go on without it. */
  readonly accepted: ReadonlySet<string>;
}

const acceptFlags: readonly string[] = ['--accept-lost-metadata', '--accept-lost-log-dirs'];
const usage = 'partita start [server.properties] [--override key=value]...';
const help = `Usage: ${usage}

For one start, when the broker refuses because something is lost that cannot be brought back:
  --accept-lost-metadata  go on with what can be read of __cluster_metadata-0; what is cut is kept,
                          and so are the records of topics that are unknown then (partita stray)
  --accept-lost-log-dirs  make the partitions of a missing log directory anew, without records
`;
const logLevels: readonly string[] = ['debug', 'info', 'warn', 'error', 'off'];

export async function run(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const options = parseOptions(args);
  relaxFullCollections();
  const io = createNodeIo({ logLevel: logLevel() });
  try {
    const config = loadConfig(io, options);
    // Listened for from the start: a script may stop us as soon as it reads that we are ready.
    const stopped = stopSignal();
    // A promise that nobody waits for and that fails comes here, too.
    process.on('uncaughtException', exitOnFatal);
    const broker = await Broker.start(io, config, {
      onFatal: exitOnFatal,
      acceptLostMetadata: options.accepted.has('--accept-lost-metadata'),
      acceptLostLogDirs: options.accepted.has('--accept-lost-log-dirs'),
    });
    releaseYoungGeneration();
    printReady(broker);
    await stopped;
    await broker.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof BrokerError)) throw error;
    process.stderr.write(`partita: ${error.message.replaceAll('\n', ' ')}\n`);
    return 1;
  }
}

function parseOptions(args: readonly string[]): StartOptions {
  const overrides: [string, string][] = [];
  const accepted = new Set<string>();
  let file: string | null = null;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === '--override') overrides.push(parseOverride(args[++index] ?? ''));
    else if (arg.startsWith('--override=')) overrides.push(parseOverride(arg.slice(11)));
    else if (acceptFlags.includes(arg)) accepted.add(arg);
    else if (arg.startsWith('-')) throw new UsageError(`unknown option ${arg}; usage: ${usage}`);
    else if (file !== null) throw new UsageError(`two files were given; usage: ${usage}`);
    else file = arg;
  }
  return { file, overrides, accepted };
}

function parseOverride(pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at <= 0) throw new UsageError(`--override takes key=value, not '${pair}'`);
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

function logLevel(): LogLevel {
  const level = process.env.PARTITA_LOG_LEVEL ?? 'warn';
  if (logLevels.includes(level)) return level as LogLevel;
  throw new UsageError(`PARTITA_LOG_LEVEL is one of ${logLevels.join(', ')}, not '${level}'`);
}

/** Reads the configuration; what is odd about it is said at once, a line each. */
function loadConfig(io: Io, { file, overrides }: StartOptions): BrokerConfig {
  const { config, warnings, notes } = loadBrokerConfig({
    ...(file === null ? {} : { file: { path: file, text: readConfigFile(io, file) } }),
    overrides,
    env: process.env,
  });
  for (const line of [...warnings, ...notes]) process.stderr.write(`partita: ${line}\n`);
  return config;
}

function readConfigFile(io: Io, path: string): string {
  try {
    const content = io.disk.readFile(path);
    if (content !== null) return content.toString('utf8');
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw new UsageError(`cannot read ${path}: ${error.message}`);
  }
  throw new UsageError(`there is no file ${path}`);
}

function printReady(broker: Broker): void {
  const sinceStartMs = Math.round(process.uptime() * 1000);
  const { listeners, clusterId, nodeId } = broker;
  const lines = listeners.map((listener) => {
    const address = formatListener(listener);
    return `partita ready ${address} cluster=${clusterId} node=${nodeId} in ${sinceStartMs} ms`;
  });
  const [first] = listeners;
  if (first !== undefined) {
    // A listener on every address has none that could be typed.
    const host = ['', '0.0.0.0', '::'].includes(first.host) ? 'localhost' : first.host;
    const server = `--bootstrap-server ${host}:${first.port}`;
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

/** Resolves at the first Ctrl-C or SIGTERM; a second one does not wait for the clean stop. */
function stopSignal(): Promise<void> {
  const stopped = new Deferred<void>();
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    stopped.resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stopped.promise;
}

/** The state in memory cannot be trusted any more; the next start recovers from the log. */
function exitOnFatal(error: Error): never {
  // What a disk refused is said by its message; a bug needs its stack.
  const isBug = error instanceof Error && !(error instanceof IoError);
  const text = isBug ? (error.stack ?? error.message) : String(error.message ?? error);
  process.stderr.write(`partita: stopped: ${text.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  process.exit(1);
}
