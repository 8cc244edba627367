// From what `partita start --secure` is told to the configuration that it starts with: SASL_SSL on
// every listener, users by SCRAM, and an authorizer under which nobody but the administrator may do
// anything.
//
// Invariants: what the configuration says otherwise is refused in one line, and nothing is
// overruled silently; no secret is in an argument, since others see those: overrides refer to the
// files of the folder.

import { resolve } from 'node:path';
import { type BrokerConfig, formatListener, loadBrokerConfig } from '../../config/index.ts';
import { type Io, IoError, loadSecretFolders } from '../../io/index.ts';
import type { UserRecord } from '../../metadata/index.ts';
import { brokerJaasKey } from '../../security/sasl/index.ts';
import { readText, referenceSources } from '../read-text.ts';
import { UsageError } from '../tool.ts';
import type { ServerHosts } from './certificates.ts';
import {
  adminName,
  adminRecord,
  complete,
  fileNames,
  jaasKey,
  mechanismName,
} from './secured-folder.ts';

/** What `partita start` was told. */
export interface Told {
  readonly file: string | null;
  readonly overrides: readonly (readonly [key: string, value: string])[];
}

export interface Secured {
  readonly folder: string;
  /** For clients: `--command-config`. */
  readonly clientFile: string;
  readonly overrides: readonly (readonly [key: string, value: string])[];
  readonly users: readonly UserRecord[];
}

const protocol = 'SASL_SSL';
const authorizer = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';
const flag = '--secure';

/**
 * Brings the folder in order.
 * @throws UsageError, ConfigError: one line, and nothing was made
 */
export async function secured(
  io: Io,
  options: Told,
  say: (line: string) => void,
): Promise<Secured> {
  const config = configOf(io, options);
  const path = folderOf(config);
  const overrides = overridesOf(config, path);
  const hosts = hostsOf(config, await io.network.hostName());
  const { openSecretFolder } = await loadSecretFolders();
  try {
    const folder = openSecretFolder(path);
    try {
      await complete(io, folder, hosts, say);
    } finally {
      folder.release();
    }
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw new UsageError(`${flag}: ${error.message}`);
  }
  return { ...(await securedBefore(path)), overrides };
}

/** What the folder holds, for a broker that was started with the overrides. @throws UsageError */
export async function securedBefore(folder: string): Promise<Secured> {
  const { readSecret } = await loadSecretFolders();
  const path = `${folder}/${fileNames.secrets}`;
  const user = adminRecord(readSecret(path));
  if (user === null) throw new UsageError(`${path} is not whole: start with ${flag} again`);
  return { folder, clientFile: `${folder}/${fileNames.client}`, overrides: [], users: [user] };
}

/** As it would be without the flag, but for where it listens if nothing is said. */
function configOf(io: Io, { file, overrides }: Told): BrokerConfig {
  const text = file === null ? null : readText(io, file);
  const host = file === null ? '127.0.0.1' : '';
  return loadBrokerConfig({
    ...(file === null || text === null ? {} : { file: { path: file, text } }),
    ...{ overrides, env: process.env, references: referenceSources(io) },
    defaults: [['listeners', `${protocol}://${host}:9092`]],
  }).config;
}

/** Beside the first log directory: whatever is in one is taken for a partition, by Kafka, too. */
function folderOf(config: BrokerConfig): string {
  const directories = [...config.logDirs, config.get('metadata.log.dir') ?? '']
    .filter((each) => each !== '')
    .map((each) => resolve(each));
  const folder = `${directories[0]}-secure`;
  // A reference, which names the file of the password, ends at either.
  if (/[:}]/.test(folder)) {
    const remedy = 'use log.dirs whose path has neither a colon nor a brace';
    throw new UsageError(`${flag} keeps its files in ${folder}: ${remedy}`);
  }
  const around = directories.find((each) => `${folder}/`.startsWith(`${each}/`));
  if (around === undefined) return folder;
  throw new UsageError(
    `${flag} keeps its files in ${folder}, and ${around} is a log directory: use other log.dirs`,
  );
}

function overridesOf(config: BrokerConfig, folder: string): [string, string][] {
  assertAlone(config);
  const { listeners } = config;
  const overrides: [string, string][] = [
    ['sasl.enabled.mechanisms', mechanismName],
    ['sasl.mechanism.inter.broker.protocol', mechanismName],
    ['authorizer.class.name', authorizer],
    ['allow.everyone.if.no.acl.found', 'false'],
    ['ssl.client.auth', 'none'],
    ['ssl.keystore.type', 'PEM'],
    ['ssl.keystore.location', `${folder}/${fileNames.server}`],
    ['ssl.truststore.type', 'PEM'],
    ['ssl.truststore.location', `${folder}/${fileNames.trusted}`],
  ];
  for (const [key, value] of overrides) assertUnsaid(config, key, value);
  const jaas = `\${file:${folder}/${fileNames.secrets}:${jaasKey}}`;
  for (const { name } of listeners) overrides.push([brokerJaasKey(name, mechanismName), jaas]);
  if (!config.isSet('listeners')) {
    overrides.push(['listeners', listeners.map(formatListener).join(',')]);
  }
  const isSaid = ['inter.broker.listener.name', 'security.inter.broker.protocol'].some((key) =>
    config.isSet(key),
  );
  if (!isSaid) overrides.push(['inter.broker.listener.name', listeners[0]?.name ?? protocol]);
  const others = config.get('super.users').split(';');
  const users = new Set([...others.map((each) => each.trim()), `User:${adminName}`]);
  users.delete('');
  overrides.push(['super.users', [...users].join(';')]);
  return overrides;
}

const scope = /^listener\.name\.[^.]+\.(?:(?:plain|scram-sha-\d+|oauthbearer|gssapi)\.)?/;
/** Keys of one listener, which would go before those that the flag sets for all of them. */
const scoped = /^(?:ssl\.(?:keystore|truststore|key|client)\.|sasl\.(?:jaas|enabled)\.)/;
/** Beside files without passwords, in PEM, they have no place. */
const never = /^ssl\.(?:(?:key|trust)store\.(?:password$|key$|cert)|key\.)|^sasl\.jaas/;

function assertAlone(config: BrokerConfig): void {
  const open = config.listeners.find((each) => each.protocol !== protocol);
  if (open !== undefined) {
    const shown = formatListener(open);
    const wanted = formatListener({ ...open, name: protocol });
    const remedy = `name ${wanted} in its place, or leave listeners out`;
    throw new UsageError(`${flag} listens with ${protocol} alone, and not at ${shown}: ${remedy}`);
  }
  const between = config.get('security.inter.broker.protocol');
  if (config.isSet('security.inter.broker.protocol') && between !== protocol) {
    throw contradiction('security.inter.broker.protocol', between);
  }
  if (config.get('cluster.store') !== null) {
    const remedy = 'give the brokers of several machines keys and users of your own';
    throw new UsageError(`${flag} is for one machine, and cluster.store is set: ${remedy}`);
  }
  for (const key of config.staticKeys) {
    const base = key.replace(scope, '');
    const isRefused = never.test(base) || (base !== key && scoped.test(base));
    if (!isRefused) continue;
    throw new UsageError(`${flag} makes its own keys and users: leave ${key} out`);
  }
}

function assertUnsaid(config: BrokerConfig, key: string, value: string): void {
  const said = config.withPrefix(key).get('')?.trim();
  if (said !== undefined && said !== value) throw contradiction(key, said);
}

function contradiction(key: string, said: string): UsageError {
  return new UsageError(`${flag} and ${key}=${said} contradict each other: leave one of them out`);
}

function hostsOf(config: BrokerConfig, hostName: string): ServerHosts & { readonly of: string } {
  const given = [...config.listeners, ...config.advertisedListeners].map(({ host }) => host);
  const all = ['localhost', hostName, '127.0.0.1', '::1', ...given]
    .map((host) => host.replace(/%.*$/, ''))
    // A name that is none of the internet's could not be in a certificate.
    .filter((host) => /^[\x21-\x7e]+$/.test(host) && host !== '0.0.0.0' && host !== '::');
  const isAddress = (host: string): boolean => host.includes(':') || /^\d+(\.\d+){3}$/.test(host);
  const hosts = [...new Set(all)];
  return {
    of: hostName,
    names: hosts.filter((host) => !isAddress(host)),
    addresses: hosts.filter(isAddress),
  };
}
