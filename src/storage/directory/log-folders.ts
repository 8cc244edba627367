// The partitions' folders in a log directory, and the logs that are open in them: made, given their
// topic's id, moved in from another directory, set aside, deleted.
//
// Invariants: a directory holds one log of a partition; what a folder is renamed to, or that it is
// made, is durable before the caller hears of it; a folder that is not of this topic holds what
// somebody may still want, and is set aside rather than used.

import { assert } from '../../base/assert.ts';
import { type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import type { Io } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { inParallel } from '../files/in-parallel.ts';
import type { LogResources } from '../files/log-resources.ts';
import type { LogConfig } from '../log/log-config.ts';
import { PartitionLog } from '../log/partition-log.ts';
import { DirectoryCheckpoints } from './directory-checkpoints.ts';
import type { DirectoryHealth } from './directory-health.ts';
import { FolderRemovals } from './folder-removals.ts';
import type { FoundLogOffsets } from './offset-files.ts';
import {
  folderName,
  futureFolderName,
  isEmptyFolder,
  type PartitionFolder,
  type PartitionName,
  readTopicId,
  writeTopicId,
} from './partition-folder.ts';
import { setFolderAside } from './stray-folders.ts';

export interface OpenedLog {
  readonly log: PartitionLog;
  readonly topicId: Uuid;
}

export interface LogFoldersOptions {
  readonly path: string;
  readonly resources: LogResources;
  readonly health: DirectoryHealth;
  readonly onLogsChanged: () => void;
  /** A log that is opened lacks records that were there. */
  readonly onLoss: () => void;
}

/** What a log is opened with beside its configuration. */
export type FoundLog = Partial<FoundLogOffsets> & {
  readonly wasCleanShutdown: boolean;
  readonly hasSystemRunOn?: boolean;
};

export class LogFolders {
  /** Of the logs that are open. */
  readonly checkpoints: DirectoryCheckpoints;
  readonly #io: Io;
  readonly #options: LogFoldersOptions;
  readonly #logs = new Map<string, OpenedLog>();
  readonly #removals: FolderRemovals;
  #syncing: Promise<void> = Promise.resolve();
  #queuedSync: Promise<void> | null = null;

  constructor(io: Io, options: LogFoldersOptions) {
    this.#io = io;
    this.#options = options;
    const { path, health } = options;
    const onRefused = (error: unknown): void => health.onRefused(error);
    this.checkpoints = new DirectoryCheckpoints(io, { path, logs: this.#logs, onRefused });
    this.#removals = new FolderRemovals(io, path);
  }

  get path(): string {
    return this.#options.path;
  }

  /** Those that are open, by folder. */
  get logs(): ReadonlyMap<string, OpenedLog> {
    return this.#logs;
  }

  get(topic: string, partition: number): OpenedLog | undefined {
    return this.#logs.get(folderName(topic, partition));
  }

  /** Opens the log that is in the partition's folder, recovering it where needed. */
  async open(name: PartitionName, config: LogConfig, found: FoundLog): Promise<PartitionLog> {
    const { topic, partition, topicId } = name;
    const folder = folderName(topic, partition);
    const { resources, health, onLoss } = this.#options;
    const log = await PartitionLog.open(this.#io, {
      directory: this.#file(folder),
      topic,
      partition,
      config,
      ...found,
      resources,
      onFailure: (error) => health.fail(error),
      onLoss,
      checkpoint: () => this.checkpoints.writeAroundCut(),
    });
    this.#put(folder, { log, topicId });
    return log;
  }

  /** The new log's folder is durable when this resolves. */
  async create(name: PartitionName, config: LogConfig): Promise<PartitionLog> {
    const { disk } = this.#io;
    await this.checkpoints.maybeWriteFirst();
    const folder = folderName(name.topic, name.partition);
    await this.#forgetOffsetsOf(folder);
    const directory = this.#file(folder);
    await this.#maybeMakeWay(name);
    const isNew = disk.stat(directory) === null;
    try {
      disk.makeDirectory(directory, 'there');
      if (name.topicId !== ZERO_UUID) await writeTopicId(disk, directory, name.topicId);
      const log = await this.open(name, config, { wasCleanShutdown: false });
      await this.syncEntries();
      return log;
    } catch (error) {
      if (isNew) await this.#forgetUnfinished(folder);
      throw error;
    }
  }

  /** The partition may be made in another directory instead: nothing of it stays here. */
  async #forgetUnfinished(folder: string): Promise<void> {
    this.#take(folder)?.log.abandon();
    const path = this.#file(folder);
    await this.#io.disk.remove(path).catch((error: Error) => {
      this.#io.log.warn('a folder that could not be filled is left', { path, error });
    });
  }

  async #maybeMakeWay({ topic, partition, topicId }: PartitionName): Promise<void> {
    const { disk } = this.#io;
    const directory = this.#file(folderName(topic, partition));
    if (disk.stat(directory) === null || isEmptyFolder(disk, directory)) return;
    if (readTopicId(disk, directory) === topicId) return;
    await this.setAside({ topic, partition }, 'a new topic has its name');
  }

  /** The folder of a log that is not open. */
  async setAside(folder: PartitionFolder, because: string): Promise<void> {
    const path = this.#file(folderName(folder.topic, folder.partition));
    const kept = await setFolderAside(this.#io, this.#options.path, folder);
    const hint = 'partita stray lists it and takes it back';
    this.#io.log.warn('a folder is set aside', { path, because, kept, hint });
  }

  /** Sets a log aside that is open. */
  async setLogAside({ topic, partition }: PartitionFolder, because: string): Promise<void> {
    const opened = this.#take(folderName(topic, partition));
    if (opened === undefined) return;
    opened.log.abandon();
    await this.setAside({ topic, partition }, because);
  }

  /** Holds no record and no topic's id. */
  isEmpty(topic: string, partition: number): boolean {
    return isEmptyFolder(this.#io.disk, this.#file(folderName(topic, partition)));
  }

  /** Where a log is copied to, until it has the partition's name. @throws KafkaError */
  futureFolder(topic: string, partition: number): string {
    const folder = futureFolderName(topic, partition, this.#io.random.bytes(16));
    if (folder !== null) return folder;
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `the name of ${topic} is too long to move`);
  }

  async createFuture(name: PartitionName, config: LogConfig): Promise<PartitionLog> {
    const { disk } = this.#io;
    const { topic, partition, topicId } = name;
    const directory = this.#file(this.futureFolder(topic, partition));
    disk.makeDirectory(directory, 'there');
    if (topicId !== ZERO_UUID) await writeTopicId(disk, directory, topicId);
    const { resources, health } = this.#options;
    return await PartitionLog.open(this.#io, {
      directory,
      topic,
      partition,
      config,
      wasCleanShutdown: false,
      resources,
      onFailure: (error) => health.fail(error),
    });
  }

  async promoteFuture(future: PartitionLog, topicId: Uuid): Promise<PartitionLog> {
    const { topic, partition, config } = future;
    const folder = folderName(topic, partition);
    assert(!this.#logs.has(folder), 'a directory holds one log of a partition');
    await future.close();
    await this.#forgetOffsetsOf(folder);
    this.#io.disk.rename(future.directory, this.#file(folder));
    await this.syncEntries();
    return await this.open({ topic, partition, topicId }, config, { wasCleanShutdown: true });
  }

  async assignTopicId(topic: string, partition: number, topicId: Uuid): Promise<void> {
    const { disk } = this.#io;
    const folder = folderName(topic, partition);
    const { log } = this.#logs.get(folder) as OpenedLog;
    this.#put(folder, { log, topicId });
    await writeTopicId(disk, log.directory, topicId);
    await disk.syncDirectory(log.directory);
  }

  async delete(topic: string, partition: number): Promise<void> {
    const folder = folderName(topic, partition);
    const opened = this.#logs.get(folder);
    if (opened === undefined) return;
    opened.log.abandon();
    this.#removals.begin({ topic, partition }, opened.log.config.fileDeleteDelayMs);
    this.#take(folder);
    await this.syncEntries();
  }

  /** The folder of a log that is not open: renamed, durably, and removed after a while. */
  async remove(folder: PartitionFolder, config: LogConfig): Promise<void> {
    this.#removals.begin(folder, config.fileDeleteDelayMs);
    await this.syncEntries();
  }

  /** Folders that were renamed and not removed yet are left to the next start. */
  cancelRemovals(): void {
    this.#removals.cancel();
  }

  async flushDueLogs(nowMs: number): Promise<void> {
    const due = [...this.#logs.values()].filter(({ log }) => log.isFlushDue(nowMs));
    await inParallel(due, ({ log }) => log.flush());
  }

  /** @throws the first failure, after every log was closed */
  async closeLogs(): Promise<void> {
    const failures: unknown[] = [];
    await inParallel([...this.#logs.values()], async ({ log }) => {
      await log.close().catch((error: unknown) => failures.push(error));
    });
    if (failures.length > 0) throw failures[0];
  }

  /** Concurrent callers share a sync of the directory's entries. */
  syncEntries(): Promise<void> {
    this.#queuedSync ??= this.#syncing.then(() => {
      this.#queuedSync = null;
      const { path, health } = this.#options;
      const syncing = this.#io.disk.syncDirectory(path);
      this.#syncing = syncing.catch((error: unknown) => health.onRefused(error));
      return syncing;
    });
    return this.#queuedSync;
  }

  async #forgetOffsetsOf(folder: string): Promise<void> {
    assert(!this.#logs.has(folder), 'the log that had the name before is gone');
    await this.checkpoints.forget(folder);
  }

  #put(folder: string, opened: OpenedLog): void {
    this.#logs.set(folder, opened);
    this.#options.onLogsChanged();
  }

  #take(folder: string): OpenedLog | undefined {
    const opened = this.#logs.get(folder);
    if (this.#logs.delete(folder)) this.#options.onLogsChanged();
    return opened;
  }

  #file(name: string): string {
    return `${this.#options.path}/${name}`;
  }
}
