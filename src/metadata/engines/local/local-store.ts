// The cluster store of a single process: the metadata log in a folder `__cluster_metadata-0`, in
// Kafka's own segments, with snapshots beside it. Committed means fsynced.
//
// Invariants: watchers see a batch only after its fsync returned; the log is truncated only behind
// the older of the two newest snapshots; after a failed fsync nothing is accepted any more, since
// nobody knows what the platter holds until the next start has read it.

import { assert } from '../../../base/assert.ts';
import { Deferred } from '../../../base/deferred.ts';
import type { Uuid } from '../../../base/uuid.ts';
import type { Io } from '../../../io/index.ts';
import {
  type BatchRecord,
  batchHeaders,
  controlRecordType,
  decodeRecords,
  encodeBatch,
  KafkaError,
  type RecordInput,
} from '../../../protocol/index.ts';
import {
  defaultLogConfig,
  isExpectedFailure,
  type LogResources,
  type OpenFiles,
  PartitionLog,
} from '../../../storage/index.ts';
import {
  type AppendOptions,
  type BrokerProcess,
  type BrokerSession,
  type Candidate,
  type ClusterStore,
  type ControllerTerm,
  type Election,
  expelledError,
  type StoreBatch,
  type StoreBroker,
  type StoreSnapshot,
  type StoreWatcher,
  type Subscription,
} from '../../cluster-store.ts';
import { LogFollower } from '../../log-follower.ts';
import { isOfQuorum, leaderChangeRecord } from '../../records/index.ts';
import { BrokerSessions } from './broker-sessions.ts';
import { deletedTopicsIn } from './deleted-topics.ts';
import { LocalElection } from './local-election.ts';
import { batchesIn } from './log-batches.ts';
import { METADATA_TOPIC, repairLog } from './log-repair.ts';
import {
  listSnapshots,
  openNewestSnapshot,
  readSnapshot,
  removePartialSnapshots,
  type SnapshotName,
  type StoredSnapshot,
  slicesOf,
  writeSnapshot,
} from './snapshot-files.ts';
import { SyncedEnd } from './synced-end.ts';

const readBytes = 1024 * 1024;
const snapshotsKept = 2;

export interface LocalStoreOptions {
  /** The log directory in which the folder of the metadata log lives. */
  readonly directory: string;
  readonly clusterId: string;
  readonly resources: LogResources;
  /** Default 20 MiB. The log shortens by whole segments. */
  readonly segmentBytesMax?: number;
  /** The log directory has the mark of a clean stop: nothing of the log can be torn. */
  readonly wasCleanShutdown?: boolean;
  /** Something in the log directories that says that there was a log; absent: it may be new. */
  readonly evidence?: string | null;
  /** The operator said that what cannot be read may be lost. */
  readonly mayLose?: boolean;
  /** The disk under the log failed: the process should stop, the next start recovers. */
  readonly onFailure?: (error: Error) => void;
}

export class LocalStore implements ClusterStore {
  readonly clusterId: string;
  readonly #io: Io;
  readonly #folder: string;
  readonly #files: OpenFiles;
  readonly #onFailure: (error: Error) => void;
  readonly #election = new LocalElection();
  readonly #followers = new Set<LogFollower>();
  readonly #sessions = new BrokerSessions();
  readonly #syncedEnd: SyncedEnd;
  #log!: PartitionLog;
  /** Oldest first; none of them known to be damaged. */
  #snapshots: SnapshotName[] = [];
  /** The snapshot that is being saved; settled when that has succeeded or failed. */
  #saving: Deferred<void> | null = null;
  /** Read and checked at the start; let go of when the first reader has taken it. */
  #snapshotAtStart: StoredSnapshot | null = null;
  /** What Kafka's quorum said of itself, in a log that Kafka began: the newest of each type. */
  readonly #quorum = new Map<number, BatchRecord>();
  #endOffset = 0;
  #epoch = 0;
  #bytesAtSnapshot = 0;
  #bytesAppended = 0;
  /** Written, not synced, in order. */
  readonly #uncommitted: StoreBatch[] = [];
  #failure: Error | null = null;
  #failedMs = 0;
  #isClosed = false;

  private constructor(io: Io, options: LocalStoreOptions) {
    this.#io = io;
    this.clusterId = options.clusterId;
    this.#folder = `${options.directory}/${METADATA_TOPIC}-0`;
    this.#files = options.resources.files;
    this.#onFailure = options.onFailure ?? (() => {});
    io.disk.makeDirectory(this.#folder);
    this.#syncedEnd = new SyncedEnd(io, this.#folder, (error) => this.#fail(error));
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR when neither a snapshot nor the log tells the whole. */
  static async open(io: Io, options: LocalStoreOptions): Promise<LocalStore> {
    const store = new LocalStore(io, options);
    await store.#open(options);
    return store;
  }

  async #open(options: LocalStoreOptions): Promise<void> {
    const { disk } = this.#io;
    await removePartialSnapshots(disk, this.#folder);
    this.#snapshots = listSnapshots(disk, this.#folder);
    this.#snapshotAtStart = await openNewestSnapshot(this.#io, this.#folder, this.#snapshots);
    const snapshotEnd = this.#snapshots.at(-1)?.endOffset ?? 0;
    const isLossy = await repairLog(this.#io, {
      directory: options.directory,
      files: this.#files,
      snapshotEnd,
      syncedEnd: this.#syncedEnd.endOffset,
      wasCleanShutdown: options.wasCleanShutdown ?? false,
      evidence: options.evidence ?? null,
      mayLose: options.mayLose ?? false,
    });
    this.#keepQuorum(this.#snapshotAtStart?.quorum ?? []);
    this.#log = await PartitionLog.open(this.#io, {
      directory: this.#folder,
      topic: METADATA_TOPIC,
      partition: 0,
      config: {
        ...defaultLogConfig,
        segmentBytesMax: options.segmentBytesMax ?? 20 * 1024 * 1024,
        segmentMs: Number.MAX_SAFE_INTEGER,
        retentionMs: -1,
        messageBytesMax: 0x7fffffff,
        fileDeleteDelayMs: 0,
      },
      wasCleanShutdown: false,
      recoveryPoint: snapshotEnd,
      logStartOffset: this.#snapshots[0]?.endOffset ?? 0,
      resources: options.resources,
      onFailure: (error) => this.#fail(error),
    });
    await this.#adoptLog(snapshotEnd);
    if (isLossy) await this.#syncedEnd.renew(this.#endOffset);
    await this.#syncedEnd.open(this.#endOffset);
  }

  /** What the log holds counts as committed from now on, so it must be on the platter. */
  async #adoptLog(snapshotEnd: number): Promise<void> {
    if (this.#log.logEndOffset < snapshotEnd) await this.#log.truncateFullyAndStartAt(snapshotEnd);
    assert(this.#log.logStartOffset <= snapshotEnd, 'the log leads on from the snapshot');
    await this.#log.flush();
    await this.#io.disk.syncDirectory(this.#folder);
    this.#endOffset = this.#log.logEndOffset;
    const snapshotEpoch = this.#snapshots.at(-1)?.controllerEpoch ?? 0;
    this.#epoch = Math.max(snapshotEpoch, this.#log.leaderEpochs.latestEpoch);
    this.#bytesAtSnapshot = 0;
    this.#bytesAppended = await this.#bytesFrom(snapshotEnd);
  }

  async #bytesFrom(offset: number): Promise<number> {
    let bytes = 0;
    for (let at = offset; at < this.#endOffset; ) {
      const read = await this.#readAt(at);
      bytes += read.sizeBytes;
      at = read.nextOffset;
      for (const buffer of read.buffers) {
        for (const header of batchHeaders(buffer)) {
          if (header.isControl) this.#keepQuorum(decodeRecords(buffer, header));
        }
      }
    }
    return bytes;
  }

  #keepQuorum(records: readonly BatchRecord[]): void {
    for (const each of records.filter(isOfQuorum)) {
      // The bytes are slices of a batch: copies let go of it.
      const [key, value] = [each.key, each.value].map((part) => part && Buffer.from(part));
      this.#quorum.set(controlRecordType(each), {
        ...each,
        key: key ?? null,
        value: value ?? null,
      });
    }
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  /** Of the history that the log tells: another one after every loss. */
  get historyId(): Uuid {
    return this.#syncedEnd.historyId as Uuid;
  }

  /** Somebody has applied more than the log has: it is an older copy of itself. */
  async beginNewHistory(): Promise<void> {
    await this.#syncedEnd.renew(this.#endOffset);
  }

  deletedTopics(): Promise<Set<Uuid>> {
    return deletedTopicsIn(this.#files, this.#folder);
  }

  get isFailed(): boolean {
    return this.#failure !== null;
  }

  /** Nobody else writes: what is here is the newest for as long as it can be read. */
  get viewAgeMs(): number {
    return this.isFailed ? this.#io.clock.monotonic() - this.#failedMs : 0;
  }

  get steadyMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  get logStartOffset(): number {
    return this.#log.logStartOffset;
  }

  get bytesSinceSnapshot(): number {
    return this.#bytesAppended - this.#bytesAtSnapshot;
  }

  async newestSnapshot(): Promise<StoreSnapshot | null> {
    const newest = this.#snapshots.at(-1);
    if (newest === undefined) return null;
    const held = this.#snapshotAtStart;
    this.#snapshotAtStart = null;
    const snapshot =
      held?.endOffset === newest.endOffset ? held : readSnapshot(this.#io, this.#folder, newest);
    if (snapshot === null) return null;
    const { endOffset, controllerEpoch, timestampMs, records } = snapshot;
    return { endOffset, controllerEpoch, timestampMs, pieces: slicesOf(records) };
  }

  async append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
    const { expectedEnd, controllerEpoch } = options;
    this.#assertTerm(controllerEpoch);
    const logEnd = this.#log.logEndOffset;
    if (expectedEnd !== logEnd) {
      throw new KafkaError(
        'INVALID_REQUEST',
        `the metadata log ends at ${logEnd}, not at ${expectedEnd} as the append expects`,
      );
    }
    const timestamp = this.#io.clock.now();
    await this.#appendBatch(
      records.map((value) => ({ value, timestamp })),
      { records, timestampMs: timestamp, controllerId: -1 },
    );
  }

  /** No other process has the folder: what is known here is all there is. */
  async confirm(controllerEpoch: number): Promise<void> {
    this.#assertTerm(controllerEpoch);
  }

  #assertTerm(controllerEpoch: number): void {
    this.#assertUsable();
    if (controllerEpoch === this.#epoch && this.#election.isHeld) return;
    const now = this.#election.isHeld ? `epoch ${this.#epoch} has begun` : 'nobody is elected';
    throw new KafkaError('NOT_CONTROLLER', `controller epoch ${controllerEpoch} is over: ${now}`);
  }

  async #appendBatch(
    inputs: readonly RecordInput[],
    batch: Pick<StoreBatch, 'records' | 'timestampMs' | 'controllerId'>,
  ): Promise<void> {
    const epoch = this.#epoch;
    const baseOffset = this.#log.logEndOffset;
    const bytes = encodeBatch({
      records: inputs,
      baseOffset,
      partitionLeaderEpoch: epoch,
      isControl: batch.controllerId !== -1,
    });
    const endOffset = baseOffset + inputs.length;
    try {
      this.#log.appendAsLeader(bytes, {
        leaderEpoch: epoch,
        origin: 'coordinator',
        timestampNow: batch.timestampMs,
      });
    } catch (error) {
      if (!isExpectedFailure(error)) throw error;
      throw storageError(`the metadata log could not be written: ${reason(error)}`);
    }
    this.#bytesAppended += bytes.length;
    this.#uncommitted.push({ ...batch, baseOffset, endOffset, controllerEpoch: epoch });
    try {
      await this.#log.flush();
    } catch (error) {
      this.#fail(error as Error);
      throw storageError(`the metadata log could not be synced: ${reason(error)}`);
    }
    this.#syncedEnd.onSynced(Math.max(endOffset, this.#endOffset));
    this.#commitTo(endOffset);
  }

  /** One fsync may cover several appends: the first to return commits all that it covers. */
  #commitTo(endOffset: number): void {
    while ((this.#uncommitted[0]?.endOffset ?? Number.MAX_VALUE) <= endOffset) {
      const batch = this.#uncommitted.shift() as StoreBatch;
      this.#endOffset = batch.endOffset;
      for (const follower of [...this.#followers]) follower.offer(batch);
    }
  }

  #fail(error: Error): void {
    if (this.#failure !== null || this.#isClosed) return;
    this.#failure = error;
    this.#io.log.error(`the metadata log in ${this.#folder} failed`, { error });
    this.#failedMs = this.#io.clock.monotonic();
    for (const follower of this.#followers) follower.fail(error);
    this.#followers.clear();
    this.#election.endTerm(storageError('the metadata log failed'));
    this.#sessions.lose(storageError('the metadata log failed'));
    this.#onFailure(error);
  }

  #assertUsable(): void {
    if (this.#isClosed) throw new KafkaError('NOT_CONTROLLER', 'the metadata store is closed');
    if (this.#failure === null) return;
    throw storageError(`the metadata log failed and needs a restart: ${reason(this.#failure)}`);
  }

  async *read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
    this.#assertReachesBackTo(from);
    const end = this.#endOffset;
    for (let at = from; at < end; ) {
      const read = await this.#readAt(at, end);
      // A snapshot may have taken the place of what was about to be read.
      if (read.nextOffset <= at) this.#assertReachesBackTo(at);
      assert(read.nextOffset > at, `the metadata log has nothing at ${at}, before its end`);
      for (const batch of batchesIn(read.buffers)) if (batch.endOffset > from) yield batch;
      at = read.nextOffset;
    }
  }

  #assertReachesBackTo(offset: number): void {
    const { logStartOffset } = this.#log;
    if (offset >= logStartOffset) return;
    const message = `the metadata log begins at ${logStartOffset}, after ${offset}`;
    throw new KafkaError('OFFSET_OUT_OF_RANGE', message);
  }

  async #readAt(offset: number, upperBound: number = this.#endOffset) {
    return this.#log.read(offset, readBytes, { upperBound, atLeastOneBatch: true });
  }

  async watch(from: number, watcher: StoreWatcher): Promise<Subscription> {
    this.#assertUsable();
    const follower = new LogFollower(this, from, watcher);
    this.#followers.add(follower);
    const close = (): void => {
      follower.close();
      this.#followers.delete(follower);
    };
    try {
      await follower.start();
    } catch (error) {
      close();
      throw error;
    }
    return { close };
  }

  async saveSnapshot(snapshot: StoreSnapshot, controllerEpoch: number): Promise<void> {
    // The snapshot of a deposed controller may still be on its way to a slow disk. Snapshots are
    // saved one at a time, so that the list stays ordered by end offset.
    while (this.#saving !== null) await this.#saving.promise;
    this.#assertTerm(controllerEpoch);
    assert(snapshot.endOffset <= this.#endOffset, 'a snapshot holds committed records only');
    if (snapshot.endOffset <= (this.#snapshots.at(-1)?.endOffset ?? 0)) return;
    const saving = new Deferred<void>();
    this.#saving = saving;
    try {
      const bytesAtSnapshot = this.#bytesAppended;
      const quorum = [...this.#quorum.values()];
      const name = await writeSnapshot(this.#io.disk, this.#folder, snapshot, quorum);
      this.#snapshots.push(name);
      this.#bytesAtSnapshot = bytesAtSnapshot;
      await this.#shorten();
    } finally {
      this.#saving = null;
      saving.resolve();
    }
  }

  /** The log reaches back to the older of the snapshots that are kept. */
  async #shorten(): Promise<void> {
    const older = this.#snapshots.at(-snapshotsKept);
    if (older === undefined) return;
    await this.#log.deleteRecordsBefore(older.endOffset);
    await this.#log.applyRetention(this.#io.clock.now(), older.endOffset);
    while (this.#snapshots.length > snapshotsKept) {
      const oldest = this.#snapshots.shift() as SnapshotName;
      await this.#io.disk.remove(`${this.#folder}/${oldest.fileName}`);
    }
  }

  elect(candidate: Candidate): Election {
    const term = this.#stand(candidate);
    // Whoever withdraws need not wait for it.
    term.catch(() => {});
    const withdraw = async (): Promise<void> => this.#election.withdraw(candidate, withdrawn());
    return { term, withdraw };
  }

  async #stand(candidate: Candidate): Promise<ControllerTerm> {
    this.#assertUsable();
    await this.#election.wait(candidate);
    this.#assertUsable();
    this.#epoch += 1;
    const epoch = this.#epoch;
    const { nodeId } = candidate;
    const timestampMs = this.#io.clock.now();
    // The epoch is in the log, so that no later life of this folder can hand it out again.
    try {
      await this.#appendBatch([leaderChangeRecord(nodeId, timestampMs)], {
        records: [],
        timestampMs,
        controllerId: nodeId,
      });
    } catch (error) {
      this.#election.release(candidate);
      throw error;
    }
    if (!this.#election.isHeldBy(candidate)) throw withdrawn();
    const resign = async (): Promise<void> => this.#election.release(candidate);
    return { epoch, endOffset: this.#endOffset, resign };
  }

  /** @param clientNumber of the store's client by which the broker asks (broker-sessions.ts) */
  async register(
    broker: StoreBroker,
    onLost: (error: Error) => void,
    clientNumber?: number,
  ): Promise<BrokerSession> {
    this.#assertUsable();
    return this.#sessions.begin(broker, onLost, clientNumber);
  }

  async expel(process: BrokerProcess): Promise<void> {
    if (!this.#sessions.isHeldBy(process)) return;
    const { nodeId } = process;
    const error = expelledError(nodeId);
    this.#sessions.expel(nodeId, error);
    if (this.#election.holderId === nodeId) this.#election.endTerm(error);
  }

  watchBrokers(onChange: (alive: ReadonlyMap<number, StoreBroker>) => void): Subscription {
    return this.#sessions.watch(onChange);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const follower of this.#followers) follower.close();
    this.#followers.clear();
    this.#election.close(new KafkaError('NOT_CONTROLLER', 'the metadata store is closed'));
    this.#sessions.close();
    await this.#log.close();
    await this.#syncedEnd.close();
  }
}

function withdrawn(): KafkaError {
  return new KafkaError('NOT_CONTROLLER', 'the candidate withdrew');
}

function storageError(message: string): KafkaError {
  return new KafkaError('KAFKA_STORAGE_ERROR', message);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
