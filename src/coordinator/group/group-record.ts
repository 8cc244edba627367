// The records of __consumer_offsets, as values: which kinds there are and their bytes, which are
// Kafka's (an int16 with the kind before the key, one with the version before the value).
//
// Versions written: those that Kafka 4.4 writes. An offset with an expiry of its own (OffsetCommit
// v2 to v4) can only be said in version 1.

import {
  decodeVersioned,
  encodeVersioned,
  type groupMetadataValue,
  groupRecordStructs as kinds,
  type offsetCommitValue,
  type Struct,
  type StructOf,
} from '../../protocol/index.ts';
import type { EndMarker } from '../../storage/index.ts';
import type { KeyedRecord, MachineLogCodec, ProducerIdentity } from '../partition-machine-log.ts';

/** Strings of the records have a length of 16 bits. */
export const stringBytesMax = 0x7fff;

export type GroupRecordKind = keyof typeof kinds;

/** A record of one kind; a null value is a tombstone. */
export interface GroupRecordOf<K extends GroupRecordKind> {
  readonly kind: K;
  readonly key: StructOf<(typeof kinds)[K]['key']>;
  readonly value: StructOf<(typeof kinds)[K]['value']> | null;
  /** An offset that counts when the transaction of this producer commits. */
  readonly producer?: ProducerIdentity | undefined;
}

/** The transaction of a producer is over, here as elsewhere. */
export interface EndTransactionRecord {
  readonly kind: 'EndTransaction';
  readonly marker: EndMarker;
}

/** A record of another version of the software: counted, kept and otherwise ignored. */
export interface UnknownGroupRecord {
  readonly kind: 'Unknown';
}

export type GroupRecord =
  | { [K in GroupRecordKind]: GroupRecordOf<K> }[GroupRecordKind]
  | EndTransactionRecord
  | UnknownGroupRecord;

export type OffsetCommitValue = StructOf<typeof offsetCommitValue>;
export type GroupMetadataValue = StructOf<typeof groupMetadataValue>;

const kindByType = new Map<number, GroupRecordKind>(
  Object.entries(kinds).map(([kind, { key }]) => [
    (key as Struct).recordType as number,
    kind as GroupRecordKind,
  ]),
);

export const groupRecordCodec: MachineLogCodec<GroupRecord> = {
  encode(record: GroupRecord): KeyedRecord {
    if (record.kind === 'Unknown' || record.kind === 'EndTransaction') {
      throw new TypeError('unknown records are not written, and markers have no bytes of ours');
    }
    const { key, value } = kinds[record.kind] as { key: Struct; value: Struct };
    return {
      key: encodeVersioned(key, 0, record.key as never),
      value:
        record.value === null
          ? null
          : encodeVersioned(value, versionOf(record), record.value as never),
      producer: record.producer,
    };
  },

  decode(key: Buffer, value: Buffer | null, producer?: ProducerIdentity): GroupRecord | null {
    const kind = key.length < 2 ? undefined : kindByType.get(key.readInt16BE(0));
    if (kind === undefined) return null;
    const structs = kinds[kind] as { key: Struct; value: Struct };
    return {
      kind,
      key: decodeVersioned(structs.key, key).value,
      value: value === null ? null : decodeVersioned(structs.value, value).value,
      ...(producer === undefined ? {} : { producer: identityOf(producer) }),
    } as GroupRecord;
  },

  markers: {
    of: (record) => (record.kind === 'EndTransaction' ? record.marker : null),
    recordOf: (marker) => ({ kind: 'EndTransaction', marker }),
  },
};

function identityOf({ producerId, producerEpoch }: ProducerIdentity): ProducerIdentity {
  return { producerId, producerEpoch };
}

function versionOf(
  record: Exclude<GroupRecord, UnknownGroupRecord | EndTransactionRecord>,
): number {
  if (record.kind === 'GroupMetadata') return 3;
  if (record.kind !== 'OffsetCommit' && record.kind !== 'LegacyOffsetCommit') return 0;
  return record.value !== null && record.value.expireTimestamp !== -1 ? 1 : 4;
}
