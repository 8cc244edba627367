// Asks the coordinator of a transaction whether partitions belong to it, or adds them, before the
// first batch of the transaction is written to them (KIP-890). A coordinator that is still ending
// the transaction before, or loads what it knows, is asked again for a moment, so that clients need
// not come back.

import { KafkaError } from '../protocol/index.ts';
import type { BrokerParts } from './broker-parts.ts';

export interface TransactionEntry {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** The client's request adds the partition by itself (Produce v12+, TxnOffsetCommit v5+). */
  readonly adds: boolean;
  /** The client knows TRANSACTION_ABORTABLE (Produce v11+, TxnOffsetCommit v4+). */
  readonly knowsAbortable: boolean;
}

export interface EnteredPartition {
  readonly topic: string;
  readonly partition: number;
}

type Parts = Pick<BrokerParts, 'io' | 'config' | 'requests'> & {
  readonly transactions: Pick<BrokerParts['transactions'], 'addPartitions'>;
};

/** What the coordinator said of each partition, in their order; null: it is in. */
export async function enterTransaction(
  parts: Parts,
  entry: TransactionEntry,
  partitions: readonly EnteredPartition[],
): Promise<(KafkaError | null)[]> {
  const { clock } = parts.io;
  const endMs = clock.monotonic() + parts.config.get('add.partitions.to.txn.retry.backoff.max.ms');
  for (;;) {
    const errors = await ask(parts, entry, partitions, endMs - clock.monotonic());
    const isBusy = errors.some((error) => error?.errorName === 'CONCURRENT_TRANSACTIONS');
    if (!isBusy || clock.monotonic() >= endMs) {
      return errors.map((error) => (error === null ? null : asTold(error, entry)));
    }
    await clock.sleep(parts.config.get('add.partitions.to.txn.retry.backoff.ms'));
  }
}

async function ask(
  { config, requests, transactions: own }: Parts,
  entry: TransactionEntry,
  partitions: readonly EnteredPartition[],
  retryMsMax: number,
): Promise<(KafkaError | null)[]> {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const indexes = byTopic.get(topic);
    if (indexes === undefined) byTopic.set(topic, [partition]);
    else indexes.push(partition);
  }
  try {
    const { transactionalId, producerId, producerEpoch, adds } = entry;
    const answer = await requests.ask(
      'addPartitions',
      {
        transactionalId,
        producerId,
        producerEpoch,
        topics: Array.from(byTopic, ([name, indexes]) => ({ name, partitions: indexes })),
        verifyOnly: !adds,
        transactionVersion: 2,
      },
      {
        to: { role: 'coordinator', transactionalId },
        own,
        retryMs: config.get('add.partitions.to.txn.retry.backoff.ms'),
        retryMsMax,
      },
    );
    const codes = new Map<string, number>();
    for (const { name, partitions: results } of answer) {
      for (const { partitionIndex, errorCode } of results) {
        codes.set(`${name}-${partitionIndex}`, errorCode);
      }
    }
    return partitions.map(({ topic, partition }) => {
      const code = codes.get(`${topic}-${partition}`) ?? 0;
      return code === 0 ? null : KafkaError.fromCode(code);
    });
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return partitions.map(() => error);
  }
}

/** Errors of the coordinator in the words that the client knows. */
function asTold(error: KafkaError, { knowsAbortable }: TransactionEntry): KafkaError {
  switch (error.errorName) {
    case 'PRODUCER_FENCED':
      return new KafkaError('INVALID_PRODUCER_EPOCH', error.message);
    case 'TRANSACTION_ABORTABLE':
      if (knowsAbortable) return error;
      return new KafkaError('INVALID_TXN_STATE', 'the partition is not part of the transaction');
    default:
      return error;
  }
}
