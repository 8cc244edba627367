// The partitions this broker has a replica of, found by topic and by topic id, and kept in step
// with the metadata image. What an image says of the partitions that are here (who leads, how they
// are configured, that they are deleted) holds when `onImage` returns; logs are made and removed
// beside it (folder-work.ts), and one that is there at last takes the role that the newest image
// has for it.
//
// Invariants: an older image never follows a newer one; a log is deleted when its topic was deleted
// before our eyes, or found-logs.ts proves that it was. A partition that was here before is not
// made anew while a directory is missing: its records may be there.

import { assert } from '../base/assert.ts';
import type { Io, Log } from '../io/index.ts';
import type {
  ImageChanges,
  MetadataHistory,
  MetadataImage,
  PartitionImage,
  TopicImage,
} from '../metadata/index.ts';
import { ResourceType } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { LogConfig, LogDirectory, PartitionLog, PartitionName } from '../storage/index.ts';
import { FolderWork } from './folder-work.ts';
import { FoundLogs } from './found-logs.ts';
import { LogMoves } from './log-moves.ts';
import { Partition } from './partition.ts';

export interface ReplicasOptions {
  readonly nodeId: number;
  readonly directories: readonly LogDirectory[];
  /** Entries of log.dirs that could not be opened. */
  readonly offlinePaths?: readonly string[];
  /** What is known of them: id to path. */
  readonly offlineDirectories?: Readonly<Record<string, string>>;
  /** Of this life, where others may lead: an image of a life before makes it lead nothing. */
  readonly incarnationId?: string | null;
  /** What proves that a topic was deleted; without it nothing is proven. */
  readonly history?: MetadataHistory;
  /**
   * Told of the partitions that are in no directory and are about to be made, before any is. It
   * throws if they were in a directory that is not there.
   */
  readonly beforeMissingAreMade?: (missing: readonly PartitionName[]) => void;
  /** Bytes per second of moves between directories; asked again and again. Default: no limit. */
  readonly moveBytesPerSecondMax?: () => number;
  /** The log configuration that follows from a topic's overrides. */
  readonly logConfigOf: (overrides: ReadonlyMap<string, string>) => LogConfig;
  /** A partition is there, or leads, that did not when its image came. */
  readonly onMade?: (partition: Partition) => void;
  /** It was made, has another role, leader or epoch, went offline, or is not ours any more. */
  readonly onRoleChanged?: (partition: Partition) => void;
  /** No directory is left, or an invariant is broken: the broker cannot go on. */
  readonly onFatal: (error: Error) => void;
}

export interface OfflineReplica {
  readonly topicId: string;
  readonly partitionIndex: number;
}

interface TopicReplicas {
  readonly topicId: string;
  readonly partitions: (Partition | undefined)[];
}

export class Replicas {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: ReplicasOptions;
  readonly #byTopic = new Map<string, TopicReplicas>();
  readonly #byTopicId = new Map<string, TopicReplicas>();
  readonly #directoryOf = new Map<Partition, LogDirectory>();
  readonly #failed = new Set<LogDirectory>();
  /** Partitions that are in a directory that is not there. */
  readonly #missing = new Map<string, OfflineReplica>();
  readonly moves: LogMoves;
  readonly #folders: FolderWork;
  #image: MetadataImage;
  #isClosed = false;

  private constructor(io: Io, options: ReplicasOptions, image: MetadataImage) {
    this.#io = io;
    this.#log = io.log.child('replicas');
    this.#options = options;
    this.#image = image;
    this.moves = new LogMoves(this.#io, {
      directories: options.directories,
      offlinePaths: this.offlinePaths,
      isFailed: (directory) => this.#failed.has(directory),
      partition: (topic, index) => this.get(topic, index),
      directoryOf: (partition) => this.#directoryOf.get(partition),
      bytesPerSecondMax: options.moveBytesPerSecondMax ?? (() => Number.POSITIVE_INFINITY),
      onTakenOver: (partition, target) => {
        this.#directoryOf.set(partition, target);
        options.onRoleChanged?.(partition);
      },
    });
    this.#folders = new FolderWork(io, {
      directories: options.directories,
      isFailed: (directory) => this.#failed.has(directory),
      isWanted: (name) => this.#isWanted(name),
      make: (name, directory) => this.#make(name, directory),
      onBug: options.onFatal,
    });
  }

  /** Opens what the directories hold and creates what the image says and is not there yet. */
  static async open(io: Io, options: ReplicasOptions, image: MetadataImage): Promise<Replicas> {
    const replicas = new Replicas(io, options, image);
    await replicas.#openDirectories(image);
    replicas.#missUnopened(image);
    if (replicas.hasOfflineDirectory) replicas.#missAbsent(image);
    const absent = replicas.#absent(image);
    options.beforeMissingAreMade?.(absent);
    for (const name of absent) replicas.#folders.make(name);
    await replicas.settled();
    replicas.moves.resume();
    return replicas;
  }

  get nodeId(): number {
    return this.#options.nodeId;
  }

  /** The newest image. Not all that it has on this broker needs to be here: see `isMaking`. */
  get image(): MetadataImage {
    return this.#image;
  }

  /** Whether the partition should be here and its log is still to be made. */
  isMaking(topicId: string, partition: number): boolean {
    return !this.#folders.isDone && this.#isMissing(topicId, partition);
  }

  get(topic: string, partition: number): Partition | undefined {
    return this.#byTopic.get(topic)?.partitions[partition];
  }

  getById(topicId: string, partition: number): Partition | undefined {
    return this.#byTopicId.get(topicId)?.partitions[partition];
  }

  *all(): IterableIterator<Partition> {
    for (const { partitions } of this.#byTopic.values()) {
      for (const partition of partitions) if (partition !== undefined) yield partition;
    }
  }

  directoryOf(partition: Partition): LogDirectory | undefined {
    return this.#directoryOf.get(partition);
  }

  isFailed(directory: LogDirectory): boolean {
    return this.#failed.has(directory);
  }

  get hasOfflineDirectory(): boolean {
    return this.#failed.size + this.offlinePaths.length > 0;
  }

  /** Entries of log.dirs that could not be opened. */
  get offlinePaths(): readonly string[] {
    return this.#options.offlinePaths ?? [];
  }

  /** What is in a directory that failed or is not there. */
  offlineReplicas(): OfflineReplica[] {
    const offline = [...this.#missing.values()];
    for (const partition of this.all()) {
      if (partition.role !== 'offline') continue;
      offline.push({ topicId: partition.topicId, partitionIndex: partition.partition });
    }
    return offline;
  }

  /** The listener to give to the metadata publisher. */
  onImage(image: MetadataImage, changes: ImageChanges): void {
    if (this.#isClosed || image.offset <= this.#image.offset) return;
    const isNext = changes.previous.offset === this.#image.offset;
    this.#image = image;
    try {
      if (isNext) this.#apply(image, changes);
      else this.#applyWhole(image);
    } catch (error) {
      this.#options.onFatal(error as Error);
    }
  }

  /**
   * Resolves when the logs that are wanted (of these topics, or all) were made, or refused: these
   * are made as soon as it is possible. Roles and configurations need no waiting.
   */
  async settled(topics?: Iterable<string>): Promise<void> {
    await this.#folders.settled(topics && new Set(topics));
  }

  /** A directory failed: its partitions are gone until the next start. */
  onDirectoryFailure(directory: LogDirectory, error: Error): void {
    if (this.#failed.has(directory)) return;
    this.#failed.add(directory);
    this.#log.error(`log directory ${directory.path} failed and is offline: ${error.message}`);
    for (const [partition, home] of this.#directoryOf) {
      if (home !== directory) continue;
      partition.becomeOffline();
      this.#options.onRoleChanged?.(partition);
    }
    this.moves.cancelOf(directory);
    this.#folders.onDirectoryFailure(directory);
    if (this.#failed.size === this.#options.directories.length) {
      this.#options.onFatal(error);
    }
  }

  /** By directory, what replication-offset-checkpoint should say. */
  highWatermarks(directory: LogDirectory): Map<string, number> {
    const highWatermarks = new Map<string, number>();
    for (const [partition, home] of this.#directoryOf) {
      // One that is deleted speaks no more for the name.
      if (home !== directory || this.getById(partition.topicId, partition.partition) !== partition)
        continue;
      highWatermarks.set(`${partition.topic}-${partition.partition}`, partition.highWatermark);
    }
    return highWatermarks;
  }

  /** Ends the long polls: what they have found so far is their answer. */
  interruptFetches(): void {
    for (const partition of this.all()) partition.interruptFetches();
  }

  /**
   * Ends every wait; the logs are closed with their directories. A member that stops hears of the
   * metadata until all that it has is durable: what they ask for now is for its next start.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#folders.close();
    await this.moves.close();
    for (const partition of this.all()) partition.close();
  }

  async #openDirectories(image: MetadataImage): Promise<void> {
    const opening = new FoundLogs(this.#io, {
      ...this.#options,
      image,
      configOf: (topic) => this.#configOf(topic, image),
      isFailed: (directory) => this.#failed.has(directory),
      hasOfflineDirectory: () => this.hasOfflineDirectory,
      onDirectoryFailure: (directory, error) => this.onDirectoryFailure(directory, error),
    });
    for (const { log, directory } of await opening.open()) {
      const topic = image.topic(log.topic) as TopicImage;
      this.#adopt({ topic, index: log.partition }, log, directory);
    }
  }

  /** What could not be opened is not made anew beside it. */
  #missUnopened(image: MetadataImage): void {
    for (const { unopened } of this.#options.directories) {
      for (const { topic, partition: partitionIndex } of unopened) {
        const topicId = image.topic(topic)?.id;
        if (topicId === undefined || this.get(topic, partitionIndex) !== undefined) continue;
        this.#missing.set(`${partitionIndex} ${topicId}`, { topicId, partitionIndex });
      }
    }
  }

  /** What is not in a directory that was opened is in one that was not, for all we know. */
  #missAbsent(image: MetadataImage): void {
    for (const { topicId, partition: partitionIndex } of this.#absent(image)) {
      this.#missing.set(`${partitionIndex} ${topicId}`, { topicId, partitionIndex });
    }
  }

  /** The image's partitions that should be here and are neither open nor known to be missing. */
  #absent(image: MetadataImage): PartitionName[] {
    const absent: PartitionName[] = [];
    for (const { id: topicId, name: topic, partitions } of image.topics()) {
      for (const [partition, { replicas }] of partitions.entries()) {
        if (!replicas.includes(this.#options.nodeId)) continue;
        if (this.getById(topicId, partition) !== undefined) continue;
        if (this.#missing.has(`${partition} ${topicId}`)) continue;
        absent.push({ topic, partition, topicId });
      }
    }
    return absent;
  }

  /** Directories that have notes say from the start on what is beside them now. */
  async renewNotes(): Promise<void> {
    for (const directory of this.#options.directories) {
      if (directory.notes === null || this.#failed.has(directory)) continue;
      await this.writeNotes(directory);
    }
  }

  /** What directories note of the metadata that were applied. */
  async writeNotes(directory: LogDirectory): Promise<void> {
    const { history, directories, offlineDirectories = {} } = this.#options;
    if (history === undefined) return;
    const image = this.#image;
    const paths = directories.map(({ meta, path }) => [meta.directoryId, path] as const);
    await directory.maybeWriteNotes({
      historyId: history.id,
      metadataOffset: image.offset,
      metadataBatch: image.lastBatch,
      directories: { ...Object.fromEntries(paths), ...offlineDirectories },
      hasTopic: (topicId) => image.topicById(topicId) !== undefined,
    });
  }

  #isMissing(topicId: string, index: number): boolean {
    const state = this.#image.topicById(topicId)?.partitions[index];
    if (state === undefined || !state.replicas.includes(this.#options.nodeId)) return false;
    return this.getById(topicId, index) === undefined;
  }

  #isWanted({ topicId, partition }: PartitionName): boolean {
    return !this.#missing.has(`${partition} ${topicId}`) && this.#isMissing(topicId, partition);
  }

  async #make(name: PartitionName, directory: LogDirectory): Promise<void> {
    const { topic, partition: index, topicId } = name;
    // Of a topic that had the name before, and could not be removed when it was deleted.
    if (directory.log(topic, index) !== null) await directory.deleteLog(topic, index);
    const log = await directory.createLog(name, this.#configOf(topic, this.#image));
    // Then it is made elsewhere: it holds nothing.
    if (this.#failed.has(directory)) throw new KafkaError('KAFKA_STORAGE_ERROR');
    const image = this.#image.topicById(topicId);
    if (image === undefined || !this.#isWanted(name)) {
      this.#folders.remove(name, Promise.resolve([directory]));
      return;
    }
    log.configure(this.#configOf(topic, this.#image));
    this.#adopt({ topic: image, index }, log, directory);
    const partition = this.getById(topicId, index);
    if (partition !== undefined) this.#options.onMade?.(partition);
  }

  #adopt(
    { topic, index }: { topic: TopicImage; index: number },
    log: PartitionLog,
    directory: LogDirectory,
  ): void {
    const partition = new Partition(this.#io, {
      topic: topic.name,
      topicId: topic.id,
      partition: index,
      nodeId: this.#options.nodeId,
      log,
      highWatermark: directory.highWatermarks.get(`${topic.name}-${index}`) ?? 0,
      onLeadingLate: () => this.#options.onMade?.(partition),
    });
    let replicas = this.#byTopicId.get(topic.id);
    if (replicas === undefined) {
      assert(!this.#byTopic.has(topic.name), 'a topic name has one id at a time');
      replicas = { topicId: topic.id, partitions: [] };
      this.#byTopicId.set(topic.id, replicas);
      this.#byTopic.set(topic.name, replicas);
    }
    replicas.partitions[index] = partition;
    this.#directoryOf.set(partition, directory);
    // It may have failed while its logs were opened.
    if (this.#failed.has(directory)) partition.becomeOffline();
    this.#assume(partition, topic.partitions[index] as PartitionImage);
  }

  #assume(partition: Partition, image: PartitionImage): void {
    const metadataOffset = this.#image.offset;
    const { leader, leaderEpoch, partitionEpoch, replicas, isr } = image;
    if (isRolledBack(partition, image)) {
      this.#setOffline(partition, image);
      return;
    }
    const state = { metadataOffset, leader, leaderEpoch, partitionEpoch, replicas, isr };
    const { nodeId, incarnationId: own = null } = this.#options;
    const mayLead = own === null || this.#image.brokers.get(nodeId)?.incarnationId === own;
    if (leader === nodeId && mayLead) partition.becomeLeader(state);
    else partition.becomeFollower(leader === nodeId ? { ...state, leader: -1 } : state);
    this.#options.onRoleChanged?.(partition);
  }

  /** What other brokers have by now may be another history: ours is neither led nor cut by it. */
  #setOffline(partition: Partition, { leaderEpoch }: PartitionImage): void {
    if (partition.role === 'offline') return;
    const { topic, partition: index, logView } = partition;
    const own = logView.leaderEpochs.latestEpoch;
    this.#log.error(
      `the metadata say leader epoch ${leaderEpoch} of ${topic}-${index}, whose log here has ` +
        `epoch ${own}: the cluster's store was put back to an older state, and the replica is ` +
        'offline until a start finds a store that knows the epoch',
    );
    partition.becomeOffline();
    this.#options.onRoleChanged?.(partition);
  }

  #configOf(topic: string, image: MetadataImage): LogConfig {
    return this.#options.logConfigOf(image.configOf(ResourceType.TOPIC, topic));
  }

  #apply(image: MetadataImage, changes: ImageChanges): void {
    for (const topic of changes.topicsDeleted.values()) this.#drop(topic.id);
    this.#reconfigure(image, changes);
    for (const topic of changes.topicsCreated.values())
      this.#follow(topic, topic.partitions.keys());
    for (const [topicId, indexes] of changes.topicsChanged) {
      const topic = image.topicById(topicId);
      if (topic !== undefined) this.#follow(topic, indexes);
    }
  }

  /** Images between the last one and this did not reach us. */
  #applyWhole(image: MetadataImage): void {
    const topicIds = Array.from(this.#missing.values(), ({ topicId }) => topicId);
    for (const topicId of [...topicIds, ...this.#byTopicId.keys()]) {
      if (image.topicById(topicId) === undefined) this.#drop(topicId);
    }
    for (const topic of this.#byTopic.keys()) this.#configure(topic, image);
    for (const topic of image.topics()) this.#follow(topic, topic.partitions.keys());
  }

  #follow(topic: TopicImage, indexes: Iterable<number>): void {
    for (const index of indexes) {
      const partition = this.getById(topic.id, index);
      const name = { topic: topic.name, partition: index, topicId: topic.id };
      const state = topic.partitions[index] as PartitionImage;
      if (partition === undefined) {
        if (this.#isWanted(name)) this.#folders.make(name);
      } else if (state.replicas.includes(this.#options.nodeId)) this.#assume(partition, state);
      else this.#leave(partition);
    }
  }

  /** The topic is deleted: nobody finds its partitions from now on. */
  #drop(topicId: string): void {
    for (const [key, missing] of this.#missing) {
      if (missing.topicId === topicId) this.#missing.delete(key);
    }
    const replicas = this.#byTopicId.get(topicId);
    if (replicas === undefined) return;
    this.#byTopicId.delete(topicId);
    for (const partition of replicas.partitions) {
      if (partition === undefined) continue;
      this.#byTopic.delete(partition.topic);
      this.#remove(partition);
    }
  }

  /** It was reassigned to other brokers, which have it: that it is not ours any more says so. */
  #leave(partition: Partition): void {
    const { topicId, partition: index } = partition;
    delete this.#byTopicId.get(topicId)?.partitions[index];
    this.#remove(partition);
  }

  #remove(partition: Partition): void {
    const { topic, topicId, partition: index } = partition;
    partition.close();
    this.#options.onRoleChanged?.(partition);
    this.#folders.remove({ topic, partition: index, topicId }, this.#release(partition));
  }

  /** Where the log is, once no move has anything to do with it. */
  async #release(partition: Partition): Promise<readonly LogDirectory[]> {
    const { topic, topicId, partition: index } = partition;
    await this.moves.cancel(partition);
    this.#directoryOf.delete(partition);
    return this.#options.directories.filter(
      (each) => each.log(topic, index) !== null && each.topicId(topic, index) === topicId,
    );
  }

  /** A broker's own defaults are the defaults of every topic that does not override them. */
  #reconfigure(image: MetadataImage, changes: ImageChanges): void {
    const { topicsCreated } = changes;
    if (changes.configsChanged.some((resource) => resource.type === ResourceType.BROKER)) {
      for (const topic of this.#byTopic.keys()) this.#configure(topic, image);
      return;
    }
    for (const resource of changes.configsChanged) {
      if (resource.type !== ResourceType.TOPIC) continue;
      const isNew =
        topicsCreated.size > 0 && topicsCreated.has(image.topic(resource.name)?.id ?? '');
      if (!isNew) this.#configure(resource.name, image);
    }
  }

  #configure(topic: string, image: MetadataImage): void {
    const replicas = this.#byTopic.get(topic);
    if (replicas === undefined) return;
    const config = this.#configOf(topic, image);
    for (const partition of replicas.partitions) partition?.configure(config);
  }
}

/** One replica alone has nobody to disagree with, and is led on. */
function isRolledBack({ logView }: Partition, { leaderEpoch, replicas }: PartitionImage): boolean {
  return replicas.length > 1 && leaderEpoch < logView.leaderEpochs.latestEpoch;
}
