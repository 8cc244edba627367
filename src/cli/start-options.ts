// What `partita start` is told: its arguments, the configuration that they name, and when to stop.
// Read by the process of a broker and by one that starts several.

import { Deferred } from '../base/deferred.ts';
import { type BrokerConfig, loadBrokerConfig } from '../config/index.ts';
import type { Io, LogLevel } from '../io/index.ts';

import { readText, referenceSources } from './read-text.ts';
import type { Secured } from './secure/index.ts';
import { parsePair, UsageError } from './tool.ts';

export interface StartOptions {
  readonly file: string | null;
  readonly overrides: readonly (readonly [key: string, value: string])[];
  /** What the operator says is lost, so that the broker may go on without it. */
  readonly accepted: ReadonlySet<string>;
  /** --brokers; null: this process is the broker. */
  readonly brokers: string | null;
  /** --secure */
  readonly isSecure: boolean;
}

export const acceptLostMetadata = '--accept-lost-metadata';
export const acceptLostLogDirs = '--accept-lost-log-dirs';
const acceptFlags: readonly string[] = [acceptLostMetadata, acceptLostLogDirs];
const usage =
  'partita start [server.properties] [--override key=value]... [--secure] [--brokers N]';
const help = `Usage: ${usage}

  --brokers N             start a cluster of N brokers on this machine, for trying only: node.id 1
                          to N, on the ports of the listeners and those that follow (9092,
                          9093 ...), with their data below log.dirs; any may be killed
  --secure                listen with SASL_SSL alone, with keys, a user admin and a properties file
                          for clients that the first start makes, in DIRECTORY-secure beside the
                          first of log.dirs; nobody but admin may do anything

For one start, when the broker refuses because something is lost that cannot be brought back:
  --accept-lost-metadata  go on with what can be read of __cluster_metadata-0; what is cut is kept,
                          and so are the records of topics that are unknown then (partita stray)
  --accept-lost-log-dirs  make the partitions of a missing log directory anew, without records
`;
const logLevels: readonly string[] = ['debug', 'info', 'warn', 'error', 'off'];

/** Set for a broker that `--brokers` has started: its number there. */
export const NUMBER_VARIABLE = 'PARTITA_BROKER_NUMBER';

/** A Ctrl-C reaches a broker from the terminal and from whoever started it. */
const sameSignalMs = 1_000;

/** One line of standard error each. */
export function sayAs(name: string): (line: string) => void {
  return (line) => {
    process.stderr.write(`${name}: ${line.replaceAll('\n', ' ')}\n`);
  };
}

/** null: the help was asked for, and is printed. @throws UsageError */
export function parseStart(args: readonly string[]): StartOptions | null {
  if (!args.includes('--help')) return parseOptions(args);
  process.stdout.write(help);
  return null;
}

function parseOptions(args: readonly string[]): StartOptions {
  const overrides: [string, string][] = [];
  const accepted = new Set<string>();
  let file: string | null = null;
  let brokers: string | null = null;
  let isSecure = false;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === '--override') overrides.push(parseOverride(args[++index] ?? ''));
    else if (arg.startsWith('--override=')) overrides.push(parseOverride(arg.slice(11)));
    else if (arg === '--brokers') brokers = args[++index] ?? '';
    else if (arg.startsWith('--brokers=')) brokers = arg.slice(10);
    else if (arg === '--secure') isSecure = true;
    else if (acceptFlags.includes(arg)) accepted.add(arg);
    else if (arg.startsWith('-')) throw new UsageError(`unknown option ${arg}; usage: ${usage}`);
    else if (file !== null) throw new UsageError(`two files were given; usage: ${usage}`);
    else file = arg;
  }
  return { file, overrides, accepted, brokers, isSecure };
}

function parseOverride(pair: string): [string, string] {
  const [key, value] = parsePair(pair, '--override');
  return [key.trim(), value.trim()];
}

export function logLevel(): LogLevel {
  const level = process.env.PARTITA_LOG_LEVEL ?? 'warn';
  if (logLevels.includes(level)) return level as LogLevel;
  throw new UsageError(`PARTITA_LOG_LEVEL is one of ${logLevels.join(', ')}, not '${level}'`);
}

/** Reads the configuration; what is odd about it is said at once, a line each. */
export function loadConfig(
  io: Io,
  { file, overrides }: StartOptions,
  say: (line: string) => void,
): BrokerConfig {
  const { config, warnings, notes, openDoors } = loadBrokerConfig({
    ...(file === null ? {} : { file: { path: file, text: readText(io, file) } }),
    overrides,
    env: process.env,
    references: referenceSources(io),
  });
  for (const line of [...warnings, ...notes, ...openDoors]) say(line);
  return config;
}

/** Set for a broker of `--brokers` whose start was told `--secure`: the folder of its files. */
export const SECURE_VARIABLE = 'PARTITA_SECURE_FOLDER';

/**
 * With --secure: what it makes of the options, and the files that it has made; null: it is not
 * asked for.
 * @throws UsageError, ConfigError
 */
export async function securedStart(
  io: Io,
  options: StartOptions,
  say: (line: string) => void,
): Promise<{ readonly files: Secured; readonly options: StartOptions } | null> {
  const folder = process.env[SECURE_VARIABLE];
  if (!options.isSecure && folder === undefined) return null;
  const { secured, securedBefore } = await import('./secure/index.ts');
  const files = options.isSecure
    ? await secured(io, options, say)
    : await securedBefore(folder as string);
  const overrides = [...options.overrides, ...files.overrides];
  return { files, options: { ...options, overrides } };
}

export function securedLine(clientFile: string): string {
  return `Encrypted, and for the user admin alone: ${clientFile} is for clients, and to be kept.`;
}

/** What a tool needs beside the address. */
export function configFlag(clientFile: string | null): string {
  return clientFile === null ? '' : ` --command-config ${shellWord(clientFile)}`;
}

/** As a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Of a cluster of `--brokers`, below its log.dirs. */
export const STORE_FOLDER = 'store';
export const brokerFolder = (number: number): string => `broker${number}`;

/**
 * Where the data of a cluster of `--brokers` are, if the log directory is theirs or one of them;
 * null if it is not. A broker on its own would begin a second cluster over them.
 */
export function brokersFolder(io: Io, logDir: string): { path: string; count: number } | null {
  const own = logDir.replace(/(.)\/+$/, '$1');
  const [, above = '.'] = /^(?:(.+)\/)?broker\d+$/.exec(own) ?? [null, own];
  const isThere = (name: string): boolean => io.disk.stat(`${above}/${name}`) !== null;
  if (!isThere(STORE_FOLDER) || !isThere(brokerFolder(1))) return null;
  let count = 1;
  while (isThere(brokerFolder(count + 1))) count++;
  return { path: above, count };
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one does not wait for the clean stop. */
export function stopSignal(io: Io, onSecond: () => void): Promise<void> {
  const stopped = new Deferred<void>();
  let firstMs: number | null = null;
  const onSignal = (): void => {
    const nowMs = io.clock.monotonic();
    const isOfMany = process.env[NUMBER_VARIABLE] !== undefined;
    if (firstMs !== null && isOfMany && nowMs - firstMs < sameSignalMs) return;
    if (firstMs !== null) onSecond();
    firstMs = nowMs;
    stopped.resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stopped.promise;
}
