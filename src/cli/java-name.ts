// The names of Kafka's exceptions, which its tools print.

import { ErrorCode, type KafkaError } from '../protocol/index.ts';

/** UNKNOWN_X becomes org.apache.kafka.common.errors.UnknownXException. */
export function javaName(error: KafkaError): string {
  const words = error.errorName.toLowerCase().split('_');
  const name = words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`).join('');
  const suffix = name.endsWith('Exception') ? '' : 'Exception';
  if (error.code === ErrorCode.REQUEST_TIMED_OUT) {
    return 'org.apache.kafka.common.errors.TimeoutException';
  }
  if (error.code === ErrorCode.KAFKA_STORAGE_ERROR) {
    return 'org.apache.kafka.common.errors.KafkaStorageException';
  }
  return `org.apache.kafka.common.errors.${name}${suffix}`;
}
