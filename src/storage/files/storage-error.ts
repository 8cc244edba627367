// What the disk refused is the broker's trouble and not the client's: it is answered with
// KAFKA_STORAGE_ERROR. Other errors pass as they are. And which errors are expected at all.

import { IoError } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';

/** A failure of the disk, or one that a client may be told; all else is a broken invariant. */
export function isExpectedFailure(error: unknown): error is IoError | KafkaError {
  return error instanceof IoError || error instanceof KafkaError;
}

export function storageError(error: unknown): unknown {
  if (!(error instanceof IoError)) return error;
  return new KafkaError('KAFKA_STORAGE_ERROR', error.message);
}
