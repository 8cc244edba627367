// The moves between log directories that are under way, one per partition at most. A move that a
// stop or a crash interrupted is begun again at the next start.

import type { Io } from '../io/index.ts';
import type { LogDirectory } from '../storage/index.ts';
import { LogMove } from './log-move.ts';
import type { Partition } from './partition.ts';

export interface LogMovesOptions {
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

  begin(partition: Partition, source: LogDirectory, target: LogDirectory): void {
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
