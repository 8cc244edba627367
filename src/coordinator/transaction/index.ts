// Who decides about transactions: one machine for each partition of __transaction_state that this
// broker leads. The one door of this folder. A request goes down this list, from where it comes in
// to what it changes; no file imports one above it.
//
//   transaction-coordinator.ts  finds the partition that has a transactional id
//   transaction-shard.ts        one such partition: its machine, and what goes by the clock
//   marker-sender.ts            the ends of transactions, sent to the leaders of all partitions
//   init-producer-id.ts         InitProducerId: who becomes the producer of an id
//   add-partitions.ts           AddPartitionsToTxn, AddOffsetsToTxn
//   end-transaction.ts          EndTxn, and the other ways in which a transaction ends
//   expire-transactions.ts      transactions that take too long, ids that nobody uses
//   transaction-views.ts        listing and describing
//   transaction-machine.ts      the state: transactions by id, changed by replay
//   transaction-record.ts       Kafka's records, as values and as bytes
//   transaction.ts              one transactional id and the transaction that it is in

export type { AddedTopic, AddPartitionsRequest } from './add-partitions.ts';
export type { EndTransactionRequest } from './end-transaction.ts';
export type { InitProducerRequest } from './init-producer-id.ts';
export type { MarkerResult, TransactionMarker } from './marker-sender.ts';
export type { InitializedProducer, Transaction } from './transaction.ts';
export {
  type AddOffsetsRequest,
  TransactionCoordinator,
  type TransactionCoordinatorOptions,
  type TransactionList,
} from './transaction-coordinator.ts';
export type { TransactionFilter } from './transaction-views.ts';
