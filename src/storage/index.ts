// One partition's log on disk, in Kafka's own files.
//   partition-log.ts       the log: appending, and the door to everything below
//   log-options.ts         what it is opened with
//   append-result.ts       what an append is told and what it tells
//   log-config.ts          what a log is told by its topic's configuration
//   log-state.ts           the parts of an open log that the next files share
//   log-loader.ts          opening (log-folder.ts, log-scan.ts, producer-replay.ts)
//   log-recovery.ts        what is kept of a log that was not closed cleanly (log-damage.ts,
//                          log-cuts.ts, mapped-index.ts, old-messages.ts)
//   leader-validation.ts   what a leader checks and changes before it appends
//   log-reads.ts           reading from memory and files, lookups by timestamp
//   log-flusher.ts         group commit; log-sync.ts is what one flush writes and syncs
//   log-truncation.ts, log-retention.ts
//   segment-roll.ts        when it goes on in a new segment
//   segment.ts             a file of batches with its indexes: offset-index.ts, time-index.ts,
//                          transaction-index.ts; log-files.ts has their names
//   cleaner/               compaction: keeping the last record of each key
//   producer-states.ts     sequences and open transactions; producer-snapshot(s).ts their files
//   transaction-verification.ts   the first batch of a transaction, until it is verified
//   end-marker.ts          how a transaction ends in a partition
//   producer-epochs.ts     what producers and coordinators are held to
//   leader-epoch-cache.ts  where each leader epoch began
//   tail-cache.ts          recent batches in memory
//   log-resources.ts       what all logs share: open-files.ts, tail-cache.ts, lru-budget.ts
//   log-directory.ts       one entry of log.dirs: lock (directory-lock.ts), identity
//                          (directory-identity.ts, meta-properties.ts), our notes of its use
//                          (directory-notes.ts), folders
//                          (partition-folder.ts, folder-removals.ts), checkpoints (offset-files.ts,
//                          offset-checkpoints.ts, checkpoint-file.ts)
//   directory-health.ts    whether it can be used; directory-presence.ts proves that its names
//                          lead to its files
//   stray-folders.ts       what is kept though no partition may use it; restore-stray.ts: what a
//                          tool does with it
//   moved-log.ts           the mark on a log that another directory's copy may be ahead of
//   log-directory-error.ts, storage-error.ts   what is said when a disk refuses; shortage.ts: when
//                          it may grant later what it refuses now, shortages.ts: saying so once
//   log-fixture.ts         what the tests share
export type { AppendResult, LeaderAppend } from './append-result.ts';
export { replaceFile } from './checkpoint-file.ts';
export {
  type CleaningRequest,
  type CleaningResult,
  CleaningStopped,
  type DirtyRange,
  ReplacementFailed,
} from './cleaner/index.ts';
export { formatDirectory, readMetaProperties } from './directory-identity.ts';
export { type DirectoryNotes, type NotesAround, notesPath, readNotes } from './directory-notes.ts';
export { type EndMarker, encodeEndMarker } from './end-marker.ts';
export { inParallel } from './in-parallel.ts';
export { LeaderEpochCache, type LeaderEpochEntry } from './leader-epoch-cache.ts';
export { defaultLogConfig, type LogConfig } from './log-config.ts';
export {
  type FolderFate,
  LogDirectory,
  type LogDirectoryOptions,
  type PartitionName,
} from './log-directory.ts';
export { LogDirectoryError } from './log-directory-error.ts';
export type { PartitionLogOptions } from './log-options.ts';
export type { AbortedTransaction, LogRead, ReadOptions, TimestampOffset } from './log-reads.ts';
export { DamagedLogError } from './log-recovery.ts';
export { type LogResourceLimits, LogResources } from './log-resources.ts';
export { scanBatches } from './log-scan.ts';
export type { MetaProperties } from './meta-properties.ts';
export { clearMoved, markMoved, movedTo, pathOfMark } from './moved-log.ts';
export { type OpenFiles, PooledFile } from './open-files.ts';
export * from './partition-log.ts';
export { assertMayEnd, assertProducerEpoch, type ProducerEpochs } from './producer-epochs.ts';
export type { ProducerStates } from './producer-states.ts';
export { listStrays, type Restored, restoreStray, type StrayLog } from './restore-stray.ts';
export { isFull, isShortage, isShortOfDescriptors, remedyOf } from './shortage.ts';
export { isExpectedFailure } from './storage-error.ts';
export {
  isStrayFolder,
  parseStrayFolderName,
  setFolderAside,
  setSegmentsAside,
  strayFolderName,
} from './stray-folders.ts';
export type { OpeningBatch, TransactionVerification } from './transaction-verification.ts';
