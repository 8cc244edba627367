// Prints the record batches of a segment or of a metadata snapshot. Reads the file piecewise:
// segments are large.

import { VarintReader } from '../../base/varint.ts';
import type { File } from '../../io/index.ts';
import {
  controlRecordStructs,
  decodeRecord,
  structOfRecord,
} from '../../metadata/records/index.ts';
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
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
} from '../../protocol/index.ts';
import { javaDouble } from '../console-consumer/java-number.ts';
import type { Print } from '../kafka-dump-log.ts';
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

/** The batches of a file in order; stops at the first bytes that are no whole batch. */
export function* fileBatches(file: File, bytesMax = Number.POSITIVE_INFINITY): Iterable<FileBatch> {
  const sizeBytes = Math.min(file.sizeBytes(), bytesMax);
  const start = Buffer.alloc(RECORD_BATCH_OVERHEAD);
  for (let position = 0; position + RECORD_BATCH_OVERHEAD <= sizeBytes; ) {
    file.readSync(start, position);
    const batchBytes = LOG_OVERHEAD + start.readInt32BE(8);
    if (batchBytes < RECORD_BATCH_OVERHEAD || position + batchBytes > sizeBytes) return;
    const bytes = Buffer.alloc(batchBytes);
    file.readSync(bytes, position);
    yield { header: readBatchHeader(bytes, 0), bytes, position };
    position += batchBytes;
  }
}

export function dumpRecords(file: File, options: DumpOptions, print: Print): void {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  if (name.endsWith('.log')) print(`Log starting offset: ${Number.parseInt(name, 10)}`);
  const snapshot = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name);
  if (snapshot !== null) {
    print(`Snapshot end offset: ${Number(snapshot[1])}, epoch: ${Number(snapshot[2])}`);
  }
  let validBytes = 0;
  try {
    for (const batch of fileBatches(file, options.bytesMax)) {
      const isValid = isBatchCrcValid(batch.bytes, batch.header);
      print(batchLine(batch, isValid));
      validBytes = batch.position + batch.header.sizeBytes;
      if (!options.printRecords || !isValid) continue;
      for (const record of decodeRecords(batch.bytes, batch.header)) {
        const line = recordLine(batch.header, record, options);
        if (line !== null) print(line);
      }
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    print(`${file.path}: ${error.message}, at position ${validBytes} of the file`);
  }
  const trailingBytes = Math.min(file.sizeBytes(), options.bytesMax) - validBytes;
  if (trailingBytes > 0 && options.bytesMax >= file.sizeBytes()) {
    print(`Found ${trailingBytes} invalid bytes at the end of ${name}`);
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
  const payload = options.decodeMetadata ? metadataText(record.value) : record.value;
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

/** As Kafka prints it: the type in capitals, the version, then the fields. */
function metadataText(value: Buffer): string {
  try {
    const { type, ...data } = decodeRecord(value);
    const name = type.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    const reader = new VarintReader(value);
    reader.readUnsigned(); // the version of the frame
    reader.readUnsigned(); // the key of the type
    const version = reader.readUnsigned();
    const json = structJson(structOfRecord(type), version, data);
    const text = JSON.stringify({ type: name, version, data: json });
    if (type !== 'ClientQuotaRecord') return text;
    const { value: limit } = data as { value: number };
    return text.replace(/"value":[^,]*/, `"value":${javaDouble(limit)}`);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return `could not be decoded: ${error.message}`;
  }
}
