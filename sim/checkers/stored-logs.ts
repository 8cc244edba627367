// The logs that lie in the directories of a broker, read batch by batch without the broker's help:
// what there was before something was damaged, and what there is after.

import {
  type BatchHeader,
  decodeEndTransactionMarker,
  decodeRecords,
  isBatchCrcValid,
  RECORD_BATCH_OVERHEAD,
  readBatchHeader,
} from '../../src/protocol/index.ts';
import type { FileSystem } from '../file-system.ts';
import { placeName } from './partition-contents.ts';

export interface StoredBatch {
  readonly path: string;
  /** In the file. */
  readonly position: number;
  readonly bytes: Buffer;
  readonly header: BatchHeader;
}

export interface StoredSegment {
  readonly path: string;
  readonly baseOffset: number;
  readonly bytes: Buffer;
  /** Whole batches from the beginning on, one behind the other. */
  readonly batches: readonly StoredBatch[];
  /** Where they end: less than the size if something is behind them. */
  readonly wholeBytes: number;
}

export interface StoredLog {
  readonly topic: string;
  readonly partition: number;
  /** The log directory. */
  readonly directory: string;
  readonly path: string;
  /** By offset. */
  readonly segments: readonly StoredSegment[];
  /** A compaction was not finished: what replaces what is for the broker to say. */
  readonly isBetween: boolean;
}

const MAGIC_AT = 16;

const logFile = /\/(\d{20})\.log$/;

/** By name. The metadata log is not among them. */
export function storedLogs(
  files: FileSystem,
  directories: readonly string[],
): Map<string, StoredLog> {
  const logs = new Map<string, StoredLog>();
  for (const directory of directories) {
    const byFolder = new Map<string, [string, Buffer][]>();
    for (const [path, { content }] of files.files(directory)) {
      const folder = path.slice(0, path.lastIndexOf('/'));
      const bytes = Buffer.alloc(content.sizeBytes);
      content.read(bytes, 0);
      byFolder.set(folder, [...(byFolder.get(folder) ?? []), [path, bytes]]);
    }
    for (const [path, entries] of byFolder) {
      const [, topic, partition] = /^(.+)-(\d+)$/.exec(path.slice(directory.length + 1)) ?? [];
      if (topic === undefined || topic === '__cluster_metadata') continue;
      const place = { topic, partition: Number(partition) };
      const isBetween = entries.some(([name]) => /\.(cleaned|swap)$/.test(name));
      const segments = entries.filter(([name]) => logFile.test(name)).map(segmentOf);
      segments.sort((left, right) => left.baseOffset - right.baseOffset);
      logs.set(placeName(place), { ...place, directory, path, segments, isBetween });
    }
  }
  return logs;
}

export function batchesOf(log: StoredLog): StoredBatch[] {
  return log.segments.flatMap(({ batches }) => batches);
}

/** One behind the last offset. */
export function endOffsetOf(log: StoredLog): number {
  const last = batchesOf(log).at(-1);
  return last === undefined ? (log.segments.at(-1)?.baseOffset ?? 0) : last.header.lastOffset + 1;
}

function segmentOf([path, bytes]: [string, Buffer]): StoredSegment {
  const batches: StoredBatch[] = [];
  let wholeBytes = 0;
  for (;;) {
    const header = wholeBatchAt(bytes, wholeBytes);
    if (header === null) break;
    const end = wholeBytes + header.sizeBytes;
    batches.push({ path, position: wholeBytes, bytes: bytes.subarray(wholeBytes, end), header });
    wholeBytes = end;
  }
  const baseOffset = Number(logFile.exec(path)?.[1]);
  return { path, baseOffset, bytes, batches, wholeBytes };
}

/** The header of a batch that is there as it was written, or null. */
export function wholeBatchAt(bytes: Buffer, position: number): BatchHeader | null {
  if (position + RECORD_BATCH_OVERHEAD > bytes.length || bytes[position + MAGIC_AT] !== 2)
    return null;
  try {
    const header = readBatchHeader(bytes, position);
    if (position + header.sizeBytes > bytes.length) return null;
    return isBatchCrcValid(bytes, header) ? header : null;
  } catch {
    // Not a batch.
    return null;
  }
}

/** Every whole batch in every file, whatever the file is called. */
export function everyBatch(files: FileSystem, directories: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const directory of directories) {
    for (const [path, { content }] of files.files(directory)) {
      if (path.includes('/__cluster_metadata-0/')) continue;
      const bytes = Buffer.alloc(content.sizeBytes);
      content.read(bytes, 0);
      for (const key of batchesIn(bytes)) found.add(key);
    }
  }
  return found;
}

/** What tells each whole batch from every other, wherever it begins, whatever is before it. */
export function* batchesIn(bytes: Buffer): Iterable<string> {
  for (let at = 0; at + RECORD_BATCH_OVERHEAD <= bytes.length; ) {
    const header = bytes[at + MAGIC_AT] === 2 ? wholeBatchAt(bytes, at) : null;
    if (header !== null) yield `${header.baseOffset} ${header.sizeBytes} ${header.crc}`;
    at += header?.sizeBytes ?? 1;
  }
}

/** How the transaction of each transactional batch ended, by the markers in the log. */
export function outcomesOf(
  batches: readonly StoredBatch[],
): Map<StoredBatch, { readonly isCommit: boolean; readonly marker: StoredBatch }> {
  const outcomes = new Map<StoredBatch, { isCommit: boolean; marker: StoredBatch }>();
  const open = new Map<number, StoredBatch[]>();
  for (const batch of batches) {
    const { header, bytes } = batch;
    const { producerId } = header;
    if (header.isControl) {
      const [record] =
        header.recordCount === 0 ? [] : decodeRecords(bytes, { ...header, position: 0 });
      const end = record === undefined ? null : decodeEndTransactionMarker(record);
      const isCommit = end?.isCommit ?? true;
      for (const each of open.get(producerId) ?? [])
        outcomes.set(each, { isCommit, marker: batch });
      open.delete(producerId);
    } else if (header.isTransactional) {
      open.set(producerId, [...(open.get(producerId) ?? []), batch]);
    }
  }
  return outcomes;
}
