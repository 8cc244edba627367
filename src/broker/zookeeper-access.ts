// How a broker proves to a ZooKeeper who it is, and the ZooKeeper to it: from the section Client of
// the JAAS file that KAFKA_OPTS names, as in Kafka, and from the keys `zookeeper.*`.
//
// Invariants: what is configured and cannot be read is refused with the key and the file; nothing
// is left out silently; a password is in no message.

import { type BrokerConfig, ConfigError } from '../config/index.ts';
import type { ConnectTls, Io } from '../io/index.ts';
import type { ZooKeeperAccess } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import {
  type JaasEntry,
  type JaasSections,
  jaasProperty,
  readJaasFile,
  type SaslLogin,
} from '../security/sasl/index.ts';
import { readPem } from './pem-file.ts';

type Login = NonNullable<ZooKeeperAccess['login']>;

const digestModule = 'org.apache.zookeeper.server.auth.DigestLoginModule';
const kerberosModule = 'com.sun.security.auth.module.Krb5LoginModule';

/** @throws KafkaError INVALID_CONFIG */
export function zooKeeperAccess({ disk }: Pick<Io, 'disk'>, config: BrokerConfig): ZooKeeperAccess {
  const login = saslLogin(disk, config) ?? digestLogin(config);
  const tls = tlsOf(disk, config);
  const setAcl = config.get('zookeeper.set.acl');
  if (setAcl && login === undefined && !tls?.identity) {
    const remedy =
      `a section Client in a JAAS file (KAFKA_OPTS=-D${jaasProperty}=FILE), ` +
      'zookeeper.ssl.keystore.location, or cluster.store.username';
    throw invalid(`zookeeper.set.acl=true needs somebody who may change the nodes: ${remedy}`);
  }
  return { login, setAcl, tls };
}

/** By ZooKeeper's scheme `digest`, which needs nothing at the servers. */
function digestLogin(config: BrokerConfig): Login | undefined {
  const username = config.get('cluster.store.username');
  if (username === null) return undefined;
  const password = config.get('cluster.store.password') ?? '';
  const source = 'cluster.store.username and cluster.store.password';
  return { scheme: 'digest', username, password, source };
}

function saslLogin(disk: Io['disk'], { systemProperties }: BrokerConfig): Login | undefined {
  const path = systemProperties.get(jaasProperty);
  if (path === undefined) return undefined;
  const section = systemProperties.get('zookeeper.sasl.clientconfig') ?? 'Client';
  const entries = readSections(disk, path).get(section);
  // It may be of the listeners only.
  if (entries === undefined) return undefined;
  const source = `the section ${section} of ${path}`;
  if (systemProperties.get('zookeeper.sasl.client')?.toLowerCase() === 'false') {
    throw invalid(`${source} says who we are, and zookeeper.sasl.client=false forbids to say it`);
  }
  const [entry] = entries;
  if (entry?.loginModule === kerberosModule) return kerberosLogin(entry, source, systemProperties);
  if (entry?.loginModule !== digestModule) {
    const module = entry?.loginModule ?? 'nothing';
    const served = `only ${digestModule} and ${kerberosModule} are served`;
    throw invalid(`${source} asks for ${module}: ${served}`);
  }
  const option = (name: string): string => optionOf(entry, name, source);
  return { scheme: 'sasl', username: option('username'), password: option('password'), source };
}

/** With a ticket for the service of the ensemble. Kerberos is loaded when somebody logs in. */
function kerberosLogin(
  { options }: JaasEntry,
  source: string,
  properties: BrokerConfig['systemProperties'],
): Login {
  const serviceName = properties.get('zookeeper.sasl.client.username') ?? 'zookeeper';
  let opened: Promise<SaslLogin> | null = null;
  const open = async (io: Pick<Io, 'clock' | 'random'>): Promise<SaslLogin> => {
    const { clientLogin } = await import('../security/sasl/index.ts');
    const { krb5ConfProperty } = await import('../security/kerberos/index.ts');
    const kerberos = { serviceName, krb5Conf: properties.get(krb5ConfProperty) ?? null };
    try {
      return clientLogin(io, { mechanism: 'GSSAPI', options, source, kerberos, fetch: noHttp });
    } catch (error) {
      if (error instanceof ConfigError) throw invalid(error.message);
      throw error;
    }
  };
  return {
    ...{ scheme: 'sasl', username: options.get('principal') ?? 'of the tickets', password: '' },
    source,
    exchange: async (io, host) => {
      opened ??= open(io);
      return (await opened).start(host);
    },
  };
}

function optionOf({ options }: JaasEntry, name: string, source: string): string {
  const value = options.get(name);
  if (value === undefined) throw invalid(`${source} has no ${name}`);
  return value;
}

function readSections(disk: Io['disk'], path: string): JaasSections {
  try {
    return readJaasFile({ disk }, path);
  } catch (error) {
    if (error instanceof ConfigError) throw invalid(error.message);
    throw error;
  }
}

const pemKeys = ['zookeeper.ssl.truststore.location', 'zookeeper.ssl.keystore.location'] as const;

function tlsOf(disk: Io['disk'], config: BrokerConfig): ZooKeeperAccess['tls'] {
  if (!config.get('zookeeper.ssl.client.enable')) {
    const set = pemKeys.find((key) => config.get(key) !== null);
    if (set === undefined) return undefined;
    const remedy = 'set it to true, or take the other out';
    throw invalid(`${set} needs zookeeper.ssl.client.enable: ${remedy}`);
  }
  const pem = readPem(disk, config, 'zookeeper.ssl.keystore.location');
  const keyPassword = config.get('zookeeper.ssl.keystore.password');
  const versions = config.get('zookeeper.ssl.enabled.protocols') as ConnectTls['versions'] | null;
  const isAnyName = config.get('zookeeper.ssl.endpoint.identification.algorithm') === '';
  return {
    ca: readPem(disk, config, 'zookeeper.ssl.truststore.location'),
    identity: pem === null ? null : { certificate: pem, key: pem },
    ...(keyPassword === null ? {} : { keyPassword }),
    ...(versions === null ? {} : { versions }),
    verify: isAnyName ? 'chain' : 'name',
  };
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', message);
}

/** Kerberos asks for no token of a provider. */
function noHttp(): Promise<never> {
  return Promise.reject(new Error('nobody is asked by HTTP'));
}
