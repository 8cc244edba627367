// The logs that a broker finds in its directories when it starts, and what becomes of each folder:
// it is opened as a partition of the image, deleted, or set aside.
//
// Invariants: a folder is deleted only where it is proven that its topic was deleted (its deletion
// is in the metadata log; or this directory noted it at an offset that the image has behind it,
// and the image does not have it), that other brokers have the partition (this directory noted the
// topic, as above), that it is what a move left behind, or that it never held a record. What is not
// proven is set aside before anybody opens it, and nothing is removed of it: the image may be older
// than the folder, of another cluster, or made of a log that was cut.

import { type Uuid, ZERO_UUID } from '../base/uuid.ts';
import { type Io, IoError, type Log } from '../io/index.ts';
import type { MetadataHistory, MetadataImage, TopicImage } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import {
  clearMoved,
  type FolderFate,
  type LogConfig,
  type LogDirectory,
  movedTo,
  type PartitionLog,
  type PartitionName,
  pathOfMark,
} from '../storage/index.ts';

/** A log of a directory that is a partition's. */
export interface FoundLog {
  readonly log: PartitionLog;
  readonly directory: LogDirectory;
}

export interface FoundLogsOptions {
  readonly image: MetadataImage;
  readonly nodeId: number;
  readonly directories: readonly LogDirectory[];
  readonly offlinePaths?: readonly string[];
  readonly history?: MetadataHistory;
  readonly configOf: (topic: string) => LogConfig;
  readonly isFailed: (directory: LogDirectory) => boolean;
  readonly hasOfflineDirectory: () => boolean;
  readonly onDirectoryFailure: (directory: LogDirectory, error: Error) => void;
}

export class FoundLogs {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: FoundLogsOptions;
  #deletedTopics: Promise<ReadonlySet<Uuid>> | null = null;

  constructor(io: Io, options: FoundLogsOptions) {
    this.#io = io;
    this.#log = io.log.child('replicas');
    this.#options = options;
  }

  /** One log of each partition that is here and may be served. */
  async open(): Promise<FoundLog[]> {
    const { directories, image } = this.#options;
    const found = new Map<string, FoundLog[]>();
    for (const directory of directories) {
      for (const log of await this.#openLogs(directory)) {
        await this.#nameTopic(directory, log, image.topic(log.topic) as TopicImage);
        const name = `${log.topic}-${log.partition}`;
        found.set(name, [...(found.get(name) ?? []), { log, directory }]);
      }
    }
    const kept: FoundLog[] = [];
    for (const logs of found.values()) {
      const each = await this.#keepOne(logs);
      if (await this.#isWhole(each.log)) kept.push(each);
    }
    return kept;
  }

  async #openLogs(directory: LogDirectory): Promise<PartitionLog[]> {
    try {
      return await directory.openLogs((name) => this.#fateOf(directory, name));
    } catch (error) {
      const isStorage = error instanceof KafkaError && error.errorName === 'KAFKA_STORAGE_ERROR';
      if (!isStorage && !(error instanceof IoError)) throw error;
      this.#options.onDirectoryFailure(directory, error);
      return [];
    }
  }

  #fateOf(directory: LogDirectory, name: PartitionName): FolderFate | Promise<FolderFate> {
    const { image, nodeId, configOf } = this.#options;
    const { topic, partition, topicId } = name;
    const named = image.topic(topic);
    const state = named?.partitions[partition];
    if (state !== undefined && (topicId === named?.id || topicId === ZERO_UUID)) {
      if (state.replicas.includes(nodeId)) return configOf(topic);
      // It was reassigned to others while this broker was away.
      return this.#isNoted(directory, topicId) ? 'delete' : 'set aside';
    }
    if (topicId === ZERO_UUID) {
      return directory.isEmptyFolder(topic, partition) ? 'delete' : 'set aside';
    }
    // It is there under another name, or with fewer partitions.
    if (image.topicById(topicId) !== undefined) return 'set aside';
    return this.#wasDeleted(directory, topicId).then((was) => (was ? 'delete' : 'set aside'));
  }

  /** It was here at an offset of the same history that the image has behind it. */
  #isNoted({ notes }: LogDirectory, topicId: Uuid): boolean {
    const { history, image } = this.#options;
    return (
      notes !== null &&
      notes.historyId === history?.id &&
      notes.metadataOffset <= image.offset &&
      notes.topicIds.includes(topicId)
    );
  }

  async #wasDeleted(directory: LogDirectory, topicId: Uuid): Promise<boolean> {
    const { history } = this.#options;
    if (history === undefined) return false;
    if (this.#isNoted(directory, topicId)) return true;
    this.#deletedTopics ??= history.deletedTopics();
    return (await this.#deletedTopics).has(topicId);
  }

  /** A log without its topic's id is taken for one of the topic of that name, as Kafka does. */
  async #nameTopic(directory: LogDirectory, log: PartitionLog, topic: TopicImage): Promise<void> {
    if (directory.topicId(log.topic, log.partition) !== ZERO_UUID) return;
    const because = 'partition.metadata is missing or torn';
    this.#log.warn('a log that names no topic is taken for the one of that name', {
      path: log.directory,
      topicId: topic.id,
      because,
    });
    try {
      await directory.assignTopicId(log.topic, log.partition, topic.id);
    } catch (error) {
      // The next start asks again.
      if (!(error instanceof IoError)) throw error;
      this.#log.warn('partition.metadata cannot be written', { because: error.message });
    }
  }

  /**
   * A move was cut short after the copy got the partition's name (log-move.ts), and the longer has
   * all that the other has. Or a directory is back after its partitions were made anew: then there
   * are two histories, and the one that this broker had last goes on.
   */
  async #keepOne(logs: readonly FoundLog[]): Promise<FoundLog> {
    const sorted = [...logs].sort((a, b) => b.log.logEndOffset - a.log.logEndOffset);
    const longest = sorted[0] as FoundLog;
    const others = sorted.filter((each) => each !== longest && !this.#isMove(longest, each));
    const kept = others.length === 0 ? longest : this.#mostRecent(sorted);
    if (logs.length > 1) await kept.log.flush();
    for (const { log, directory } of sorted.filter((each) => each !== kept)) {
      const { topic, partition } = log;
      if (others.length === 0) {
        this.#log.warn(`${directory.path}/${topic}-${partition} is deleted: it was moved`);
        await directory.deleteLog(topic, partition);
      } else {
        const because = `${kept.log.directory} is served, and neither is a copy of the other`;
        await directory.setLogAside(topic, partition, because);
      }
    }
    return kept;
  }

  #mostRecent(logs: readonly FoundLog[]): FoundLog {
    const { image, nodeId } = this.#options;
    const registered = image.brokers.get(nodeId)?.logDirs ?? [];
    const recent = logs.find(({ directory }) => registered.includes(directory.meta.directoryId));
    return recent ?? (logs[0] as FoundLog);
  }

  #isMove(kept: FoundLog, other: FoundLog): boolean {
    const { disk } = this.#io;
    const isMarked = (a: FoundLog, b: FoundLog): boolean =>
      movedTo(disk, a.log) === b.directory.meta.directoryId;
    return isMarked(kept, other) || isMarked(other, kept);
  }

  /** False for the rest of a move whose target is not there: it may lack the latest records. */
  async #isWhole(log: PartitionLog): Promise<boolean> {
    const { directories, offlinePaths = [], isFailed, hasOfflineDirectory } = this.#options;
    if (directories.length + offlinePaths.length === 1) return true;
    const target = movedTo(this.#io.disk, log);
    if (target === null) return true;
    const isThere = directories.some((each) => {
      return each.meta.directoryId === target && !isFailed(each);
    });
    if (isThere || !hasOfflineDirectory()) {
      await this.#clearMoved(log);
      return true;
    }
    this.#log.error('a log that was moved to a directory that is not there is left alone', {
      path: log.directory,
      directoryId: target,
      remedy: `bring it back, or remove ${pathOfMark(log)} and lose what only the other has`,
    });
    return false;
  }

  async #clearMoved(log: PartitionLog): Promise<void> {
    try {
      await clearMoved(this.#io.disk, log);
    } catch (error) {
      // The next start asks again.
      if (!(error instanceof IoError)) throw error;
      this.#log.warn('the mark of a move is left', { path: pathOfMark(log), error });
    }
  }
}
