// Where a ZooKeeper is, as Kafka's `zookeeper.connect` names it: `host:2181,host:2181/chroot`.
//
// Invariant: a chroot is whole parts of a path, so that /kafka and /kafka2 never see each other.

import { KafkaError } from '../../../protocol/index.ts';
import type { ServerAddress } from './zookeeper-session.ts';

const defaultPort = 2181;
/** What no name of a node has: control and private characters, and what Java needs two for. */
const forbidden = /[\p{Cc}\p{Co}\ufff0-\u{10ffff}]/u;

export interface ConnectString {
  readonly hosts: readonly ServerAddress[];
  /** Empty, or begins with a slash and ends without one. */
  readonly chroot: string;
}

/** @throws KafkaError INVALID_CONFIG, one line */
export function parseConnectString(text: string): ConnectString {
  const match = /^([^/@\s]+)(\/\S*)?$/.exec(text);
  const [, hosts = '', path = ''] = match ?? [];
  const addresses = hosts.split(',').map(parseHost);
  const chroot = path.replace(/\/+$/, '');
  const isPath = chroot === '' || /^(\/[^/]+)+$/.test(chroot);
  const isForbidden = forbidden.test(chroot);
  const isRelative = chroot.split('/').some((part) => part === '.' || part === '..');
  if (match === null || !isPath || isRelative || isForbidden || addresses.includes(null))
    throw invalid(text);
  return { hosts: addresses as ServerAddress[], chroot };
}

function parseHost(text: string): ServerAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? defaultPort);
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port };
}

function invalid(text: string): KafkaError {
  const expected =
    'expected host:2181,host:2181/chroot, and of a chroot parts that are not empty, . or ..';
  // What stands before an @ may be a password.
  const shown = text.replace(/^.*@/, '');
  return new KafkaError('INVALID_CONFIG', `the ZooKeeper at ${shown}: ${expected}`);
}
