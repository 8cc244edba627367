// The control records of a metadata log and of its snapshots: who leads from here on, and the two
// that frame a snapshot (a file without its footer was not finished).

import {
  array,
  type BatchRecord,
  ControlRecordType,
  controlRecordType,
  decodeStruct,
  defineStruct,
  encodeStruct,
  int16,
  int32,
  int64,
  kraftVersionRecord,
  type RecordInput,
  type Struct,
  votersRecord,
} from '../../protocol/index.ts';

const leaderChangeMessage = defineStruct({
  name: 'LeaderChangeMessage',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    leaderId: int32('0+'),
    voters: array('0+', { voterId: int32('0+') }),
    grantingVoters: array('0+', { voterId: int32('0+') }),
  },
});

const snapshotHeaderRecord = defineStruct({
  name: 'SnapshotHeaderRecord',
  versions: '0',
  flexible: '0+',
  fields: { version: int16('0+'), lastContainedLogTimestamp: int64('0+') },
});

const snapshotFooterRecord = defineStruct({
  name: 'SnapshotFooterRecord',
  versions: '0',
  flexible: '0+',
  fields: { version: int16('0+') },
});

/** The schemas of the values by the control record's type, for tools that print them. */
export const controlRecordStructs: ReadonlyMap<number, Struct> = new Map<number, Struct>([
  [ControlRecordType.leaderChange, leaderChangeMessage],
  [ControlRecordType.snapshotHeader, snapshotHeaderRecord],
  [ControlRecordType.snapshotFooter, snapshotFooterRecord],
  [ControlRecordType.kraftVersion, kraftVersionRecord],
  [ControlRecordType.kraftVoters, votersRecord],
]);

function controlRecord(type: number, value: Buffer, timestamp: number): RecordInput {
  const key = Buffer.alloc(4);
  key.writeInt16BE(type, 2);
  return { key, value, timestamp };
}

export function leaderChangeRecord(leaderId: number, timestamp: number): RecordInput {
  const voters = [{ voterId: leaderId }];
  const value = { version: 0, leaderId, voters, grantingVoters: voters };
  return controlRecord(
    ControlRecordType.leaderChange,
    encodeStruct(leaderChangeMessage, 0, value),
    timestamp,
  );
}

/** The leader a control record announces; null when it announces something else. */
export function leaderOf(record: BatchRecord): number | null {
  if (controlRecordType(record) !== ControlRecordType.leaderChange) return null;
  return decodeStruct(leaderChangeMessage, 0, record.value as Buffer).leaderId;
}

export function snapshotHeader(lastContainedLogTimestamp: number): RecordInput {
  const value = encodeStruct(snapshotHeaderRecord, 0, { version: 0, lastContainedLogTimestamp });
  return controlRecord(ControlRecordType.snapshotHeader, value, lastContainedLogTimestamp);
}

/** The time in a snapshot's header; null when the record is not one. */
export function snapshotTimestampOf(record: BatchRecord): number | null {
  if (controlRecordType(record) !== ControlRecordType.snapshotHeader) return null;
  const header = decodeStruct(snapshotHeaderRecord, 0, record.value as Buffer);
  return header.lastContainedLogTimestamp;
}

/**
 * True for what a Raft quorum says of itself, its members and its version (KIP-853). Nobody reads
 * it here; in a log that Kafka began it is kept, so that Kafka finds its quorum again.
 */
export function isOfQuorum(record: BatchRecord): boolean {
  const type = controlRecordType(record);
  return type === ControlRecordType.kraftVersion || type === ControlRecordType.kraftVoters;
}

export function snapshotFooter(timestamp: number): RecordInput {
  const value = encodeStruct(snapshotFooterRecord, 0, { version: 0 });
  return controlRecord(ControlRecordType.snapshotFooter, value, timestamp);
}

export function isSnapshotFooter(record: BatchRecord): boolean {
  return controlRecordType(record) === ControlRecordType.snapshotFooter;
}
