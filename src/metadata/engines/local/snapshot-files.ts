// Snapshots in Kafka's checkpoint form, beside the log they shorten: a file of record batches
// named `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint`, a control batch with the header
// first and one with the footer last.
//
// Invariant: a file under its final name was complete and on the platter before it got that name.
// If it is not complete now, the disk harmed it: then the one before is used, which is why two are
// kept and the log is only truncated behind the older.

import { pushAll } from '../../../base/push-all.ts';
import type { Disk, Io } from '../../../io/index.ts';
import {
  type BatchHeader,
  type BatchRecord,
  batchHeaders,
  decodeRecords,
  encodeBatch,
  isBatchCrcValid,
} from '../../../protocol/index.ts';
import { keepDamaged } from '../../../storage/index.ts';
import type { StoreSnapshot } from '../../cluster-store.ts';
import {
  isOfQuorum,
  isSnapshotFooter,
  snapshotFooter,
  snapshotHeader,
  snapshotTimestampOf,
} from '../../records/index.ts';

const batchRecordsMax = 1000;
const namePattern = /^(\d{20})-(\d{10})\.checkpoint$/;
const partialSuffix = '.part';

/** One that was read, and is whole. */
export interface StoredSnapshot extends Omit<StoreSnapshot, 'pieces'> {
  readonly records: readonly Buffer[];
  /** Control records of Kafka's quorum, which stay in the file's first batch. */
  readonly quorum: readonly BatchRecord[];
}

export interface SnapshotName {
  readonly fileName: string;
  readonly endOffset: number;
  readonly controllerEpoch: number;
}

/** Oldest first. */
export function listSnapshots(disk: Disk, folder: string): SnapshotName[] {
  const found: SnapshotName[] = [];
  for (const { name, isDirectory } of disk.list(folder)) {
    const match = isDirectory ? null : namePattern.exec(name);
    if (match === null) continue;
    found.push({
      fileName: name,
      endOffset: Number(match[1]),
      controllerEpoch: Number(match[2]),
    });
  }
  return found.sort((a, b) => a.endOffset - b.endOffset || a.controllerEpoch - b.controllerEpoch);
}

/**
 * Reads the newest that is whole, which then is the last of the list; null without one. Those that
 * are damaged get another name: none may be taken for one to fall back to.
 */
export async function openNewestSnapshot(
  io: Io,
  folder: string,
  snapshots: SnapshotName[],
): Promise<StoredSnapshot | null> {
  for (let name = snapshots.at(-1); name !== undefined; name = snapshots.at(-1)) {
    const snapshot = readSnapshot(io, folder, name);
    if (snapshot !== null) return snapshot;
    snapshots.pop();
    const path = `${folder}/${name.fileName}`;
    if (io.disk.stat(path) === null) continue;
    keepDamaged(io.disk, path);
    await io.disk.syncDirectory(folder);
  }
  return null;
}

/** What a crash left half written. */
export async function removePartialSnapshots(disk: Disk, folder: string): Promise<void> {
  for (const { name } of disk.list(folder)) {
    if (name.endsWith(`.checkpoint${partialSuffix}`)) await disk.remove(`${folder}/${name}`);
  }
}

/** @param quorum see StoredSnapshot */
export async function writeSnapshot(
  disk: Disk,
  folder: string,
  snapshot: StoreSnapshot,
  quorum: readonly BatchRecord[],
): Promise<SnapshotName> {
  const { endOffset, controllerEpoch } = snapshot;
  const offsetDigits = String(endOffset).padStart(20, '0');
  const fileName = `${offsetDigits}-${String(controllerEpoch).padStart(10, '0')}.checkpoint`;
  const target = `${folder}/${fileName}`;
  const file = disk.open(`${target}${partialSuffix}`, 'create');
  try {
    file.truncate(0);
    let position = 0;
    for await (const batches of batchesOf(snapshot, quorum)) {
      file.write(batches, position);
      for (const { length } of batches) position += length;
    }
    await file.sync();
  } finally {
    file.close();
  }
  disk.rename(`${target}${partialSuffix}`, target);
  await disk.syncDirectory(folder);
  return { fileName, endOffset, controllerEpoch };
}

async function* batchesOf(
  { timestampMs, controllerEpoch, pieces }: StoreSnapshot,
  quorum: readonly BatchRecord[],
): AsyncGenerator<Buffer[], void, undefined> {
  const frame = { partitionLeaderEpoch: controllerEpoch };
  const first = [
    snapshotHeader(timestampMs),
    ...quorum.map(({ key, value }) => ({ key, value, timestamp: timestampMs })),
  ];
  yield [encodeBatch({ ...frame, isControl: true, records: first })];
  let baseOffset = first.length;
  for await (const piece of pieces) {
    const buffers: Buffer[] = [];
    for (const slice of slicesOf(piece)) {
      const values = slice.map((value) => ({ value, timestamp: timestampMs }));
      buffers.push(encodeBatch({ ...frame, baseOffset, records: values }));
      baseOffset += slice.length;
    }
    yield buffers;
  }
  const footer = [snapshotFooter(timestampMs)];
  yield [encodeBatch({ ...frame, baseOffset, isControl: true, records: footer })];
}

/** What goes into one batch, and what a reader is given at a time. */
export function* slicesOf(
  records: readonly Buffer[],
): Generator<readonly Buffer[], void, undefined> {
  for (let i = 0; i < records.length; i += batchRecordsMax) {
    yield records.slice(i, i + batchRecordsMax);
  }
}

/** null when the file is not a whole snapshot; the log says why. */
export function readSnapshot(io: Io, folder: string, name: SnapshotName): StoredSnapshot | null {
  const path = `${folder}/${name.fileName}`;
  const problem = (why: string): null => {
    io.log.error(`snapshot ${path} is damaged, set aside and not used`, { why });
    return null;
  };
  const buffer = io.disk.readFile(path);
  if (buffer === null) return problem('it is gone');
  let position = 0;
  let timestampMs: number | null = null;
  const records: Buffer[] = [];
  const quorum: BatchRecord[] = [];
  try {
    for (const header of batchHeaders(buffer)) {
      if (!isBatchCrcValid(buffer, header)) return problem(`wrong CRC at byte ${header.position}`);
      position = header.position + header.sizeBytes;
      const decoded = decodeRecords(buffer, header);
      if (header.isControl) pushAll(quorum, decoded.filter(isOfQuorum));
      if (timestampMs === null) {
        timestampMs = headerTimestamp(header, decoded);
        if (timestampMs === null) return problem('it has no header');
        continue;
      }
      if (!header.isControl) {
        for (const record of decoded) records.push(record.value as Buffer);
      } else if (decoded.some(isSnapshotFooter)) {
        if (position !== buffer.length) return problem('bytes follow its footer');
        const { endOffset, controllerEpoch } = name;
        return { endOffset, controllerEpoch, timestampMs, records, quorum };
      }
    }
  } catch (error) {
    return problem(String(error));
  }
  return problem(`it ends at byte ${position} without a footer`);
}

function headerTimestamp(header: BatchHeader, decoded: readonly BatchRecord[]): number | null {
  const first = header.isControl ? decoded[0] : undefined;
  return first === undefined ? null : snapshotTimestampOf(first);
}
