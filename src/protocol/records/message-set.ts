// Message sets, the formats before record batches: magic 0 (before Kafka 0.10) and magic 1, which
// has timestamps. A set is messages one after the other. Compression wraps: the value of a message
// is then a whole compressed set. The wrapper has the offset of its last inner message; inner
// offsets are absolute in magic 0 and count from 0 in magic 1 (KIP-31).

import { readInt64, writeInt64 } from '../../base/int64.ts';
import { KafkaError } from '../errors.ts';
import {
  COMPRESSION_MASK,
  type CompressionCodec,
  LENGTH_AT,
  LOG_OVERHEAD,
  MAGIC_AT,
  NO_TIMESTAMP,
  TIMESTAMP_TYPE_FLAG,
  type TimestampType,
} from './batch-header.ts';
import { UNCOMPRESSED_BYTES_MAX } from './batch-records.ts';
import { compress, decompress } from './compression/index.ts';
import { compressLz4 } from './compression/lz4-frame.ts';
import { crc32 } from './crc32.ts';

/** A message, out of its wrapper if it was in one. */
export interface Message {
  readonly offset: number;
  /** -1 in magic 0. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly magic: 0 | 1;
  readonly timestampType: TimestampType;
  /** Of the wrapper it was in; 0 when it stood alone. */
  readonly compression: CompressionCodec;
}

export interface MessageInput {
  readonly offset: number;
  readonly timestamp?: number;
  readonly key?: Uint8Array | null;
  readonly value?: Uint8Array | null;
}

export interface MessageSetOptions {
  readonly magic: 0 | 1;
  readonly compression?: CompressionCodec;
  readonly timestampType?: TimestampType;
  readonly level?: number;
}

export interface ReadMessagesOptions {
  /** Brokers before 0.10.1 send a last message cut off at the fetch size. Default true. */
  readonly allowsPartialLast?: boolean;
  readonly uncompressedBytesMax?: number;
}

const MAGIC_0_AND_1_CODEC_MAX = 3;
const CRC_AT = 12;
const ATTRIBUTES_AT = 17;
const TIMESTAMP_AT = 18;
const OVERHEAD_BY_MAGIC = [26, 34] as const;

interface Entry {
  readonly position: number;
  readonly end: number;
  readonly message: Message;
}

function corrupt(position: number, what: string): never {
  throw new KafkaError('CORRUPT_MESSAGE', `message at position ${position}: ${what}`);
}

/**
 * The messages of a set, those inside wrappers too, with absolute offsets and with the CRC of
 * each checked.
 *
 * @throws KafkaError CORRUPT_MESSAGE, or MESSAGE_TOO_LARGE when a wrapper decompresses to more
 *   than allowed
 */
export function readMessageSet(set: Buffer, options: ReadMessagesOptions = {}): Message[] {
  const messages: Message[] = [];
  let left = options.uncompressedBytesMax ?? UNCOMPRESSED_BYTES_MAX;
  let position = 0;
  while (position < set.length) {
    const entry = entryAt(set, position);
    if (entry === null) {
      if (options.allowsPartialLast === false) corrupt(position, 'it is cut short');
      break;
    }
    if (entry.message.compression === 0) {
      messages.push(entry.message);
    } else {
      left -= unwrap(entry, left, messages);
    }
    position = entry.end;
  }
  return messages;
}

/** Null when the entry is not complete. */
function entryAt(set: Buffer, position: number): Entry | null {
  const available = set.length - position;
  if (available < LOG_OVERHEAD) return null;
  const sizeBytes = LOG_OVERHEAD + set.readInt32BE(position + LENGTH_AT);
  if (sizeBytes < OVERHEAD_BY_MAGIC[0]) corrupt(position, `impossible size ${sizeBytes}`);
  if (sizeBytes > available) return null;
  const magic = set[position + MAGIC_AT] as number;
  if (magic !== 0 && magic !== 1) corrupt(position, `magic ${magic} in a message set`);
  if (sizeBytes < OVERHEAD_BY_MAGIC[magic]) corrupt(position, `impossible size ${sizeBytes}`);
  const end = position + sizeBytes;
  if (set.readUInt32BE(position + CRC_AT) !== crc32(set, position + MAGIC_AT, end)) {
    corrupt(position, 'wrong CRC');
  }
  const attributes = set[position + ATTRIBUTES_AT] as number;
  const compression = attributes & COMPRESSION_MASK;
  if (compression > MAGIC_0_AND_1_CODEC_MAX) corrupt(position, `compression ${compression}`);
  const keyPosition = position + (magic === 0 ? TIMESTAMP_AT : TIMESTAMP_AT + 8);
  const key = bytesAt(set, keyPosition, end);
  const valuePosition = keyPosition + 4 + (key?.length ?? 0);
  const value = bytesAt(set, valuePosition, end);
  if (valuePosition + 4 + (value?.length ?? 0) !== end) corrupt(position, 'bytes behind its value');
  const message: Message = {
    offset: readInt64(set, position),
    timestamp: magic === 0 ? NO_TIMESTAMP : readInt64(set, position + TIMESTAMP_AT),
    key,
    value,
    magic,
    timestampType: magic === 1 && (attributes & TIMESTAMP_TYPE_FLAG) !== 0 ? 1 : 0,
    compression: compression as CompressionCodec,
  };
  return { position, end, message };
}

function bytesAt(set: Buffer, position: number, end: number): Buffer | null {
  if (end - position < 4) corrupt(position, 'a length is cut short');
  const length = set.readInt32BE(position);
  if (length === -1) return null;
  if (length < 0 || length > end - position - 4) corrupt(position, `impossible length ${length}`);
  return set.subarray(position + 4, position + 4 + length);
}

/** Adds the messages inside a wrapper; answers how many bytes they were. */
function unwrap(entry: Entry, sizeBytesMax: number, messages: Message[]): number {
  const { position, message: wrapper } = entry;
  if (wrapper.value === null) corrupt(position, 'a compressed message without a value');
  const set = decompress(wrapper.compression, wrapper.value, sizeBytesMax);
  const inner: Message[] = [];
  for (let at = 0; at < set.length; ) {
    const next = entryAt(set, at);
    if (next === null) corrupt(position, 'the set inside it is cut short');
    if (next.message.compression !== 0) corrupt(position, 'a compressed message inside it');
    if (next.message.magic !== wrapper.magic) corrupt(position, 'another magic inside it');
    inner.push(next.message);
    at = next.end;
  }
  const last = inner.at(-1);
  if (last === undefined) corrupt(position, 'nothing inside it');
  // Some producers leave the wrapper's offset 0; a broker has not seen such a set yet.
  const base = wrapper.magic === 1 ? Math.max(0, wrapper.offset - last.offset) : 0;
  const isAppendTime = wrapper.timestampType === 1;
  for (const message of inner) {
    messages.push({
      ...message,
      offset: base + message.offset,
      timestamp: isAppendTime ? wrapper.timestamp : message.timestamp,
      timestampType: wrapper.timestampType,
      compression: wrapper.compression,
    });
  }
  return set.length;
}

/**
 * Writes a message set; with compression, one wrapper around all of it.
 *
 * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE for zstd, which these formats do not know
 */
export function encodeMessageSet(
  messages: readonly MessageInput[],
  options: MessageSetOptions,
): Buffer {
  const { magic } = options;
  const codec = options.compression ?? 0;
  const timestampType = options.timestampType ?? 0;
  const last = messages.at(-1);
  if (codec === 0 || last === undefined) return plainSet(messages, magic, timestampType);
  if (codec > MAGIC_0_AND_1_CODEC_MAX) {
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `compression ${codec} does not exist in message format ${magic}`,
    );
  }
  const first = messages[0] as MessageInput;
  const inner =
    magic === 0
      ? messages
      : messages.map((message) => ({ ...message, offset: message.offset - first.offset }));
  const set = plainSet(inner, magic, 0);
  const value =
    codec === 3 && magic === 0
      ? compressLz4(set, { hasBrokenHeaderChecksum: true })
      : compress(codec, set, options.level);
  let timestamp = NO_TIMESTAMP;
  for (const message of messages)
    timestamp = Math.max(timestamp, message.timestamp ?? NO_TIMESTAMP);
  const wrapper = Buffer.allocUnsafe(OVERHEAD_BY_MAGIC[magic] + value.length);
  const attributes = codec | (timestampType === 1 && magic === 1 ? TIMESTAMP_TYPE_FLAG : 0);
  writeMessage(wrapper, 0, { offset: last.offset, timestamp, value }, { magic, attributes });
  return wrapper;
}

function plainSet(
  messages: readonly MessageInput[],
  magic: 0 | 1,
  timestampType: TimestampType,
): Buffer {
  let sizeBytes = 0;
  for (const message of messages) sizeBytes += sizeOfMessage(message, magic);
  const set = Buffer.allocUnsafe(sizeBytes);
  const attributes = timestampType === 1 && magic === 1 ? TIMESTAMP_TYPE_FLAG : 0;
  let position = 0;
  for (const message of messages) {
    position = writeMessage(set, position, message, { magic, attributes });
  }
  return set;
}

function sizeOfMessage(message: MessageInput, magic: 0 | 1): number {
  return OVERHEAD_BY_MAGIC[magic] + (message.key?.length ?? 0) + (message.value?.length ?? 0);
}

function writeMessage(
  set: Buffer,
  position: number,
  message: MessageInput,
  { magic, attributes }: { magic: 0 | 1; attributes: number },
): number {
  const end = position + sizeOfMessage(message, magic);
  writeInt64(set, position, message.offset);
  set.writeInt32BE(end - position - LOG_OVERHEAD, position + LENGTH_AT);
  set[position + MAGIC_AT] = magic;
  set[position + ATTRIBUTES_AT] = attributes;
  let at = position + TIMESTAMP_AT;
  if (magic === 1) {
    writeInt64(set, at, message.timestamp ?? NO_TIMESTAMP);
    at += 8;
  }
  at = writeBytes(set, at, message.key ?? null);
  writeBytes(set, at, message.value ?? null);
  set.writeUInt32BE(crc32(set, position + MAGIC_AT, end), position + CRC_AT);
  return end;
}

function writeBytes(set: Buffer, position: number, bytes: Uint8Array | null): number {
  set.writeInt32BE(bytes === null ? -1 : bytes.length, position);
  if (bytes === null) return position + 4;
  set.set(bytes, position + 4);
  return position + 4 + bytes.length;
}
