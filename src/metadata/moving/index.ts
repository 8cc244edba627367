// Metadata as a whole: read from a store or from the folder of a stopped broker, written down, and
// taken to a store. Loaded by tools alone. This file is the map.
//
//   whole-metadata.ts   all that a metadata log says at its end
//   adoption.ts         a broker on its own becomes one of a cluster
//   recovered-metadata.ts   those of yesterday, ahead of what was given out since
//   store-content.ts    what a store holds, read and written as a whole
export { asFingerprint } from '../batch-fingerprint.ts';
export { type Adopted, adopt } from './adoption.ts';
export { aheadOf, type LivedOn, partitionKey } from './recovered-metadata.ts';
export {
  type OpenedStore,
  openStoreContent,
  readStoreMetadata,
  restoreMetadata,
} from './store-content.ts';
export {
  imageOf,
  readStoppedMetadata,
  readWholeMetadata,
  type WholeMetadata,
} from './whole-metadata.ts';
