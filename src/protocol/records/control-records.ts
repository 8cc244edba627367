// Control records: batches that a broker writes into a partition to end a transaction (KIP-98).
// Consumers skip them; read_committed consumers and followers act on them.

import { KafkaError } from '../errors.ts';
import { encodeBatch } from './batch-builder.ts';
import type { BatchRecord } from './record.ts';

/** The types that a control record's key can have; those from 2 on exist in KRaft logs only. */
export const ControlRecordType = {
  abort: 0,
  commit: 1,
  leaderChange: 2,
  snapshotHeader: 3,
  snapshotFooter: 4,
  kraftVersion: 5,
  kraftVoters: 6,
} as const;

const END_TRANSACTION_VERSION = 0;
const KEY_BYTES = 4;
const END_TRANSACTION_BYTES = 6;

export interface EndTransactionMarker {
  readonly isCommit: boolean;
  /** The epoch of the transaction coordinator that decided; a lower one is a zombie's. */
  readonly coordinatorEpoch: number;
}

export interface EndTransactionMarkerOptions extends EndTransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly timestamp: number;
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
}

/** The batch of one control record with which a transaction ends in a partition. */
export function encodeEndTransactionMarker(options: EndTransactionMarkerOptions): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeInt16BE(options.isCommit ? ControlRecordType.commit : ControlRecordType.abort, 2);
  const value = Buffer.alloc(END_TRANSACTION_BYTES);
  value.writeInt16BE(END_TRANSACTION_VERSION, 0);
  value.writeInt32BE(options.coordinatorEpoch, 2);
  return encodeBatch({
    records: [{ key, value, timestamp: options.timestamp }],
    baseOffset: options.baseOffset ?? 0,
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    isTransactional: true,
    isControl: true,
  });
}

/**
 * The type of a record of a control batch, one of `ControlRecordType` or one that came later.
 *
 * @throws KafkaError CORRUPT_MESSAGE when it has no such key
 */
export function controlRecordType(record: Pick<BatchRecord, 'key'>): number {
  const { key } = record;
  if (key === null || key.length < KEY_BYTES) {
    throw new KafkaError('CORRUPT_MESSAGE', 'a control record without a type');
  }
  if (key.readInt16BE(0) < 0) {
    throw new KafkaError('CORRUPT_MESSAGE', `control record version ${key.readInt16BE(0)}`);
  }
  return key.readInt16BE(2);
}

/**
 * The marker in a record of a control batch; null when the record is of another type.
 *
 * @throws KafkaError CORRUPT_MESSAGE when it is one but cut short
 */
export function decodeEndTransactionMarker(
  record: Pick<BatchRecord, 'key' | 'value'>,
): EndTransactionMarker | null {
  const type = controlRecordType(record);
  if (type !== ControlRecordType.commit && type !== ControlRecordType.abort) return null;
  const { value } = record;
  // Versions after 0 add fields behind these.
  if (value === null || value.length < END_TRANSACTION_BYTES || value.readInt16BE(0) < 0) {
    throw new KafkaError('CORRUPT_MESSAGE', 'an end transaction marker that is cut short');
  }
  return {
    isCommit: type === ControlRecordType.commit,
    coordinatorEpoch: value.readInt32BE(2),
  };
}
