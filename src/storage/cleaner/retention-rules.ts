// Which batches and records of a log survive a cleaning. Kafka's rules:
//   - the last record of each key, unless a later one is in the map; a record without a key goes
//   - a tombstone until the delete horizon of its batch, which the first cleaning that meets it
//     sets delete.retention.ms ahead (KIP-534), so that readers have that long to see it
//   - of an aborted transaction no record; its marker, and that of a committed one, once none of
//     its batches is left and the horizon has passed
//   - the batch with an active producer's last sequence number, or the marker with its epoch, even
//     if it is empty then; and the last batch of what is cleaned, for the offset it ends at
// and two of our own: a batch whose records cannot be read stays as it is; tombstones and markers
// stay while a replica is out of sync, which would come back with what they took away

import {
  type BatchHeader,
  emptyBatch,
  FilteredBatch,
  type RecordScanner,
} from '../../protocol/index.ts';
import type { ProducerSnapshotEntry } from '../producers/producer-snapshot.ts';
import type { CleanedTransactions } from './cleaned-transactions.ts';
import type { OffsetMap } from './offset-map.ts';
import { ofRecords, Unreadable } from './unreadable-batch.ts';

export interface CleaningRules {
  readonly map: OffsetMap;
  readonly transactions: CleanedTransactions;
  /** Where the cleaning ends. */
  readonly endOffset: number;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly mayForget: () => boolean;
}

export interface KeptBatch {
  /** null: nothing of the batch is kept; may be a slice of the buffer given. */
  readonly bytes: Buffer | null;
  readonly recordCount: number;
  /** Records that a log with keys should not have had. */
  readonly keylessCount: number;
  /** Why nothing of it could be read; it is kept as it is then. */
  readonly unreadable?: string;
}

/** The producers that a log remembers, by their ids. */
export type ActiveProducers = ReadonlyMap<
  number,
  Pick<ProducerSnapshotEntry, 'epoch' | 'lastOffset'>
>;

/** Every batch is to be asked about once, in the order of the log. */
export function keptOf(
  buffer: Buffer,
  header: BatchHeader,
  rules: CleaningRules,
  producers: ActiveProducers,
): KeptBatch {
  const { nowMs, deleteRetentionMs, mayForget } = rules;
  const isUnread = rules.transactions.meet(buffer, header);
  const horizonMs = header.hasDeleteHorizon ? header.baseTimestamp : null;
  const isPastHorizon = horizonMs !== null && horizonMs <= nowMs && mayForget();
  const areRecordsDropped = isUnread && (!header.isControl || isPastHorizon);
  const mustStay = isLastOfProducer(header, producers) || header.lastOffset + 1 === rules.endOffset;
  if (areRecordsDropped) {
    return {
      bytes: mustStay ? emptyBatch(buffer, header) : null,
      recordCount: 0,
      keylessCount: 0,
    };
  }
  let keylessCount = 0;
  const filtered = ofRecords(
    () =>
      new FilteredBatch(buffer, header, (record, bytes) => {
        if (header.isControl) return true;
        if (record.keyLength < 0 && isInMapRange(header, record, rules)) keylessCount++;
        return isRecordKept(record, bytes, { header, rules, isPastHorizon });
      }),
  );
  if (filtered instanceof Unreadable) {
    const bytes = buffer.subarray(header.position, header.position + header.sizeBytes);
    const { because } = filtered;
    return { bytes, recordCount: header.recordCount, keylessCount: 0, unreadable: because };
  }
  const recordCount = filtered.keptCount;
  if (recordCount === 0) {
    return { bytes: mustStay ? emptyBatch(buffer, header) : null, recordCount, keylessCount };
  }
  const isHorizonDue =
    horizonMs === null && (filtered.hasTombstone || (header.isControl && isUnread));
  if (isHorizonDue) {
    // Of a time that a number does not hold exactly the times of the records cannot be told.
    const dueMs = Math.min(nowMs + deleteRetentionMs, Number.MAX_SAFE_INTEGER);
    return { bytes: filtered.encode(dueMs), recordCount, keylessCount };
  }
  const isAsBefore = filtered.isWhole;
  const bytes = isAsBefore
    ? buffer.subarray(header.position, header.position + header.sizeBytes)
    : filtered.encode();
  return { bytes, recordCount, keylessCount };
}

function isInMapRange(header: BatchHeader, record: RecordScanner, rules: CleaningRules): boolean {
  return header.baseOffset + record.offsetDelta <= rules.map.latestOffset;
}

function isRecordKept(
  record: RecordScanner,
  bytes: Buffer,
  batch: { header: BatchHeader; rules: CleaningRules; isPastHorizon: boolean },
): boolean {
  const { header, rules, isPastHorizon } = batch;
  if (!isInMapRange(header, record, rules)) return true;
  if (record.keyLength < 0) return false;
  const { keyPosition } = record;
  const latest = rules.map.get(bytes, keyPosition, keyPosition + record.keyLength);
  if (header.baseOffset + record.offsetDelta < latest) return false;
  return record.valueLength >= 0 || !isPastHorizon;
}

function isLastOfProducer(header: BatchHeader, producers: ActiveProducers): boolean {
  const last = header.producerId < 0 ? undefined : producers.get(header.producerId);
  if (last === undefined) return false;
  if (last.lastOffset >= 0) return header.lastOffset === last.lastOffset;
  return header.isControl && header.producerEpoch === last.epoch;
}
