// Coordinators: who decides about groups and transactions, over the internal topics. The one door
// of this folder.
//
//   group/                    groups and their committed offsets, over __consumer_offsets
//   transaction/              transactions, over __transaction_state
//   internal-topics.ts        the two topics: their names, and how they are made
//   internal-topic-shards.ts  one shard per partition of an internal topic that this broker leads
//   machine-shard.ts          one such partition with its machine: loaded, lost, loaded again
//   partition-machine-log.ts  a partition of an internal topic as the log of a machine
//   linear-regex.ts           regular expressions of clients, for topics and transactional ids

export {
  type CommitTopic,
  type CommittedTopic,
  type GroupClient,
  GroupCoordinator,
  type GroupCoordinatorOptions,
} from './group/index.ts';
export { OFFSETS_TOPIC, TRANSACTION_TOPIC } from './internal-topics.ts';
export {
  type AddedTopic,
  type AddOffsetsRequest,
  type AddPartitionsRequest,
  type EndTransactionRequest,
  type InitializedProducer,
  type InitProducerRequest,
  type MarkerResult,
  type Transaction,
  TransactionCoordinator,
  type TransactionCoordinatorOptions,
  type TransactionFilter,
  type TransactionList,
  type TransactionMarker,
} from './transaction/index.ts';
