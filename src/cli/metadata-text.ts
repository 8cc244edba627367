// A record of the metadata log as kafka-dump-log.sh prints it.

import { VarintReader } from '../base/varint.ts';
import { decodeRecord, type RecordType, structOfRecord } from '../metadata/records/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { javaDouble } from './console-consumer/java-number.ts';
import { structJson } from './dump-log/struct-json.ts';

/** `PARTITION_CHANGE_RECORD` */
export function kafkaNameOf(type: RecordType): string {
  return type.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** As Kafka prints it: the type in capitals, the version, then the fields. */
export function metadataText(value: Buffer): string {
  try {
    const { type, ...data } = decodeRecord(value);
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
