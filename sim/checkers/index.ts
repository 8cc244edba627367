// The checkers: each states one promise of Kafka, exactly and no stronger, and throws when it is
// broken. What they judge is what clients saw: nobody looks into the broker (whole-logs.ts judges
// what a broker that was stopped left on its disk).
//
// record-identity.ts       records that say who sent them and cannot be mistaken
// ledger.ts                what producers sent, and what they were told about it
// partition-contents.ts    a partition as it was read from beginning to end
// acknowledged-records.ts  (a) what was acknowledged is there
// prefix-of-sent.ts        (b) offsets are dense, and the log has what was sent and nothing else
// idempotent-producers.ts  (c) retries leave no duplicate and no reordering
// stable-reads.ts          (d) an offset has one record, and the high watermark never goes back
// cluster-metadata.ts      (e) acknowledged topics, deletions and configs stay
// producer-ids.ts          (e) no producer id is handed out twice
// lookups.ts               (f) lookups by offset and by time agree with the log
// group-place.ts           a partition as one group reads it
// one-owner.ts             (g) a partition has one owner in a group
// committed-offsets.ts     (g) an acknowledged commit is what the next fetch returns
// group-progress.ts        (g) a group is shown everything, and commits nothing else
// handled-records.ts       (p) a runner handles everything, in order, and commits nothing else
// transaction-ledger.ts    what transactional producers sent, and how each transaction ended
// whole-transactions.ts    (h) a transaction is there as a whole or not at all
// committed-reads.ts       (h) readers of what is committed see nothing else, and it stays
// exact-copies.ts          (h) what is copied in transactions is copied once, in order
// nothing-open.ts          (h) no transaction stays open for ever
// keyed-ledger.ts          what was written under which key, and what was told about it
// keyed-copies.ts          a copy of a compacted log as it lies on a disk, as a reader would see it
// last-values.ts           (i) the last acknowledged value of every key is there
// compacted-logs.ts        (i) a log is compacted in the end
// lost-places.ts           (k) nothing is acknowledged into a directory that is gone
// whole-logs.ts            (j) the files of a log are whole by themselves
// no-strays.ts             (j) nothing is set aside where nothing was damaged
// stored-logs.ts           logs as they lie on a disk, batch by batch
// damaged-logs.ts          (l) what is not damaged is served, and nothing wrong is
// refusals.ts              (l) a refusal to start names file and remedy, and changes nothing
// disk-losses.ts           (m) what is promised of a record while disks are lost
// replicated-reads.ts      (m) nothing below a watermark that a client was told is lost or changed
// partition-leaders.ts     (m) one leader per epoch; watermarks and ends do not go back
// replica-copies.ts        (m) replicas agree below the watermark, to the byte
// known-topics.ts          (m) what was acknowledged is known to whoever is asked afterwards
// granted-rights.ts        (o) a client is served what the broker's ACLs grant
// metadata-logs.ts         (n) a store has one metadata log for everybody
export { assertAcknowledgedSurvive } from './acknowledged-records.ts';
export { ClusterMetadata, type TopicState } from './cluster-metadata.ts';
export { CommittedOffsets, type SeenCommit, type SentCommit } from './committed-offsets.ts';
export { CommittedReads } from './committed-reads.ts';
export { assertCompacted, superfluousIn } from './compacted-logs.ts';
export {
  type DamagedLog,
  type DamagedTree,
  damagedLogs,
  isChanged,
  type ReadLog,
} from './damaged-logs.ts';
export { DiskLosses, type ReplicatedTopic } from './disk-losses.ts';
export { assertCopiedOnce, type Copies, copyHeader } from './exact-copies.ts';
export { assertAsGranted, type Grant, grantsText, type Question } from './granted-rights.ts';
export { GroupProgress } from './group-progress.ts';
export { HandledRecords } from './handled-records.ts';
export { assertNoDuplicatesNorReordering } from './idempotent-producers.ts';
export { keyedContentsOf } from './keyed-copies.ts';
export { type KeyedContents, KeyedLedger, recordOfUpdate, type Update } from './keyed-ledger.ts';
export { KnownTopics } from './known-topics.ts';
export { assertLastValues } from './last-values.ts';
export { Ledger, type ProducerSession, type SentRecord, type SessionTraits } from './ledger.ts';
export { assertLookupsAgree } from './lookups.ts';
export {
  type Attempt,
  assertNothingIntoTheVoid,
  assertOthersGoOn,
  type Loss,
} from './lost-places.ts';
export { MetadataLogs } from './metadata-logs.ts';
export { assertNothingSetAside } from './no-strays.ts';
export { assertNothingOpen, openPlaces, type StableEnd } from './nothing-open.ts';
export { OneOwner } from './one-owner.ts';
export {
  type PartitionContents,
  type Place,
  placeName,
  type StoredRecord,
} from './partition-contents.ts';
export { PartitionLeaders } from './partition-leaders.ts';
export { assertDense, assertPrefixOfSent, assertSent } from './prefix-of-sent.ts';
export { ProducerIdsOnce } from './producer-ids.ts';
export { identityOf, type RecordIdentity, recordOf } from './record-identity.ts';
export { assertRefusal, assertUntouched } from './refusals.ts';
export { assertCopiesAgree, assertNoCopy, type Copy, copiesOf } from './replica-copies.ts';
export { ReplicatedReads } from './replicated-reads.ts';
export { StableReads } from './stable-reads.ts';
export {
  batchesIn,
  batchesOf,
  endOffsetOf,
  everyBatch,
  type StoredBatch,
  type StoredLog,
  storedLogs,
  wholeBatchAt,
} from './stored-logs.ts';
export {
  type SentTransaction,
  TransactionLedger,
  type TransactionSession,
} from './transaction-ledger.ts';
export { assertWholeLog } from './whole-logs.ts';
export { assertWholeOrAbsent } from './whole-transactions.ts';
