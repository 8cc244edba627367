// One entry of log.dirs, from the start of a process to its stop: locked, known whose it is, left
// cleanly or not. And the door to its parts: the logs in its folders, its checkpoints, our notes of
// its use. All file formats are Kafka's.
//
// Invariants: one process at a time; never written to by a broker of another cluster; the mark of
// a clean stop is gone from the disk before anything is appended, and is set only when every log
// was closed without a failure.

import { type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import { type DiskLock, type Io, IoError } from '../../io/index.ts';
import type { LogResources } from '../files/log-resources.ts';
import type { LogConfig } from '../log/log-config.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { BootNote, type NotedLives } from '../recovery/boot-note.ts';
import { DirectoryHealth } from './directory-health.ts';
import {
  type DirectoryIdentity,
  type DirectoryOwner,
  identifyDirectory,
  somePartitionIn,
} from './directory-identity.ts';
import { type CleanMark, leaveCleanMark, lockDirectory, takeCleanMark } from './directory-lock.ts';
import { type DirectoryNotes, KeptNotes, type NotesAround, notesPath } from './directory-notes.ts';
import { type FateOf, openFoundFolders } from './found-folders.ts';
import { refusedDirectory } from './log-directory-error.ts';
import { LogFolders } from './log-folders.ts';
import type { MetaProperties } from './meta-properties.ts';
import type { CheckpointedOffsets } from './offset-checkpoints.ts';
import type { PartitionFolder, PartitionName } from './partition-folder.ts';

export interface LogDirectoryOptions extends DirectoryOwner {
  readonly resources: LogResources;
  /** A sync failed, or a change that cannot be undone half-way: stop using the directory. */
  readonly onFailure: (directory: LogDirectory, error: Error) => void;
}

/** As the metadata have it. */
export interface RegisteredLife {
  readonly epoch: number;
  readonly incarnationId: Uuid;
}

const noLives: NotedLives = { brokerEpoch: -1, incarnationIds: [] };

export class LogDirectory {
  readonly path: string;
  readonly meta: MetaProperties;
  readonly health: DirectoryHealth;
  /** Of the life that had it before; null if that did not end cleanly. */
  readonly cleanMark: CleanMark | null;
  readonly #io: Io;
  readonly #lock: DiskLock;
  readonly #bootNote: BootNote;
  #livesBefore: NotedLives;
  readonly #notes: KeptNotes;
  readonly #folders: LogFolders;
  #unfinishedMoves: readonly PartitionFolder[] = [];
  #areLogsOpen = false;
  #isClosed = false;

  private constructor(
    io: Io,
    options: LogDirectoryOptions,
    found: DirectoryIdentity & {
      lock: DiskLock;
      cleanMark: CleanMark | null;
      bootNote: BootNote;
      noted: NotedLives | null;
    },
  ) {
    const { path, resources } = options;
    this.path = path;
    this.meta = found.meta;
    this.cleanMark = found.cleanMark;
    this.#livesBefore = livesBefore(found.cleanMark, found.noted);
    this.#io = io;
    this.#lock = found.lock;
    this.#bootNote = found.bootNote;
    this.#notes = new KeptNotes(io.disk, path, found.notes);
    const onFailure = (error: Error): void => {
      this.#bootNote.void();
      options.onFailure(this, error);
    };
    const health = new DirectoryHealth(io, { path, lock: found.lock, resources, onFailure });
    const onLogsChanged = (): void => this.#notes.onLogsChanged();
    this.health = health;
    const onLoss = (): void => this.#onLoss();
    this.#folders = new LogFolders(io, { path, resources, health, onLogsChanged, onLoss });
  }

  /**
   * Creates, locks and checks the directory.
   *
   * @throws LogDirectoryError, one line that names the path and the remedy
   */
  static async open(io: Io, options: LogDirectoryOptions): Promise<LogDirectory> {
    const { path } = options;
    const lock = lockDirectory(io, path);
    try {
      const identity = await identifyDirectory(io, options);
      const cleanMark = await takeCleanMark(io.disk, path);
      const bootNote = new BootNote(io.disk, path);
      const noted = await bootNote.lives();
      return new LogDirectory(io, options, {
        ...identity,
        ...{ lock, cleanMark, bootNote, noted },
      });
    } catch (error) {
      lock.release();
      throw error instanceof IoError ? refusedDirectory(path, error) : error;
    }
  }

  get wasCleanShutdown(): boolean {
    return this.cleanMark !== null;
  }

  /**
   * The broker epoch of the life before, if that lost nothing: it stopped cleanly, or it was killed
   * and the system ran on. -1: neither, or it was none of a cluster; or its logs, as far as they
   * are open now, are not what it left.
   *
   * @param registered the life that the cluster knows under the broker's id: of one that was noted
   *   here the epoch is known that it may not have heard itself
   */
  previousBrokerEpoch(registered?: RegisteredLife): number {
    const { brokerEpoch, incarnationIds } = this.#livesBefore;
    if (registered === undefined) return brokerEpoch;
    return incarnationIds.includes(registered.incarnationId) ? registered.epoch : brokerEpoch;
  }

  /** A start that is cut short must not leave the next one, which finds nothing, a proof. */
  #onLoss(): void {
    this.#livesBefore = noLives;
    this.#bootNote.forgetLives();
  }

  /** These lives have whole logs here while the system runs on. */
  async noteLives(lives: NotedLives): Promise<void> {
    if (!this.health.hasFailed) await this.#bootNote.noteLives(lives);
  }

  /** Opens, recovering where needed, the logs of the partition folders that are to be opened. */
  async openLogs(fateOf: FateOf): Promise<PartitionLog[]> {
    const start = { wasCleanShutdown: this.wasCleanShutdown, bootNote: this.#bootNote, fateOf };
    this.#unfinishedMoves = await openFoundFolders(this.#io, this.#folders, start);
    this.#areLogsOpen = true;
    return [...this.logs()];
  }

  /**
   * The logs that were being copied here when the broker stopped. What was there of them is gone:
   * the log they were copied from may since have lost an unsynced tail and grown another.
   */
  get unfinishedMoves(): readonly PartitionFolder[] {
    return this.#unfinishedMoves;
  }

  /** Partitions whose logs are here and could not be opened. */
  get unopened(): readonly PartitionName[] {
    return this.#folders.checkpoints.unopened;
  }

  log(topic: string, partition: number): PartitionLog | null {
    return this.#folders.get(topic, partition)?.log ?? null;
  }

  /** ZERO_UUID when the folder does not say. */
  topicId(topic: string, partition: number): Uuid {
    return this.#folders.get(topic, partition)?.topicId ?? ZERO_UUID;
  }

  *logs(): Iterable<PartitionLog> {
    for (const { log } of this.#folders.logs.values()) yield log;
  }

  get logCount(): number {
    return this.#folders.logs.size;
  }

  /** The new log's folder is durable when this resolves. */
  async createLog(name: PartitionName, config: LogConfig): Promise<PartitionLog> {
    const log = await this.#folders.create(name, config);
    this.#areLogsOpen = true;
    return log;
  }

  /** Sets a log aside that is open. */
  async setLogAside(topic: string, partition: number, because: string): Promise<void> {
    await this.#folders.setLogAside({ topic, partition }, because);
  }

  /** Holds no record and no topic's id. */
  isEmptyFolder(topic: string, partition: number): boolean {
    return this.#folders.isEmpty(topic, partition);
  }

  /** Gives a log whose folder does not say it the topic's id. @throws IoError */
  async assignTopicId(topic: string, partition: number, topicId: Uuid): Promise<void> {
    await this.#folders.assignTopicId(topic, partition, topicId);
  }

  /** Renames the folder to `…-delete`, durably, for later. Refused, it can be asked for again. */
  async deleteLog(topic: string, partition: number): Promise<void> {
    await this.#folders.delete(topic, partition);
  }

  /** @throws KafkaError INVALID_TOPIC_EXCEPTION if a folder's name would be too long */
  assertMovable(topic: string, partition: number): void {
    this.#folders.futureFolder(topic, partition);
  }

  /** A log to copy another directory's into; its folder is not a partition's until promoted. */
  async createFutureLog(name: PartitionName, config: LogConfig): Promise<PartitionLog> {
    return await this.#folders.createFuture(name, config);
  }

  /**
   * Gives the log the partition's name, durably, and opens it there: from now on a start finds it.
   * The one given is closed.
   */
  async promoteFutureLog(future: PartitionLog, topicId: Uuid): Promise<PartitionLog> {
    return await this.#folders.promoteFuture(future, topicId);
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
    const topicIds = () =>
      new Set(Array.from(this.#folders.logs.values(), ({ topicId }) => topicId));
    await this.#notes.maybeWrite(this.meta, around, topicIds);
  }

  /** replication-offset-checkpoint as it was found at the start, by `topic-partition`. */
  get highWatermarks(): ReadonlyMap<string, number> {
    return this.#folders.checkpoints.foundHighWatermarks;
  }

  async checkpointHighWatermarks(highWatermarks: CheckpointedOffsets): Promise<void> {
    await this.#folders.checkpoints.writeHighWatermarks(highWatermarks);
  }

  /** recovery-point-offset-checkpoint and log-start-offset-checkpoint. */
  async checkpointOffsets(): Promise<void> {
    await this.#folders.checkpoints.writeOffsets();
  }

  /** cleaner-offset-checkpoint: where the next cleaning of each log begins. */
  async checkpointCleanedOffsets(): Promise<void> {
    await this.#folders.checkpoints.writeCleanedOffsets();
  }

  /** Flushes the logs whose flush.ms is over. */
  async flushDueLogs(nowMs: number): Promise<void> {
    await this.#folders.flushDueLogs(nowMs);
  }

  /**
   * Flushes and closes the logs, then leaves the mark of a clean stop. `leave` is called between
   * the two: the broker epoch under which this life ended; -1, the default: that of before.
   *
   * @throws the first failure, after everything was closed; the next start then recovers
   */
  async close(leave: () => Promise<number> = async () => -1): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.health.stop();
    this.#folders.cancelRemovals();
    if (this.health.hasFailed) return this.#abandon();
    try {
      await this.#folders.closeLogs();
      if (this.#areLogsOpen) await this.#folders.checkpoints.writeOffsets();
      await this.#folders.checkpoints.settled();
      if (!this.health.hasFailed && (this.#areLogsOpen || this.wasCleanShutdown)) {
        const left = await leave();
        const brokerEpoch = left < 0 ? this.previousBrokerEpoch() : left;
        await leaveCleanMark(this.#io.disk, this.path, { brokerEpoch });
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
}

/** The mark of a clean stop names an epoch only: that of the lives that were noted, or another. */
function livesBefore(mark: CleanMark | null, noted: NotedLives | null): NotedLives {
  if (mark === null) return noted ?? noLives;
  const { brokerEpoch } = mark;
  const isNoted = brokerEpoch >= 0 && noted?.brokerEpoch === brokerEpoch;
  return { brokerEpoch, incarnationIds: isNoted ? noted.incarnationIds : [] };
}
