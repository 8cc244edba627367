// The records inside a batch (magic 2): decoding them, and checking them as a broker does without
// making objects of them. Uncompressed records are slices of the buffer given; compressed ones
// are decompressed once, within a limit, so that a small batch cannot take all memory.

import { VarintReader } from '../../base/varint.ts';
import { KafkaError } from '../errors.ts';
import { type BatchHeader, RECORD_BATCH_OVERHEAD } from './batch-header.ts';
import { decompress, unpackIfSmall } from './compression/index.ts';
import { type BatchRecord, type DecodedHeader, NO_HEADERS, sequenceAfter } from './record.ts';
import { type RecordScanner, scannerOf } from './record-scanner.ts';

/** How much the records of one batch may take when decompressed, unless the caller says. */
export const UNCOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;

export interface DecodeOptions {
  readonly uncompressedBytesMax?: number;
}

/** What a walk over a batch found; the indexes count records from 0. */
export interface RecordsSummary {
  readonly uncompressedBytes: number;
  readonly minTimestamp: number;
  /** The largest timestamp, -1 when there are no records. */
  readonly maxTimestamp: number;
  /** The offset of the first record that has it, -1 when there are no records. */
  readonly offsetOfMaxTimestamp: number;
  /** The first record without a key, which a compacted topic refuses; -1 when all have one. */
  readonly firstKeylessIndex: number;
}

/** The bytes of all records of the batch, decompressed if need be. */
export function recordBytes(
  buffer: Buffer,
  header: BatchHeader,
  uncompressedBytesMax: number = UNCOMPRESSED_BYTES_MAX,
): Buffer {
  const bytes = storedBytes(buffer, header);
  // A batch that compaction emptied keeps its codec, but there is nothing to decompress.
  if (header.compression === 0 || bytes.length === 0) return bytes;
  return decompress(header.compression, bytes, uncompressedBytesMax);
}

function storedBytes(buffer: Buffer, header: BatchHeader): Buffer {
  const end = header.position + header.sizeBytes;
  if (end > buffer.length) {
    throw new KafkaError(
      'CORRUPT_MESSAGE',
      `record batch at position ${header.position}: ${end - buffer.length} bytes are missing`,
    );
  }
  return buffer.subarray(header.position + RECORD_BATCH_OVERHEAD, end);
}

/**
 * The bytes of all records of a batch that somebody sent, if Kafka's readers can read them: null
 * if they would be more than `uncompressedBytesMax`, in which case they were not unpacked, and
 * nothing was found that shows without.
 *
 * @throws KafkaError CORRUPT_MESSAGE when they cannot be unpacked
 */
export function sentRecordBytes(
  buffer: Buffer,
  header: BatchHeader,
  uncompressedBytesMax: number,
): Buffer | null {
  return unpackIfSmall(header.compression, storedBytes(buffer, header), uncompressedBytesMax);
}

/**
 * All records of a batch, control records included. The CRC is not checked here.
 *
 * @throws KafkaError CORRUPT_MESSAGE when the records are not what the header says,
 *   MESSAGE_TOO_LARGE when they decompress to more than allowed
 */
export function decodeRecords(
  buffer: Buffer,
  header: BatchHeader,
  options: DecodeOptions = {},
): BatchRecord[] {
  const bytes = recordBytes(buffer, header, options.uncompressedBytesMax);
  const scanner = scannerOf(bytes, header, 'CORRUPT_MESSAGE');
  const records: BatchRecord[] = [];
  for (let i = 0; i < header.recordCount; i++) {
    scanner.next();
    records.push(recordAt(bytes, scanner, header));
  }
  if (scanner.remaining > 0) failTrailing(scanner, 'CORRUPT_MESSAGE');
  return records;
}

/**
 * Visits the records in order without making objects of them; false ends the walk. The scanner
 * stands on the record, its positions are in `bytes`, which are decompressed if need be. Nothing is
 * visited unless every record can be read and has an offset of the batch behind the one before.
 *
 * @throws KafkaError as decodeRecords
 */
export function scanRecords(
  buffer: Buffer,
  header: BatchHeader,
  visit: (record: RecordScanner, bytes: Buffer) => boolean,
): void {
  const bytes = recordBytes(buffer, header);
  assertSound(bytes, header);
  const scanner = scannerOf(bytes, header, 'CORRUPT_MESSAGE');
  for (let i = 0; i < header.recordCount; i++) {
    scanner.next();
    if (!visit(scanner, bytes)) return;
  }
}

function assertSound(bytes: Buffer, header: BatchHeader): void {
  const scanner = scannerOf(bytes, header, 'CORRUPT_MESSAGE');
  for (let i = 0, last = -1; i < header.recordCount; i++) {
    scanner.next();
    const delta = scanner.offsetDelta;
    if (delta <= last || delta > header.lastOffsetDelta) {
      throw new KafkaError('CORRUPT_MESSAGE', `record ${i} of the batch: offset delta ${delta}`);
    }
    last = delta;
  }
  if (scanner.remaining > 0) failTrailing(scanner, 'CORRUPT_MESSAGE');
}

/** The same one by one, for a reader that may stop early; errors are thrown where they lie. */
export function* eachRecord(
  buffer: Buffer,
  header: BatchHeader,
  options: DecodeOptions = {},
): Generator<BatchRecord, void, undefined> {
  const bytes = recordBytes(buffer, header, options.uncompressedBytesMax);
  const scanner = scannerOf(bytes, header, 'CORRUPT_MESSAGE');
  for (let i = 0; i < header.recordCount; i++) {
    scanner.next();
    yield recordAt(bytes, scanner, header);
  }
  if (scanner.remaining > 0) failTrailing(scanner, 'CORRUPT_MESSAGE');
}

/**
 * Checks a batch as a producer must have built it: as many records as the header says, offset
 * deltas 0, 1, 2 … up to the last, every length exact, nothing behind the last record.
 *
 * @throws KafkaError INVALID_RECORD, or CORRUPT_MESSAGE when it cannot be decompressed, or
 *   MESSAGE_TOO_LARGE when it decompresses to more than allowed
 */
export function validateRecords(
  buffer: Buffer,
  header: BatchHeader,
  options: DecodeOptions = {},
): RecordsSummary {
  return validateRecordBytes(recordBytes(buffer, header, options.uncompressedBytesMax), header);
}

/** The same for the bytes of the batch's records, which are unpacked already. */
export function validateRecordBytes(bytes: Buffer, header: BatchHeader): RecordsSummary {
  const { recordCount, baseTimestamp } = header;
  if (header.lastOffsetDelta !== recordCount - 1) {
    throw new KafkaError(
      'INVALID_RECORD',
      `the batch has ${recordCount} records but its last offset delta is ${header.lastOffsetDelta}`,
    );
  }
  const scanner = scannerOf(bytes, header, 'INVALID_RECORD');
  let minDelta = Number.POSITIVE_INFINITY;
  let maxDelta = Number.NEGATIVE_INFINITY;
  let maxDeltaIndex = -1;
  let firstKeylessIndex = -1;
  for (let i = 0; i < recordCount; i++) {
    scanner.next();
    if (scanner.offsetDelta !== i) {
      throw new KafkaError(
        'INVALID_RECORD',
        `record ${i} of the batch has the offset delta ${scanner.offsetDelta}`,
      );
    }
    const delta = scanner.timestampDelta;
    if (delta < minDelta) minDelta = delta;
    if (delta > maxDelta) {
      maxDelta = delta;
      maxDeltaIndex = i;
    }
    if (scanner.keyLength < 0 && firstKeylessIndex < 0) firstKeylessIndex = i;
  }
  if (scanner.remaining > 0) failTrailing(scanner, 'INVALID_RECORD');
  const isAppendTime = header.timestampType === 1;
  return {
    uncompressedBytes: bytes.length,
    minTimestamp: isAppendTime ? header.maxTimestamp : baseTimestamp + minDelta,
    maxTimestamp: isAppendTime ? header.maxTimestamp : baseTimestamp + maxDelta,
    offsetOfMaxTimestamp: header.baseOffset + (isAppendTime ? 0 : maxDeltaIndex),
    firstKeylessIndex,
  };
}

function failTrailing(scanner: RecordScanner, error: 'CORRUPT_MESSAGE' | 'INVALID_RECORD'): never {
  throw new KafkaError(error, `${scanner.remaining} bytes behind the last record of the batch`);
}

function recordAt(bytes: Buffer, scanner: RecordScanner, header: BatchHeader): BatchRecord {
  const { keyPosition, keyLength, valuePosition, valueLength } = scanner;
  return {
    offset: header.baseOffset + scanner.offsetDelta,
    timestamp:
      header.timestampType === 1
        ? header.maxTimestamp
        : header.baseTimestamp + scanner.timestampDelta,
    key: keyLength < 0 ? null : bytes.subarray(keyPosition, keyPosition + keyLength),
    value: valueLength < 0 ? null : bytes.subarray(valuePosition, valuePosition + valueLength),
    headers: scanner.headerCount === 0 ? NO_HEADERS : headersAt(bytes, scanner),
    sequence:
      header.baseSequence < 0 ? -1 : sequenceAfter(header.baseSequence, scanner.offsetDelta),
  };
}

/** The scanner has checked every length, so that none is checked again. */
function headersAt(bytes: Buffer, scanner: RecordScanner): DecodedHeader[] {
  const reader = new VarintReader(bytes, scanner.headersPosition);
  const headers: DecodedHeader[] = [];
  for (let i = 0; i < scanner.headerCount; i++) {
    const keyLength = reader.readSigned();
    const key = bytes.toString('utf8', reader.position, reader.position + keyLength);
    reader.position += keyLength;
    const valueLength = reader.readSigned();
    const valuePosition = reader.position;
    const value =
      valueLength < 0 ? null : bytes.subarray(valuePosition, valuePosition + valueLength);
    if (valueLength > 0) reader.position += valueLength;
    headers.push({ key, value });
  }
  return headers;
}
