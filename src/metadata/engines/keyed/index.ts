// The cluster store over keys with versions, changes of several keys at once, and sessions: what
// engines/etcd and engines/zookeeper share. Loaded only with one of them. This file is the map.
//
//   key-store.ts        the port: what an engine asks of such a system
//                  (what engines keep: key-store-contract.ts, key-store-outages-contract.ts)
//   layout.ts           which key holds what, and how (docs/decisions/0021)
//   keyed-store.ts      the ClusterStore
//   store-view.ts       whether the store answers, and how old the view of it is
//   identity.ts         which cluster it is of; the first broker writes that down
//   replace-metadata.ts what a dump or a single broker has becomes the metadata of a store
//   keyed-log.ts        the log: appends, reads, and trimming it
//   keyed-snapshots.ts  snapshots, and what they make superfluous
//   piece-folders.ts    what is larger than one change
//   unanswered.ts       questions that a store leaves unanswered for a while
//   fence.ts            changes that the controller of one term alone can make
//   elections.ts        where this process stands, and the term it won
//   living-brokers.ts   registrations, expulsions, and who is alive
//   access-lines.ts     what an engine says of an open store, and of certificates
export { certificateRemedy, warnOfOpenStore } from './access-lines.ts';
export { readIdentity } from './identity.ts';
export * from './key-store.ts';
export { readLog } from './keyed-snapshots.ts';
export { KeyedStore, type KeyedStoreOptions } from './keyed-store.ts';
export type { Identity } from './layout.ts';
export { type NewMetadata, replaceIn, restoreInto } from './replace-metadata.ts';
