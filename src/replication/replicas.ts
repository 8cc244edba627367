// The partitions this broker has a replica of, found by topic and by topic id, and kept in step
// with the metadata image: logs are created, reconfigured and deleted as it says.
//
// Invariants: images are applied one after the other, in order; `image` is the newest one whose
// partitions are all here, so that whoever is sent to a partition finds it; a log is deleted when
// its topic was deleted before our eyes, or found-logs.ts proves that it was. A partition that was
// here before is not made anew while a directory is missing: its records may be there.

import { assert } from '../base/assert.ts';
import { type Io, IoError, type Log } from '../io/index.ts';
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
import { FoundLogs } from './found-logs.ts';
import { LogCreation, type WantedLog } from './log-creation.ts';
import { LogMoves } from './log-moves.ts';
import { Partition } from './partition.ts';

export interface ReplicasOptions {
  readonly nodeId: number;
  readonly directories: readonly LogDirectory[];
  /** Entries of log.dirs that could not be opened. */
  readonly offlinePaths?: readonly string[];
  /** What is known of them: id to path. */
  readonly offlineDirectories?: Readonly<Record<string, string>>;
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
  /** Partitions that could not be made when the image came are there. */
  readonly onMadeLate?: () => void;
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
  readonly #moves: LogMoves;
  readonly #creation: LogCreation;
  #image: MetadataImage;
  #applying: Promise<void> = Promise.resolve();

  private constructor(io: Io, options: ReplicasOptions, image: MetadataImage) {
    this.#io = io;
    this.#log = io.log.child('replicas');
    this.#options = options;
    this.#image = image;
    this.#moves = new LogMoves(this.#io, {
      bytesPerSecondMax: options.moveBytesPerSecondMax ?? (() => Number.POSITIVE_INFINITY),
      onTakenOver: (partition, target) => this.#directoryOf.set(partition, target),
    });
    this.#creation = new LogCreation(io, {
      directories: options.directories,
      isFailed: (directory) => this.#failed.has(directory),
      onRetry: () => this.#retryCreation(),
    });
  }

  /** Opens what the directories hold and creates what the image says and is not there yet. */
  static async open(io: Io, options: ReplicasOptions, image: MetadataImage): Promise<Replicas> {
    const replicas = new Replicas(io, options, image);
    await replicas.#openDirectories(image);
    replicas.#missUnopened(image);
    if (replicas.hasOfflineDirectory) replicas.#missAbsent(image);
    const topics = [...image.topics()];
    options.beforeMissingAreMade?.(replicas.#absent(image));
    await replicas.#creation.createAll(topics.flatMap((topic) => replicas.#ownOf(topic, image)));
    replicas.#resumeMoves();
    return replicas;
  }

  /** The newest image whose partitions are all here: what clients are told. */
  get image(): MetadataImage {
    return this.#image;
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

  get moves(): LogMoves {
    return this.#moves;
  }

  /**
   * Begins to move the partition to the entry of log.dirs; to where it is ends a move elsewhere.
   *
   * @throws KafkaError LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, REPLICA_NOT_AVAILABLE,
   *   INVALID_TOPIC_EXCEPTION
   */
  async alterLogDirectory(topic: string, index: number, path: string): Promise<void> {
    const wanted = withoutSlash(path);
    const target = this.#options.directories.find((each) => withoutSlash(each.path) === wanted);
    if (target === undefined) {
      const isOffline = this.offlinePaths.some((each) => withoutSlash(each) === wanted);
      throw new KafkaError(isOffline ? 'KAFKA_STORAGE_ERROR' : 'LOG_DIR_NOT_FOUND');
    }
    if (this.#failed.has(target)) throw new KafkaError('KAFKA_STORAGE_ERROR');
    const partition = this.get(topic, index);
    if (partition === undefined) throw new KafkaError('REPLICA_NOT_AVAILABLE');
    if (partition.role === 'offline') throw new KafkaError('KAFKA_STORAGE_ERROR');
    target.assertMovable(topic, index);
    if (this.#moves.of(partition)?.target === target) return;
    await this.#moves.cancel(partition);
    const source = this.#directoryOf.get(partition);
    if (source === undefined || source === target || this.#moves.of(partition)) return;
    this.#moves.begin(partition, source, target);
  }

  /** The listener to give to the metadata publisher. */
  onImage(image: MetadataImage, changes: ImageChanges): void {
    this.#applying = this.#applying
      .then(() => this.#apply(image, changes))
      .catch((error: unknown) => this.#options.onFatal(error as Error));
  }

  /** Resolves when every image received so far is applied. */
  async settled(): Promise<void> {
    await this.#applying;
  }

  /** A directory failed: its partitions are gone until the next start. */
  onDirectoryFailure(directory: LogDirectory, error: Error): void {
    if (this.#failed.has(directory)) return;
    this.#failed.add(directory);
    this.#log.error(`log directory ${directory.path} failed and is offline: ${error.message}`);
    for (const [partition, home] of this.#directoryOf) {
      if (home === directory) partition.becomeOffline();
    }
    this.#moves.cancelOf(directory);
    if (this.#failed.size === this.#options.directories.length) {
      this.#options.onFatal(error);
    }
  }

  /** By directory, what replication-offset-checkpoint should say. */
  highWatermarks(directory: LogDirectory): Map<string, number> {
    const highWatermarks = new Map<string, number>();
    for (const [partition, home] of this.#directoryOf) {
      if (home !== directory) continue;
      highWatermarks.set(`${partition.topic}-${partition.partition}`, partition.highWatermark);
    }
    return highWatermarks;
  }

  /** Ends the long polls: what they have found so far is their answer. */
  interruptFetches(): void {
    for (const partition of this.all()) partition.interruptFetches();
  }

  /** Ends every wait; the logs are closed with their directories. */
  async close(): Promise<void> {
    this.#creation.close();
    await this.#applying;
    await this.#moves.close();
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
      this.#adopt({ topic, index: log.partition }, log, directory, image.offset);
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
      directories: { ...Object.fromEntries(paths), ...offlineDirectories },
      hasTopic: (topicId) => image.topicById(topicId) !== undefined,
    });
  }

  #resumeMoves(): void {
    for (const target of this.#options.directories) {
      for (const { topic, partition: index } of target.unfinishedMoves) {
        const partition = this.get(topic, index);
        const source = partition && this.#directoryOf.get(partition);
        if (partition === undefined || source === undefined || source === target) continue;
        if (this.#failed.has(source) || this.#failed.has(target)) continue;
        if (this.#moves.of(partition) === undefined) this.#moves.begin(partition, source, target);
      }
    }
  }

  /** The partitions of the topic that should be here and are not. */
  #ownOf(topic: TopicImage | undefined, image: MetadataImage): WantedLog[] {
    const missing: WantedLog[] = [];
    if (topic === undefined) return missing;
    for (const [index, partition] of topic.partitions.entries()) {
      if (!partition.replicas.includes(this.#options.nodeId)) continue;
      if (this.#byTopicId.get(topic.id)?.partitions[index] !== undefined) continue;
      if (this.#missing.has(`${index} ${topic.id}`)) continue;
      const { name, id } = topic;
      const createIn = (directory: LogDirectory): Promise<void> =>
        this.#create({ topic, index }, image, directory);
      missing.push({ topic: name, topicId: id, index, createIn });
    }
    return missing;
  }

  async #create(
    { topic, index }: { topic: TopicImage; index: number },
    image: MetadataImage,
    directory: LogDirectory,
  ): Promise<void> {
    // A folder that an image before ours left behind, under a name that is used again.
    if (directory.log(topic.name, index) !== null) await directory.deleteLog(topic.name, index);
    const name = { topic: topic.name, partition: index, topicId: topic.id };
    const log = await directory.createLog(name, this.#configOf(topic.name, image));
    this.#adopt({ topic, index }, log, directory, image.offset);
  }

  /** In its turn between the images, like everything that changes what is here. */
  #retryCreation(): void {
    this.#applying = this.#applying
      .then(async () => {
        const topics = [...this.#creation.unmadeTopics].map((id) => this.#image.topicById(id));
        await this.#creation.retry(topics.flatMap((topic) => this.#ownOf(topic, this.#image)));
        this.#options.onMadeLate?.();
      })
      .catch((error: unknown) => this.#options.onFatal(error as Error));
  }

  #adopt(
    { topic, index }: { topic: TopicImage; index: number },
    log: PartitionLog,
    directory: LogDirectory,
    metadataOffset: number,
  ): void {
    const partition = new Partition(this.#io, {
      topic: topic.name,
      topicId: topic.id,
      partition: index,
      nodeId: this.#options.nodeId,
      log,
      highWatermark: directory.highWatermarks.get(`${topic.name}-${index}`) ?? 0,
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
    // It may have failed while the log was made.
    if (this.#failed.has(directory)) partition.becomeOffline();
    this.#assume(partition, topic.partitions[index] as PartitionImage, metadataOffset);
  }

  #assume(partition: Partition, image: PartitionImage, metadataOffset: number): void {
    const { leader, leaderEpoch, partitionEpoch, replicas, isr } = image;
    const state = { metadataOffset, leader, leaderEpoch, partitionEpoch, replicas, isr };
    if (leader === this.#options.nodeId) partition.becomeLeader(state);
    else partition.becomeFollower(state);
  }

  #configOf(topic: string, image: MetadataImage): LogConfig {
    return this.#options.logConfigOf(image.configOf(ResourceType.TOPIC, topic));
  }

  async #apply(image: MetadataImage, changes: ImageChanges): Promise<void> {
    // What is only taken away is gone at once for those who ask; what is new, when it is there.
    if (changes.topicsCreated.size + changes.topicsChanged.size === 0) this.#image = image;
    for (const topic of changes.topicsDeleted.values()) await this.#delete(topic);
    this.#reconfigure(image, changes);
    const changed = [...changes.topicsChanged.keys()].map((id) => image.topicById(id));
    const topics = [...changes.topicsCreated.values(), ...changed];
    await this.#creation.createAll(topics.flatMap((topic) => this.#ownOf(topic, image)));
    for (const [topicId, indexes] of changes.topicsChanged) {
      const states = image.topicById(topicId)?.partitions;
      for (const index of indexes) {
        const partition = this.getById(topicId, index);
        const state = states?.[index];
        if (partition !== undefined && state !== undefined)
          this.#assume(partition, state, image.offset);
      }
    }
    this.#image = image;
  }

  async #delete(topic: TopicImage): Promise<void> {
    for (const index of topic.partitions.keys()) this.#missing.delete(`${index} ${topic.id}`);
    const replicas = this.#byTopicId.get(topic.id);
    if (replicas === undefined) return;
    this.#byTopicId.delete(topic.id);
    this.#byTopic.delete(topic.name);
    for (const partition of replicas.partitions) {
      if (partition === undefined) continue;
      await this.#moves.cancel(partition);
      partition.close();
      const directory = this.#directoryOf.get(partition);
      this.#directoryOf.delete(partition);
      if (directory === undefined || this.#failed.has(directory)) continue;
      await this.#deleteLog(partition, directory);
    }
  }

  /** What cannot be deleted now is when the next start finds it without a topic. */
  async #deleteLog({ topic, partition }: Partition, directory: LogDirectory): Promise<void> {
    try {
      await directory.deleteLog(topic, partition);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      directory.health.onRefused(error);
      const path = `${directory.path}/${topic}-${partition}`;
      this.#log.warn('a deleted log is left until the next start', { path, error });
    }
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
    for (const partition of replicas.partitions) partition?.log.configure(config);
  }
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
