// The producer.
//
// producer.ts            the door: send, write, flush, close; memory and back pressure
// producer-options.ts    options, defaults, Java's property names
// producer-record.ts     what goes in and what comes back
// topic-partitioner.ts   which partition a record goes to
// record-accumulator.ts  records become batches
// producer-batch.ts      one batch: its callbacks, its bytes, splitting
// partition-queue.ts     the batches of one partition in order, and their sequence numbers
// sender.ts              rounds of produce requests to the leaders
// delivery-verdict.ts    what an answer means for a batch
// producer-identity.ts   producer id and epoch
export { Producer } from './producer.ts';
export type { CompressionType, ProducerOptions } from './producer-options.ts';
export type { DeliveryCallback, ProducerRecord, RecordMetadata } from './producer-record.ts';
