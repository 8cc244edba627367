// Where an etcd is, as `cluster.store` names it: `etcd://user:password@host:2379,host:2379/prefix`,
// and the credentials and certificates that the `cluster.store.*` keys add.
//
// Invariants: a prefix is whole parts of a path, so that /kafka and /kafka2 never see each other;
// a password is in no message.

import type { ConnectTls } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';

export interface EtcdEndpoint {
  readonly host: string;
  readonly port: number;
  /** null: the connection is plain. */
  readonly tls: ConnectTls | null;
}

export interface EtcdCredentials {
  readonly username: string;
  readonly password: string;
}

export interface EtcdAddress {
  readonly endpoints: readonly EtcdEndpoint[];
  /** `/partita`: begins with a slash, and ends without one. */
  readonly prefix: string;
  readonly credentials: EtcdCredentials | null;
  /** As an operator would name it, without credentials. */
  readonly shown: string;
}

const percentEncoded = 'write the user and password before the @ percent-encoded';
const defaultPort = 2379;
const defaultPrefix = '/partita';

/** @throws KafkaError INVALID_CONFIG, one line */
export function parseEtcdAddress(
  address: string,
  {
    credentials = null,
    tls = null,
  }: { credentials?: EtcdCredentials | null; tls?: Omit<ConnectTls, 'serverName'> | null } = {},
): EtcdAddress {
  const match = /^etcd:\/\/(?:([^@/]*)@)?([^/@]+)(\/.*)?$/.exec(address);
  if (match === null) throw invalid('expected etcd://host:2379,host:2379/prefix');
  const [, login, hosts = '', path = ''] = match;
  if (path.includes('@')) throw invalid(percentEncoded);
  const endpoints = hosts.split(',').map((host) => parseEndpoint(host, tls));
  const prefix = parsePrefix(path);
  const named = endpoints.map(({ host, port }) => `${bracketed(host)}:${port}`).join(',');
  return {
    endpoints,
    prefix,
    credentials: login === undefined ? credentials : parseLogin(login),
    shown: `etcd://${named}${prefix}`,
  };
}

function parseEndpoint(text: string, tls: Omit<ConnectTls, 'serverName'> | null): EtcdEndpoint {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? defaultPort);
  if (host === undefined || port < 1 || port > 65_535) {
    throw invalid(`${text === '' ? 'a host is missing' : `${text} is no host:port`}`);
  }
  return { host, port, tls: tls === null ? null : { ...tls, serverName: host } };
}

function parsePrefix(path: string): string {
  if (path === '' || path === '/') return defaultPrefix;
  const prefix = path.endsWith('/') ? path.slice(0, -1) : path;
  const parts = prefix.slice(1).split('/');
  if (parts.some((part) => !/^[!-.0-~]+$/.test(part) || part === '.' || part === '..')) {
    throw invalid(`${path} is no prefix: parts of printable ASCII behind slashes, none empty`);
  }
  return prefix;
}

function parseLogin(login: string): EtcdCredentials {
  const colon = login.indexOf(':');
  if (colon <= 0) throw invalid('expected user:password before the @');
  try {
    return {
      username: decodeURIComponent(login.slice(0, colon)),
      password: decodeURIComponent(login.slice(colon + 1)),
    };
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw invalid(percentEncoded);
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function invalid(why: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', `cluster.store: ${why}`);
}
