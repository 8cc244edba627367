// The records of __transaction_state, as values and as Kafka's bytes: the whole of a transaction
// under its id, the last one counts, and a tombstone forgets the id.
//
// Version 1 of the value, written once the cluster has transaction.version 1 or more, has room for
// the producer ids before and after this one (KIP-890).

import {
  decodeVersioned,
  encodeVersioned,
  MalformedError,
  type StructOf,
  transactionLogKey,
  transactionLogValue,
} from '../../protocol/index.ts';
import type { KeyedRecord, MachineLogCodec } from '../partition-machine-log.ts';
import {
  noPartitions,
  type Transaction,
  type TransactionPartitions,
  type TransactionState,
  TransactionStatus,
  transactionStates,
} from './transaction.ts';

export interface TransactionRecord {
  /** null: a record of another version of the software, which changes nothing. */
  readonly transactionalId: string | null;
  /** null: a tombstone. */
  readonly transaction: Transaction | null;
}

export const unknownRecord: TransactionRecord = { transactionalId: null, transaction: null };

type Value = StructOf<typeof transactionLogValue>;

/** @param valueVersion of what is written from now on */
export function transactionRecordCodec(valueVersion: () => number) {
  return {
    encode({ transactionalId, transaction }: TransactionRecord): KeyedRecord {
      if (transactionalId === null) throw new TypeError('unknown records are not written');
      return {
        key: encodeVersioned(transactionLogKey, 0, { transactionalId }),
        value: transaction === null ? null : encode(transaction, valueVersion()),
      };
    },

    decode(key: Buffer, value: Buffer | null): TransactionRecord | null {
      if (key.length < 2 || key.readInt16BE(0) !== 0) return null;
      const { transactionalId } = decodeVersioned(transactionLogKey, key).value;
      if (value === null) return { transactionalId, transaction: null };
      if (value.length < 2 || value.readInt16BE(0) > transactionLogValue.versions.max) return null;
      const decoded = decodeVersioned(transactionLogValue, value).value;
      return { transactionalId, transaction: transactionOf(transactionalId, decoded) };
    },
  } satisfies MachineLogCodec<TransactionRecord>;
}

function encode(transaction: Transaction, version: number): Buffer {
  const { partitions, state } = transaction;
  return encodeVersioned(transactionLogValue, version, {
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: TransactionStatus[state],
    transactionPartitions: state === 'Empty' ? null : partitionsAsList(partitions),
    transactionLastUpdateTimestampMs: transaction.lastUpdateMs,
    transactionStartTimestampMs: transaction.startMs,
    ...(version === 0 ? {} : flexibleFields(transaction)),
  });
}

function flexibleFields(transaction: Transaction): Partial<Value> {
  return {
    previousProducerId: transaction.previousProducerId,
    nextProducerId: transaction.nextProducerId,
    clientTransactionVersion: transaction.transactionVersion,
  };
}

function partitionsAsList(partitions: TransactionPartitions) {
  return [...partitions].map(([topic, indexes]) => ({ topic, partitionIds: [...indexes] }));
}

const neverWritten: ReadonlySet<TransactionState> = new Set(['Dead', 'PrepareEpochFence']);

function transactionOf(transactionalId: string, value: Value): Transaction {
  const state = transactionStates[value.transactionStatus];
  if (state === undefined || neverWritten.has(state)) {
    throw new MalformedError(`${transactionalId} has the state ${value.transactionStatus}`);
  }
  return {
    transactionalId,
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: -1,
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions: partitionsOf(value.transactionPartitions),
    startMs: value.transactionStartTimestampMs,
    lastUpdateMs: value.transactionLastUpdateTimestampMs,
    transactionVersion: value.clientTransactionVersion,
  };
}

function partitionsOf(list: Value['transactionPartitions']): TransactionPartitions {
  if (list === null || list.length === 0) return noPartitions;
  return new Map(list.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]));
}
