// The consumer.
//
// consumer.ts            the door: assign, seek, poll, iterate, offsets
// consumer-options.ts    options, defaults, Java's property names
// consumer-record.ts     a record as it is handed out
// fetcher.ts             keeps the assigned partitions supplied
// assigned-partition.ts  where one partition stands
// fetched-records.ts     what one fetch brought: decoding, CRCs, aborted transactions
export { Consumer, type PartitionOffset, type TimestampedOffset } from './consumer.ts';
export type { AutoOffsetReset, ConsumerOptions } from './consumer-options.ts';
export type { ConsumerRecord } from './consumer-record.ts';
