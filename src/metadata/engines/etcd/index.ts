// A key store over etcd's JSON gateway. Loaded only where `cluster.store` asks for it. This file is
// the map.
//
//   etcd-address.ts        `etcd://user:password@host:2379,host:2379/prefix`, credentials, TLS
//   etcd-store.ts          the KeyStore: keys, changes, sessions and watches in etcd's words
//   etcd-keys.ts           how keys and folders lie below the prefix
//   etcd-prefix.ts         that it lies beside the prefixes of other clusters
//   etcd-session.ts        the lease of this process
//   etcd-watcher.ts        one stream for all that is watched
//   etcd-upkeep.ts         what its owner should know: open, never compacted, full
//   etcd-client.ts         asks one member after the other, and says who we are
//   etcd-error.ts          what a refusal means: elsewhere, again, or never
//   http-connection.ts     one connection: requests, answers, streams
//   http-answer-reader.ts  HTTP/1.1 answers from bytes
export { KeyedStore } from '../keyed/index.ts';
export {
  type EtcdAddress,
  type EtcdCredentials,
  type EtcdEndpoint,
  parseEtcdAddress,
} from './etcd-address.ts';
export { EtcdStore, type EtcdStoreOptions } from './etcd-store.ts';
export type { EtcdCompaction } from './etcd-upkeep.ts';
