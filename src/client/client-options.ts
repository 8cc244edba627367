// Options that every kind of client has, under Java's names in camelCase with Java's defaults, and
// the mapping from Java's property names, for the tools and for programs that bring such files.

import { ClientConfigError } from './client-config-error.ts';
import type { ClientLogger } from './client-log.ts';
import type { JavaClientNames } from './java-name-types.ts';
import {
  resolveSecurity,
  type SecurityOptions,
  securityFromProperties,
} from './security-options.ts';

export { ClientConfigError } from './client-config-error.ts';

/** Options of every client: Producer, Consumer and Admin. */
export interface ClientOptions extends SecurityOptions, JavaClientNames {
  /**
   * The first brokers to ask, each `host:port`, several with commas between or as an array. At
   * least one is needed, here, as `'bootstrap.servers'` or in `properties`.
   */
  readonly bootstrapServers?: string | readonly string[];
  /** Where lines of the log go, in pino's shape. Default: warnings and errors to standard error. */
  readonly logger?: ClientLogger;
  /**
   * False: timers and connections of an idle client do not keep the process (serverless). Calls
   * under way do. Default true.
   */
  readonly keepAlive?: boolean;
  /** The path of a file of Java's properties. What is given beside it wins over the file. */
  readonly properties?: string;
  /** What this client is called in logs, metrics and quotas of the broker. Default `partita`. */
  readonly clientId?: string;
  /** The time one request may take, in milliseconds. Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** The time a whole call may take, retries included, in milliseconds. Default 60 000. */
  readonly defaultApiTimeoutMs?: number;
  /**
   * The time for each step of a new connection (TCP with TLS, API versions, SASL), in milliseconds.
   * Default 10 000.
   */
  readonly connectionSetupTimeoutMs?: number;
  /**
   * First pause before a broker that did not answer is tried again, in milliseconds; it doubles.
   * Default 50.
   */
  readonly reconnectBackoffMs?: number;
  /** The longest of these pauses, in milliseconds. Default 1000. */
  readonly reconnectBackoffMaxMs?: number;
  /** First pause before a failed request is repeated, in milliseconds; it doubles. Default 100. */
  readonly retryBackoffMs?: number;
  /** The longest of these pauses, in milliseconds. Default 1000. */
  readonly retryBackoffMaxMs?: number;
  /**
   * Age at which metadata are fetched again although nothing failed, in milliseconds. Default 300
   * 000.
   */
  readonly metadataMaxAgeMs?: number;
  /**
   * A connection that was idle for longer is not used again, in milliseconds; -1: no limit. Default
   * 540 000.
   */
  readonly connectionsMaxIdleMs?: number;
  /**
   * `rebootstrap`: when no known broker answers the client begins again with bootstrapServers, as
   * addresses may have changed (KIP-899); `none`: it asks only brokers that it knows. Default
   * rebootstrap.
   */
  readonly metadataRecoveryStrategy?: 'rebootstrap' | 'none';
  /**
   * With `rebootstrap`: begin again also after so long without an answer about metadata, in
   * milliseconds (KIP-1102). Default 300 000.
   */
  readonly metadataRecoveryRebootstrapTriggerMs?: number;
}

export interface BootstrapAddress {
  readonly host: string;
  readonly port: number;
}

export type ResolvedClientOptions = Required<
  Omit<
    ClientOptions,
    'bootstrapServers' | 'properties' | 'logger' | keyof SecurityOptions | keyof JavaClientNames
  >
> & {
  readonly bootstrap: readonly BootstrapAddress[];
  readonly security: SecurityOptions;
};

export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  return {
    bootstrap: parseBootstrapServers(options.bootstrapServers),
    security: resolveSecurity(options),
    clientId: options.clientId ?? 'partita',
    keepAlive: options.keepAlive ?? true,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    defaultApiTimeoutMs: options.defaultApiTimeoutMs ?? 60_000,
    connectionSetupTimeoutMs: options.connectionSetupTimeoutMs ?? 10_000,
    reconnectBackoffMs: options.reconnectBackoffMs ?? 50,
    reconnectBackoffMaxMs: options.reconnectBackoffMaxMs ?? 1000,
    retryBackoffMs: options.retryBackoffMs ?? 100,
    retryBackoffMaxMs: options.retryBackoffMaxMs ?? 1000,
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? 300_000,
    connectionsMaxIdleMs: options.connectionsMaxIdleMs ?? 540_000,
    metadataRecoveryStrategy: options.metadataRecoveryStrategy ?? 'rebootstrap',
    metadataRecoveryRebootstrapTriggerMs: options.metadataRecoveryRebootstrapTriggerMs ?? 300_000,
  };
}

/** `host:port`, `[v6]:port`, with an optional `PROTOCOL://` in front. */
export function parseBootstrapServers(
  servers: string | readonly string[] | undefined,
): BootstrapAddress[] {
  const list = (typeof servers === 'string' ? [servers] : (servers ?? []))
    .flatMap((each) => each.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (list.length === 0) {
    throw new ClientConfigError('bootstrapServers is empty: give at least one host:port');
  }
  return list.map((text) => {
    const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
    const port = Number(match?.[3]);
    if (match === null || port < 1 || port > 65535) {
      throw new ClientConfigError(`bootstrapServers has "${text}": expected host:port`);
    }
    return { host: (match[1] ?? match[2]) as string, port };
  });
}

/** How one Java property becomes an option. */
export type PropertyRule = readonly [option: string, kind: PropertyKind];
export type PropertyKind = 'number' | 'text' | 'flag' | readonly string[] | PropertyParser;
/** Throws a ClientConfigError for a value that is impossible. */
export type PropertyParser = (key: string, value: string) => unknown;

/** Java's property names that every client has. */
export const clientRules: Readonly<Record<string, PropertyRule>> = {
  'bootstrap.servers': ['bootstrapServers', 'text'],
  'client.id': ['clientId', 'text'],
  'request.timeout.ms': ['requestTimeoutMs', 'number'],
  'default.api.timeout.ms': ['defaultApiTimeoutMs', 'number'],
  'socket.connection.setup.timeout.ms': ['connectionSetupTimeoutMs', 'number'],
  'reconnect.backoff.ms': ['reconnectBackoffMs', 'number'],
  'reconnect.backoff.max.ms': ['reconnectBackoffMaxMs', 'number'],
  'retry.backoff.ms': ['retryBackoffMs', 'number'],
  'retry.backoff.max.ms': ['retryBackoffMaxMs', 'number'],
  'metadata.max.age.ms': ['metadataMaxAgeMs', 'number'],
  'connections.max.idle.ms': ['connectionsMaxIdleMs', 'number'],
  'metadata.recovery.strategy': ['metadataRecoveryStrategy', ['rebootstrap', 'none']],
  'metadata.recovery.rebootstrap.trigger.ms': ['metadataRecoveryRebootstrapTriggerMs', 'number'],
};

/** Java settings that mean nothing here and need no warning: classes, buffers of the JVM. */
const silent = new RegExp(
  [
    '^(key|value)\\.(de)?serializer$',
    '^(metric|metrics|interceptor)\\.',
    '^(send|receive)\\.buffer\\.bytes$',
    '^config\\.providers(\\.|$)',
    '^(security\\.providers|enable\\.metrics\\.push|client\\.dns\\.lookup)$',
  ].join('|'),
);

/** What `optionsFromProperties` makes of a file of Java's properties. */
export interface PropertiesResult<Options> {
  readonly options: Partial<Options>;
  /** One line per key that was ignored. */
  readonly warnings: readonly string[];
}

/**
 * Turns Java client properties into options. Unknown keys become warnings; throws a
 * ClientConfigError for a value that is impossible.
 */
export function optionsFromProperties<Options>(
  properties: ReadonlyMap<string, string>,
  rules: Readonly<Record<string, PropertyRule>>,
): PropertiesResult<Options> {
  const security = securityFromProperties(properties);
  const options: Record<string, unknown> = { ...security.options };
  const warnings: string[] = [];
  for (const [key, value] of properties) {
    if (security.known.has(key)) continue;
    const rule = rules[key] ?? clientRules[key];
    if (rule !== undefined) options[rule[0]] = parseProperty(key, value.trim(), rule[1]);
    else if (!silent.test(key)) warnings.push(`${key} is not known to this client: ignored`);
  }
  return { options: options as Partial<Options>, warnings };
}

/** The value of a property, from its text. @throws ClientConfigError */
export function parseProperty(key: string, value: string, kind: PropertyKind): unknown {
  if (kind === 'text') return value;
  if (typeof kind === 'function') return kind(key, value);
  if (kind === 'number') {
    const number = Number(value);
    if (value !== '' && Number.isFinite(number)) return number;
    throw new ClientConfigError(`${key} is "${value}": expected a number`);
  }
  if (kind === 'flag') {
    if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
    throw new ClientConfigError(`${key} is "${value}": expected true or false`);
  }
  const found = kind.find((each) => each === value.toLowerCase());
  if (found !== undefined) return found;
  throw new ClientConfigError(`${key} is "${value}": expected one of ${kind.join(', ')}`);
}
