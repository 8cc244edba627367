// The consumer.
//
// consumer.ts            the door: subscribe or assign, poll, iterate, seek, commit, offsets
// consumer-options.ts    options, defaults, Java's property names
// offset-reset.ts        auto.offset.reset
// consumer-interceptors.ts who sees records first, and commits
// consumer-record.ts     a record as it is handed out
// fetcher.ts             keeps the assigned partitions supplied
// assigned-partition.ts  where one partition stands
// fetched-records.ts     what one fetch brought: decoding, CRCs, aborted transactions
// unreadable-records-error.ts  where a partition cannot be read, and where it goes on
// partition-offsets.ts   where partitions begin and end, and offsets by time
// polling.ts             polls, and iterations over them; wakeup-error.ts: how one is ended early
// consumer-batch.ts      records of one partition that were polled together
// consumer-runs.ts       what the work runner (../runner) gets of a consumer
// receipt.ts             keys and values as serdes make them; consumed-record.ts: the types of it
// record-iteration.ts    what an iteration has not yielded yet
//
// As a member of a group:
// consumer-group.ts      puts the parts together, and drives them from poll
// loop-blocks.ts         notices that the program kept the event loop
// group-membership.ts    what both protocols have in common
// classic/               join, sync, heartbeat; the leader assigns
// consumer-protocol/     KIP-848: one heartbeat with epochs; the broker assigns
// assignors/             how the leader of a classic group assigns
// subscription.ts        topics by name or by expression
// group-assignment.ts    partitions that come and go, and who is told
// group-offsets.ts       commits and committed offsets
// committed-positions.ts partitions that begin where the group stopped
// auto-commit.ts         commits by themselves
export type {
  Assignment,
  AssignorName,
  ConsumerPartitionAssignor,
  GroupMember,
  GroupTopic,
  GroupTopics,
  RebalanceProtocol,
} from './assignors/index.ts';
export type { ConsumedRecord } from './consumed-record.ts';
export { Consumer } from './consumer.ts';
export { ConsumerBatch } from './consumer-batch.ts';
export type { GroupMetadata } from './consumer-group.ts';
export type { ConsumerInterceptor } from './consumer-interceptors.ts';
export type { ConsumerOptions, GroupProtocol, OnSerdeError } from './consumer-options.ts';
export type { ConsumerRecord } from './consumer-record.ts';
export type { CommittedOffset, OffsetToCommit } from './group-offsets.ts';
export type { AutoOffsetReset } from './offset-reset.ts';
export type {
  AssignedOffset,
  PartitionOffset,
  RecordPlace,
  TimestampedOffset,
  TimestampQuery,
} from './partition-offsets.ts';
export {
  type RebalanceListener,
  SubscriptionPattern,
  type SubscriptionTarget,
} from './subscription.ts';
export { UnreadableRecordsError } from './unreadable-records-error.ts';
export { WakeupError } from './wakeup-error.ts';
