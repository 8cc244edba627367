// Coordinators: who decides about groups and transactions, over the internal topics. The one door
// of this folder.
//
//   internal-topic-shards.ts  one shard per partition of an internal topic that this broker leads
//   create-internal-topic.ts  such topics are made when they are needed; offsets-topic.ts: how
//   linear-regex.ts           regular expressions of clients
//   machine-shard.ts          one such partition with its machine: loaded, lost, loaded again
//   partition-machine-log.ts  a partition of an internal topic as the log of a machine
//   group/group-coordinator   finds the partition of a group; group-shard: one partition
//   group/group-machine       the state of a partition, and who replays what
//   group/group-record        Kafka's records; outcome, group-context: what decisions use
//   group/group-views         listing and describing
//   group/classic/            groups whose members assign among themselves
//   group/consumer/           groups of KIP-848; group/assignors/: who gets what in them
//   group/offsets/            committed offsets, and those of transactions that are open
//   transaction/transaction-coordinator  finds the partition of a transactional id;
//                             transaction-shard: one partition; transaction-topic: all of them
//   transaction/transaction-machine      the state of a partition: transaction, by id
//   transaction/transaction-record       Kafka's records
//   transaction/init-producer-id, add-partitions, end-transaction, expire-transactions
//                             what is decided
//   transaction/transaction-marker, marker-sender  the ends of transactions, to all partitions
//   transaction/transaction-views        listing and describing

export type { GroupClient } from './group/group-context.ts';
export { GroupCoordinator, type GroupCoordinatorOptions } from './group/group-coordinator.ts';
export type { CommitTopic, CommittedTopic } from './group/offsets/commit-offsets.ts';
export { OFFSETS_TOPIC } from './offsets-topic.ts';
export type { AddedTopic, AddPartitionsRequest } from './transaction/add-partitions.ts';
export type { EndTransactionRequest } from './transaction/end-transaction.ts';
export type { InitializedProducer, InitProducerRequest } from './transaction/init-producer-id.ts';
export type { Transaction } from './transaction/transaction.ts';
export {
  type AddOffsetsRequest,
  TransactionCoordinator,
  type TransactionCoordinatorOptions,
  type TransactionList,
} from './transaction/transaction-coordinator.ts';
export type { MarkerResult, TransactionMarker } from './transaction/transaction-marker.ts';
export { TRANSACTION_TOPIC } from './transaction/transaction-topic.ts';
export type { TransactionFilter } from './transaction/transaction-views.ts';
