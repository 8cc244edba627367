// The producer.
//
// producer.ts            the door: send, write, flush, close
// producer-options.ts    options, defaults, Java's property names
// producer-record.ts     what goes in and what comes back
// back-pressure.ts       how much is held, and who waits for what
// room-waiters.ts        records that wait for room in buffer.memory
// record-stages.ts       interceptors and serdes, in front of all that, where there are any
// interceptors.ts        code of others that sees every record
// topic-partitioner.ts   which partition a record goes to
// partitioners.ts        partitioners by name, and those of a program
// record-accumulator.ts  records become batches
// producer-batch.ts      one batch: its callbacks, its bytes, splitting
// partition-queue.ts     the batches of one partition in order, and their sequence numbers
// sender.ts              rounds of produce requests to the leaders
// delivery-verdict.ts    what an answer means for a batch
// delivery-errors.ts     the errors of records that were given up
// producer-identity.ts   producer id and epoch
//
// Transactions:
// transaction.ts           what the function of one transaction works with
// transactions.ts          begin, commit, abort, and what the sender has to know
// transaction-state.ts     where a producer stands, and which calls that allows
// transaction-requests.ts  requests to the coordinators, in both protocols
// transaction-error.ts     what an error means for a transaction
export type { ProducerInterceptor } from './interceptors.ts';
export {
  type DefaultPartitionerOptions,
  defaultPartitioner,
  type Partitioner,
  type PartitionerFunction,
  roundRobinPartitioner,
  stickyPartitioner,
  uniformStickyPartitioner,
} from './partitioners.ts';
export { Producer } from './producer.ts';
export type { CompressionType, ProducerOptions } from './producer-options.ts';
export type {
  DeliveryCallback,
  ProducerRecord,
  RecordMetadata,
  RecordOf,
} from './producer-record.ts';
export type { Transaction } from './transaction.ts';
export { TransactionError } from './transaction-error.ts';
