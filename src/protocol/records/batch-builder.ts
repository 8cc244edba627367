// Builds a record batch (magic 2) record by record, straight into the buffer that becomes the
// batch: 61 bytes are left free in front and filled by build(), when count, timestamps and CRC
// are known. Every record is written once and not kept. Encoding a whole list goes the same way.

import { assert } from '../../base/assert.ts';
import { writeInt64 } from '../../base/int64.ts';
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from '../../base/varint.ts';
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  CONTROL_FLAG,
  type CompressionCodec,
  DELETE_HORIZON_FLAG,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_AT,
  LOG_OVERHEAD,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_BATCH_OVERHEAD,
  RECORD_COUNT_AT,
  setBaseOffset,
  TIMESTAMP_TYPE_FLAG,
  type TimestampType,
  TRANSACTIONAL_FLAG,
  writeBatchCrc,
} from './batch-header.ts';
import { compress } from './compression/index.ts';
import type { RecordHeader, RecordInput } from './record.ts';

export interface BatchOptions {
  /** Default 0: a broker sets its own. */
  readonly baseOffset?: number;
  readonly compression?: CompressionCodec;
  /** Of gzip, lz4 or zstd; default is the codec's own. */
  readonly level?: number;
  readonly partitionLeaderEpoch?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly timestampType?: TimestampType;
  /** Default: the largest of the records'. Required for log append time, where it is the time. */
  readonly maxTimestamp?: number;
  /** KIP-534: marks a compacted batch whose tombstones may be dropped from this time on. */
  readonly deleteHorizonMs?: number;
  /** Default: the last record's. A compacted batch keeps that of the record it lost. */
  readonly lastOffsetDelta?: number;
}

export interface BatchBuilderOptions extends BatchOptions {
  /** append() refuses what would make the batch larger, unless it is the first record. */
  readonly sizeBytesMax?: number;
  /**
   * Compressed size divided by uncompressed size, as seen in earlier batches; the estimate of
   * `sizeBytes` uses it. Default 1: compression only ever makes the batch smaller than promised.
   */
  readonly compressionRatio?: number;
}

const NO_RECORD_HEADERS: readonly RecordHeader[] = [];
const INITIAL_BYTES = 512;
/** Below this a loop over the bytes is faster than the call that copies them. */
const COPY_CALL_BYTES_MIN = 24;

export class BatchBuilder {
  readonly #options: BatchBuilderOptions;
  readonly #baseOffset: number;
  readonly #sizeBytesMax: number;
  #buffer: Buffer;
  #position = RECORD_BATCH_OVERHEAD;
  #recordCount = 0;
  #lastOffsetDelta = -1;
  #baseTimestamp = NO_TIMESTAMP;
  #maxTimestamp = NO_TIMESTAMP;

  constructor(options: BatchBuilderOptions = {}, initialBytes = INITIAL_BYTES) {
    this.#options = options;
    this.#baseOffset = options.baseOffset ?? 0;
    this.#sizeBytesMax = options.sizeBytesMax ?? Number.POSITIVE_INFINITY;
    this.#buffer = Buffer.allocUnsafe(Math.max(initialBytes, RECORD_BATCH_OVERHEAD));
    if (options.deleteHorizonMs !== undefined) this.#baseTimestamp = options.deleteHorizonMs;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** What the batch takes without compression, exactly. */
  get uncompressedSizeBytes(): number {
    return this.#position;
  }

  /** What build() will return, exact without compression and estimated with it. */
  get sizeBytes(): number {
    return this.#estimate(this.#position - RECORD_BATCH_OVERHEAD);
  }

  #estimate(recordBytes: number): number {
    const ratio =
      (this.#options.compression ?? 0) === 0 ? 1 : (this.#options.compressionRatio ?? 1);
    return RECORD_BATCH_OVERHEAD + Math.ceil(recordBytes * ratio);
  }

  /** Adds a record; false, with nothing changed, when it does not fit any more. */
  append(record: RecordInput): boolean {
    const key = record.key ?? null;
    const value = record.value ?? null;
    const headers = record.headers ?? NO_RECORD_HEADERS;
    const timestamp = record.timestamp ?? NO_TIMESTAMP;
    const offsetDelta =
      record.offset === undefined ? this.#lastOffsetDelta + 1 : record.offset - this.#baseOffset;
    assert(offsetDelta > this.#lastOffsetDelta, 'offsets of a batch grow');
    const isFirst = this.#recordCount === 0;
    const hasBaseTimestamp = !isFirst || this.#options.deleteHorizonMs !== undefined;
    const timestampDelta = hasBaseTimestamp ? timestamp - this.#baseTimestamp : 0;

    let bodyBytes = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta);
    bodyBytes += sizeOfBytes(key) + sizeOfBytes(value);
    bodyBytes += headers.length === 0 ? 1 : sizeOfHeaders(headers);
    const recordBytes = sizeOfVarint(bodyBytes) + bodyBytes;
    if (!isFirst && this.#sizeBytesMax !== Number.POSITIVE_INFINITY) {
      const after = this.#estimate(this.#position - RECORD_BATCH_OVERHEAD + recordBytes);
      if (after > this.#sizeBytesMax) return false;
    }

    if (this.#buffer.length - this.#position < recordBytes) this.#grow(recordBytes);
    const buffer = this.#buffer;
    let at = writeVarint(buffer, this.#position, bodyBytes);
    buffer[at++] = 0;
    at = writeVarlong(buffer, at, timestampDelta);
    at = writeVarint(buffer, at, offsetDelta);
    at = writeBytes(buffer, at, key);
    at = writeBytes(buffer, at, value);
    if (headers.length === 0) buffer[at++] = 0;
    else at = writeHeaders(buffer, at, headers);
    this.#position = at;

    if (!hasBaseTimestamp) this.#baseTimestamp = timestamp;
    if (isFirst || timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    this.#lastOffsetDelta = offsetDelta;
    this.#recordCount++;
    return true;
  }

  /**
   * The finished batch. The builder must not be used afterwards. The options given here replace
   * those of the constructor, for what is only known when the batch is sent (producer id, epoch
   * and sequence).
   */
  build(late: BatchOptions = {}): Buffer {
    const options = { ...this.#options, ...late };
    const codec = options.compression ?? 0;
    let batch = this.#buffer.subarray(0, this.#position);
    if (codec !== 0 && this.#recordCount > 0) {
      const records = compress(codec, batch.subarray(RECORD_BATCH_OVERHEAD), options.level);
      batch = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + records.length);
      records.copy(batch, RECORD_BATCH_OVERHEAD);
    }
    this.#writeHeader(batch, options);
    return batch;
  }

  #writeHeader(batch: Buffer, options: BatchOptions): void {
    let attributes: number = options.compression ?? 0;
    if (options.timestampType === 1) attributes |= TIMESTAMP_TYPE_FLAG;
    if (options.isTransactional === true) attributes |= TRANSACTIONAL_FLAG;
    if (options.isControl === true) attributes |= CONTROL_FLAG;
    if (options.deleteHorizonMs !== undefined) attributes |= DELETE_HORIZON_FLAG;
    const lastOffsetDelta = options.lastOffsetDelta ?? Math.max(0, this.#lastOffsetDelta);
    assert(lastOffsetDelta >= this.#lastOffsetDelta, 'a batch ends behind its last record');

    setBaseOffset(batch, 0, options.baseOffset ?? 0);
    batch.writeInt32BE(batch.length - LOG_OVERHEAD, LENGTH_AT);
    batch.writeInt32BE(options.partitionLeaderEpoch ?? NO_LEADER_EPOCH, LEADER_EPOCH_AT);
    batch[MAGIC_AT] = 2;
    batch.writeInt16BE(attributes, ATTRIBUTES_AT);
    batch.writeInt32BE(lastOffsetDelta, LAST_OFFSET_DELTA_AT);
    writeInt64(batch, BASE_TIMESTAMP_AT, this.#baseTimestamp);
    writeInt64(batch, MAX_TIMESTAMP_AT, options.maxTimestamp ?? this.#maxTimestamp);
    writeInt64(batch, PRODUCER_ID_AT, options.producerId ?? NO_PRODUCER_ID);
    batch.writeInt16BE(options.producerEpoch ?? NO_PRODUCER_EPOCH, PRODUCER_EPOCH_AT);
    batch.writeInt32BE(options.baseSequence ?? NO_SEQUENCE, BASE_SEQUENCE_AT);
    batch.writeInt32BE(this.#recordCount, RECORD_COUNT_AT);
    writeBatchCrc(batch, 0, batch.length);
  }

  #grow(recordBytes: number): void {
    const larger = Buffer.allocUnsafe(
      Math.max(2 * this.#buffer.length, this.#position + recordBytes),
    );
    this.#buffer.copy(larger, 0, 0, this.#position);
    this.#buffer = larger;
  }
}

/** A batch of these records; `records` may be empty, as in a batch that compaction emptied. */
export function encodeBatch(
  options: BatchOptions & { readonly records: readonly RecordInput[] },
): Buffer {
  const { records } = options;
  // Room enough for most batches, so that nothing is copied while it grows.
  let bytes = RECORD_BATCH_OVERHEAD;
  for (const record of records) {
    bytes += 12 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  }
  const builder = new BatchBuilder(options, bytes);
  for (const record of records) builder.append(record);
  return builder.build();
}

function sizeOfBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length;
}

function writeBytes(buffer: Buffer, position: number, bytes: Uint8Array | null): number {
  if (bytes === null) {
    buffer[position] = 1;
    return position + 1;
  }
  const length = bytes.length;
  const at = writeVarint(buffer, position, length);
  if (length < COPY_CALL_BYTES_MIN) {
    for (let i = 0; i < length; i++) buffer[at + i] = bytes[i] as number;
  } else {
    buffer.set(bytes, at);
  }
  return at + length;
}

function sizeOfHeaders(headers: readonly RecordHeader[]): number {
  let bytes = sizeOfVarint(headers.length);
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key);
    bytes += sizeOfVarint(keyBytes) + keyBytes + sizeOfBytes(header.value);
  }
  return bytes;
}

function writeHeaders(buffer: Buffer, position: number, headers: readonly RecordHeader[]): number {
  let at = writeVarint(buffer, position, headers.length);
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key);
    at = writeVarint(buffer, at, keyBytes);
    buffer.write(header.key, at, keyBytes, 'utf8');
    at = writeBytes(buffer, at + keyBytes, header.value);
  }
  return at;
}
