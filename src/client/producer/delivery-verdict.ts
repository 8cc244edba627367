// What an answer of the broker means for a batch: stored, to be sent again, to be split, to be
// sent again under a new numbering, or refused for good.

import { ZERO_UUID } from '../../base/uuid.ts';
import {
  ErrorCode,
  errorName,
  isRetriable,
  KafkaError,
  type produce,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { MetadataCache } from '../metadata-cache.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { ProducerBatch } from './producer-batch.ts';

type TopicResponse = ResponseOf<typeof produce>['responses'][number];
export type PartitionResponse = TopicResponse['partitionResponses'][number];

export type Verdict =
  | { readonly kind: 'stored'; readonly baseOffset: number }
  | {
      readonly kind: 'retry' | 'split' | 'renumber' | 'refused';
      readonly error: Error;
      readonly errorOf?: (index: number) => Error;
    };

export function verdictOf(
  queue: PartitionQueue,
  batch: ProducerBatch,
  answer: PartitionResponse,
  isTransactional: boolean,
): Verdict {
  const code = answer.errorCode;
  if (code === ErrorCode.NONE) return { kind: 'stored', baseOffset: answer.baseOffset };
  // The broker has this batch already, too long ago to know where: that is a success. Of one that
  // no attempt can have stored it says only that the numbers are taken.
  if (code === ErrorCode.DUPLICATE_SEQUENCE_NUMBER && batch.mayBeStored) {
    return { kind: 'stored', baseOffset: -1 };
  }
  const place = `${queue.topic}-${queue.partition}`;
  const reason = answer.errorMessage ?? new KafkaError(errorName(code)).message;
  const error = KafkaError.fromCode(code, `${place}: ${reason}`);
  if (code === ErrorCode.MESSAGE_TOO_LARGE) return { kind: 'split', error };
  if (batch.hasSequence && isSequenceError(code)) {
    // Behind a batch that failed every later one is out of order: they only follow it again.
    // For the first in line the broker has lost our numbering.
    if (!queue.isFirstUnacked(batch)) return { kind: 'retry', error };
    // Within a transaction there is no numbering anew: it is aborted, which brings a new epoch.
    return { kind: isTransactional ? 'refused' : 'renumber', error };
  }
  if (isRetriable(code)) return { kind: 'retry', error };
  return { kind: 'refused', error, errorOf: errorOfRecords(answer, error) };
}

/** The broker holds the numbering of the batch against it: an attempt that stored nothing. */
export function isSequenceError(code: number): boolean {
  return (
    code === ErrorCode.DUPLICATE_SEQUENCE_NUMBER ||
    code === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER ||
    code === ErrorCode.UNKNOWN_PRODUCER_ID ||
    code === ErrorCode.INVALID_PRODUCER_EPOCH
  );
}

/** KIP-467: records at fault get the broker's word, the others learn why they fell with them. */
function errorOfRecords(answer: PartitionResponse, error: KafkaError): (index: number) => Error {
  if (answer.recordErrors.length === 0) return () => error;
  const messages = new Map(
    answer.recordErrors.map((each) => [each.batchIndex, each.batchIndexErrorMessage]),
  );
  return (index) => {
    if (messages.has(index)) {
      return new KafkaError(error.errorName, messages.get(index) ?? error.message);
    }
    return new KafkaError(error.errorName, 'not stored because of other records of its batch');
  };
}

/** The name of a topic in an answer, which has only its id from version 13 on. */
export function responseTopicName(cache: MetadataCache, topic: TopicResponse): string {
  if (topic.topicId === ZERO_UUID) return topic.name;
  return cache.topicNameOf(topic.topicId) ?? topic.name;
}
