// A record of the metadata log as kafka-dump-log.sh prints it.

import { VarintReader } from '../base/varint.ts';
import { isSealed, isSecretOfBroker } from '../config/index.ts';
import { ResourceType } from '../metadata/index.ts';
import {
  decodeRecord,
  type MetadataRecord,
  type RecordType,
  structOfRecord,
} from '../metadata/records/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { javaDouble } from './console-consumer/java-number.ts';
import { structJson } from './dump-log/struct-json.ts';

/** `PARTITION_CHANGE_RECORD` */
export function kafkaNameOf(type: RecordType): string {
  return type.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** As Kafka prints it: the type in capitals, the version, then the fields. */
export function metadataText(value: Buffer, secrets: 'hidden' | 'kept'): string {
  try {
    const decoded = decodeRecord(value);
    const { type, ...data } = secrets === 'kept' ? decoded : withoutSecret(decoded);
    const name = kafkaNameOf(type);
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

/** What Kafka's tool would print: whoever reads a dump is not always whoever may know. */
function withoutSecret<R extends MetadataRecord>(record: R): R {
  if (record.type !== 'ConfigRecord' || record.resourceType !== ResourceType.BROKER) return record;
  const { name, value } = record;
  if (value === null || isSealed(value) || !isSecretOfBroker(name, value)) return record;
  return { ...record, value: '[hidden]' };
}
