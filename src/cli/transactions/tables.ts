// The tables of kafka-transactions, with Kafka's titles.

import type {
  ActiveProducer,
  TransactionDescription,
  TransactionListing,
} from '../../client/index.ts';
import { tabTable } from '../tab-table.ts';
import type { HangingTransaction } from './find-hanging.ts';

const cells = (...values: readonly (string | number)[]): string[] => values.map(String);

export function listTable(transactions: readonly TransactionListing[]): string {
  const titles = ['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'];
  return tabTable(
    titles,
    transactions.map(({ transactionalId, nodeId, producerId, state }) =>
      cells(transactionalId, nodeId, producerId, state),
    ),
  );
}

export function stateTable(transaction: TransactionDescription, nowMs: number): string {
  const { startMs, partitions } = transaction;
  const titles = [
    ...['CoordinatorId', 'TransactionalId', 'ProducerId', 'ProducerEpoch', 'TransactionState'],
    ...['TransactionTimeoutMs', 'CurrentTransactionStartTimeMs', 'TransactionDurationMs'],
    'TopicPartitions',
  ];
  const row = cells(
    transaction.coordinatorId,
    transaction.transactionalId,
    transaction.producerId,
    transaction.producerEpoch,
    transaction.state,
    transaction.timeoutMs,
    startMs ?? 'None',
    startMs === null ? 'None' : nowMs - startMs,
    partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(','),
  );
  return tabTable(titles, [row]);
}

export function producersTable(producers: readonly ActiveProducer[]): string {
  const titles = [
    ...['ProducerId', 'ProducerEpoch', 'LatestCoordinatorEpoch', 'LastSequence'],
    ...['LastTimestamp', 'CurrentTransactionStartOffset'],
  ];
  return tabTable(
    titles,
    producers.map((producer) =>
      cells(
        producer.producerId,
        producer.producerEpoch,
        producer.coordinatorEpoch ?? -1,
        producer.lastSequence,
        producer.lastTimestamp,
        producer.transactionStartOffset ?? 'None',
      ),
    ),
  );
}

export function hangingTable(hanging: readonly HangingTransaction[], nowMs: number): string {
  const titles = [
    ...['Topic', 'Partition', 'ProducerId', 'ProducerEpoch', 'CoordinatorEpoch'],
    ...['StartOffset', 'LastTimestamp', 'Duration(min)'],
  ];
  return tabTable(
    titles,
    hanging.map(({ topic, partition, producer }) =>
      cells(
        topic,
        partition,
        producer.producerId,
        producer.producerEpoch,
        producer.coordinatorEpoch ?? -1,
        producer.transactionStartOffset ?? -1,
        producer.lastTimestamp,
        Math.trunc((nowMs - producer.lastTimestamp) / 60_000),
      ),
    ),
  );
}
