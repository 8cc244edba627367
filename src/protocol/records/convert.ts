// Between message sets (magic 0 and 1), which clients before Kafka 0.11 send and expect, and
// record batches, which is all that is stored.

import { KafkaError } from '../errors.ts';
import { encodeBatch } from './batch-builder.ts';
import {
  type BatchHeader,
  batchHeaders,
  batchSizeAt,
  type CompressionCodec,
  LOG_OVERHEAD,
  magicOf,
} from './batch-header.ts';
import { type DecodeOptions, eachRecord } from './batch-records.ts';
import { encodeMessageSet, type MessageInput, readMessageSet } from './message-set.ts';

/**
 * Makes one record batch of the messages that a producer of Kafka 0.10 or older sent, compressed
 * as they were. The offsets that such a producer gives mean nothing and are dropped: those of the
 * batch count from 0, and the log sets the first. Empty stays empty.
 *
 * @throws KafkaError CORRUPT_MESSAGE when a message is malformed or cut short
 */
export function upConvert(messageSet: Buffer, options: DecodeOptions = {}): Buffer {
  if (messageSet.length === 0) return messageSet;
  const messages = readMessageSet(messageSet, { ...options, allowsPartialLast: false });
  // Kafka, too, takes the codec of the last message that has one.
  let compression: CompressionCodec = 0;
  const records = messages.map((message) => {
    if (message.compression !== 0) compression = message.compression;
    return { key: message.key, value: message.value, timestamp: message.timestamp };
  });
  return encodeBatch({ records, compression });
}

export interface DownConvertOptions extends DecodeOptions {
  /** Records before this offset, which the fetch does not ask for, are left out. Default 0. */
  readonly firstOffset?: number;
}

/**
 * Makes message sets of record batches, for consumers of old Fetch versions: offsets, timestamps
 * (magic 1) and compression stay, headers and control records are dropped. A batch that is cut
 * short at the end is left out, and so is all from a batch on that cannot be converted: unless it
 * is the first, whose turn it will be with the next fetch.
 *
 * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE when a batch is compressed with zstd, which no
 *   such consumer knows (KIP-110); CORRUPT_MESSAGE when a batch is malformed
 */
export function downConvert(
  batches: Buffer,
  magic: 0 | 1,
  options: DownConvertOptions = {},
): Buffer {
  const sets: Buffer[] = [];
  try {
    for (const header of batchHeaders(batches)) {
      if (header.isControl || header.recordCount === 0) continue;
      const messages = messagesOf(batches, header, options);
      if (messages.length === 0) continue;
      const { compression, timestampType } = header;
      sets.push(encodeMessageSet(messages, { magic, compression, timestampType }));
    }
  } catch (error) {
    if (!(error instanceof KafkaError) || sets.length === 0) throw error;
  }
  return sets.length === 1 ? (sets[0] as Buffer) : Buffer.concat(sets);
}

function messagesOf(
  batches: Buffer,
  header: BatchHeader,
  options: DownConvertOptions,
): MessageInput[] {
  if (header.compression === 4) {
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `the batch at offset ${header.baseOffset} is compressed with zstd`,
    );
  }
  const firstOffset = options.firstOffset ?? 0;
  const messages: MessageInput[] = [];
  for (const { offset, timestamp, key, value } of eachRecord(batches, header, options)) {
    if (offset >= firstOffset) messages.push({ offset, timestamp, key, value });
  }
  return messages;
}

/** A stretch of a `records` field whose batches or messages all have one magic. */
export interface MagicRun {
  readonly magic: number;
  readonly bytes: Buffer;
}

/**
 * Splits a fetched `records` field where the message format changes, as it does in a log that an
 * upgraded broker went on writing. What is cut short at the end belongs to the last run.
 *
 * @throws KafkaError CORRUPT_MESSAGE at an impossible size
 */
export function* magicRuns(records: Buffer): Generator<MagicRun, void, undefined> {
  let start = 0;
  let magic = magicOf(records);
  for (let position = 0; magic !== null; ) {
    const sizeBytes = batchSizeAt(records, position) ?? Number.POSITIVE_INFINITY;
    if (sizeBytes <= LOG_OVERHEAD) {
      throw new KafkaError('CORRUPT_MESSAGE', `impossible size ${sizeBytes} at ${position}`);
    }
    position += sizeBytes;
    const next = magicOf(records, position);
    if (next === magic) continue;
    yield { magic, bytes: records.subarray(start, next === null ? records.length : position) };
    start = position;
    magic = next;
  }
}
