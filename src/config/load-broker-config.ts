// From the sources to a BrokerConfig: defaults, then the file, then KAFKA_* variables, then
// --override, each over the one before; and everything worth a line about what was found there.

import { environmentConfigs, systemProperties } from '../base/kafka-variables.ts';
import { nearestName } from '../base/nearest-name.ts';
import { BrokerConfig, type StaticOrigin } from './broker-config.ts';
import {
  brokerConfigDefinitions,
  brokerDefinition,
  isPluginKey,
  listenerKeyDefinition,
} from './broker-definitions.ts';
import { legacyExplanation } from './broker-legacy.ts';
import { ConfigError } from './config-error.ts';
import { openDoors } from './open-doors.ts';
import { parseProperties } from './properties.ts';
import { type ReferenceSources, resolveReferences } from './references.ts';
import { formatValue, parseValue } from './value.ts';

export interface BrokerConfigInput {
  /** A server.properties file. Without one, a broker for this machine alone: see `withoutFile`. */
  readonly file?: { readonly path: string; readonly text: string };
  /** `--override key=value`, the later winning. */
  readonly overrides?: readonly (readonly [key: string, value: string])[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What holds where nothing else is said, in the place of what a broker without a file takes. */
  readonly defaults?: readonly (readonly [key: string, value: string])[];
  /** What references may refer to (references.ts). Default: nothing is there. */
  readonly references?: ReferenceSources;
}

export interface LoadedBrokerConfig {
  readonly config: BrokerConfig;
  /** One line each: keys that are unknown, outdated or misspelt. */
  readonly warnings: string[];
  /** One line each: keys that are understood and change nothing here, and why. */
  readonly notes: string[];
  /** One line for each listener at which anybody may be anybody, for who opens it. */
  readonly openDoors: string[];
}

/** What a broker started without a file takes: this machine only, data beside it. */
const withoutFile: ReadonlyMap<string, string> = new Map([
  ['listeners', 'PLAINTEXT://127.0.0.1:9092'],
  ['log.dirs', './data'],
]);

const nothing: ReferenceSources = { readFile: () => null, env: {} };

/** Throws ConfigError, in one line, for the first value that is invalid. */
export function loadBrokerConfig(input: BrokerConfigInput = {}): LoadedBrokerConfig {
  const found = new Map<string, { text: string; origin: StaticOrigin }>();
  const add = (configs: Iterable<readonly [string, string]>, origin: StaticOrigin): void => {
    for (const [key, text] of configs) found.set(key, { text, origin });
  };
  if (input.file !== undefined) add(readFile(input.file), 'file');
  add(environmentConfigs(input.env ?? {}), 'environment');
  add(input.overrides ?? [], 'override');
  const written = new Map([...found].map(([key, { text }]) => [key, text]));
  const { references = nothing, env = {} } = input;
  const texts = resolveReferences(written, references);
  for (const [key, each] of found) found.set(key, { ...each, text: texts.get(key) ?? each.text });
  const years = zooKeeperYears(found);
  for (const { key, ...value } of years.meant) found.set(key, value);
  const config = withoutReferred({ written, texts }, () => {
    return new BrokerConfig({
      static: found,
      defaults: new Map([
        ...(input.file === undefined ? withoutFile : []),
        ...(input.defaults ?? []),
      ]),
      clusterId: env.CLUSTER_ID || null,
      systemProperties: systemProperties(env.KAFKA_OPTS),
    });
  });
  const { loud, quiet } = effectless(texts);
  return {
    config,
    warnings: [...warningsOf(texts), ...loud],
    notes: [...years.notes, ...quiet, ...skippedListeners(config)],
    openDoors: openDoors(config),
  };
}

/** An error shows a reference as it is written, not what it stands for. @throws ConfigError */
function withoutReferred<T>(
  { written, texts }: Readonly<Record<'written' | 'texts', ReadonlyMap<string, string>>>,
  make: () => T,
): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ConfigError) || error.key === null) throw error;
    const [text = '', found = ''] = [written.get(error.key), texts.get(error.key)];
    if (text === found || found.trim() === '') throw error;
    throw new ConfigError(
      error.key,
      error.message.replaceAll(found.trim(), () => text),
    );
  }
}

function readFile(file: { path: string; text: string }): Map<string, string> {
  try {
    return parseProperties(file.text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(null, `${file.path}: ${error.message}`);
  }
}

function warningsOf(texts: ReadonlyMap<string, string>): string[] {
  const warnings: string[] = [];
  for (const key of texts.keys()) {
    if (brokerDefinition(key) !== undefined) continue;
    if (listenerKeyDefinition(key) !== undefined || isPluginKey(key)) continue;
    const legacy = legacyExplanation(key);
    if (legacy !== null) {
      warnings.push(`configuration ${key} is ignored: ${legacy}`);
      continue;
    }
    const nearest = nearestName(key, Object.keys(brokerConfigDefinitions));
    const hint = nearest === null ? '' : `; did you mean ${nearest}?`;
    warnings.push(`configuration ${key} is unknown and ignored${hint}`);
  }
  return warnings;
}

/** Keys whose lack of effect leaves a door open that their owner believes shut. */
const guards: readonly string[] = [
  'principal.builder.class',
  'zookeeper.ssl.crl.enable',
  'zookeeper.ssl.ocsp.enable',
];

/** A line for each reason why keys that ask for a change get none. */
function effectless(texts: ReadonlyMap<string, string>): { loud: string[]; quiet: string[] } {
  const loud: string[] = [];
  const keysByReason = new Map<string, string[]>();
  for (const [key, text] of texts) {
    const definition = brokerDefinition(key);
    if (definition?.accepted === undefined) continue;
    const value = formatValue(definition, parseValue(key, definition, text));
    if (value === formatValue(definition, definition.default)) continue;
    if (guards.includes(key)) {
      loud.push(`${key} has no effect: ${definition.accepted}`);
      continue;
    }
    const keys = keysByReason.get(definition.accepted) ?? [];
    keysByReason.set(definition.accepted, [...keys, key]);
  }
  const quiet = [...keysByReason].map(([reason, keys]) => {
    const verb = keys.length === 1 ? 'has' : 'have';
    return `${keys.join(', ')} ${verb} no effect: ${reason}`;
  });
  return { loud, quiet };
}

function skippedListeners(config: BrokerConfig): string[] {
  const opened = new Set(config.listeners.map((listener) => listener.name));
  const why = 'controller.listener.names keeps it for a Raft quorum, which there is not';
  return config
    .get('listeners')
    .filter((item) => !opened.has(item.slice(0, item.indexOf(':')).toUpperCase()))
    .map((item) => `listener ${item} is not opened: ${why}`);
}

type Found = ReadonlyMap<string, { readonly text: string; readonly origin: StaticOrigin }>;

interface Meant {
  readonly key: string;
  readonly text: string;
  readonly origin: StaticOrigin;
}

/** Keys of which one says that the file is of another time. */
const otherTimes = ['node.id', 'process.roles', 'listeners', 'controller.quorum.voters'] as const;
/** What Kafka's own file says. */
const defaultConnect = 'localhost:2181';

/**
 * What a file of Kafka's ZooKeeper years means in today's keys: zookeeper.connect is a cluster
 * store, port is a listener; and one line each of what was concluded. A broker that no file says
 * otherwise of stays alone, and what today's keys say goes first.
 */
function zooKeeperYears(found: Found): { meant: Meant[]; notes: string[] } {
  const meant: Meant[] = [];
  const notes: string[] = [];
  const mean = (key: string, text: string, origin: StaticOrigin): void => {
    if (!found.has(key)) meant.push({ key, text, origin });
  };
  const port = found.get('port');
  if (port !== undefined && !found.has('listeners')) {
    const host = found.get('host.name')?.text.trim() ?? '';
    const shown = host.includes(':') ? `[${host}]` : host;
    mean('listeners', `PLAINTEXT://${shown}:${port.text.trim()}`, port.origin);
  }
  const connect = connectOf(found, notes);
  if (connect === null) return { meant, notes };
  mean('cluster.store', `zookeeper://${connect.text}`, connect.origin);
  const timeout = found.get('zookeeper.session.timeout.ms');
  if (timeout !== undefined) mean('broker.session.timeout.ms', timeout.text, timeout.origin);
  return { meant, notes };
}

function connectOf(found: Found, notes: string[]): { text: string; origin: StaticOrigin } | null {
  const named = found.get('zookeeper.connect');
  const text = named?.text.trim() ?? '';
  if (named !== undefined && text !== '') {
    const before = ['cluster.store', 'process.roles'].find((key) => found.has(key));
    if (before === undefined) return { text, origin: named.origin };
    notes.push(`zookeeper.connect is not used: ${before} is set`);
    return null;
  }
  if (found.has('cluster.store') || otherTimes.some((key) => found.has(key))) return null;
  // Kafka 2.x's own file names localhost:2181, and lists of what to change in it leave that out.
  const isOld = ['broker.id', 'port', 'log.dirs'].every((key) => found.get(key)?.origin === 'file');
  if (!isOld) return null;
  const remedy = 'take port out (listeners is its name today) for a broker that is alone';
  notes.push(`broker.id and port mean a ZooKeeper at ${defaultConnect}: ${remedy}`);
  return { text: defaultConnect, origin: 'file' };
}
