// Prints the records of internal topics as Kafka's tool does: the key by the number of its record
// type, the value by its version, both as JSON; a tombstone as <DELETE>.

import {
  type BatchRecord,
  consumerGroupMetadataValue,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  groupMetadataValue,
  groupRecordStructs,
  KafkaError,
  MalformedError,
  type Struct,
  transactionRecordStructs,
} from '../../protocol/index.ts';
import { structJson } from './struct-json.ts';

/** What is printed behind `key:` and `payload:`; null: nothing. */
export interface RecordText {
  readonly key: string | null;
  readonly payload: string | null;
}

interface RecordKind {
  readonly key: Struct;
  readonly value: Struct;
}

/** By the record type before the key. */
export type RecordKinds = ReadonlyMap<number, RecordKind>;

function byType(kinds: Readonly<Record<string, RecordKind>>): RecordKinds {
  return new Map(Object.values(kinds).map((kind) => [kind.key.recordType as number, kind]));
}

/** __transaction_state */
export const transactionRecords = byType(transactionRecordStructs);

/** __consumer_offsets */
export const groupRecords = byType(groupRecordStructs);

export function internalRecordText(record: BatchRecord, known: RecordKinds): RecordText {
  try {
    return decodedText(record, known);
  } catch (error) {
    if (!(error instanceof MalformedError || error instanceof KafkaError)) throw error;
    return { key: `Error at offset ${record.offset}, skipping. ${error.message}`, payload: null };
  }
}

function decodedText({ key, value, offset }: BatchRecord, known: RecordKinds): RecordText {
  if (key === null || key.length < 2) throw new MalformedError('the record has no key');
  const type = key.readInt16BE(0);
  const kind = known.get(type);
  if (kind === undefined) {
    return { key: `Unknown record type ${type} at offset ${offset}, skipping.`, payload: null };
  }
  const keyJson = structJson(kind.key, 0, decodeVersioned(kind.key, key).value);
  return {
    key: JSON.stringify({ type: String(type), data: keyJson }),
    payload: value === null ? '<DELETE>' : valueText(kind.value, value),
  };
}

function valueText(struct: Struct, bytes: Buffer): string {
  const { version, value } = decodeVersioned(struct, bytes);
  const json = structJson(struct, version, value) as Record<string, unknown>;
  if (struct === groupMetadataValue && json.protocolType === 'consumer') readMembers(json);
  const text = JSON.stringify({ version: String(version), data: json });
  return struct === consumerGroupMetadataValue ? withWholeHash(text, bytes) : text;
}

/** Behind the version, the epoch and the count, tag and size of tagged fields. */
const METADATA_HASH_AT = 9;

/** A hash uses all of its 64 bits, more than a number of JavaScript holds. */
function withWholeHash(text: string, bytes: Buffer): string {
  if (bytes.length < METADATA_HASH_AT + 8) return text;
  const hash = bytes.readBigInt64BE(METADATA_HASH_AT);
  return text.replace(/"metadataHash":[^}]*/, `"metadataHash":${hash}`);
}

/** What members say of themselves, and are told, is in the consumers' own format. */
function readMembers(group: Record<string, unknown>): void {
  for (const member of group.members as Record<string, unknown>[]) {
    for (const [name, struct] of [
      ['subscription', consumerProtocolSubscription],
      ['assignment', consumerProtocolAssignment],
    ] as const) {
      const bytes = Buffer.from((member[name] as string | null) ?? '', 'base64');
      if (bytes.length < 2) continue;
      const { version, value } = decodeVersioned(struct as Struct, bytes);
      const known = Math.min(version, struct.versions.max);
      member[name] = structJson(struct as Struct, known, value as object);
    }
  }
}
