// What a leader checks, and changes, in batches before it appends them: Kafka's rules for sizes,
// CRCs, counts, control records, keys of compacted topics, timestamps and compression. Batches
// stay opaque bytes: records are walked when they are not compressed (which is cheap); compressed
// ones are unpacked and walked where a rule needs a key, a timestamp or another codec, or where
// there are few of them; of others the frames are walked (docs/decisions/0004).
//
// Invariants: a refusal leaves nothing behind; offsets are assigned only after every batch passed.
// What a rule reads was checked before: nothing is decoded here that was not.

import { INEXACT_FROM } from '../../base/int64.ts';
import {
  type BatchHeader,
  type CompressionCodec,
  compressionByName,
  decodeRecords,
  encodeBatch,
  isBatchCrcValid,
  KafkaError,
  magicOf,
  type RecordError,
  readBatchHeader,
  readSentBatchHeader,
  sentRecordBytes,
  setBaseOffset,
  setCreateTime,
  setLogAppendTime,
  setPartitionLeaderEpoch,
  UNCOMPRESSED_BYTES_MAX,
  upConvert,
  validateRecordBytes,
} from '../../protocol/index.ts';
import type { LogConfig } from './log-config.ts';

const NO_TIMESTAMP = -1;
/**
 * Compressed records that are not more than this are unpacked and walked, whatever the topic, by
 * codec: as much as leaves producing twice as fast as with Kafka (docs/decisions/0004). Deflate
 * cannot be walked at all, and costs Kafka more, too.
 */
const UNPACKED_BYTES_MAX = [0, 256 * 1024, 32 * 1024, 32 * 1024, 32 * 1024] as const;
/** Kafka names no more than these in the message; all of them are in recordErrors. */
const ERRORS_IN_MESSAGE = 3;

export interface LeaderValidation {
  readonly config: LogConfig;
  readonly origin: 'client' | 'coordinator';
  readonly timestampNow: number;
  readonly topicPartition: string;
}

export interface ValidBatches {
  readonly bytes: Buffer;
  readonly batches: readonly BatchHeader[];
}

/**
 * The batches as they are to be stored, their offsets not assigned yet.
 *
 * @throws KafkaError MESSAGE_TOO_LARGE, CORRUPT_MESSAGE (a wrong CRC), INVALID_RECORD,
 *   INVALID_TIMESTAMP, UNKNOWN_SERVER_ERROR (compressed records that cannot be unpacked)
 */
export function validateForLeader(records: Buffer, rules: LeaderValidation): ValidBatches {
  const headers = completeBatches(records);
  for (const header of headers) validateBatch(records, header, rules);
  if (!headers.some((header) => needsNewCompression(header, rules.config))) {
    return {
      bytes: records,
      batches: headers.map((header) => ofTopicsTime(records, header, rules)),
    };
  }
  const rebuilt = Buffer.concat(headers.map((header) => recompress(records, header, rules.config)));
  const batches = completeBatches(rebuilt);
  for (const batch of batches) assertFits(batch, rules.config);
  return { bytes: rebuilt, batches };
}

/** A topic of create time keeps no batch that says otherwise: its times are taken for its own. */
function ofTopicsTime(
  records: Buffer,
  header: BatchHeader,
  { config }: LeaderValidation,
): BatchHeader {
  if (header.timestampType === 0 || config.messageTimestampType !== 'CreateTime') return header;
  setCreateTime(records, header);
  return readBatchHeader(records, header.position);
}

/** Every batch whose bytes are all there; none may be cut short in a request. */
export function completeBatches(records: Buffer): BatchHeader[] {
  const headers: BatchHeader[] = [];
  for (let position = 0; position < records.length; ) {
    const header = readSentBatchHeader(records, position);
    position += header.sizeBytes;
    if (position > records.length) {
      throw new KafkaError('CORRUPT_MESSAGE', 'the last record batch is cut short');
    }
    headers.push(header);
  }
  if (headers.length === 0) throw new KafkaError('INVALID_RECORD', 'no record batch to append');
  return headers;
}

/**
 * Gives the batches the offsets from nextOffset on, the leader's epoch and, with LogAppendTime,
 * the time; in place. Returns their headers as they are now.
 */
export function assignOffsets(
  bytes: Buffer,
  headers: readonly BatchHeader[],
  assigned: { nextOffset: number; leaderEpoch: number; logAppendTimeMs: number },
): BatchHeader[] {
  let offset = assigned.nextOffset;
  const { leaderEpoch, logAppendTimeMs } = assigned;
  return headers.map((header) => {
    setBaseOffset(bytes, header.position, offset);
    setPartitionLeaderEpoch(bytes, header.position, leaderEpoch);
    if (logAppendTimeMs >= 0) setLogAppendTime(bytes, header, logAppendTimeMs);
    const baseOffset = offset;
    offset += header.lastOffsetDelta + 1;
    return {
      ...header,
      baseOffset,
      partitionLeaderEpoch: leaderEpoch,
      lastOffset: offset - 1,
      maxTimestamp: logAppendTimeMs >= 0 ? logAppendTimeMs : header.maxTimestamp,
    };
  });
}

/** Message sets of old clients (magic 0 and 1) become record batches; others stay as they are. */
export function asStoredMagic(records: Buffer): Buffer {
  const magic = magicOf(records);
  return magic === null || magic >= 2 ? records : upConvert(records);
}

function validateBatch(records: Buffer, header: BatchHeader, rules: LeaderValidation): void {
  const { config, origin } = rules;
  assertFits(header, config);
  if (!isBatchCrcValid(records, header)) {
    throw new KafkaError(
      'CORRUPT_MESSAGE',
      `the CRC of a record batch for ${rules.topicPartition} does not match its content`,
    );
  }
  if (header.recordCount <= 0 || header.recordCount !== header.lastOffsetDelta + 1) {
    throw new KafkaError(
      'INVALID_RECORD',
      `a batch for ${rules.topicPartition} counts ${header.recordCount} records ` +
        `in ${header.lastOffsetDelta + 1} offsets`,
    );
  }
  if (origin === 'client') validateFromClient(header, rules);
  if (header.isControl) return;
  const isCompacted = config.cleanupPolicy.includes('compact');
  const checksTimes = config.messageTimestampType === 'CreateTime';
  const hasLowerBound = config.timestampBeforeMaxMs < rules.timestampNow;
  const isReadAnyway =
    isCompacted || (checksTimes && hasLowerBound) || needsNewCompression(header, config);
  const bytes = checkedRecords(records, header, { isReadAnyway, rules });
  if (bytes !== null) {
    const summary = validateRecordBytes(bytes, header);
    const isKeyless = isCompacted && summary.firstKeylessIndex >= 0;
    const isOutside =
      checksTimes &&
      (isOutsideBounds(summary.minTimestamp, rules) ||
        isOutsideBounds(summary.maxTimestamp, rules));
    if (isKeyless || isOutside) refuseRecords(records, header, rules);
  } else if (checksTimes && isOutsideBounds(header.maxTimestamp, rules)) {
    refuseRecords(records, header, rules);
  }
}

/**
 * The batch's records, unpacked; null if they are many, nobody needs them here, and nothing was
 * found wrong with them. To what cannot be unpacked Kafka gives the code that producers do not
 * take for an accident on the way: they would send it again and again.
 */
function checkedRecords(
  records: Buffer,
  header: BatchHeader,
  { isReadAnyway, rules }: { isReadAnyway: boolean; rules: LeaderValidation },
): Buffer | null {
  const unpackedBytesMax = isReadAnyway
    ? UNCOMPRESSED_BYTES_MAX
    : UNPACKED_BYTES_MAX[header.compression];
  let bytes: Buffer | null;
  try {
    bytes = sentRecordBytes(records, header, unpackedBytesMax);
  } catch (error) {
    if (!(error instanceof KafkaError && error.errorName === 'CORRUPT_MESSAGE')) throw error;
    throw new KafkaError(
      'UNKNOWN_SERVER_ERROR',
      `nobody can unpack the records of a batch for ${rules.topicPartition}: ${error.message}`,
    );
  }
  if (bytes !== null || !isReadAnyway) return bytes;
  throw new KafkaError(
    'MESSAGE_TOO_LARGE',
    `a batch for ${rules.topicPartition} unpacks to more than ${UNCOMPRESSED_BYTES_MAX} bytes`,
  );
}

function assertFits(header: BatchHeader, config: LogConfig): void {
  if (header.sizeBytes <= config.messageBytesMax) return;
  throw new KafkaError(
    'MESSAGE_TOO_LARGE',
    `a batch of ${header.sizeBytes} bytes exceeds max.message.bytes=${config.messageBytesMax}`,
  );
}

function validateFromClient(header: BatchHeader, rules: LeaderValidation): void {
  let problem: string | null = null;
  if (header.baseOffset !== 0) problem = `the base offset is ${header.baseOffset}, not 0`;
  else if (header.isControl) problem = 'clients must not write control records';
  else if (header.producerId >= 0 && header.baseSequence < 0) {
    problem = `a batch of producer ${header.producerId} has no sequence number`;
  } else if (header.producerId >= INEXACT_FROM) {
    const problem = `producer id ${header.producerId} is beyond 2^53: its neighbour reads the same`;
    throw new KafkaError('INVALID_PRODUCER_ID_MAPPING', `${rules.topicPartition}: ${problem}`);
  } else if (header.timestampType === 1 && rules.config.messageTimestampType !== 'CreateTime') {
    const batchIndexErrorMessage = 'producers must not set the type LogAppendTime';
    throw new KafkaError(
      'INVALID_TIMESTAMP',
      batchIndexErrorMessage,
      Array.from({ length: header.recordCount }, (_, batchIndex) => {
        return { batchIndex, batchIndexErrorMessage };
      }),
    );
  }
  if (problem === null) return;
  throw new KafkaError('INVALID_RECORD', `record batch for ${rules.topicPartition}: ${problem}`);
}

function isOutsideBounds(timestamp: number, { config, timestampNow }: LeaderValidation): boolean {
  if (timestamp === NO_TIMESTAMP) return false;
  return (
    timestamp < timestampNow - config.timestampBeforeMaxMs ||
    timestamp > timestampNow + config.timestampAfterMaxMs ||
    Math.abs(timestamp) >= INEXACT_FROM
  );
}

/** The slow path: names each record at fault as Kafka does. */
function refuseRecords(records: Buffer, header: BatchHeader, rules: LeaderValidation): never {
  const isCompacted = rules.config.cleanupPolicy.includes('compact');
  const errors: RecordError[] = [];
  let hasBadTimestamp = false;
  for (const [batchIndex, record] of decodeRecords(records, header).entries()) {
    if (isCompacted && record.key === null) {
      const topicPartition = rules.topicPartition;
      errors.push({
        batchIndex,
        batchIndexErrorMessage: `compacted topic takes no record without a key (${topicPartition})`,
      });
    } else if (isOutsideBounds(record.timestamp, rules)) {
      hasBadTimestamp = true;
      errors.push({
        batchIndex,
        batchIndexErrorMessage:
          `timestamp ${record.timestamp} is out of range: it must lie between ` +
          `${rules.timestampNow - rules.config.timestampBeforeMaxMs} and ` +
          `${rules.timestampNow + rules.config.timestampAfterMaxMs}`,
      });
    }
  }
  if (errors.length === 0) {
    // The header's maximum is not what the records say.
    throw new KafkaError('INVALID_RECORD', 'the batch header states a wrong maximum timestamp');
  }
  if (hasBadTimestamp) {
    throw new KafkaError(
      'INVALID_TIMESTAMP',
      'one or more records were refused because of their timestamps',
      errors,
    );
  }
  const shown = errors.slice(0, ERRORS_IN_MESSAGE).map((each) => each.batchIndexErrorMessage);
  throw new KafkaError(
    'INVALID_RECORD',
    `${errors.length} records were refused, the first because: ${shown.join('; ')}`,
    errors,
  );
}

function needsNewCompression(header: BatchHeader, config: LogConfig): boolean {
  const { compressionType } = config;
  if (compressionType === 'producer' || header.isControl) return false;
  return header.compression !== targetCodec(compressionType);
}

function targetCodec(type: Exclude<LogConfig['compressionType'], 'producer'>): CompressionCodec {
  return compressionByName[type === 'uncompressed' ? 'none' : type] as CompressionCodec;
}

/** The same records in the topic's codec. */
function recompress(records: Buffer, header: BatchHeader, config: LogConfig): Buffer {
  const { compressionType } = config;
  if (compressionType === 'producer' || !needsNewCompression(header, config)) {
    return records.subarray(header.position, header.position + header.sizeBytes);
  }
  return encodeBatch({
    records: decodeRecords(records, header),
    baseOffset: header.baseOffset,
    compression: targetCodec(compressionType),
    ...(config.compressionLevel === null ? {} : { level: config.compressionLevel }),
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    isTransactional: header.isTransactional,
  });
}

/**
 * What a leader sends is taken as it is, if it lies behind what is there already.
 * @throws KafkaError OFFSET_OUT_OF_RANGE
 */
export function assertInOrder(
  batches: readonly BatchHeader[],
  logEndOffset: number,
  topicPartition: string,
): void {
  let expected = logEndOffset;
  for (const { baseOffset, lastOffset } of batches) {
    if (baseOffset < expected) {
      const sent = `the leader of ${topicPartition} sent offset ${baseOffset}`;
      throw new KafkaError('OFFSET_OUT_OF_RANGE', `${sent}, expected was ${expected}`);
    }
    expected = lastOffset + 1;
  }
}
