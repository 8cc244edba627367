// What a cluster is to begin with beyond what every one has: records in `bootstrap.checkpoint`, the
// file and the format of Kafka, which `kafka-storage.sh format --add-scram` writes. Brokers that
// prove by SCRAM who they are need users before they can ask each other for any.
//
// Invariant: the records are appended by the first controller of the cluster and by no other, so
// that nothing that was changed since comes back.

import type { Disk, Io } from '../io/index.ts';
import {
  batchHeaders,
  decodeRecords,
  encodeBatch,
  isBatchCrcValid,
  KafkaError,
} from '../protocol/index.ts';
import {
  decodeRecord,
  encodeRecord,
  type MetadataRecord,
  snapshotHeader,
} from './records/index.ts';

const fileName = 'bootstrap.checkpoint';

/** The path in the directory that holds the metadata: metadata.log.dir, or the first one. */
export function bootstrapPath(directory: string): string {
  return `${directory}/${fileName}`;
}

/** @throws KafkaError KAFKA_STORAGE_ERROR for a file that is damaged */
export function readBootstrap(disk: Disk, directory: string): MetadataRecord[] {
  const path = bootstrapPath(directory);
  const bytes = disk.readFile(path);
  if (bytes === null) return [];
  try {
    const records: MetadataRecord[] = [];
    for (const header of batchHeaders(bytes)) {
      if (!isBatchCrcValid(bytes, header)) throw new KafkaError('CORRUPT_MESSAGE', 'a wrong CRC');
      if (header.isControl) continue;
      for (const { value } of decodeRecords(bytes, header)) {
        records.push(decodeRecord(value ?? Buffer.alloc(0)) as MetadataRecord);
      }
    }
    // What features a cluster has is not for a file of another release to say.
    return records.filter(({ type }) => type === 'UserScramCredentialRecord');
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const remedy = 'remove it, and format again with --add-scram';
    throw new KafkaError('KAFKA_STORAGE_ERROR', `${path}: ${error.message}; ${remedy}`);
  }
}

/** The content of the file. */
export function bootstrapBytes({ clock }: Io, records: readonly MetadataRecord[]): Buffer {
  const timestamp = clock.now();
  const first = encodeBatch({ isControl: true, records: [snapshotHeader(timestamp)] });
  const values = records.map((record) => ({ value: encodeRecord(record), timestamp }));
  return Buffer.concat([first, encodeBatch({ baseOffset: 1, records: values })]);
}
