// Messages from before Kafka 0.11 (formats 0 and 1), which a Kafka that has been upgraded ever
// since still has in its files. They are not read here; but they are somebody's records, and not
// the torn tail that they would pass for: a log that holds them is refused instead of cut.

import { batchSizeAt, KafkaError, LOG_OVERHEAD, readMessageSet } from '../../protocol/index.ts';
import { LogDirectoryError } from '../directory/log-directory-error.ts';
import type { PooledFile } from '../files/open-files.ts';
import type { ScanEnd } from './log-scan.ts';

/** @throws LogDirectoryError if a scan was ended by a whole message of an old format */
export async function assertNoOldMessage(
  file: PooledFile,
  { position }: ScanEnd,
  end: number,
): Promise<void> {
  const start = Buffer.alloc(Math.min(LOG_OVERHEAD, end - position));
  await file.read(start, position);
  const sizeBytes = batchSizeAt(start, 0);
  if (sizeBytes === null || sizeBytes <= LOG_OVERHEAD || sizeBytes > end - position) return;
  const bytes = Buffer.alloc(sizeBytes);
  await file.read(bytes, position);
  if (!isOldMessage(bytes)) return;
  throw new LogDirectoryError(
    file.path,
    `${file.path} has messages of Kafka's formats before 0.11, which are not read here: ` +
      'no record was touched; copy the topic to a new one with Kafka, as docs/migrate.md says',
  );
}

function isOldMessage(bytes: Buffer): boolean {
  try {
    return readMessageSet(bytes, { allowsPartialLast: false }).length > 0;
  } catch (error) {
    if (error instanceof KafkaError) return false;
    throw error;
  }
}
