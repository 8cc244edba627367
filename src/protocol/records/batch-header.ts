// The fixed part of a record batch (magic 2), 61 bytes: reading it, walking from one batch to the
// next, checking the CRC and patching the few fields that a broker owns, all in place. The base
// offset, the length and the leader epoch lie in front of what the CRC covers, so that a broker
// can set them without touching the rest; everything from the attributes on is under the CRC.

import { readInt64, writeInt64 } from '../../base/int64.ts';
import { KafkaError } from '../errors.ts';
import { crc32c } from './crc32c.ts';

/** Bytes of a batch before its first record. */
export const RECORD_BATCH_OVERHEAD = 61;
/** Base offset and length: what must be there to know where a batch (of any magic) ends. */
export const LOG_OVERHEAD = 12;

export const NO_TIMESTAMP = -1;
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_LEADER_EPOCH = -1;

// Where each field lies, from the start of the batch.
export const BASE_OFFSET_AT = 0;
export const LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORD_COUNT_AT = 57;

export const COMPRESSION_MASK = 0x07;
export const TIMESTAMP_TYPE_FLAG = 0x08;
export const TRANSACTIONAL_FLAG = 0x10;
export const CONTROL_FLAG = 0x20;
export const DELETE_HORIZON_FLAG = 0x40;

/** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
export type CompressionCodec = 0 | 1 | 2 | 3 | 4;

export const TimestampType = { createTime: 0, logAppendTime: 1 } as const;
/** 0: set by the producer; 1: set by the broker, the same for all records of a batch. */
export type TimestampType = (typeof TimestampType)[keyof typeof TimestampType];

export interface BatchHeader {
  /** Where the batch starts in the buffer that it was read from. */
  readonly position: number;
  /** The whole batch, header included. */
  readonly sizeBytes: number;
  readonly baseOffset: number;
  readonly partitionLeaderEpoch: number;
  readonly magic: 2;
  readonly crc: number;
  readonly attributes: number;
  readonly compression: CompressionCodec;
  readonly timestampType: TimestampType;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** KIP-534: the base timestamp is the time from which a compactor may drop tombstones. */
  readonly hasDeleteHorizon: boolean;
  readonly lastOffsetDelta: number;
  readonly lastOffset: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

function corrupt(position: number, what: string): never {
  throw new KafkaError('CORRUPT_MESSAGE', `record batch at position ${position}: ${what}`);
}

/**
 * Reads the header of the batch that starts at `position`. The records behind it need not be
 * there. Batches of magic 0 and 1 (see `magicOf`) have no such header.
 *
 * @throws KafkaError CORRUPT_MESSAGE when the header is cut short or a field is impossible
 */
export function readBatchHeader(buffer: Buffer, position: number): BatchHeader {
  if (position < 0 || buffer.length - position < RECORD_BATCH_OVERHEAD) {
    corrupt(position, 'its header is cut short');
  }
  const magic = buffer[position + MAGIC_AT] as number;
  if (magic !== 2) corrupt(position, `magic ${magic} where 2 was expected`);
  const sizeBytes = LOG_OVERHEAD + buffer.readInt32BE(position + LENGTH_AT);
  if (sizeBytes < RECORD_BATCH_OVERHEAD) corrupt(position, `impossible size ${sizeBytes}`);
  const attributes = buffer.readInt16BE(position + ATTRIBUTES_AT);
  const compression = attributes & COMPRESSION_MASK;
  if (compression > 4) corrupt(position, `unknown compression ${compression}`);
  const baseOffset = readInt64(buffer, position + BASE_OFFSET_AT);
  const lastOffsetDelta = buffer.readInt32BE(position + LAST_OFFSET_DELTA_AT);
  if (lastOffsetDelta < 0) corrupt(position, `negative last offset delta ${lastOffsetDelta}`);
  const recordCount = buffer.readInt32BE(position + RECORD_COUNT_AT);
  if (recordCount < 0 || recordCount > lastOffsetDelta + 1) {
    corrupt(position, `${recordCount} records in ${lastOffsetDelta + 1} offsets`);
  }
  return {
    position,
    sizeBytes,
    baseOffset,
    partitionLeaderEpoch: buffer.readInt32BE(position + LEADER_EPOCH_AT),
    magic: 2,
    crc: buffer.readUInt32BE(position + CRC_AT),
    attributes,
    compression: compression as CompressionCodec,
    timestampType: (attributes & TIMESTAMP_TYPE_FLAG) === 0 ? 0 : 1,
    isTransactional: (attributes & TRANSACTIONAL_FLAG) !== 0,
    isControl: (attributes & CONTROL_FLAG) !== 0,
    hasDeleteHorizon: (attributes & DELETE_HORIZON_FLAG) !== 0,
    lastOffsetDelta,
    lastOffset: baseOffset + lastOffsetDelta,
    baseTimestamp: readInt64(buffer, position + BASE_TIMESTAMP_AT),
    maxTimestamp: readInt64(buffer, position + MAX_TIMESTAMP_AT),
    producerId: readInt64(buffer, position + PRODUCER_ID_AT),
    producerEpoch: buffer.readInt16BE(position + PRODUCER_EPOCH_AT),
    baseSequence: buffer.readInt32BE(position + BASE_SEQUENCE_AT),
    recordCount,
  };
}

/**
 * Reads the header of a batch that a producer sent. What it says wrongly itself is no damage: a
 * code that made producers send it again would make them do so until they give up.
 *
 * @throws KafkaError as Kafka answers it: INVALID_RECORD when it counts what cannot be,
 *   UNKNOWN_SERVER_ERROR when it names a codec that there is not; else CORRUPT_MESSAGE
 */
export function readSentBatchHeader(buffer: Buffer, position: number): BatchHeader {
  try {
    return readBatchHeader(buffer, position);
  } catch (error) {
    const end = position + RECORD_BATCH_OVERHEAD;
    if (!(error instanceof KafkaError) || position < 0 || end > buffer.length) throw error;
    if (buffer[position + MAGIC_AT] !== 2) throw error;
    if ((batchSizeAt(buffer, position) as number) < RECORD_BATCH_OVERHEAD) throw error;
    const codec = buffer.readInt16BE(position + ATTRIBUTES_AT) & COMPRESSION_MASK;
    throw new KafkaError(codec > 4 ? 'UNKNOWN_SERVER_ERROR' : 'INVALID_RECORD', error.message);
  }
}

/**
 * The size in bytes of the batch (or magic 0/1 message) at `position`, as its length field says;
 * null when not even that field is complete. Sizes too small for any batch are returned as they
 * are: reading the batch says what is wrong with it.
 */
export function batchSizeAt(buffer: Buffer, position: number): number | null {
  if (buffer.length - position < LOG_OVERHEAD) return null;
  return LOG_OVERHEAD + buffer.readInt32BE(position + LENGTH_AT);
}

/**
 * The magic of the first batch or message of a `records` field: 0, 1 or 2 when known to this
 * version; null when the buffer is too short to tell.
 */
export function magicOf(buffer: Buffer, position = 0): number | null {
  return buffer.length - position > MAGIC_AT ? (buffer[position + MAGIC_AT] as number) : null;
}

/**
 * The headers of the complete batches of a `records` field, in order. A batch that is cut short
 * at the end, as a broker may send it, ends the walk.
 *
 * @throws KafkaError CORRUPT_MESSAGE at a batch with an impossible header
 */
export function* batchHeaders(buffer: Buffer): Generator<BatchHeader, void, undefined> {
  let position = 0;
  for (;;) {
    const sizeBytes = batchSizeAt(buffer, position);
    if (sizeBytes === null) return;
    if (sizeBytes > buffer.length - position) return;
    yield readBatchHeader(buffer, position);
    position += sizeBytes;
  }
}

/** False when a bit changed anywhere between the attributes and the last record, or bytes lack. */
export function isBatchCrcValid(
  buffer: Buffer,
  header: Pick<BatchHeader, 'position' | 'sizeBytes' | 'crc'>,
): boolean {
  const end = header.position + header.sizeBytes;
  if (end > buffer.length) return false;
  return crc32c(buffer, header.position + ATTRIBUTES_AT, end) === header.crc;
}

/** Sets the first offset of the batch at `position`; the CRC does not cover it. */
export function setBaseOffset(buffer: Buffer, position: number, offset: number): void {
  writeInt64(buffer, position + BASE_OFFSET_AT, offset);
}

/** Sets the leader epoch of the batch at `position`; the CRC does not cover it. */
export function setPartitionLeaderEpoch(buffer: Buffer, position: number, epoch: number): void {
  buffer.writeInt32BE(epoch, position + LEADER_EPOCH_AT);
}

/**
 * Makes the batch one of log append time: every record of it then has the timestamp given,
 * whatever its delta says. Rewrites attributes, max timestamp and CRC.
 */
export function setLogAppendTime(
  buffer: Buffer,
  header: Pick<BatchHeader, 'position' | 'sizeBytes' | 'attributes'>,
  timestampMs: number,
): void {
  const { position } = header;
  buffer.writeInt16BE(header.attributes | TIMESTAMP_TYPE_FLAG, position + ATTRIBUTES_AT);
  writeInt64(buffer, position + MAX_TIMESTAMP_AT, timestampMs);
  writeBatchCrc(buffer, position, position + header.sizeBytes);
}

/** Marks a batch as one whose records have times of their own. Rewrites the CRC. */
export function setCreateTime(
  buffer: Buffer,
  header: Pick<BatchHeader, 'position' | 'sizeBytes' | 'attributes'>,
): void {
  const { position } = header;
  buffer.writeInt16BE(header.attributes & ~TIMESTAMP_TYPE_FLAG, position + ATTRIBUTES_AT);
  writeBatchCrc(buffer, position, position + header.sizeBytes);
}

/**
 * Sets the max timestamp of a batch of create time, as a broker does when it finds that the
 * producer's is not the largest of its records. Rewrites the CRC.
 */
export function setMaxTimestamp(
  buffer: Buffer,
  header: Pick<BatchHeader, 'position' | 'sizeBytes'>,
  timestampMs: number,
): void {
  writeInt64(buffer, header.position + MAX_TIMESTAMP_AT, timestampMs);
  writeBatchCrc(buffer, header.position, header.position + header.sizeBytes);
}

export function writeBatchCrc(buffer: Buffer, start: number, end: number): void {
  buffer.writeUInt32BE(crc32c(buffer, start + ATTRIBUTES_AT, end), start + CRC_AT);
}
