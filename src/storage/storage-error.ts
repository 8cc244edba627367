// What the disk refused is the broker's trouble and not the client's: it is answered with
// KAFKA_STORAGE_ERROR. Other errors pass as they are.

import { IoError } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';

export function storageError(error: unknown): unknown {
  if (!(error instanceof IoError)) return error;
  return new KafkaError('KAFKA_STORAGE_ERROR', error.message);
}
