// What is to be done in the log directories, beside the images that ask for it: logs that are
// wanted and not there are made, folders of deleted partitions are removed. What a system refuses
// now (a full disk, no descriptor) it may grant later: such a log is made in another directory, or
// tried again and again until it is there or nobody wants it any more; so is a removal.
//
// Invariants: of one name one thing is done at a time, removals first, so that a topic which is
// deleted and made anew finds its name free; each directory has its own queue (folder-lane.ts), and
// one that is slow or fails holds up nothing in another; a shortage is told of once when it begins
// and once when it is over, however many logs it concerns.

import { type Io, IoError, type Log, type Timer } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { type LogDirectory, type PartitionName, remedyOf } from '../storage/index.ts';
import { FolderLane } from './folder-lane.ts';

/** Works on the folders of one directory at the same time. */
const parallelMax = 32;
const retryMsMin = 1_000;
const retryMsMax = 60_000;

export interface FolderWorkOptions {
  readonly directories: readonly LogDirectory[];
  readonly isFailed: (directory: LogDirectory) => boolean;
  /** By the newest metadata: the log should be here, and is not. */
  readonly isWanted: (name: PartitionName) => boolean;
  /** Makes the log; one that is not wanted any more goes again. @throws IoError, KafkaError */
  readonly make: (name: PartitionName, directory: LogDirectory) => Promise<void>;
  /** An invariant is broken. */
  readonly onBug: (error: Error) => void;
}

/** Where the log is, once nothing moves it any more: in two directories if a move was cut short. */
type Release = Promise<readonly LogDirectory[]>;

/** What is to be done about the folders of one name. */
interface Turn {
  readonly topic: string;
  readonly partition: number;
  readonly removals: { readonly name: PartitionName; readonly release: Release }[];
  wanted: PartitionName | null;
  /** Null when nothing is under way: what is wanted was refused, and is tried again later. */
  running: Promise<void> | null;
}

interface Refusal {
  readonly name: PartitionName;
  readonly directory: LogDirectory;
  readonly error: Error;
}

export class FolderWork {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: FolderWorkOptions;
  readonly #lanes: ReadonlyMap<LogDirectory, FolderLane>;
  /** How many logs are being made in each directory. */
  readonly #making = new Map<LogDirectory, number>();
  readonly #turns = new Map<string, Turn>();
  readonly #running = new Set<Turn>();
  readonly #refused = new Map<Turn, Refusal>();
  /** Logs of deleted partitions whose folders could not be removed, by path. */
  readonly #left = new Map<string, { name: PartitionName; directory: LogDirectory }>();
  #retryMs = retryMsMin;
  #timer: Timer | null = null;
  #isShort = false;
  #isClosed = false;

  constructor(io: Io, options: FolderWorkOptions) {
    this.#io = io;
    this.#log = io.log.child('replicas');
    this.#options = options;
    this.#lanes = new Map(options.directories.map((each) => [each, new FolderLane(parallelMax)]));
  }

  /** Nothing is to be made or removed that is not yet. */
  get isDone(): boolean {
    return this.#turns.size === 0;
  }

  /** Makes the log, as soon as what had its name is gone. */
  make(name: PartitionName): void {
    const turn = this.#turnOf(name);
    if (turn.wanted?.topicId === name.topicId) return;
    turn.wanted = name;
    this.#begin(turn);
  }

  /** Removes the folder of a log that nobody uses any more. */
  remove(name: PartitionName, release: Release): void {
    const turn = this.#turnOf(name);
    turn.removals.push({ name, release });
    this.#begin(turn);
  }

  /**
   * Resolves when what was asked for has been tried, for the topics of these names or for all; what
   * was refused then is tried again without anybody who waits.
   */
  async settled(topics?: ReadonlySet<string>): Promise<void> {
    const running: (Promise<void> | null)[] = [];
    for (const turn of this.#running) {
      if (topics === undefined || topics.has(turn.topic)) running.push(turn.running);
    }
    await Promise.all(running);
  }

  onDirectoryFailure(directory: LogDirectory): void {
    this.#lanes.get(directory)?.onDirectoryFailure();
  }

  /** What is under way comes to its end, and removals that wait for it; nothing else begins. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.settled();
  }

  #turnOf(name: PartitionName): Turn {
    const { topic, partition } = name;
    const key = keyOf(name);
    let turn = this.#turns.get(key);
    if (turn === undefined) {
      turn = { topic, partition, removals: [], wanted: null, running: null };
      this.#turns.set(key, turn);
    }
    return turn;
  }

  #begin(turn: Turn): void {
    if (turn.running !== null) return;
    this.#running.add(turn);
    turn.running = this.#run(turn).catch((error: unknown) => this.#options.onBug(error as Error));
  }

  async #run(turn: Turn): Promise<void> {
    this.#refused.delete(turn);
    // Not in the turn of the event loop that asks for it: there roles change.
    await null;
    for (;;) {
      const removal = turn.removals.shift();
      const { wanted } = turn;
      if (removal !== undefined) {
        for (const each of await removal.release) await this.#remove(removal.name, each);
      } else if (wanted !== null && this.#isToBeMade(wanted)) {
        const refusal = await this.#make(wanted);
        if (refusal === null || turn.wanted !== wanted || turn.removals.length > 0) continue;
        this.#refused.set(turn, refusal);
        this.#retryLater();
        break;
      } else {
        this.#turns.delete(keyOf(turn));
        break;
      }
    }
    // Between the last look at what is to be done and this nothing else ran.
    turn.running = null;
    this.#running.delete(turn);
    if (this.#running.size === 0) this.#maybeTell();
  }

  #isToBeMade(name: PartitionName): boolean {
    const { directories, isFailed, isWanted } = this.#options;
    return !this.#isClosed && isWanted(name) && !directories.every(isFailed);
  }

  /** Null when it is made, or not wanted any more; else why the first directory refused. */
  async #make(name: PartitionName): Promise<Refusal | null> {
    const tried = new Set<LogDirectory>();
    let first: Refusal | null = null;
    while (this.#options.isWanted(name)) {
      const directory = this.#leastLoadedDirectory(tried);
      if (directory === null) return first;
      tried.add(directory);
      const error = await this.#makeIn(directory, name);
      if (error === null) return null;
      if (!this.#options.isFailed(directory)) first ??= { name, directory, error };
    }
    return null;
  }

  async #makeIn(directory: LogDirectory, name: PartitionName): Promise<Error | null> {
    this.#making.set(directory, this.#makingIn(directory) + 1);
    try {
      await this.#laneOf(directory).run(() => this.#options.make(name, directory));
      return null;
    } catch (error) {
      if (!(error instanceof IoError || error instanceof KafkaError)) throw error;
      if (!this.#options.isFailed(directory)) directory.health.onRefused(error);
      return error;
    } finally {
      this.#making.set(directory, this.#makingIn(directory) - 1);
    }
  }

  /** Kafka's rule: a new replica goes where the fewest are, those on their way included. */
  #leastLoadedDirectory(tried: ReadonlySet<LogDirectory>): LogDirectory | null {
    const load = (directory: LogDirectory): number =>
      directory.logCount + this.#makingIn(directory);
    let least: LogDirectory | null = null;
    for (const directory of this.#options.directories) {
      if (tried.has(directory) || this.#options.isFailed(directory)) continue;
      if (least === null || load(directory) < load(least)) least = directory;
    }
    return least;
  }

  #makingIn(directory: LogDirectory): number {
    return this.#making.get(directory) ?? 0;
  }

  #laneOf(directory: LogDirectory): FolderLane {
    return this.#lanes.get(directory) as FolderLane;
  }

  /** What is in a directory that has failed is left for the next start, which knows it. */
  async #remove(name: PartitionName, directory: LogDirectory): Promise<void> {
    const { topic, partition, topicId } = name;
    if (this.#options.isFailed(directory)) return;
    const path = `${directory.path}/${keyOf(name)}`;
    const isThere = directory.log(topic, partition) !== null;
    // Asked for again, the name may be another topic's by now.
    if (!isThere || directory.topicId(topic, partition) !== topicId) {
      this.#left.delete(path);
      return;
    }
    try {
      await this.#laneOf(directory).run(() => directory.deleteLog(topic, partition));
      this.#left.delete(path);
    } catch (error) {
      if (!(error instanceof IoError || error instanceof KafkaError)) throw error;
      if (this.#options.isFailed(directory)) return;
      directory.health.onRefused(error);
      if (!this.#left.has(path)) {
        this.#log.warn('a deleted log cannot be removed yet', { path, error });
      }
      this.#left.set(path, { name, directory });
      this.#retryLater();
    }
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#io.clock.after(this.#retryMs, () => {
      this.#timer = null;
      this.#maybeTell();
      void this.#retry();
    });
  }

  async #retry(): Promise<void> {
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
    const turns = [...this.#refused.keys()];
    for (const turn of turns) this.#begin(turn);
    for (const { name, directory } of this.#left.values()) {
      this.remove(name, Promise.resolve([directory]));
    }
    await Promise.all(turns.map(({ running }) => running));
    if (this.#refused.size + this.#left.size > 0) return;
    this.#retryMs = retryMsMin;
    if (!this.#isShort) return;
    this.#isShort = false;
    this.#log.warn('every partition that could not be made is there now');
  }

  /** Once all that was asked for has been tried, and in any case before it is tried again. */
  #maybeTell(): void {
    const [first] = this.#refused.values();
    if (this.#isShort || this.#isClosed || first === undefined) return;
    this.#isShort = true;
    const { name, directory, error } = first;
    const others = this.#refused.size - 1;
    const also = others > 0 ? ` (and ${others} other partitions)` : '';
    const remedy = remedyOf(error);
    this.#log.error(
      `cannot create ${keyOf(name)} in ${directory.path}${also}: ` +
        `${error.message}; ${remedy === null ? '' : `${remedy}: `}it is tried again`,
    );
  }
}

function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}-${partition}`;
}
