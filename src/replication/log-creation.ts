// Makes the logs that the image wants here and that are not there yet. What a system refuses now (a
// full disk, no descriptor) it may grant later: such a log is made in another directory, or tried
// again and again until it is there or nobody wants it any more.
//
// Invariants: a log that could not be made is not forgotten; a shortage is told of once when it
// begins and once when it is over, however many logs it concerns.

import { type Io, IoError, type Log, type Timer } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { inParallel, type LogDirectory, remedyOf } from '../storage/index.ts';

/** Logs made at the same time; enough to keep the disk busy, few enough to stay small. */
const createParallel = 32;
const retryMsMin = 1_000;
const retryMsMax = 60_000;

export interface WantedLog {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  /** @throws IoError, KafkaError */
  readonly createIn: (directory: LogDirectory) => Promise<void>;
}

export interface LogCreationOptions {
  readonly directories: readonly LogDirectory[];
  readonly isFailed: (directory: LogDirectory) => boolean;
  /** Time to ask again for what is unmade. */
  readonly onRetry: () => void;
}

interface Refusal {
  readonly wanted: WantedLog;
  readonly directory: LogDirectory;
  readonly error: Error;
}

export class LogCreation {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: LogCreationOptions;
  /** How many logs are being created in each directory. */
  readonly #creating = new Map<LogDirectory, number>();
  #refusals: Refusal[] = [];
  #retryMs = retryMsMin;
  #timer: Timer | null = null;
  #wasRefused = false;
  #isClosed = false;

  constructor(io: Io, options: LogCreationOptions) {
    this.#io = io;
    this.#log = io.log.child('replicas');
    this.#options = options;
  }

  /** The topics of what could not be made. */
  get unmadeTopics(): ReadonlySet<string> {
    return new Set(this.#refusals.map(({ wanted }) => wanted.topicId));
  }

  async createAll(wanted: readonly WantedLog[]): Promise<void> {
    if (wanted.length === 0) return;
    await inParallel(wanted, (each) => this.#create(each), createParallel);
    if (this.#refusals.length > 0) this.#onRefused();
  }

  /** What is wanted still; what was refused before is forgotten unless it is among it. */
  async retry(wanted: readonly WantedLog[]): Promise<void> {
    this.#refusals = [];
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
    await this.createAll(wanted);
    if (this.#refusals.length > 0) return;
    this.#wasRefused = false;
    this.#retryMs = retryMsMin;
    this.#log.warn('every partition that could not be made is there now');
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #create(wanted: WantedLog): Promise<void> {
    const tried = new Set<LogDirectory>();
    let first: Refusal | null = null;
    for (;;) {
      const directory = this.#leastLoadedDirectory(tried);
      if (directory === null) break;
      tried.add(directory);
      this.#creating.set(directory, (this.#creating.get(directory) ?? 0) + 1);
      try {
        await wanted.createIn(directory);
        return;
      } catch (error) {
        if (!(error instanceof IoError || error instanceof KafkaError)) throw error;
        directory.health.onRefused(error);
        first ??= { wanted, directory, error };
      } finally {
        this.#creating.set(directory, (this.#creating.get(directory) as number) - 1);
      }
    }
    if (first !== null) this.#refusals.push(first);
  }

  /** Kafka's rule: a new replica goes where the fewest are, those on their way included. */
  #leastLoadedDirectory(tried: ReadonlySet<LogDirectory>): LogDirectory | null {
    let least: LogDirectory | null = null;
    for (const directory of this.#options.directories) {
      if (tried.has(directory) || this.#options.isFailed(directory)) continue;
      if (least === null || this.#load(directory) < this.#load(least)) least = directory;
    }
    return least;
  }

  #load(directory: LogDirectory): number {
    return directory.logCount + (this.#creating.get(directory) ?? 0);
  }

  #onRefused(): void {
    if (this.#isClosed) return;
    if (!this.#wasRefused) this.#tell();
    this.#wasRefused = true;
    this.#timer ??= this.#io.clock.after(this.#retryMs, () => {
      this.#timer = null;
      this.#options.onRetry();
    });
  }

  #tell(): void {
    const [{ wanted, directory, error }] = this.#refusals as [Refusal];
    const others = this.#refusals.length - 1;
    const also = others > 0 ? ` (and ${others} other partitions)` : '';
    const remedy = remedyOf(error);
    this.#log.error(
      `cannot create ${wanted.topic}-${wanted.index} in ${directory.path}${also}: ` +
        `${error.message}; ${remedy === null ? '' : `${remedy}: `}it is tried again`,
    );
  }
}
