// The errors of batches that were given up without an answer: what stood in the way.

import { type ErrorName, KafkaError } from '../../protocol/index.ts';
import type { ProducerBatch } from './producer-batch.ts';

/** No codec could make the batch's bytes. Nothing of it was sent. */
export function unbuildable(batch: ProducerBatch, compression: string, cause: unknown): KafkaError {
  const because = cause instanceof Error ? cause.message : String(cause);
  const remedy = 'choose another compressionType or compressionLevel';
  return withCause(
    'UNSUPPORTED_COMPRESSION_TYPE',
    `${subjectOf(batch)} could not be compressed (${compression}): ${because}; ${remedy}`,
    cause,
  );
}

/** The batch waited for longer than delivery.timeout.ms. */
export function expired(batch: ProducerBatch, deliveryTimeoutMs: number): KafkaError {
  const { lastError, failures } = batch;
  const because =
    lastError === null
      ? 'no leader of the partition could be reached'
      : `the last of ${failures} attempts: ${lastError.message}`;
  const what = `${subjectOf(batch)} could not be delivered within ${deliveryTimeoutMs} ms`;
  const error = withCause('REQUEST_TIMED_OUT', `${what}: ${because}`, lastError);
  // What helps is what helps against that error.
  if (lastError instanceof KafkaError)
    Object.defineProperty(error, 'hint', { value: lastError.hint });
  return error;
}

function subjectOf({ topic, partition, recordCount }: ProducerBatch): string {
  const records = recordCount === 1 ? 'a record' : `${recordCount} records`;
  return `${records} for ${topic}-${partition}`;
}

function withCause(name: ErrorName, message: string, cause: unknown): KafkaError {
  const error = new KafkaError(name, message);
  if (cause !== null) error.cause = cause;
  return error;
}
