// The promise (copies): replicas agree below the high watermark. What brokers that were stopped
// left of a partition is, from the offset that all copies have to where the watermark was, the same
// to the byte: batches, their offsets and their leader epochs. Each copy's leader-epoch-checkpoint
// says of these batches what they say of themselves. Copies of a compacted log, which each broker
// compacts for itself, have the same record wherever they both have one.
//
// Whoever had a replica and has none in the end has no log of the partition, either.
//
// A copy begins where its log was shortened: by its leader. It says nothing of what is above the
// watermark, and nothing of where segments begin.

import { assert } from '../../src/base/assert.ts';
import { decodeRecords } from '../../src/protocol/index.ts';
import { FileNode, type FileSystem } from '../file-system.ts';
import { type Place, placeName } from './partition-contents.ts';
import { batchesOf, type StoredBatch, type StoredLog, storedLogs } from './stored-logs.ts';

export interface CopiesOf extends Place {
  /** Everything below was below the high watermark, and everybody in sync. */
  readonly endOffset: number;
  readonly isCompacted: boolean;
  /** Where the log begins for clients: batches before may be gone or not. */
  readonly startOffset: number;
}

export interface Copy {
  readonly nodeId: number;
  readonly files: FileSystem;
  readonly log: StoredLog;
}

/** @param brokers the files of each broker that has a replica */
export function copiesOf(
  place: Place,
  brokers: ReadonlyMap<number, FileSystem>,
  directories: readonly string[] = ['/data'],
): Copy[] {
  return [...brokers].map(([nodeId, files]) => {
    const log = storedLogs(files, directories).get(placeName(place));
    assert(log !== undefined, `broker ${nodeId} has no copy of ${placeName(place)}`);
    return { nodeId, files, log };
  });
}

/** Whoever has no replica any more has no log of it: it is removed, or set aside. */
export function assertNoCopy(
  place: Place,
  nodeId: number,
  files: FileSystem,
  directories: readonly string[] = ['/data'],
): void {
  const path = storedLogs(files, directories).get(placeName(place))?.path;
  const what = `broker ${nodeId} has no replica of ${placeName(place)} any more`;
  assert(path === undefined, `${what}, and has ${path} yet`);
}

export function assertCopiesAgree(partition: CopiesOf, copies: readonly Copy[]): void {
  const [first, ...others] = copies;
  if (first === undefined) return;
  for (const copy of copies) assertReaches(partition, copy);
  for (const other of others) {
    if (partition.isCompacted) assertSameRecords(partition, first, other);
    else assertSameBytes(partition, first, other);
  }
  for (const copy of copies) assertEpochs(partition, copy);
}

function assertReaches({ endOffset }: CopiesOf, { nodeId, log }: Copy): void {
  const end = batchesOf(log).at(-1)?.header.lastOffset ?? endOffset - 1;
  const place = `the copy of ${placeName(log)} on broker ${nodeId}`;
  assert(
    end + 1 >= endOffset,
    `${place} ends at ${end + 1}, and the high watermark is ${endOffset}`,
  );
}

function below({ endOffset, startOffset }: CopiesOf, copy: Copy, from: number): StoredBatch[] {
  return batchesOf(copy.log).filter(({ header }) => {
    return header.lastOffset >= Math.max(from, startOffset) && header.baseOffset < endOffset;
  });
}

function startOf(copy: Copy): number {
  return copy.log.segments[0]?.baseOffset ?? 0;
}

function assertSameBytes(partition: CopiesOf, one: Copy, other: Copy): void {
  const from = Math.max(startOf(one), startOf(other));
  const left = below(partition, one, from);
  const right = below(partition, other, from);
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [mine, theirs] = [left[at], right[at]];
    const isSame = mine !== undefined && theirs?.bytes.equals(mine.bytes) === true;
    if (isSame) continue;
    const where = `on brokers ${one.nodeId} and ${other.nodeId}`;
    const what = `the copies of ${placeName(partition)} ${where}`;
    const [a, b] = [nameOf(mine), nameOf(theirs)];
    assert(false, `${what} differ below ${partition.endOffset}: ${a} is ${b} there`);
  }
}

function nameOf(batch: StoredBatch | undefined): string {
  if (batch === undefined) return 'nothing';
  const { baseOffset, lastOffset, partitionLeaderEpoch, crc } = batch.header;
  return `batch ${baseOffset}..${lastOffset} of epoch ${partitionLeaderEpoch}, crc ${crc}`;
}

function assertSameRecords(partition: CopiesOf, one: Copy, other: Copy): void {
  const left = recordsOf(below(partition, one, 0));
  for (const [offset, text] of recordsOf(below(partition, other, 0))) {
    if (offset >= partition.endOffset) continue;
    const mine = left.get(offset) ?? text;
    const what = `offset ${offset} of ${placeName(partition)} is not the same on brokers`;
    assert(mine === text, `${what} ${one.nodeId} and ${other.nodeId}`);
  }
}

function recordsOf(batches: readonly StoredBatch[]): Map<number, string> {
  const records = new Map<number, string>();
  for (const { bytes, header } of batches) {
    for (const { offset, key, value } of decodeRecords(bytes, { ...header, position: 0 })) {
      const parts = [header.partitionLeaderEpoch, key?.toString('hex'), value?.toString('hex')];
      records.set(offset, parts.join(' '));
    }
  }
  return records;
}

/** leader-epoch-checkpoint: a version, a count, and a line for each epoch with its first offset. */
function assertEpochs(partition: CopiesOf, copy: Copy): void {
  const path = `${copy.log.path}/leader-epoch-checkpoint`;
  const node = copy.files.find(path);
  const text = node instanceof FileNode ? textOf(node) : '0\n0\n';
  const entries = text
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.split(' ').map(Number) as [number, number]);
  // Of what it has deleted it knows no epoch, where the batches are still there, too.
  const startOffset = Math.max(partition.startOffset, logStartOf(copy));
  for (const { header } of below(partition, copy, startOf(copy))) {
    const { baseOffset, partitionLeaderEpoch: leaderEpoch } = header;
    if (baseOffset < startOffset) continue;
    const said = entries.filter(([, start]) => start <= baseOffset).at(-1)?.[0];
    const what = `the batch at ${baseOffset} of ${placeName(partition)} is of epoch ${leaderEpoch}`;
    assert(said === leaderEpoch, `${what}, and ${path} of broker ${copy.nodeId} says ${said}`);
  }
}

/** log-start-offset-checkpoint: a line for each log that does not begin where its files do. */
function logStartOf({ files, log }: Copy): number {
  const directory = log.path.slice(0, log.path.lastIndexOf('/'));
  const node = files.find(`${directory}/log-start-offset-checkpoint`);
  if (!(node instanceof FileNode)) return 0;
  const line = textOf(node)
    .split('\n')
    .find((each) => each.startsWith(`${log.topic} ${log.partition} `));
  return Number(line?.split(' ')[2] ?? 0);
}

function textOf({ content }: FileNode): string {
  const bytes = Buffer.alloc(content.sizeBytes);
  content.read(bytes, 0);
  return bytes.toString();
}
