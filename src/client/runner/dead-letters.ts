// Dead letters: records that cannot be handled, in a topic of their own. Key, value, timestamp and
// headers are kept; further headers say where the record comes from and why it is here, under
// names of ours, or those that Kafka Connect, Kafka Streams (KIP-1034) or Spring for Kafka write.

import { messageOf } from '../client.ts';
import type { Origin } from './retry-topics.ts';
import type { DeadLetterHeaders, DeadLetterOptions } from './run-options.ts';
import type { OutgoingRecord, RawHeader, RawRecord } from './runner-port.ts';

export interface Failure {
  readonly error: unknown;
  readonly attempts: number;
  readonly groupId: string;
}

export function deadLetterOf(
  record: RawRecord,
  origin: Origin,
  failure: Failure,
  options: DeadLetterOptions,
): OutgoingRecord {
  const { topic } = options;
  const { key, value, timestamp } = record;
  return {
    topic: typeof topic === 'string' ? topic : topic(origin.topic),
    key,
    value,
    timestamp,
    headers: [...origin.headers, ...headersOf(record, origin, failure, options.headers)],
  };
}

function headersOf(
  record: RawRecord,
  origin: Origin,
  { error, attempts, groupId }: Failure,
  dialect: DeadLetterHeaders = 'partita',
): RawHeader[] {
  const name = error instanceof Error ? error.name : typeof error;
  const message = messageOf(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  const { topic, partition, offset } = origin;
  switch (dialect) {
    case 'connect':
      return texts('__connect.errors.', {
        topic,
        partition,
        offset,
        'connector.name': groupId,
        'task.id': 0,
        stage: 'TASK_PUT',
        'class.name': 'partita.consumer.run',
        'exception.class.name': name,
        'exception.message': message,
        'exception.stacktrace': stack,
      });
    case 'streams':
      return texts('__streams.errors.', {
        exception: name,
        stacktrace: stack,
        message,
        topic,
        partition,
        offset,
      });
    case 'spring':
      return springHeaders(record, origin, { name, message, stack, groupId });
    default:
      return texts('__partita.errors.', {
        topic,
        partition,
        offset,
        timestamp: record.timestamp,
        group: groupId,
        attempts,
        exception: name,
        message,
        stacktrace: stack,
      });
  }
}

/** Spring writes numbers as Java's bytes. */
function springHeaders(
  record: RawRecord,
  { topic, partition, offset }: Origin,
  of: { name: string; message: string; stack: string; groupId: string },
): RawHeader[] {
  const int32 = Buffer.alloc(4);
  int32.writeInt32BE(partition);
  const int64 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(value));
    return bytes;
  };
  const isCreateTime = record.timestampType === 'createTime';
  return [
    { key: 'kafka_dlt-original-topic', value: Buffer.from(topic) },
    { key: 'kafka_dlt-original-partition', value: int32 },
    { key: 'kafka_dlt-original-offset', value: int64(offset) },
    { key: 'kafka_dlt-original-timestamp', value: int64(record.timestamp) },
    ...texts('kafka_dlt-', {
      'original-timestamp-type': isCreateTime ? 'CreateTime' : 'LogAppendTime',
      'original-consumer-group': of.groupId,
      'exception-fqcn': of.name,
      'exception-message': of.message,
      'exception-stacktrace': of.stack,
    }),
  ];
}

function texts(prefix: string, values: Readonly<Record<string, string | number>>): RawHeader[] {
  return Object.entries(values).map(([name, value]) => {
    return { key: prefix + name, value: Buffer.from(String(value)) };
  });
}
