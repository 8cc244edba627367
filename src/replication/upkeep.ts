// What happens to logs by the clock rather than by a request: retention, rolling of old segments,
// flush.ms, expiry of producer state, and the checkpoints from which the next start profits. Each
// round of a task ends before its next one is planned, so that a slow disk is not asked twice.
//
// Invariants: after `stop` resolves no task runs and no timer is left; what fails for one partition
// or directory is said for that one and costs the others nothing; a broken invariant is no failure
// of a disk and ends the broker.

import type { Clock, Io, Log, Timer } from '../io/index.ts';
import { isExpectedFailure, isShortage, type LogDirectory } from '../storage/index.ts';
import type { Replicas } from './replicas.ts';

export interface UpkeepOptions {
  readonly directories: readonly LogDirectory[];
  /** log.retention.check.interval.ms */
  readonly retentionCheckMs: number;
  /** How often logs are asked whether their flush.ms is over. */
  readonly flushCheckMs: number;
  /** replica.high.watermark.checkpoint.interval.ms */
  readonly highWatermarkCheckpointMs: number;
  /** log.flush.offset.checkpoint.interval.ms */
  readonly offsetCheckpointMs: number;
  /** log.initial.task.delay.ms */
  readonly initialDelayMs: number;
  readonly onBug: (error: Error) => void;
}

interface Task {
  readonly intervalMs: number;
  readonly run: () => Promise<void>;
  timer: Timer | null;
  running: Promise<void> | null;
}

export class Upkeep {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #replicas: Replicas;
  readonly #options: UpkeepOptions;
  readonly #tasks: Task[] = [];
  readonly #noting: Task;
  readonly #highWatermarksWritten = new Map<LogDirectory, Map<string, number>>();
  #isStopped = false;

  constructor(io: Io, replicas: Replicas, options: UpkeepOptions) {
    this.#clock = io.clock;
    this.#log = io.log.child('upkeep');
    this.#replicas = replicas;
    this.#options = options;
    this.#add(options.retentionCheckMs, () => this.applyRetention());
    this.#add(options.flushCheckMs, () => this.#flushDue());
    const checkpoint = (): Promise<void> => this.checkpointHighWatermarks();
    this.#noting = this.#add(options.highWatermarkCheckpointMs, checkpoint);
    this.#add(options.offsetCheckpointMs, () => this.#checkpointOffsets());
  }

  start(): void {
    for (const task of this.#tasks) {
      this.#plan(task, Math.min(this.#options.initialDelayMs, task.intervalMs));
    }
  }

  /** The cluster knows this broker: its directories note so at once, new ones above all. */
  onJoined(): void {
    if (this.#isStopped || this.#noting.running !== null) return;
    this.#noting.timer?.cancel();
    this.#noting.running = this.#run(this.#noting);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const task of this.#tasks) task.timer?.cancel();
    await Promise.all(this.#tasks.map((task) => task.running));
  }

  async applyRetention(): Promise<void> {
    for (const partition of this.#replicas.all()) {
      if (this.#isStopped) return;
      await this.#attempt(
        `retention of ${partition.topic}-${partition.partition}`,
        null,
        async () => {
          await partition.upkeep.applyRetention();
        },
      );
    }
  }

  async checkpointHighWatermarks(): Promise<void> {
    await this.#inEach('high watermark checkpoint', async (directory) => {
      await this.#replicas.writeNotes(directory);
      const highWatermarks = this.#replicas.highWatermarks(directory);
      if (isSame(this.#highWatermarksWritten.get(directory), highWatermarks)) return;
      await directory.checkpointHighWatermarks(highWatermarks);
      this.#highWatermarksWritten.set(directory, highWatermarks);
    });
  }

  async #flushDue(): Promise<void> {
    await this.#inEach('flush', (directory) => directory.flushDueLogs(this.#clock.now()));
  }

  async #checkpointOffsets(): Promise<void> {
    await this.#inEach('offset checkpoint', (directory) => directory.checkpointOffsets());
  }

  async #inEach(what: string, work: (directory: LogDirectory) => Promise<void>): Promise<void> {
    for (const directory of this.#healthy()) {
      await this.#attempt(`${what} in ${directory.path}`, directory, () => work(directory));
    }
  }

  /** What one refuses is tried again in the next round, and no reason to leave others out. */
  async #attempt(
    what: string,
    directory: LogDirectory | null,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isExpectedFailure(error)) throw error;
      directory?.health.onRefused(error);
      // The directory has told of it; of a shortage also when it is over.
      if (isShortage(error) || (directory !== null && this.#replicas.isFailed(directory))) return;
      this.#log.warn(`${what} failed and is tried again: ${error.message}`);
    }
  }

  #healthy(): LogDirectory[] {
    return this.#options.directories.filter((directory) => !this.#replicas.isFailed(directory));
  }

  #add(intervalMs: number, run: () => Promise<void>): Task {
    const task = { intervalMs, run, timer: null, running: null };
    this.#tasks.push(task);
    return task;
  }

  #plan(task: Task, delayMs: number): void {
    if (this.#isStopped) return;
    task.timer = this.#clock.after(delayMs, () => {
      task.running = this.#run(task);
    });
  }

  async #run(task: Task): Promise<void> {
    try {
      await task.run();
    } catch (error) {
      this.#options.onBug(error as Error);
      return;
    }
    task.running = null;
    this.#plan(task, task.intervalMs);
  }
}

function isSame(a: Map<string, number> | undefined, b: Map<string, number>): boolean {
  if (a === undefined || a.size !== b.size) return false;
  for (const [key, value] of b) if (a.get(key) !== value) return false;
  return true;
}
