// Prints the indexes of a segment, and says where they disagree with its log. An index that a
// running broker has preallocated ends in zeroes, which are no entries.

import { readInt64 } from '../../base/int64.ts';
import type { File, Io } from '../../io/index.ts';
import type { DumpOutput } from './dump-output.ts';
import { type DumpOptions, fileBatches } from './records.ts';

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
const TRANSACTION_ENTRY_BYTES = 34;

interface LogPoint {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
}

function readAll(file: File): Buffer {
  const buffer = Buffer.alloc(file.sizeBytes());
  file.readSync(buffer, 0);
  return buffer;
}

function baseOffsetOf(file: File): number {
  return Number.parseInt(file.path.slice(file.path.lastIndexOf('/') + 1), 10);
}

/** The batches of the log beside an index, by their position; null if there is no log. */
function logBeside(io: Io, file: File): Map<number, LogPoint> | null {
  const path = file.path.replace(/\.\w+$/, '.log');
  if (io.disk.stat(path) === null) return null;
  const log = io.disk.open(path, 'read');
  try {
    const points = new Map<number, LogPoint>();
    for (const { header, position } of fileBatches(log)) points.set(position, header);
    return points;
  } finally {
    log.close();
  }
}

/** The whole entries; complains of what is left behind them. */
function readEntries(file: File, entryBytes: number, { complain }: DumpOutput): Buffer {
  const bytes = readAll(file);
  const tornBytes = bytes.length % entryBytes;
  if (tornBytes === 0) return bytes;
  complain(`${file.path} is damaged: the last ${tornBytes} bytes are no whole entry`);
  return bytes.subarray(0, bytes.length - tornBytes);
}

export function dumpOffsetIndex(
  io: Io,
  file: File,
  options: DumpOptions,
  output: DumpOutput,
): void {
  const { print, complain } = output;
  const bytes = readEntries(file, OFFSET_ENTRY_BYTES, output);
  const baseOffset = baseOffsetOf(file);
  if (bytes.length === 0) {
    print(`${file.path} is empty.`);
    return;
  }
  if (options.sanityCheckOnly) {
    if (bytes.length === file.sizeBytes()) print(`${file.path} passed sanity check.`);
    return;
  }
  const log = logBeside(io, file);
  const mismatches: string[] = [];
  for (let at = 0; at < bytes.length; at += OFFSET_ENTRY_BYTES) {
    const relativeOffset = bytes.readUInt32BE(at);
    const position = bytes.readInt32BE(at + 4);
    if (at > 0 && relativeOffset === 0) break;
    const offset = baseOffset + relativeOffset;
    const point = log?.get(position);
    if (log !== null && (point === undefined || point.lastOffset !== offset)) {
      mismatches.push(`  Index offset: ${offset}, log offset: ${point?.lastOffset ?? 'none'}`);
    }
    if (!options.verifyOnly) print(`offset: ${offset} position: ${position}`);
  }
  if (mismatches.length > 0) complain(`Mismatches in :${file.path}\n${mismatches.join('\n')}`);
}

export function dumpTimeIndex(io: Io, file: File, options: DumpOptions, output: DumpOutput): void {
  const { print, complain } = output;
  const bytes = readEntries(file, TIME_ENTRY_BYTES, output);
  const baseOffset = baseOffsetOf(file);
  // Without entries nothing is printed, not even that: as Kafka's tool does it.
  if (bytes.length === 0) return;
  if (options.sanityCheckOnly) {
    if (bytes.length === file.sizeBytes()) print(`${file.path} passed sanity check.`);
    return;
  }
  const log = logBeside(io, file);
  const byOffset = new Map([...(log?.values() ?? [])].map((point) => [point.lastOffset, point]));
  const mismatches: string[] = [];
  let previous = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < bytes.length; at += TIME_ENTRY_BYTES) {
    const timestamp = readInt64(bytes, at);
    const offset = baseOffset + bytes.readUInt32BE(at + 8);
    if (at > 0 && timestamp === 0) break;
    if (timestamp < previous) mismatches.push(`  Index timestamp: ${timestamp} after ${previous}`);
    previous = timestamp;
    const point = byOffset.get(offset);
    if (point !== undefined && point.maxTimestamp !== timestamp) {
      mismatches.push(`  Index timestamp: ${timestamp}, log timestamp: ${point.maxTimestamp}`);
    }
    if (!options.verifyOnly) print(`timestamp: ${timestamp} offset: ${offset}`);
  }
  if (mismatches.length > 0) {
    complain(`Found timestamp mismatch in :${file.path}\n${mismatches.join('\n')}`);
  }
}

export function dumpTransactionIndex(file: File, output: DumpOutput): void {
  const { print } = output;
  const bytes = readEntries(file, TRANSACTION_ENTRY_BYTES, output);
  if (bytes.length === 0) {
    print(`${file.path} is empty.`);
    return;
  }
  for (let at = 0; at < bytes.length; at += TRANSACTION_ENTRY_BYTES) {
    print(
      `version: ${bytes.readInt16BE(at)} producerId: ${readInt64(bytes, at + 2)} ` +
        `firstOffset: ${readInt64(bytes, at + 10)} lastOffset: ${readInt64(bytes, at + 18)} ` +
        `lastStableOffset: ${readInt64(bytes, at + 26)}`,
    );
  }
}
