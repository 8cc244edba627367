// The moves between log directories that are under way, one per partition at most. A move that a
// stop or a crash interrupted is begun again at the next start.

import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { LogDirectory } from '../storage/index.ts';
import { LogMove } from './log-move.ts';
import type { Partition } from './partition.ts';

export interface LogMovesOptions {
  readonly directories: readonly LogDirectory[];
  /** Entries of log.dirs that could not be opened. */
  readonly offlinePaths: readonly string[];
  readonly isFailed: (directory: LogDirectory) => boolean;
  readonly partition: (topic: string, index: number) => Partition | undefined;
  readonly directoryOf: (partition: Partition) => LogDirectory | undefined;
  readonly bytesPerSecondMax: () => number;
  readonly onTakenOver: (partition: Partition, target: LogDirectory) => void;
}

export class LogMoves {
  readonly #io: Io;
  readonly #options: LogMovesOptions;
  readonly #byPartition = new Map<Partition, LogMove>();

  constructor(io: Io, options: LogMovesOptions) {
    this.#io = io;
    this.#options = options;
  }

  of(partition: Partition): LogMove | undefined {
    return this.#byPartition.get(partition);
  }

  all(): Iterable<LogMove> {
    return this.#byPartition.values();
  }

  /**
   * Begins to move the partition to the entry of log.dirs; to where it is ends a move elsewhere.
   *
   * @throws KafkaError LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, REPLICA_NOT_AVAILABLE,
   *   INVALID_TOPIC_EXCEPTION
   */
  async move(topic: string, index: number, path: string): Promise<void> {
    const { directories, offlinePaths, partition: find, directoryOf } = this.#options;
    const wanted = withoutSlash(path);
    const target = directories.find((each) => withoutSlash(each.path) === wanted);
    if (target === undefined) {
      const isOffline = offlinePaths.some((each) => withoutSlash(each) === wanted);
      throw new KafkaError(isOffline ? 'KAFKA_STORAGE_ERROR' : 'LOG_DIR_NOT_FOUND');
    }
    const partition = find(topic, index);
    if (partition === undefined) throw new KafkaError('REPLICA_NOT_AVAILABLE');
    this.#assertNoneFailed(partition, target);
    target.assertMovable(topic, index);
    if (this.of(partition)?.target === target) return;
    await this.cancel(partition);
    // Much may have happened meanwhile.
    if (find(topic, index) !== partition) throw new KafkaError('REPLICA_NOT_AVAILABLE');
    this.#assertNoneFailed(partition, target);
    const source = directoryOf(partition);
    if (source === undefined || source === target || this.of(partition)) return;
    this.#begin(partition, source, target);
  }

  #assertNoneFailed(partition: Partition, target: LogDirectory): void {
    if (partition.role === 'offline' || this.#options.isFailed(target)) {
      throw new KafkaError('KAFKA_STORAGE_ERROR');
    }
  }

  /** Begins those anew that the last stop cut short. */
  resume(): void {
    const { directories, isFailed, partition: find, directoryOf } = this.#options;
    for (const target of directories) {
      for (const { topic, partition: index } of target.unfinishedMoves) {
        const partition = find(topic, index);
        const source = partition && directoryOf(partition);
        if (partition === undefined || source === undefined || source === target) continue;
        if (isFailed(source) || isFailed(target)) continue;
        if (this.of(partition) === undefined) this.#begin(partition, source, target);
      }
    }
  }

  #begin(partition: Partition, source: LogDirectory, target: LogDirectory): void {
    const move = new LogMove(this.#io, {
      partition,
      source,
      target,
      bytesPerSecondMax: this.#options.bytesPerSecondMax,
      onTakenOver: () => this.#options.onTakenOver(partition, target),
    });
    this.#byPartition.set(partition, move);
    void move.done.then(() => {
      if (this.#byPartition.get(partition) === move) this.#byPartition.delete(partition);
    });
  }

  /** Resolves when the partition does not move any more. */
  async cancel(partition: Partition): Promise<void> {
    const move = this.#byPartition.get(partition);
    if (move === undefined) return;
    move.cancel();
    await move.ended;
  }

  /** Moves from or to a directory that failed: nobody waits for them. */
  cancelOf(directory: LogDirectory): void {
    for (const move of this.all()) {
      if (move.source === directory || move.target === directory) move.abandon();
    }
  }

  async close(): Promise<void> {
    const moves = [...this.all()];
    for (const move of moves) move.cancel();
    await Promise.all(moves.map(({ done }) => done));
  }
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
