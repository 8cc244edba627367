// The flags that every tool has which talks to a cluster: where it is, and how to talk to it, in
// Kafka's new and old spellings. They become options of src/client by Java's property names.
//
// Invariant: a property of a flag wins over one of a file (KIP-1147).

import { type Command, Option } from 'commander';
import { Admin, type AdminOptions, type PropertiesResult } from '../client/index.ts';
import {
  ConfigError,
  parseProperties,
  resolveReferences,
  systemProperties,
} from '../config/index.ts';
import { createNodeIo, type Io, type LogLevel } from '../io/index.ts';
import { hidden, parsePairs, repeatable, UsageError } from './command-line.ts';

import { readText, referenceSources } from './read-text.ts';

export interface ClientFlags {
  bootstrapServer?: string;
  brokerList?: string;
  commandConfig?: string;
  commandProperty?: string[];
  'producer.config'?: string;
  'consumer.config'?: string;
  producerProperty?: string[];
  consumerProperty?: string[];
}

export function addClientFlags(command: Command, kind: 'admin' | 'producer' | 'consumer'): void {
  command
    .option('--bootstrap-server <host:port>', 'a broker of the cluster, or several with commas')
    .addOption(hidden(new Option('--broker-list <host:port>', 'as --bootstrap-server')))
    .option('--command-config <file>', 'client properties, such as request.timeout.ms=5000')
    .addOption(repeatable('--command-property <key=value>', 'one client property (repeat)'));
  if (kind === 'admin') return;
  command
    .addOption(hidden(new Option(`--${kind}.config <file>`, 'as --command-config')))
    .addOption(hidden(repeatable(`--${kind}-property <key=value>`, 'as --command-property')));
}

/** The Io of a tool: quiet, because what goes wrong for good is an error of the call. */
export function createToolIo(): Io {
  const level = process.env.PARTITA_LOG_LEVEL ?? 'off';
  return createNodeIo({ logLevel: level as LogLevel });
}

const loginProperties = [
  'java.security.auth.login.config',
  'java.security.krb5.conf',
  'org.apache.kafka.sasl.oauthbearer.allowed.urls',
];

/** Java client properties from files and flags, with bootstrap.servers. */
export function clientProperties(io: Io, flags: ClientFlags): Map<string, string> {
  const properties = new Map<string, string>();
  const files = [flags['producer.config'], flags['consumer.config'], flags.commandConfig];
  for (const file of files.filter((each) => each !== undefined)) {
    for (const [key, value] of parseProperties(readText(io, file))) properties.set(key, value);
  }
  const pairs = [
    ...parsePairs(flags.producerProperty, '--producer-property'),
    ...parsePairs(flags.consumerProperty, '--consumer-property'),
    ...parsePairs(flags.commandProperty, '--command-property'),
  ];
  for (const [key, value] of pairs) properties.set(key, value);
  // Who we are may be in a file that Kafka's scripts hand to Java.
  for (const [key, value] of systemProperties(process.env.KAFKA_OPTS)) {
    if (loginProperties.includes(key)) properties.set(key, value);
  }
  for (const [key, value] of withoutReferences(io, properties)) properties.set(key, value);
  const servers = flags.bootstrapServer ?? flags.brokerList;
  if (servers !== undefined) properties.set('bootstrap.servers', servers);
  if (!properties.has('bootstrap.servers')) {
    throw new UsageError('Missing required argument "[bootstrap-server]" (see --help)');
  }
  return properties;
}

/**
 * With what their references stand for, as a client of Kafka has them.
 * @throws UsageError
 */
export function withoutReferences(
  io: Io,
  properties: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  try {
    return resolveReferences(properties, referenceSources(io));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(error.message);
  }
}

/** Says what was ignored, and returns the rest. */
export function acceptOptions<Options>(name: string, result: PropertiesResult<Options>): Options {
  for (const warning of result.warnings) process.stderr.write(`${name}: ${warning}\n`);
  return result.options as Options;
}

const quietMs = 3_000;

/**
 * Runs `task`; if nothing has come of it after a few seconds a line says what is being waited
 * for. A tool does not give up at once: scripts start it together with the broker.
 */
export async function withNotice<T>(io: Io, line: string, task: Promise<T>): Promise<T> {
  const timer = io.clock.after(quietMs, () => process.stderr.write(`${line}\n`));
  try {
    return await task;
  } finally {
    timer.cancel();
  }
}

/** Runs `use` with an admin client for the flags, and closes it. */
export async function withAdmin<T>(
  name: string,
  flags: ClientFlags,
  use: (admin: Admin, io: Io) => Promise<T>,
): Promise<T> {
  const io = createToolIo();
  const properties = clientProperties(io, flags);
  const options = acceptOptions<AdminOptions>(name, Admin.optionsFromProperties(properties));
  const admin = new Admin(options, io);
  try {
    const line = `${name}: waiting for ${properties.get('bootstrap.servers')}`;
    return await withNotice(io, line, use(admin, io));
  } finally {
    await admin.close();
  }
}
