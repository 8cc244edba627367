// A metadata record as bytes, in Kafka's framing: unsigned varints for the frame version (1), the
// record's key and its version, then the body. Kafka's own tools read what this writes.
//
// Invariant: decode(encode(record)) is the record; what cannot be understood is an error that names
// it, never skipped: an image that misses a record would be wrong from then on.

import { sizeOfUnsignedVarint, VarintReader, writeUnsignedVarint } from '../../base/varint.ts';
import {
  decodeStruct,
  defaultsOf,
  encodeStruct,
  KafkaError,
  type Struct,
  type StructInput,
  type StructOf,
} from '../../protocol/index.ts';
import * as broker from './broker-records.ts';
import * as cluster from './cluster-records.ts';
import * as kafka from './kafka-records.ts';
import * as security from './security-records.ts';
import * as topic from './topic-records.ts';

const frameVersion = 1;
/** Of the two records about a partition. */
const versionOfElr = 2;

interface Definition<S extends Struct, K extends number> {
  readonly struct: S;
  readonly key: K;
  /** The version that is written: the newest that metadata.version allows. */
  readonly version: number;
}

function record<S extends Struct, K extends number>(
  key: K,
  struct: S,
  version = 0,
): Definition<S, K> {
  return { struct, key, version };
}

const definitions = {
  RegisterBrokerRecord: record(0, broker.registerBrokerRecord, 3),
  UnregisterBrokerRecord: record(1, broker.unregisterBrokerRecord),
  TopicRecord: record(2, topic.topicRecord),
  PartitionRecord: record(3, topic.partitionRecord, 1),
  ConfigRecord: record(4, cluster.configRecord),
  PartitionChangeRecord: record(5, topic.partitionChangeRecord, 1),
  FenceBrokerRecord: record(7, broker.fenceBrokerRecord),
  UnfenceBrokerRecord: record(8, broker.unfenceBrokerRecord),
  RemoveTopicRecord: record(9, topic.removeTopicRecord),
  UserScramCredentialRecord: record(11, security.userScramCredentialRecord),
  FeatureLevelRecord: record(12, cluster.featureLevelRecord),
  ClientQuotaRecord: record(14, cluster.clientQuotaRecord),
  ProducerIdsRecord: record(15, cluster.producerIdsRecord),
  BrokerRegistrationChangeRecord: record(17, broker.brokerRegistrationChangeRecord, 2),
  AccessControlEntryRecord: record(18, security.accessControlEntryRecord),
  RemoveAccessControlEntryRecord: record(19, security.removeAccessControlEntryRecord),
  NoOpRecord: record(20, cluster.noOpRecord),
  RemoveUserScramCredentialRecord: record(22, security.removeUserScramCredentialRecord),
  BeginTransactionRecord: record(23, cluster.beginTransactionRecord),
  EndTransactionRecord: record(24, cluster.endTransactionRecord),
  AbortTransactionRecord: record(25, cluster.abortTransactionRecord),
  DelegationTokenRecord: record(10, security.delegationTokenRecord),
  ZkMigrationStateRecord: record(21, kafka.zkMigrationStateRecord),
  RemoveDelegationTokenRecord: record(26, security.removeDelegationTokenRecord),
  RegisterControllerRecord: record(27, kafka.registerControllerRecord),
  ClearElrRecord: record(28, kafka.clearElrRecord),
  UnregisterControllerRecord: record(29, kafka.unregisterControllerRecord),
};

type Definitions = typeof definitions;
export type RecordType = keyof Definitions;

/** A record to be written: its type beside the fields of its schema. */
export type MetadataRecord = {
  [Type in RecordType]: { readonly type: Type } & StructInput<Definitions[Type]['struct']>;
}[RecordType];

/** A record that was read: every field is there. */
export type DecodedRecord = {
  [Type in RecordType]: { readonly type: Type } & StructOf<Definitions[Type]['struct']>;
}[RecordType];

const typeByKey = new Map<number, RecordType>(
  Object.entries(definitions).map(([type, definition]) => [definition.key, type as RecordType]),
);

export const recordTypes = Object.keys(definitions) as readonly RecordType[];

/** The schema of a record, for tools that print it. */
export function structOfRecord(type: RecordType): Struct {
  return definitions[type].struct as Struct;
}

const defaultsByType = new Map<RecordType, object>();

/** The record as it will read when it comes back from the log: what was left out is there. */
export function completeRecord(value: MetadataRecord): DecodedRecord {
  let defaults = defaultsByType.get(value.type);
  if (defaults === undefined) {
    // One for all records of the type: nobody writes to what was read.
    defaults = defaultsOf(definitions[value.type].struct.fields);
    defaultsByType.set(value.type, defaults);
  }
  return { ...defaults, ...value } as unknown as DecodedRecord;
}

/** Older releases read a partition without eligible leaders: those came with version 2. */
function versionOf(value: MetadataRecord): number {
  const { version } = definitions[value.type];
  if (value.type !== 'PartitionRecord' && value.type !== 'PartitionChangeRecord') return version;
  const isWithoutElr =
    (value.eligibleLeaderReplicas ?? null) === null && (value.lastKnownElr ?? null) === null;
  return isWithoutElr ? version : Math.max(version, versionOfElr);
}

export function encodeRecord(value: MetadataRecord): Buffer {
  const { struct, key } = definitions[value.type];
  const version = versionOf(value);
  const body = encodeStruct(struct as Struct, version, value as never);
  const headBytes = sizeOfUnsignedVarint(frameVersion) + sizeOfUnsignedVarint(key) + 1;
  const buffer = Buffer.allocUnsafe(headBytes + body.length);
  let position = writeUnsignedVarint(buffer, 0, frameVersion);
  position = writeUnsignedVarint(buffer, position, key);
  position = writeUnsignedVarint(buffer, position, version);
  body.copy(buffer, position);
  return buffer;
}

/** @throws KafkaError UNSUPPORTED_VERSION for a record of a newer release. */
export function decodeRecord(bytes: Buffer): DecodedRecord {
  const reader = new VarintReader(bytes);
  const frame = reader.readUnsigned();
  if (frame !== frameVersion) {
    throw new KafkaError('UNSUPPORTED_VERSION', `metadata record frame version ${frame}`);
  }
  const key = reader.readUnsigned();
  const version = reader.readUnsigned();
  const type = typeByKey.get(key);
  if (type === undefined) {
    throw new KafkaError('UNSUPPORTED_VERSION', `metadata record with the unknown key ${key}`);
  }
  const body = decodeStruct(definitions[type].struct as Struct, version, bytes, reader.position);
  return { type, ...body } as unknown as DecodedRecord;
}
