// What the tests of this folder share: batches of keyed records, a cleaning with small limits, and
// a log's records and batches as text.

import type { Io } from '../../../src/io/index.ts';
import {
  type BatchHeader,
  type BatchOptions,
  batchHeaders,
  decodeRecords,
  encodeBatch,
  encodeEndTransactionMarker,
} from '../../../src/protocol/index.ts';
import type { CleaningRequest, CleaningResult } from '../../../src/storage/cleaner/index.ts';
import type { PartitionLog } from '../../../src/storage/log/partition-log.ts';
import type { FixtureOptions } from './logs.ts';
import { openLog } from './logs.ts';

export const START_MS = Date.UTC(2026, 0, 1);

/** `key` and value; a value of null is a tombstone. */
export type Keyed = readonly [key: string | null, value: string | null];

/** A compacted log that is read from its files. */
export function openCompacted(io: Io, options: FixtureOptions = {}): Promise<PartitionLog> {
  return openLog(io, {
    limits: { tailCacheBytesMax: 0 },
    ...options,
    config: { cleanupPolicy: ['compact'], segmentMs: 1000, ...options.config },
  });
}

/** Appends one batch. */
export function put(
  log: PartitionLog,
  records: readonly Keyed[],
  options: BatchOptions & { timestamp?: number } = {},
): void {
  const { timestamp = START_MS, ...batch } = options;
  const bytes = encodeBatch({
    ...batch,
    records: records.map(([key, value]) => ({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp,
    })),
  });
  log.appendAsLeader(bytes, { leaderEpoch: 0, timestampNow: timestamp, origin: 'coordinator' });
}

export function endTransaction(log: PartitionLog, producerId: number, isCommit: boolean): void {
  const bytes = encodeEndTransactionMarker({
    producerId,
    producerEpoch: 0,
    isCommit,
    coordinatorEpoch: 0,
    timestamp: START_MS,
  });
  log.appendAsLeader(bytes, { leaderEpoch: 0, timestampNow: START_MS, origin: 'coordinator' });
}

/** Begins a new segment, whatever the old one's age. */
export function roll(log: PartitionLog): void {
  const { config } = log;
  log.configure({ ...config, segmentMs: -1 });
  log.maybeRoll(Number.MAX_SAFE_INTEGER);
  log.configure(config);
}

export async function clean(
  log: PartitionLog,
  request: Partial<CleaningRequest> = {},
): Promise<CleaningResult | null> {
  return await log.clean({
    lastStableOffset: log.lastStableOffset,
    dedupeBufferBytes: 1024 * 1024,
    loadFactor: 0.9,
    ioBufferBytes: 4096,
    bytesPerSecondMax: () => Number.MAX_VALUE,
    mayForget: () => true,
    ...request,
  });
}

/** Every batch of the log and the bytes it is in. */
export async function batchesOf(log: PartitionLog): Promise<[Buffer, BatchHeader][]> {
  const batches: [Buffer, BatchHeader][] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const upperBound = log.logEndOffset;
    const read = await log.read(offset, 10_000, { upperBound, atLeastOneBatch: true });
    if (read.sizeBytes === 0) break;
    for (const buffer of read.buffers) {
      for (const header of batchHeaders(buffer)) batches.push([buffer, header]);
    }
    offset = read.nextOffset;
  }
  return batches;
}

/** `offset:key=value` of every data record; `!` for a tombstone's value. */
export async function recordsOf(log: PartitionLog): Promise<string[]> {
  const records: string[] = [];
  for (const [buffer, header] of await batchesOf(log)) {
    if (header.isControl) continue;
    for (const { offset, key, value } of decodeRecords(buffer, header)) {
      records.push(`${offset}:${key}=${value ?? '!'}`);
    }
  }
  return records;
}

/** `base-last` of every batch, with its record count. */
export async function shapeOf(log: PartitionLog): Promise<string[]> {
  return (await batchesOf(log)).map(([, header]) => {
    const kind = header.isControl ? ' marker' : '';
    return `${header.baseOffset}-${header.lastOffset} ${header.recordCount}${kind}`;
  });
}
