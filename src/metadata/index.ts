// Metadata: the log of the cluster, the image every broker serves from, and the controller that
// alone may change it.
//
//   image.ts, changes.ts      the immutable image; what changed between two
//   delta.ts, delta-brokers   replays records onto an image
//   image-records.ts          an image written down as records (snapshots)
//   records/                  Kafka's metadata records
//   cluster-store.ts          the seam: where the log lives and who is alive
//   engines/local/            the store in a folder, for one process
//   controller/               decides: topics, partitions, configs, brokers, quotas, features

export type { ImageChanges, ImageListener } from './changes.ts';
export * from './cluster-store.ts';
export * from './controller/api.ts';
export * from './image.ts';
