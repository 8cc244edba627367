// One entry of log.dirs: its lock, whose it is (meta.properties), the partition folders in it, the
// offset checkpoints, and whether it was left cleanly (.kafka_cleanshutdown). All file formats are
// Kafka's.
//
// Invariants: one process at a time; never written to by a broker of another cluster; the mark of
// a clean stop is gone from the disk before anything is appended, and is set only when every log
// was closed without a failure.

import { assert } from '../../base/assert.ts';
import { type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import { type DiskLock, type Io, IoError } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { inParallel } from '../files/in-parallel.ts';
import type { LogResources } from '../files/log-resources.ts';
import { isShortage } from '../files/shortage.ts';
import { defaultLogConfig, type LogConfig } from '../log/log-config.ts';
import { PartitionLog } from '../log/partition-log.ts';
import { BootNote } from '../recovery/boot-note.ts';
import { replaceFile } from './checkpoint-file.ts';
import { DirectoryHealth } from './directory-health.ts';
import {
  type DirectoryIdentity,
  type DirectoryOwner,
  identifyDirectory,
  somePartitionIn,
} from './directory-identity.ts';
import { lockDirectory } from './directory-lock.ts';
import { type DirectoryNotes, KeptNotes, type NotesAround, notesPath } from './directory-notes.ts';
import { FolderRemovals } from './folder-removals.ts';
import { type FoundLogOffsets, FoundOffsets } from './found-offsets.ts';
import { refusedDirectory } from './log-directory-error.ts';
import type { MetaProperties } from './meta-properties.ts';
import { type CheckpointedOffsets, OffsetCheckpoints } from './offset-checkpoints.ts';
import {
  CLEANED_OFFSETS,
  HIGH_WATERMARKS,
  LOG_START_OFFSETS,
  offsetsFor,
  RECOVERY_POINTS,
} from './offset-files.ts';
import {
  folderName,
  futureFolderName,
  isEmptyFolder,
  listFolders,
  type PartitionFolder,
  parseFolderName,
  readTopicId,
  syncTopicId,
  writeTopicId,
} from './partition-folder.ts';
import { setFolderAside } from './stray-folders.ts';

const CLEAN_SHUTDOWN = '.kafka_cleanshutdown';

export interface LogDirectoryOptions extends DirectoryOwner {
  readonly resources: LogResources;
  /** A sync failed, or a change that cannot be undone half-way: stop using the directory. */
  readonly onFailure: (directory: LogDirectory, error: Error) => void;
}

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
  /** ZERO_UUID when partition.metadata is missing or torn. */
  readonly topicId: Uuid;
}

/** What becomes of a folder at a start: it is opened with the configuration, or not opened. */
export type FolderFate = LogConfig | 'set aside' | 'delete';

interface OpenedLog {
  readonly log: PartitionLog;
  readonly topicId: Uuid;
}

export class LogDirectory {
  readonly path: string;
  readonly meta: MetaProperties;
  readonly health: DirectoryHealth;
  readonly wasCleanShutdown: boolean;
  /** replication-offset-checkpoint as it was found at the start, by `topic-partition`. */
  readonly highWatermarks: ReadonlyMap<string, number>;
  readonly #io: Io;
  readonly #options: LogDirectoryOptions;
  readonly #lock: DiskLock;
  readonly #checkpoints: OffsetCheckpoints;
  readonly #notes: KeptNotes;
  readonly #bootNote: BootNote;
  #found: FoundOffsets<PartitionName> | null = null;
  readonly #logs = new Map<string, OpenedLog>();
  readonly #removals: FolderRemovals;
  #unfinished: readonly PartitionFolder[] = [];
  #syncing: Promise<void> = Promise.resolve();
  #queuedSync: Promise<void> | null = null;
  #firstCheckpoint: Promise<void> | null = null;
  #areLogsOpen = false;
  #isClosed = false;

  private constructor(
    io: Io,
    options: LogDirectoryOptions,
    found: DirectoryIdentity & { lock: DiskLock; wasCleanShutdown: boolean },
  ) {
    this.path = options.path;
    this.meta = found.meta;
    this.#notes = new KeptNotes(io.disk, options.path, found.notes);
    this.wasCleanShutdown = found.wasCleanShutdown;
    this.#io = io;
    this.#options = options;
    this.#lock = found.lock;
    const { path, resources } = options;
    this.#bootNote = new BootNote(io.disk, path);
    const onFailure = (error: Error): void => {
      this.#bootNote.void();
      options.onFailure(this, error);
    };
    this.#removals = new FolderRemovals(io, path);
    this.health = new DirectoryHealth(io, { path, lock: found.lock, resources, onFailure });
    this.#checkpoints = new OffsetCheckpoints(io, path, (error) => this.health.onRefused(error));
    this.highWatermarks = this.#checkpoints.read(HIGH_WATERMARKS);
  }

  /**
   * Creates, locks and checks the directory.
   *
   * @throws LogDirectoryError, one line that names the path and the remedy
   */
  static async open(io: Io, options: LogDirectoryOptions): Promise<LogDirectory> {
    const { path } = options;
    const { disk } = io;
    const lock = lockDirectory(io, path);
    try {
      const identity = await identifyDirectory(io, options);
      const wasCleanShutdown = disk.readFile(`${path}/${CLEAN_SHUTDOWN}`) !== null;
      if (wasCleanShutdown) {
        await disk.remove(`${path}/${CLEAN_SHUTDOWN}`);
        await disk.syncDirectory(path);
      }
      return new LogDirectory(io, options, { ...identity, lock, wasCleanShutdown });
    } catch (error) {
      lock.release();
      throw error instanceof IoError ? refusedDirectory(path, error) : error;
    }
  }

  /** Opens, recovering where needed, the logs of the partition folders that are to be opened. */
  async openLogs(
    fateOf: (name: PartitionName) => FolderFate | Promise<FolderFate>,
  ): Promise<PartitionLog[]> {
    const { disk } = this.#io;
    const found = new FoundOffsets<PartitionName>(this.#io, this.#checkpoints);
    this.#found = found;
    const { wasCleanShutdown } = this;
    const { hasSystemRunOn } = this.#bootNote;
    const { folders, unfinished, removable } = listFolders(disk, this.path);
    this.#unfinished = unfinished;
    for (const name of removable) await disk.remove(this.#file(name));
    await inParallel(folders, async (folder) => {
      const name = parseFolderName(folder) as { topic: string; partition: number };
      const topicId = readTopicId(disk, this.#file(folder));
      const fate = await fateOf({ ...name, topicId });
      if (fate === 'set aside') return await this.#setAside(name, 'no topic owns it');
      if (fate === 'delete') return await this.#removeFolder(name, defaultLogConfig);
      const isCertain = this.wasCleanShutdown || topicId === ZERO_UUID;
      if (!isCertain) await syncTopicId(disk, this.#file(folder));
      const offsets = { ...found.of(folder), wasCleanShutdown, hasSystemRunOn };
      await this.#openLog({ ...name, topicId }, fate, offsets).catch((error: unknown) => {
        found.onUnopened({ ...name, topicId }, this.#file(folder), error);
      });
    });
    this.#areLogsOpen = true;
    if (!wasCleanShutdown) await this.#checkpointWhatDiffers(found.recoveryPoints);
    // A power cut must not take a folder whose creator was killed before it was durable.
    if (!wasCleanShutdown && folders.length > 0) await this.#syncEntries();
    if (found.unopened.length === 0) this.#bootNote.write();
    return Array.from(this.#logs.values(), ({ log }) => log);
  }

  /**
   * Gaps that no checkpoint knew of were synced while the logs were opened (log-recovery.ts). Of a
   * log that ends before its recovery point, what is written next must not pass for synced.
   */
  async #checkpointWhatDiffers(found: CheckpointedOffsets): Promise<void> {
    const differs = ([folder, { log }]: [string, OpenedLog]): boolean =>
      log.recoveryPoint !== (found.get(folder) ?? 0);
    if (![...this.#logs].some(differs)) return;
    try {
      await this.checkpointOffsets();
    } catch (error) {
      if (!isShortage(error)) throw error;
      const because = (error as Error).message;
      this.#io.log.warn('recovery points cannot be written yet', { because });
    }
  }

  /** The new log's folder is durable when this resolves. */
  async createLog(name: PartitionName, config: LogConfig): Promise<PartitionLog> {
    // A start must be able to tell a log that was never synced from a checkpoint that was lost.
    await this.#maybeCheckpointFirst();
    const folder = folderName(name.topic, name.partition);
    await this.#forgetOffsetsOf(folder);
    const directory = this.#file(folder);
    await this.#maybeMakeWay(name);
    const isNew = this.#io.disk.stat(directory) === null;
    try {
      this.#io.disk.makeDirectory(directory, 'there');
      if (name.topicId !== ZERO_UUID) await writeTopicId(this.#io.disk, directory, name.topicId);
      const log = await this.#openLog(name, config, { wasCleanShutdown: false });
      this.#areLogsOpen = true;
      await this.#syncEntries();
      return log;
    } catch (error) {
      if (isNew) await this.#forgetUnfinished(folder);
      throw error;
    }
  }

  /** The partition may be made in another directory instead: nothing of it stays here. */
  async #forgetUnfinished(folder: string): Promise<void> {
    this.#logs.get(folder)?.log.abandon();
    this.#logs.delete(folder);
    this.#notes.onLogsChanged();
    const path = this.#file(folder);
    await this.#io.disk.remove(path).catch((error: Error) => {
      this.#io.log.warn('a folder that could not be filled is left', { path, error });
    });
  }

  /** A folder of the name that is not of this topic holds what somebody may still want. */
  async #maybeMakeWay({ topic, partition, topicId }: PartitionName): Promise<void> {
    const { disk } = this.#io;
    const directory = this.#file(folderName(topic, partition));
    if (disk.stat(directory) === null || isEmptyFolder(disk, directory)) return;
    if (readTopicId(disk, directory) === topicId) return;
    await this.#setAside({ topic, partition }, 'a new topic has its name');
  }

  async #setAside(folder: PartitionFolder, because: string): Promise<void> {
    const path = this.#file(folderName(folder.topic, folder.partition));
    const kept = await setFolderAside(this.#io, this.path, folder);
    const hint = 'partita stray lists it and takes it back';
    this.#io.log.warn('a folder is set aside', { path, because, kept, hint });
  }

  /** Sets a log aside that is open. */
  async setLogAside(topic: string, partition: number, because: string): Promise<void> {
    const folder = folderName(topic, partition);
    const opened = this.#logs.get(folder);
    if (opened === undefined) return;
    this.#logs.delete(folder);
    this.#notes.onLogsChanged();
    opened.log.abandon();
    await this.#setAside({ topic, partition }, because);
  }

  /** Holds no record and no topic's id. */
  isEmptyFolder(topic: string, partition: number): boolean {
    return isEmptyFolder(this.#io.disk, this.#file(folderName(topic, partition)));
  }

  /** Our notes as they were found at the start. */
  get notes(): DirectoryNotes | null {
    return this.#notes.found;
  }

  /** What says that there were metadata: a partition's folder or our notes. */
  get evidenceOfUse(): string | null {
    return somePartitionIn(this.#io, this.path) ?? (this.notes && notesPath(this.path));
  }

  /** Writes down what is here, if it is not what was written last. */
  async maybeWriteNotes(around: NotesAround): Promise<void> {
    const topicIds = () => new Set(Array.from(this.#logs.values(), ({ topicId }) => topicId));
    await this.#notes.maybeWrite(this.meta, around, topicIds);
  }

  async #openLog(
    name: PartitionName,
    config: LogConfig,
    found: Partial<FoundLogOffsets> & { wasCleanShutdown: boolean; hasSystemRunOn?: boolean },
  ): Promise<PartitionLog> {
    const { topic, partition, topicId } = name;
    const folder = folderName(topic, partition);
    const log = await PartitionLog.open(this.#io, {
      directory: this.#file(folder),
      topic,
      partition,
      config,
      ...found,
      resources: this.#options.resources,
      onFailure: (error) => this.health.fail(error),
      checkpoint: () => this.#checkpoint(),
    });
    this.#logs.set(folder, { log, topicId });
    this.#notes.onLogsChanged();
    return log;
  }

  #maybeCheckpointFirst(): Promise<void> {
    if (this.#firstCheckpoint === null) {
      const exists = this.#checkpoints.exists(RECOVERY_POINTS);
      this.#firstCheckpoint = exists ? Promise.resolve() : this.checkpointOffsets();
      this.#firstCheckpoint.catch(() => {
        this.#firstCheckpoint = null;
      });
    }
    return this.#firstCheckpoint;
  }

  async #checkpoint(): Promise<void> {
    await this.checkpointOffsets();
    const wasCleaned = [...this.logs()].some((log) => log.cleanedTo !== null);
    if (wasCleaned) await this.checkpointCleanedOffsets();
  }

  /**
   * The logs that were being copied here when the broker stopped. What was there of them is gone:
   * the log they were copied from may since have lost an unsynced tail and grown another.
   */
  get unfinishedMoves(): readonly PartitionFolder[] {
    return this.#unfinished;
  }

  /** @throws KafkaError INVALID_TOPIC_EXCEPTION if a folder's name would be too long */
  assertMovable(topic: string, partition: number): void {
    this.#futureFolder(topic, partition);
  }

  #futureFolder(topic: string, partition: number): string {
    const folder = futureFolderName(topic, partition, this.#io.random.bytes(16));
    if (folder !== null) return folder;
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `the name of ${topic} is too long to move`);
  }

  /** A log to copy another directory's into; its folder is not a partition's until promoted. */
  async createFutureLog(name: PartitionName, config: LogConfig): Promise<PartitionLog> {
    const { topic, partition, topicId } = name;
    const directory = this.#file(this.#futureFolder(topic, partition));
    this.#io.disk.makeDirectory(directory, 'there');
    if (topicId !== ZERO_UUID) await writeTopicId(this.#io.disk, directory, topicId);
    return await PartitionLog.open(this.#io, {
      directory,
      topic,
      partition,
      config,
      wasCleanShutdown: false,
      resources: this.#options.resources,
      onFailure: (error) => this.health.fail(error),
    });
  }

  /**
   * Gives the log the partition's name, durably, and opens it there: from now on a start finds it.
   * The one given is closed.
   */
  async promoteFutureLog(future: PartitionLog, topicId: Uuid): Promise<PartitionLog> {
    const { topic, partition, config } = future;
    const folder = folderName(topic, partition);
    assert(!this.#logs.has(folder), 'a directory holds one log of a partition');
    await future.close();
    await this.#forgetOffsetsOf(folder);
    this.#io.disk.rename(future.directory, this.#file(folder));
    await this.#syncEntries();
    return await this.#openLog({ topic, partition, topicId }, config, { wasCleanShutdown: true });
  }

  /** Gives a log whose folder does not say it the topic's id. @throws IoError */
  async assignTopicId(topic: string, partition: number, topicId: Uuid): Promise<void> {
    const folder = folderName(topic, partition);
    const { log } = this.#logs.get(folder) as OpenedLog;
    this.#logs.set(folder, { log, topicId });
    this.#notes.onLogsChanged();
    await writeTopicId(this.#io.disk, log.directory, topicId);
    await this.#io.disk.syncDirectory(log.directory);
  }

  log(topic: string, partition: number): PartitionLog | null {
    return this.#logs.get(folderName(topic, partition))?.log ?? null;
  }

  *logs(): Iterable<PartitionLog> {
    for (const { log } of this.#logs.values()) yield log;
  }

  /** Partitions whose logs are here and could not be opened. */
  get unopened(): readonly PartitionName[] {
    return this.#found?.unopened ?? [];
  }

  get logCount(): number {
    return this.#logs.size;
  }

  /** ZERO_UUID when the folder does not say. */
  topicId(topic: string, partition: number): Uuid {
    return this.#logs.get(folderName(topic, partition))?.topicId ?? ZERO_UUID;
  }

  /** Renames the folder to `…-delete`, durably, for later. Refused, it can be asked for again. */
  async deleteLog(topic: string, partition: number): Promise<void> {
    const folder = folderName(topic, partition);
    const opened = this.#logs.get(folder);
    if (opened === undefined) return;
    opened.log.abandon();
    this.#removals.begin({ topic, partition }, opened.log.config.fileDeleteDelayMs);
    this.#logs.delete(folder);
    this.#notes.onLogsChanged();
    await this.#syncEntries();
  }

  async #removeFolder(folder: PartitionFolder, config: LogConfig): Promise<void> {
    this.#removals.begin(folder, config.fileDeleteDelayMs);
    await this.#syncEntries();
  }

  /** Concurrent callers share a sync of the directory's entries. */
  #syncEntries(): Promise<void> {
    this.#queuedSync ??= this.#syncing.then(() => {
      this.#queuedSync = null;
      const syncing = this.#io.disk.syncDirectory(this.path);
      this.#syncing = syncing.catch((error: unknown) => this.health.onRefused(error));
      return syncing;
    });
    return this.#queuedSync;
  }

  async checkpointHighWatermarks(highWatermarks: CheckpointedOffsets): Promise<void> {
    await this.#checkpoints.write(HIGH_WATERMARKS, () => highWatermarks);
  }

  /** recovery-point-offset-checkpoint and log-start-offset-checkpoint. */
  async checkpointOffsets(): Promise<void> {
    for (const file of [RECOVERY_POINTS, LOG_START_OFFSETS] as const) {
      await this.#checkpoints.writeLatest(file, () => offsetsFor(file, this.#logs, this.#found));
    }
  }

  /** cleaner-offset-checkpoint: where the next cleaning of each log begins. */
  async checkpointCleanedOffsets(): Promise<void> {
    await this.#checkpoints.write(CLEANED_OFFSETS, () =>
      offsetsFor(CLEANED_OFFSETS, this.#logs, this.#found),
    );
  }

  /** The name is about to be another log's than the one that the checkpoints may speak of. */
  async #forgetOffsetsOf(folder: string): Promise<void> {
    assert(!this.#logs.has(folder), 'the log that had the name before is gone');
    for (const file of [RECOVERY_POINTS, LOG_START_OFFSETS, CLEANED_OFFSETS] as const) {
      await this.#checkpoints.forget(file, folder, () => offsetsFor(file, this.#logs, this.#found));
    }
  }

  /** Flushes the logs whose flush.ms is over. */
  async flushDueLogs(nowMs: number): Promise<void> {
    const due = [...this.logs()].filter((log) => log.isFlushDue(nowMs));
    await inParallel(due, (log) => log.flush());
  }

  /**
   * Flushes and closes the logs, then leaves the mark of a clean stop.
   *
   * @throws the first failure, after everything was closed; the next start then recovers
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.health.stop();
    this.#removals.cancel();
    if (this.health.hasFailed) return this.#abandon();
    try {
      const failures: unknown[] = [];
      await inParallel([...this.logs()], async (log) => {
        await log.close().catch((error: unknown) => failures.push(error));
      });
      if (failures.length > 0) throw failures[0];
      if (this.#areLogsOpen) await this.checkpointOffsets();
      await this.#checkpoints.settled();
      if (!this.health.hasFailed && (this.#areLogsOpen || this.wasCleanShutdown)) {
        const mark = Buffer.from('{"version":0,"brokerEpoch":-1}');
        await replaceFile(this.#io.disk, this.#file(CLEAN_SHUTDOWN), mark);
      }
    } finally {
      this.#lock.release();
    }
  }

  /** What a disk may never answer is not asked; nothing here counts as left in order. */
  #abandon(): void {
    if (this.health.isSilent) return;
    for (const log of this.logs()) log.abandon();
    this.#lock.release();
  }

  #file(name: string): string {
    return `${this.path}/${name}`;
  }
}
