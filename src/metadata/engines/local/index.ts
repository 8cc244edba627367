// The cluster store in a folder, for one process. This file is the map.
//
//   local-store.ts      the store: the log in Kafka's segments, synced before anybody hears of it
//   local-election.ts   the controller's terms; broker-sessions.ts: who lives
//   log-batches.ts      stored batches as readers get them
//   snapshot-files.ts   snapshots beside the log
//   log-check.ts        looks the log through before it is opened
//   log-repair.ts       what becomes of one that is not as it was left
//   synced-end.ts       up to where the log was synced
//   deleted-topics.ts   the topics whose deletion is in the log
//   stopped-log.ts      the same of a broker that is stopped, only to be read
export { LocalStore, type LocalStoreOptions } from './local-store.ts';
export { batchesIn } from './log-batches.ts';
export { slicesOf } from './snapshot-files.ts';
