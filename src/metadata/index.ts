// Metadata: the log of the cluster, the image every broker serves from, and the controller that
// alone may change it.
//
//   image.ts, changes.ts      the immutable image; what changed between two
//   delta.ts, delta-brokers   replays records onto an image
//   cluster-secret.ts         what only brokers know
//   image-records.ts          an image written down as records (snapshots)
//   image-loader.ts           follows the log, publishes images, writes snapshots
//   records/                  Kafka's metadata records
//   cluster-store.ts          the seam: where the log lives and who is alive;
//                             cluster-store-contract.ts: what every engine must keep, and
//                             cluster-store-outages-contract.ts: over a network that fails
//   batch-fingerprint.ts      what tells a batch of the log from any other at its offset
//   log-follower.ts           one reader of the log, for engines: in order, without a gap
//   log-watches.ts            all readers of a process, which go on after an outage
//   engines/local/            the store in a folder, for one process
//   engines/shared/           the same, offered by one process to several
//   engines/keyed/            the store over keys with versions, for etcd and ZooKeeper
//   controller/               decides: topics, partitions, leaders, configs, brokers, quotas, …
//   open-metadata.ts          image and controller over a store
//   store-history.ts          what a shared log proves of deleted topics
//   bootstrap-checkpoint.ts   what a new cluster begins with
//   open-local-metadata.ts    all of it for a cluster of one process
//   moving/                   all of a cluster's metadata: written down, and taken to a store
//   open-store.ts             the engine that `cluster.store` names

export { asFingerprint } from './batch-fingerprint.ts';
export { bootstrapBytes, bootstrapPath, readBootstrap } from './bootstrap-checkpoint.ts';
export type { ImageChanges, ImageListener } from './changes.ts';
export { clusterSecret } from './cluster-secret.ts';
export * from './cluster-store.ts';
export * from './controller/api.ts';
export { METADATA_VERSION, supportedFeatures } from './controller/features.ts';
export { PRODUCER_ID_BLOCK_SIZE } from './controller/producer-ids.ts';
export { findQuotas, type QuotaFilter } from './controller/quotas.ts';
export { isReassigning } from './controller/reassignments.ts';
export { describeScram } from './controller/scram.ts';
export type { UserRecord } from './controller/take-over.ts';
export { assertTopicName } from './controller/topics.ts';
export { METADATA_TOPIC } from './engines/local/log-repair.ts';
export * from './image.ts';
export { type LocalMetadataOptions, openLocalMetadata } from './open-local-metadata.ts';
export {
  type Metadata,
  type MetadataHistory,
  type MetadataOptions,
  openMetadata,
} from './open-metadata.ts';
export {
  assertKnownStore,
  type KnownCluster,
  type KnownMetadata,
  loadStoreEngines,
  openKeyStore,
  openStore,
  type SharedStoreServer,
  type SharedStoreServerOptions,
  type StoreAccess,
  type StoreOptions,
  serveSharedStore,
  storeHosts,
  type ZooKeeperAccess,
} from './open-store.ts';
export type { MetadataRecord } from './records/index.ts';
export { historyOfStore } from './store-history.ts';
