// Record batches and message sets: the bytes of a `records` field. The only door for others.
//   batch-header.ts     the 61 bytes in front of a batch: reading, walking, CRC, patching in place
//   batch-builder.ts    encoding: BatchBuilder for a producer, encodeBatch for a list
//   batch-records.ts    decoding (decodeRecords, eachRecord) and checking (validateRecords)
//   record-scanner.ts   the walk over encoded records that both stand on
//   filter-records.ts   a batch without some of its records, for compaction
//   record.ts           the record as programs see it
//   control-records.ts  end transaction markers
//   message-set.ts      the formats before record batches: magic 0 and 1
//   convert.ts          upConvert and downConvert between those and record batches
//   crc32c.ts, crc32.ts, crc-tables.ts
//   compression/        gzip, snappy, lz4, zstd

export * from './batch-builder.ts';
export {
  type BatchHeader,
  batchHeaders,
  batchSizeAt,
  type CompressionCodec,
  isBatchCrcValid,
  LOG_OVERHEAD,
  magicOf,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
  readSentBatchHeader,
  setBaseOffset,
  setCreateTime,
  setLogAppendTime,
  setMaxTimestamp,
  setPartitionLeaderEpoch,
  TimestampType,
} from './batch-header.ts';
export * from './batch-records.ts';
export {
  compress,
  compressionByName,
  compressionNames,
  decompress,
} from './compression/index.ts';
export * from './control-records.ts';
export * from './convert.ts';
export { crc32c } from './crc32c.ts';
export * from './filter-records.ts';
export * from './message-set.ts';
export type { BatchRecord, DecodedHeader, RecordHeader, RecordInput } from './record.ts';
export { sequenceAfter } from './record.ts';
export type { RecordScanner } from './record-scanner.ts';
