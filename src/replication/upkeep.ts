// What happens to logs by the clock rather than by a request: retention, rolling of old segments,
// flush.ms, expiry of producer state, and the checkpoints from which the next start profits. Each
// round of a task ends before its next one is planned, so that a slow disk is not asked twice.
//
// Invariant: after `stop` resolves no task runs and no timer is left.

import type { Clock, Io, Log, Timer } from '../io/index.ts';
import { isShortage, type LogDirectory } from '../storage/index.ts';
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
}

interface Task {
  readonly name: string;
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
  readonly #highWatermarksWritten = new Map<LogDirectory, Map<string, number>>();
  #isStopped = false;

  constructor(io: Io, replicas: Replicas, options: UpkeepOptions) {
    this.#clock = io.clock;
    this.#log = io.log.child('upkeep');
    this.#replicas = replicas;
    this.#options = options;
    this.#add('retention', options.retentionCheckMs, () => this.applyRetention());
    this.#add('flush', options.flushCheckMs, () => this.#flushDue());
    this.#add('high watermark checkpoint', options.highWatermarkCheckpointMs, () =>
      this.checkpointHighWatermarks(),
    );
    this.#add('offset checkpoint', options.offsetCheckpointMs, () => this.#checkpointOffsets());
  }

  start(): void {
    for (const task of this.#tasks) {
      this.#plan(task, Math.min(this.#options.initialDelayMs, task.intervalMs));
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const task of this.#tasks) task.timer?.cancel();
    await Promise.all(this.#tasks.map((task) => task.running));
  }

  async applyRetention(): Promise<void> {
    const nowMs = this.#clock.now();
    for (const partition of this.#replicas.all()) {
      if (this.#isStopped) return;
      partition.log.expireProducers(nowMs);
      await partition.applyRetention();
    }
  }

  async checkpointHighWatermarks(): Promise<void> {
    await this.#inEach(async (directory) => {
      await this.#replicas.writeNotes(directory);
      const highWatermarks = this.#replicas.highWatermarks(directory);
      if (isSame(this.#highWatermarksWritten.get(directory), highWatermarks)) return;
      await directory.checkpointHighWatermarks(highWatermarks);
      this.#highWatermarksWritten.set(directory, highWatermarks);
    });
  }

  async #flushDue(): Promise<void> {
    await this.#inEach((directory) => directory.flushDueLogs(this.#clock.now()));
  }

  async #checkpointOffsets(): Promise<void> {
    await this.#inEach((directory) => directory.checkpointOffsets());
  }

  /** In one after the other; what one of them refuses is no reason to leave out the next. */
  async #inEach(work: (directory: LogDirectory) => Promise<void>): Promise<void> {
    const failures: unknown[] = [];
    for (const directory of this.#healthy()) {
      try {
        await work(directory);
      } catch (error) {
        directory.health.onRefused(error);
        if (!this.#replicas.isFailed(directory)) failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #healthy(): LogDirectory[] {
    return this.#options.directories.filter((directory) => !this.#replicas.isFailed(directory));
  }

  #add(name: string, intervalMs: number, run: () => Promise<void>): void {
    this.#tasks.push({ name, intervalMs, run, timer: null, running: null });
  }

  #plan(task: Task, delayMs: number): void {
    if (this.#isStopped) return;
    task.timer = this.#clock.after(delayMs, () => {
      task.running = this.#run(task).then(() => {
        task.running = null;
        this.#plan(task, task.intervalMs);
      });
    });
  }

  /** What failed is tried again in the next round; the disk that failed speaks for itself. */
  async #run(task: Task): Promise<void> {
    try {
      await task.run();
    } catch (error) {
      // The directory has told of it, and tells when it is over.
      if (isShortage(error)) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#log.warn(`${task.name} failed and is tried again: ${message}`);
    }
  }
}

function isSame(a: Map<string, number> | undefined, b: Map<string, number>): boolean {
  if (a === undefined || a.size !== b.size) return false;
  for (const [key, value] of b) if (a.get(key) !== value) return false;
  return true;
}
