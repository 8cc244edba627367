// Prints the record batches of a segment or of a metadata snapshot. Reads the file piecewise:
// segments are large.

import type { File } from '../../io/index.ts';
import { controlRecordStructs } from '../../metadata/records/index.ts';
import {
  type BatchHeader,
  type BatchRecord,
  ControlRecordType,
  compressionNames,
  controlRecordType,
  decodeEndTransactionMarker,
  decodeRecords,
  decodeStruct,
  isBatchCrcValid,
  KafkaError,
  LOG_OVERHEAD,
  magicOf,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
} from '../../protocol/index.ts';
import { metadataText } from '../metadata-text.ts';
import type { DumpOutput } from './dump-output.ts';
import { internalRecordText, type RecordKinds } from './internal-records.ts';
import { structJson } from './struct-json.ts';

export interface DumpOptions {
  readonly printRecords: boolean;
  readonly printData: boolean;
  readonly skipMetadata: boolean;
  readonly decodeMetadata: boolean;
  /** The records are of this internal topic. */
  readonly internal: RecordKinds | null;
  readonly sanityCheckOnly: boolean;
  readonly verifyOnly: boolean;
  readonly bytesMax: number;
}

export interface FileBatch {
  readonly header: BatchHeader;
  /** The whole batch. */
  readonly bytes: Buffer;
  /** In the file. */
  readonly position: number;
}

/** Has a length, and is no record batch. */
export interface UnknownBatch {
  readonly position: number;
  readonly sizeBytes: number;
  readonly reason: string;
}

/** What Kafka's own reader takes for the least that a length may say: an empty message. */
const OLD_MESSAGE_BYTES_MIN = 14;

/** What has a length, in order; stops where none is possible or the file ends before it. */
function* fileEntries(file: File, bytesMax: number): Iterable<FileBatch | UnknownBatch> {
  const fileBytes = Math.min(file.sizeBytes(), bytesMax);
  const start = Buffer.alloc(LOG_OVERHEAD);
  for (let position = 0; position + LOG_OVERHEAD <= fileBytes; ) {
    file.readSync(start, position);
    const sizeBytes = LOG_OVERHEAD + start.readInt32BE(8);
    if (sizeBytes < LOG_OVERHEAD + OLD_MESSAGE_BYTES_MIN) return;
    if (position + sizeBytes > fileBytes) return;
    const bytes = Buffer.alloc(sizeBytes);
    file.readSync(bytes, position);
    const magic = magicOf(bytes);
    if (magic !== 2) yield { position, sizeBytes, reason: `format ${magic} is not known here` };
    else if (sizeBytes < RECORD_BATCH_OVERHEAD) yield { position, sizeBytes, reason: 'too short' };
    else yield { header: readBatchHeader(bytes, 0), bytes, position };
    position += sizeBytes;
  }
}

/** The record batches of a file in order. */
export function* fileBatches(file: File): Iterable<FileBatch> {
  for (const entry of fileEntries(file, Number.POSITIVE_INFINITY)) {
    if ('header' in entry) yield entry;
  }
}

export function dumpRecords(file: File, options: DumpOptions, output: DumpOutput): void {
  const { print, complain } = output;
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  if (name.endsWith('.log')) print(`Log starting offset: ${Number.parseInt(name, 10)}`);
  const snapshot = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name);
  if (snapshot !== null) {
    print(`Snapshot end offset: ${Number(snapshot[1])}, epoch: ${Number(snapshot[2])}`);
  }
  let readBytes = 0;
  for (const entry of fileEntries(file, options.bytesMax)) {
    const { position } = entry;
    if ('header' in entry) {
      readBytes = position + entry.header.sizeBytes;
      dumpBatch(entry, options, output);
    } else {
      readBytes = position + entry.sizeBytes;
      complain(`Skipped ${entry.sizeBytes} bytes at position ${position}: ${entry.reason}`);
    }
  }
  const trailingBytes = Math.min(file.sizeBytes(), options.bytesMax) - readBytes;
  if (trailingBytes > 0 && options.bytesMax >= file.sizeBytes()) {
    print(`Found ${trailingBytes} invalid bytes at the end of ${name}`);
  }
}

/** The records of a damaged batch are printed as far as they can be read, and not to be trusted. */
function dumpBatch(batch: FileBatch, options: DumpOptions, { print, complain }: DumpOutput): void {
  const { header, bytes, position } = batch;
  const isValid = isBatchCrcValid(bytes, header);
  print(batchLine(batch, isValid));
  if (!options.printRecords) return;
  try {
    for (const record of decodeRecords(bytes, header)) {
      const line = recordLine(header, record, options);
      if (line !== null) print(line);
    }
  } catch (error) {
    if (isValid && !(error instanceof KafkaError)) throw error;
    const { message } = error as Error;
    complain(`The records of the batch at position ${position} cannot be read: ${message}`);
  }
}

function batchLine({ header, position }: FileBatch, isValid: boolean): string {
  const lastSequence =
    header.baseSequence === -1 ? -1 : (header.baseSequence + header.lastOffsetDelta) % 2 ** 31;
  const deleteHorizon = header.hasDeleteHorizon
    ? `OptionalLong[${header.baseTimestamp}]`
    : 'OptionalLong.empty';
  return (
    `baseOffset: ${header.baseOffset} lastOffset: ${header.lastOffset} ` +
    `count: ${header.recordCount} baseSequence: ${header.baseSequence} ` +
    `lastSequence: ${lastSequence} producerId: ${header.producerId} ` +
    `producerEpoch: ${header.producerEpoch} ` +
    `partitionLeaderEpoch: ${header.partitionLeaderEpoch} ` +
    `isTransactional: ${header.isTransactional} isControl: ${header.isControl} ` +
    `deleteHorizonMs: ${deleteHorizon} position: ${position} ` +
    `${timestampName(header)}: ${header.maxTimestamp} size: ${header.sizeBytes} ` +
    `magic: ${header.magic} compresscodec: ${compressionNames[header.compression]} ` +
    `crc: ${header.crc} isvalid: ${isValid}`
  );
}

function timestampName(header: BatchHeader): string {
  return header.timestampType === 0 ? 'CreateTime' : 'LogAppendTime';
}

function recordLine(header: BatchHeader, record: BatchRecord, options: DumpOptions): string | null {
  if (options.skipMetadata && header.isControl) return null;
  let line = '|';
  if (!options.skipMetadata) {
    const names = record.headers.map(({ key }) => key).join(',');
    line +=
      ` offset: ${record.offset} ${timestampName(header)}: ${record.timestamp} ` +
      `keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1} ` +
      `sequence: ${record.sequence} headerKeys: [${names}]`;
  }
  if (header.isControl) return `${line} ${controlText(record)}`;
  if (!options.printData) return line;
  if (options.internal !== null) {
    const { key, payload } = internalRecordText(record, options.internal);
    if (key !== null) line += ` key: ${key}`;
    return payload === null ? line : `${line} payload: ${payload}`;
  }
  if (record.key !== null) line += ` key: ${record.key.toString('utf8')}`;
  if (record.value === null) return line;
  const payload = options.decodeMetadata ? metadataText(record.value, 'hidden') : record.value;
  return `${line} payload: ${payload.toString()}`;
}

function controlText(record: BatchRecord): string {
  const marker = decodeEndTransactionMarker(record);
  if (marker !== null) {
    const outcome = marker.isCommit ? 'COMMIT' : 'ABORT';
    return `endTxnMarker: ${outcome} coordinatorEpoch: ${marker.coordinatorEpoch}`;
  }
  const type = controlRecordType(record);
  const name = Object.entries(ControlRecordType).find(([, code]) => code === type)?.[0];
  const struct = controlRecordStructs.get(type ?? -1);
  if (struct === undefined || name === undefined) return `controlType: ${name ?? type}`;
  const value = decodeStruct(struct, 0, record.value ?? Buffer.alloc(0)) as object;
  const title = name.replace(/^kraft/, 'KRaft').replace(/^[a-z]/, (first) => first.toUpperCase());
  // Kafka has a colon behind the first of them only.
  const colon = type === ControlRecordType.leaderChange ? ':' : '';
  return `${title}${colon} ${JSON.stringify(structJson(struct, 0, value))}`;
}
