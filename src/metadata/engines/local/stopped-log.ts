// The metadata of a broker on its own that is stopped, read from its folder.
//
// Invariants: nothing here changes a file; what a start would repair, or refuse, is refused, so
// that nobody takes a part for the whole. The torn end of a last write is no part: nobody was told
// of it.

import { pushAll } from '../../../base/push-all.ts';
import type { Uuid } from '../../../base/uuid.ts';
import type { Io } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import {
  LogDirectoryError,
  LogResources,
  type OpenFiles,
  PooledFile,
  scanBatches,
} from '../../../storage/index.ts';
import type { StoreBatch, StoreSnapshot, StoreWatcher, Subscription } from '../../cluster-store.ts';
import { LogFollower } from '../../log-follower.ts';
import { batchesIn } from './log-batches.ts';
import { type CheckedLog, checkLog } from './log-check.ts';
import { METADATA_TOPIC } from './log-repair.ts';
import { listSnapshots, readSnapshot, type StoredSnapshot, slicesOf } from './snapshot-files.ts';
import { SyncedEnd } from './synced-end.ts';

export class StoppedLog {
  readonly clusterId: string;
  /** null: a log of Kafka's own does not say. */
  readonly historyId: Uuid | null;
  readonly endOffset: number;
  readonly bytesSinceSnapshot = 0;
  readonly #files: OpenFiles;
  readonly #checked: CheckedLog;
  readonly #snapshot: StoredSnapshot | null;

  private constructor(
    clusterId: string,
    historyId: Uuid | null,
    read: { files: OpenFiles; checked: CheckedLog; snapshot: StoredSnapshot | null },
  ) {
    this.clusterId = clusterId;
    this.historyId = historyId;
    this.#files = read.files;
    this.#checked = read.checked;
    this.#snapshot = read.snapshot;
    this.endOffset = Math.max(read.checked.endOffset, read.snapshot?.endOffset ?? 0);
  }

  /**
   * @param directory the log directory
   * @throws LogDirectoryError, one line, when the log is not there as it was left
   */
  static async open(io: Io, directory: string, clusterId: string): Promise<StoppedLog> {
    const folder = `${directory}/${METADATA_TOPIC}-0`;
    const refuse = (problem: string, remedy: string): never => {
      throw new LogDirectoryError(directory, `${folder} ${problem}: ${remedy}`);
    };
    if (io.disk.stat(folder) === null) {
      refuse('is not there', 'name the log.dirs of a broker that was used without a cluster.store');
    }
    let snapshot: StoredSnapshot | null = null;
    for (const name of listSnapshots(io.disk, folder).reverse()) {
      snapshot ??= readSnapshot(io, folder, name);
    }
    const { files } = new LogResources(io);
    const snapshotEnd = snapshot?.endOffset ?? 0;
    const checked = await checkLog(files, folder, snapshotEnd);
    const synced = new SyncedEnd(io, folder, () => {});
    const { damage, endOffset, segments } = checked;
    const mend = 'start the broker once, which mends it or says what is lost';
    const isTorn = damage !== null && damage.next === null && !damage.isWhole;
    if (damage !== null && !(isTorn && damage.offset >= (synced.endOffset ?? 0))) {
      refuse(`is damaged at offset ${damage.offset} (${damage.problem})`, mend);
    }
    const end = Math.max(endOffset, snapshotEnd);
    if (end < (synced.endOffset ?? 0)) {
      refuse(`ends at offset ${end} and was synced up to ${synced.endOffset}`, mend);
    }
    if ((segments[0]?.baseOffset ?? 0) > snapshotEnd) refuse('lacks its beginning', mend);
    return new StoppedLog(clusterId, synced.historyId, { files, checked, snapshot });
  }

  async newestSnapshot(): Promise<StoreSnapshot | null> {
    if (this.#snapshot === null) return null;
    const { endOffset, controllerEpoch, timestampMs, records } = this.#snapshot;
    return { endOffset, controllerEpoch, timestampMs, pieces: slicesOf(records) };
  }

  async *read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
    const { segments, endOffset } = this.#checked;
    for (const [at, { path, sizeBytes }] of segments.entries()) {
      if ((segments[at + 1]?.baseOffset ?? Number.MAX_VALUE) <= from) continue;
      const file = new PooledFile(this.#files, path);
      const found: StoreBatch[] = [];
      try {
        await scanBatches(file, { from: 0, end: sizeBytes }, ({ header, buffer }) => {
          const isWanted = header.lastOffset >= from && header.baseOffset < endOffset;
          const bytes = buffer.subarray(header.position, header.position + header.sizeBytes);
          // The buffer is another batch's when the scan goes on.
          if (isWanted) pushAll(found, [...batchesIn([Buffer.from(bytes)])]);
          return true;
        });
      } finally {
        file.close();
      }
      yield* found;
    }
  }

  async watch(from: number, watcher: StoreWatcher): Promise<Subscription> {
    const follower = new LogFollower(this.#followed, from, watcher);
    await follower.start();
    return follower;
  }

  get #followed() {
    return {
      endOffset: this.endOffset,
      historyId: this.historyId ?? '',
      newestSnapshot: () => this.newestSnapshot(),
      read: (from: number) => this.read(from),
    };
  }

  async saveSnapshot(): Promise<void> {
    throw new KafkaError('NOT_CONTROLLER', 'the broker of this log is stopped');
  }
}
