// What this broker holds of each partition, and who waits for it.
//
// partition.ts       one replica: its role, appends, reads, and who waits; the only door to its log
// partition-upkeep.ts what is taken out of its log: retention, compaction
// partition-state.ts what the metadata say of it
// leader-state.ts    while it leads: what the others have, how the high watermark moves, who is
//                    behind; in-sync-set.ts: who is in sync, and a change of that on its way;
//                    in-sync-upkeep.ts: asks the controller for such changes
// follower-state.ts  while it follows: where it fetches next, where its log is cut
// fetchers/          fetch from the leaders what is followed here
// high-watermark.ts  how far consumers may read, and who hears of it when that moves
// low-watermark.ts   where the lowest log of all replicas begins, and who waits for it to move
// due-flush.ts       what must be on the platter before it counts as written
// log-view.ts        what others may read of the log
// replicas.ts        all replicas of this broker, kept in step with the metadata image
// found-logs.ts      what a start finds in the directories, and what becomes of it
// folder-work.ts     makes and removes logs beside the images, again when a disk refuses;
//                    folder-lane.ts: a directory's queue
// log-moves.ts       moves between log directories, log-move.ts is one
// upkeep.ts          what happens to them by the clock: retention, flushes, checkpoints
// appends-ahead.ts   appends that readers do not see yet
// producer-turns.ts  batches of a producer in order, while the first is verified
// log-cleaner.ts     which log is compacted next
// offset-waiters.ts  produces waiting for the high watermark
// fetch-waiter.ts    a fetch waiting for its minimum of bytes
export {
  FetchWaiter,
  type FetchWaitOptions,
  type VisibleBytesListener,
  type VisibleBytesSource,
} from './fetch-waiter.ts';
export type { IsrChange } from './in-sync-set.ts';
export { InSyncUpkeep, type InSyncUpkeepOptions } from './in-sync-upkeep.ts';
export type { FollowerFetch, LeaderView, RemoteReplica } from './leader-state.ts';
export { LogCleaner, type LogCleanerOptions, type LogCleanerSettings } from './log-cleaner.ts';
export type { LogProducers, LogView } from './log-view.ts';
export { Partition } from './partition.ts';
export type { PartitionState } from './partition-state.ts';
export { Replicas, type ReplicasOptions } from './replicas.ts';
export { Upkeep, type UpkeepOptions } from './upkeep.ts';
