// How a broker proves to an etcd who it is, and the etcd to it: from the keys `cluster.store.*`.
//
// Invariant: what is configured and cannot be read is refused with the key and the file; nothing is
// left out silently.

import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import type { StoreAccess, StoreOptions } from '../metadata/index.ts';
import { readPem } from './pem-file.ts';
import { zooKeeperAccess } from './zookeeper-access.ts';

/** Of the store that the configuration names. @throws KafkaError INVALID_CONFIG */
export function storeOptions(io: Pick<Io, 'disk'>, config: BrokerConfig): StoreOptions {
  const address = config.get('cluster.store') ?? '';
  const isZooKeeper = address.startsWith('zookeeper:');
  return {
    address,
    clusterId: config.clusterId,
    ...(isZooKeeper
      ? { zooKeeperAccess: zooKeeperAccess(io, config) }
      : { access: storeAccess(io, config), etcdCompaction: compactionOf(config) }),
    sessionTimeoutMs: config.get('broker.session.timeout.ms'),
    connectTimeoutMs: config.get('zookeeper.connection.timeout.ms') ?? undefined,
  };
}

const compactionOf = (config: BrokerConfig): 'none' | 'auto' =>
  config.get('etcd.compaction') === 'auto' ? 'auto' : 'none';

/** @throws KafkaError INVALID_CONFIG */
export function storeAccess({ disk }: Pick<Io, 'disk'>, config: BrokerConfig): StoreAccess {
  const username = config.get('cluster.store.username');
  const password = config.get('cluster.store.password') ?? '';
  const ca = readPem(disk, config, 'cluster.store.ssl.truststore.location');
  const pem = readPem(disk, config, 'cluster.store.ssl.keystore.location');
  const keyPassword = config.get('cluster.store.ssl.key.password');
  const isAnyName = config.get('cluster.store.ssl.endpoint.identification.algorithm') === '';
  const isEncrypted = config.get('cluster.store.ssl.enable') || ca !== null || pem !== null;
  return {
    credentials: username === null ? null : { username, password },
    tls: isEncrypted
      ? {
          ca,
          identity: pem === null ? null : { certificate: pem, key: pem },
          ...(keyPassword === null ? {} : { keyPassword }),
          verify: isAnyName ? 'chain' : 'name',
        }
      : null,
  };
}
