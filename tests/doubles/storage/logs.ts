// What the tests of this folder share: opening a log in a simulated process, batches, and reading
// a log back as values.

import type { Io } from '../../../src/io/index.ts';
import {
  type BatchOptions,
  batchHeaders,
  crc32c,
  decodeRecords,
  encodeBatch,
  setBaseOffset,
} from '../../../src/protocol/index.ts';
import { type LogResourceLimits, LogResources } from '../../../src/storage/files/log-resources.ts';
import { defaultLogConfig, type LogConfig } from '../../../src/storage/log/log-config.ts';
import type { PartitionLogOptions } from '../../../src/storage/log/log-options.ts';
import { PartitionLog } from '../../../src/storage/log/partition-log.ts';

export const DIRECTORY = '/data/t-0';

export interface FixtureOptions extends Partial<Omit<PartitionLogOptions, 'config' | 'resources'>> {
  readonly config?: Partial<LogConfig>;
  readonly limits?: LogResourceLimits;
}

export async function openLog(io: Io, options: FixtureOptions = {}): Promise<PartitionLog> {
  const { config, limits, ...rest } = options;
  return await PartitionLog.open(io, {
    directory: DIRECTORY,
    topic: 't',
    partition: 0,
    wasCleanShutdown: false,
    ...rest,
    config: { ...defaultLogConfig, ...config },
    resources: new LogResources(io, limits),
  });
}

export function batchOf(values: readonly string[], options: BatchOptions & TestTimes = {}): Buffer {
  const { timestamps, ...batch } = options;
  const records = values.map((value, at) => ({
    key: Buffer.from(`k${value}`),
    value: Buffer.from(value),
    timestamp: timestamps?.[at] ?? Date.UTC(2026, 0, 1),
  }));
  return encodeBatch({ ...batch, records });
}

interface TestTimes {
  readonly timestamps?: readonly number[];
}

export function append(
  log: PartitionLog,
  values: readonly string[],
  options: BatchOptions & TestTimes & { leaderEpoch?: number; now?: number } = {},
) {
  const { leaderEpoch = 0, now = Date.UTC(2026, 0, 1), ...batch } = options;
  const origin = batch.isControl ? 'coordinator' : 'client';
  return log.appendAsLeader(batchOf(values, batch), { leaderEpoch, timestampNow: now, origin });
}

/** `offset:value` of every record from the offset to the end of the log, by as many reads. */
export async function contentOf(
  log: PartitionLog,
  from = log.logStartOffset,
  bytesMax = 1024,
): Promise<string[]> {
  const content: string[] = [];
  let offset = from;
  while (offset < log.logEndOffset) {
    const upperBound = log.logEndOffset;
    const read = await log.read(offset, bytesMax, { upperBound, atLeastOneBatch: true });
    if (read.sizeBytes === 0) break;
    for (const buffer of read.buffers) {
      for (const header of batchHeaders(buffer)) {
        for (const record of decodeRecords(buffer, header)) {
          if (record.offset >= from) content.push(`${record.offset}:${record.value}`);
        }
      }
    }
    offset = read.nextOffset;
  }
  return content;
}

/** One record of a broken client: no lz4 frame, under a right CRC. */
export function unreadableBatch(baseOffset: number, timestamp = Date.UTC(2026, 0, 1)): Buffer {
  const readable = encodeBatch({ records: [{ value: null, timestamp }] });
  const batch = Buffer.concat([readable.subarray(0, 61), Buffer.from('no lz4 frame')]);
  setBaseOffset(batch, 0, baseOffset);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(3, 21);
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
}
