// One partition's log on disk, in Kafka's own files.
//
// log/         an open log
//   partition-log.ts       appending, and the door to everything below
//   log-options.ts         what it is opened with; log-config.ts: what its topic is configured to
//   append-result.ts       what an append is told and what it tells
//   log-state.ts           the parts of an open log that the next files share
//   leader-validation.ts   what a leader checks and changes before it appends, and a follower
//   log-reads.ts           reading from memory (tail-cache.ts) and files, lookups by timestamp
//   log-flusher.ts         group commit, and when it is due; log-sync.ts: what one flush writes
//   log-truncation.ts, log-retention.ts   taking away from its end and from its beginning
//   truncation-slot.ts     what waits, or is refused, while it is truncated
//   leader-epoch-cache.ts  where each leader epoch began
//   moved-log.ts           the mark on a log that another directory's copy may be ahead of
// recovery/    opening it
//   log-loader.ts          what is on disk; log-folder.ts: the files of a folder, log-scan.ts: a
//                          walk over batches
//   log-recovery.ts        what is kept of a log that was not closed cleanly; log-damage.ts: what
//                          lies behind damage, log-cuts.ts: taking it out
//   clean-end.ts           whether a clean stop left it so; boot-note.ts: whether the system ran on
//   epoch-recovery.ts, transaction-index-recovery.ts   small files made again from the batches
//   mapped-index.ts, old-messages.ts   what a Kafka left, killed or of long ago
// segment/     its files
//   segment.ts             a file of batches with its indexes: offset-index.ts, time-index.ts,
//                          transaction-index.ts; open-segment.ts makes one of its files, whose
//                          names are in log-files.ts
//   segment-list.ts        the segments of a log: files first, then memory; segments-in-doubt.ts: a
//                          change of them that failed half-way
//   segment-roll.ts        when the log goes on in a new one
// producers/   idempotence and transactions
//   producer-states.ts     sequences, duplicates and open transactions (open-transactions.ts)
//   producer-snapshots.ts  their files (producer-snapshot.ts is one); producer-replay.ts reads them
//   producer-epochs.ts     what producers and coordinators are held to
//   transaction-verification.ts   the first batch of a transaction, until it is verified
//   end-marker.ts          how a transaction ends in a partition
// cleaner/     compaction: keeping the last record of each key
// directory/   one entry of log.dirs
//   log-directory.ts       its life: lock and mark of a clean stop (directory-lock.ts), identity
//                          (directory-identity.ts, meta-properties.ts), our notes of its use
//                          (directory-notes.ts)
//   log-folders.ts         its folders (partition-folder.ts, folder-removals.ts) and the logs that
//                          are open in them; found-folders.ts: what becomes of them at a start
//   directory-checkpoints.ts   what is said of all its logs, in files (offset-checkpoints.ts,
//                          checkpoint-file.ts); offset-files.ts: what they said at the start
//   directory-health.ts    whether it can be used: the one place where it is found to be lost;
//                          directory-presence.ts: the proof every second that it is there;
//                          log-directory-error.ts says why not
//   stray-folders.ts       what is kept though no partition may use it; restore-stray.ts: what a
//                          tool does with it
// files/       what all logs share
//   log-resources.ts       the bounds: open-files.ts, lru-budget.ts
//   storage-error.ts       what is said when a disk refuses; shortage.ts: when it may grant later
//                          what it refuses now, shortages.ts: saying so once
//   damaged-file.ts        keeping a file that cannot be what its name says
//   in-parallel.ts         work on several logs at a time

export {
  type CleaningRequest,
  type CleaningResult,
  CleaningStopped,
  type DirtyRange,
  ReplacementFailed,
} from './cleaner/index.ts';
export { replaceFile } from './directory/checkpoint-file.ts';
export { formatDirectory, readMetaProperties } from './directory/directory-identity.ts';
export { lockDirectory, nameBrokerEpoch } from './directory/directory-lock.ts';
export {
  type DirectoryNotes,
  type NotesAround,
  notesPath,
  readNotes,
} from './directory/directory-notes.ts';
export type { FolderFate } from './directory/found-folders.ts';
export {
  LogDirectory,
  type LogDirectoryOptions,
  type RegisteredLife,
} from './directory/log-directory.ts';
export { LogDirectoryError } from './directory/log-directory-error.ts';
export type { MetaProperties } from './directory/meta-properties.ts';
export type { PartitionName } from './directory/partition-folder.ts';
export {
  listStrays,
  type Restored,
  restoreStray,
  type StrayLog,
} from './directory/restore-stray.ts';
export {
  isStrayFolder,
  parseStrayFolderName,
  setFolderAside,
  setSegmentsAside,
  strayFolderName,
} from './directory/stray-folders.ts';
export { keepDamaged } from './files/damaged-file.ts';
export { inParallel } from './files/in-parallel.ts';
export { type LogResourceLimits, LogResources } from './files/log-resources.ts';
export { type OpenFiles, PooledFile } from './files/open-files.ts';
export { isFull, isShortage, isShortOfDescriptors, remedyOf } from './files/shortage.ts';
export { isExpectedFailure } from './files/storage-error.ts';
export type { AppendResult, LeaderAppend } from './log/append-result.ts';
export { LeaderEpochCache, type LeaderEpochEntry } from './log/leader-epoch-cache.ts';
export { defaultLogConfig, type LogConfig } from './log/log-config.ts';
export type { PartitionLogOptions } from './log/log-options.ts';
export type { AbortedTransaction, LogRead, ReadOptions, TimestampOffset } from './log/log-reads.ts';
export { clearMoved, markMoved, movedTo, pathOfMark } from './log/moved-log.ts';
export * from './log/partition-log.ts';
export { type EndMarker, encodeEndMarker } from './producers/end-marker.ts';
export {
  assertMayEnd,
  assertProducerEpoch,
  type ProducerEpochs,
} from './producers/producer-epochs.ts';
export type { ProducerStates } from './producers/producer-states.ts';
export type {
  OpeningBatch,
  TransactionVerification,
} from './producers/transaction-verification.ts';
export type { NotedLives } from './recovery/boot-note.ts';
export { findBehind } from './recovery/log-damage.ts';
export { scanBatches } from './recovery/log-scan.ts';
