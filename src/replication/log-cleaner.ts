// Chooses, again and again, the log that needs compaction most and has it cleaned, one log at a
// time; when no log needs it, those that are compacted and deleted lose their old segments, as in
// Kafka by the cleaner's rhythm, and it rests for log.cleaner.backoff.ms. A log that cannot be
// cleaned is set aside until the next start and the others go on; one that found the disk full is
// tried again. Batches whose records cannot be read do not keep a log from being cleaned: they stay
// as they are, which is said once for each log.
//
// Invariant: after `stop` resolves nothing is cleaned and no timer is left.

import { type Io, IoError, type Log, type Timer } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import {
  type CleaningResult,
  CleaningStopped,
  type DirtyRange,
  isShortage,
  ReplacementFailed,
} from '../storage/index.ts';
import type { LogView } from './log-view.ts';
import type { Partition } from './partition.ts';
import type { Replicas } from './replicas.ts';

/** log.cleaner.*, as they are now. */
export interface LogCleanerSettings {
  /** Nothing is cleaned while it is 0; any other number means one log at a time. */
  readonly threads: number;
  readonly backoffMs: number;
  readonly dedupeBufferBytes: number;
  readonly loadFactor: number;
  readonly ioBufferBytes: number;
  readonly bytesPerSecondMax: number;
}

export interface LogCleanerOptions {
  /** Asked again and again. */
  readonly settings: () => LogCleanerSettings;
  /** What no log can be blamed for: the broker cannot go on. */
  readonly onBug: (error: Error) => void;
}

interface Candidate {
  readonly partition: Partition;
  readonly range: DirtyRange;
}

/** How long a log that found the disk full is left alone. */
const fullDiskRestMs = 60_000;
/** The longest timer that every platform keeps, and the shortest that is a rest. */
const backoffMsMax = 2 ** 31 - 1;
const backoffMsMin = 10;

export class LogCleaner {
  readonly #io: Io;
  readonly #log: Log;
  readonly #replicas: Replicas;
  readonly #options: LogCleanerOptions;
  /** Until the next start. */
  readonly #uncleanable = new WeakSet<LogView>();
  /** It was said that they keep batches that cannot be read. */
  readonly #unreadable = new WeakSet<LogView>();
  /** Not before this time, by the monotonic clock. */
  readonly #postponed = new WeakMap<LogView, number>();
  #current: Partition | null = null;
  #timer: Timer | null = null;
  #round: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(io: Io, replicas: Replicas, options: LogCleanerOptions) {
    this.#io = io;
    this.#log = io.log.child('log-cleaner');
    this.#replicas = replicas;
    this.#options = options;
  }

  start(): void {
    this.#plan(this.#options.settings().backoffMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#current?.upkeep.stopCleaning();
    await this.#round;
  }

  /** False if no log needs it. */
  async cleanFilthiest(): Promise<boolean> {
    const filthiest = this.#filthiest();
    if (filthiest === null || this.#isStopped) return false;
    const { partition, range } = filthiest;
    const beganMs = this.#io.clock.monotonic();
    this.#current = partition;
    try {
      const result = await partition.upkeep.clean({
        ...this.#options.settings(),
        bytesPerSecondMax: () => this.#options.settings().bytesPerSecondMax,
      });
      if (result === null) return false;
      this.#report(partition, result, beganMs);
      await this.#checkpoint(partition);
    } catch (error) {
      this.#onFailure(partition, range, error);
    } finally {
      this.#current = null;
    }
    return true;
  }

  #filthiest(): Candidate | null {
    if (this.#options.settings().threads === 0) return null;
    let filthiest: Candidate | null = null;
    for (const partition of this.#replicas.all()) {
      const range = this.#rangeOf(partition);
      if (range === null) continue;
      if (filthiest === null || range.ratio > filthiest.range.ratio) {
        filthiest = { partition, range };
      }
    }
    return filthiest;
  }

  /** null if the log is not to be cleaned now. */
  #rangeOf(partition: Partition): DirtyRange | null {
    const { logView: log, role } = partition;
    if (role === 'offline' || !log.config.cleanupPolicy.includes('compact')) return null;
    if (this.#uncleanable.has(log)) return null;
    if ((this.#postponed.get(log) ?? 0) > this.#io.clock.monotonic()) return null;
    try {
      const range = partition.upkeep.dirtyRange();
      const isDue = range.isOverdue && range.cleanableBytes > 0;
      return isDue || range.ratio > log.config.minCleanableDirtyRatio ? range : null;
    } catch (error) {
      if (!(error instanceof IoError || error instanceof KafkaError)) throw error;
      this.#setAside(partition, error);
      return null;
    }
  }

  #onFailure(partition: Partition, range: DirtyRange, error: unknown): void {
    // Deleted, moved, truncated, closed or reconfigured: what is left of it is looked at again.
    if (error instanceof CleaningStopped) return;
    if (isFullDisk(error) && partition.role !== 'offline') {
      const untilMs = this.#io.clock.monotonic() + fullDiskRestMs;
      this.#postponed.set(partition.logView, untilMs);
      this.#log.warn('the disk has no room to clean a log, which is as it was', {
        ...nameOf(partition),
        dirtyBytes: range.cleanableBytes,
        because: error.message,
      });
      return;
    }
    const isExpected =
      error instanceof IoError || error instanceof KafkaError || error instanceof ReplacementFailed;
    if (!isExpected) throw error;
    this.#setAside(partition, error);
  }

  #setAside(partition: Partition, error: Error): void {
    // The folder went away, or its disk: that was reported by whoever took it.
    if (partition.role === 'offline') return;
    this.#uncleanable.add(partition.logView);
    this.#log.error('a log cannot be cleaned and is left as it is until the next start', {
      ...nameOf(partition),
      because: error.message,
    });
  }

  #report(partition: Partition, result: CleaningResult, beganMs: number): void {
    const { fromOffset, endOffset, bytesRead, bytesWritten } = result;
    const name = nameOf(partition);
    const tookMs = Math.round(this.#io.clock.monotonic() - beganMs);
    const { role } = partition;
    const fields = { ...name, role, fromOffset, endOffset, bytesRead, bytesWritten, tookMs };
    this.#log.info('a log was cleaned', fields);
    const { recordsKeyless } = result;
    if (recordsKeyless > 0) {
      this.#log.warn('records without a key were removed', { ...name, records: recordsKeyless });
    }
    const { firstUnreadable, batchesUnreadable } = result;
    if (firstUnreadable === null || this.#unreadable.has(partition.logView)) return;
    this.#unreadable.add(partition.logView);
    const what =
      'a log has batches whose records cannot be read: they are kept as they are, and so is what ' +
      'they might supersede; kafka-delete-records.sh removes what is before an offset';
    this.#log.warn(what, { ...name, batches: batchesUnreadable, ...firstUnreadable });
  }

  /** Without it the next start takes more for dirty than is. */
  async #checkpoint(partition: Partition): Promise<void> {
    const directory = this.#replicas.directoryOf(partition);
    if (directory === undefined || this.#replicas.isFailed(directory)) return;
    try {
      await directory.checkpointCleanedOffsets();
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      this.#log.warn('the cleaner checkpoint cannot be written yet', { because: error.message });
    }
  }

  #plan(delayMs: number): void {
    if (this.#isStopped) return;
    const restMs = Math.min(Math.max(delayMs, backoffMsMin), backoffMsMax);
    this.#timer = this.#io.clock.after(restMs, () => {
      this.#round = this.#cleanAll()
        .then(() => this.#plan(this.#options.settings().backoffMs))
        .catch((error: unknown) => this.#options.onBug(error as Error));
    });
  }

  async #applyRetention(): Promise<void> {
    for (const partition of this.#replicas.all()) {
      if (this.#isStopped) return;
      const { cleanupPolicy } = partition.logView.config;
      const isBoth = cleanupPolicy.includes('compact') && cleanupPolicy.includes('delete');
      if (!isBoth || partition.role === 'offline') continue;
      try {
        await partition.upkeep.applyRetention();
      } catch (error) {
        if (!(error instanceof IoError || error instanceof KafkaError)) throw error;
        const because = error.message;
        this.#log.warn('old segments cannot be deleted yet', { ...nameOf(partition), because });
      }
    }
  }

  async #cleanAll(): Promise<void> {
    while (!this.#isStopped && (await this.cleanFilthiest()));
    if (this.#options.settings().threads > 0) await this.#applyRetention();
  }
}

/** A flush that cannot write a small file is postponed, and says so with a protocol error. */
function isFullDisk(error: unknown): error is IoError | KafkaError {
  if (error instanceof IoError) return isShortage(error);
  return error instanceof KafkaError && error.errorName === 'KAFKA_STORAGE_ERROR';
}

function nameOf({ topic, partition }: Partition): { topic: string; partition: number } {
  return { topic, partition };
}
