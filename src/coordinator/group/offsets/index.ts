// The committed offsets of groups of every kind: what is known, written, answered and forgotten.
// Nothing here asks who is in a group; that was done (../requests) when these are called.
//
//   commit-offsets.ts     OffsetCommit and TxnOffsetCommit: what is written
//   fetch-offsets.ts      OffsetFetch: what is answered
//   forget-offsets.ts     how offsets end: deleted, expired, with their group or their topic
//   committed-offsets.ts  the state: what is committed, and what open transactions will commit
//   decided-producers.ts  who may write in a transaction, and end one, as of the last decision

export {
  type CommitPartition,
  type CommitRequest,
  type CommitTopic,
  type CommittedTopic,
  commitOffsets,
  type TransactionalCommitRequest,
} from './commit-offsets.ts';
export { type CommittedOffset, CommittedOffsets, type GroupOffsets } from './committed-offsets.ts';
export { DecidedProducers } from './decided-producers.ts';
export { type FetchedTopic, fetchOffsets, type WantedTopic } from './fetch-offsets.ts';
export {
  type DeletedTopic,
  type DeleteTopic,
  deleteOffsets,
  forgetExpiredOffsets,
  forgetOffsetsIf,
} from './forget-offsets.ts';
