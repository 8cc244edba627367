// The log directories of a broker: each entry of log.dirs is opened, or set aside when its disk
// does not answer, and whoever has charge of them hears of one that fails.
//
// Invariants: none is opened where one of before is missing (known-log-dirs.ts); a failure is told
// once, be it before anybody has charge; where the metadata are in one of them, there is no broker
// without that one; a member of a cluster goes on with any that is left.

import type { BrokerConfig } from '../config/index.ts';
import { type Io, IoError, type Log, type Timer } from '../io/index.ts';
import { asFingerprint, type KnownMetadata, type Metadata } from '../metadata/index.ts';
import {
  LogDirectory,
  LogDirectoryError,
  type LogResources,
  type NotedLives,
  type RegisteredLife,
} from '../storage/index.ts';
import { BrokerError } from './broker-error.ts';
import { KnownLogDirs } from './known-log-dirs.ts';

export interface LogDirectoriesOptions {
  readonly resources: LogResources;
  /** Of the cluster, where it is known; null: what the directories say, or a new one. */
  readonly clusterId: string | null;
  /** The operator said that directories that are not there are lost. */
  readonly mayLose: boolean;
  /** One of them has the metadata: of a broker on its own. */
  readonly holdsMetadata: boolean;
  readonly onFatal: (error: Error) => void;
}

/** What is under way on the disks that do answer has so much time beside one that does not. */
const silentMsMax = 5_000;
const lookMs = 500;

type DirectoryFailure = (directory: LogDirectory, error: Error) => void;

export class LogDirectories {
  /** What this broker had before, held against what it finds. */
  readonly known: KnownLogDirs;
  readonly #io: Io;
  readonly #log: Log;
  readonly #config: BrokerConfig;
  readonly #options: LogDirectoriesOptions;
  readonly #opened: LogDirectory[] = [];
  readonly #offlinePaths: string[] = [];
  readonly #failedEarly: [LogDirectory, Error][] = [];
  #onFailure: DirectoryFailure = (directory, error) => {
    this.#failedEarly.push([directory, error]);
  };

  private constructor(io: Io, config: BrokerConfig, options: LogDirectoriesOptions) {
    this.#io = io;
    this.#log = io.log.child('broker');
    this.#config = config;
    this.#options = options;
    this.known = new KnownLogDirs(io, { paths: config.logDirs, mayLose: options.mayLose });
  }

  /** @throws BrokerError, LogDirectoryError, one line for the operator; then none is open */
  static async open(
    io: Io,
    config: BrokerConfig,
    options: LogDirectoriesOptions,
  ): Promise<LogDirectories> {
    const directories = new LogDirectories(io, config, options);
    try {
      directories.known.assertNoneIsEmptied();
      await directories.#openAll();
    } catch (error) {
      await directories.abandon();
      throw error;
    }
    return directories;
  }

  async #openAll(): Promise<void> {
    const config = this.#config;
    const known = { clusterId: this.#options.clusterId, clusterIdAt: null as string | null };
    let refusal: unknown = null;
    for (const path of config.logDirs) {
      const directory = await LogDirectory.open(this.#io, {
        path,
        nodeId: config.nodeId,
        ...known,
        resources: this.#options.resources,
        onFailure: (failed, error) => this.#onDirectoryFailure(failed, error),
      }).catch((error: unknown) => {
        refusal = error;
        return this.#setAside(path, error);
      });
      if (directory === null) continue;
      this.#opened.push(directory);
      known.clusterIdAt ??= this.#options.clusterId === null ? path : null;
      known.clusterId = directory.meta.clusterId;
    }
    if (this.#opened.length === 0) throw BrokerError.from(refusal);
  }

  /** A disk that does not answer costs its partitions; another's directory is a mistake. */
  #setAside(path: string, error: unknown): null {
    const isDisk = error instanceof LogDirectoryError && error.cause instanceof IoError;
    const isNeeded = this.#isOfMetadata(path) || this.#config.logDirs.length === 1;
    if (!isDisk || isNeeded) throw BrokerError.from(error);
    this.#log.error(`${error.message}; the broker starts without it`);
    this.#offlinePaths.push(path);
    return null;
  }

  #isOfMetadata(path: string): boolean {
    return this.#options.holdsMetadata && path === this.metadataPath;
  }

  /** Those that were opened, in the order of log.dirs. */
  get opened(): readonly LogDirectory[] {
    return this.#opened;
  }

  /** Entries of log.dirs that could not be opened. */
  get offlinePaths(): readonly string[] {
    return this.#offlinePaths;
  }

  /** The same in all of them. */
  get clusterId(): string {
    return (this.#opened[0] as LogDirectory).meta.clusterId;
  }

  /** The directory that holds the metadata: metadata.log.dir, or the first one. */
  get metadataPath(): string {
    return this.#config.get('metadata.log.dir') ?? (this.#config.logDirs[0] as string);
  }

  /** The process that had them before left every log complete. */
  get wereClosedCleanly(): boolean {
    return this.#opened.every(({ wasCleanShutdown }) => wasCleanShutdown);
  }

  /**
   * The broker epoch of the life before, if that lost nothing of what it had in any of them
   * (KIP-966, docs/decisions/0020); -1: it may have.
   *
   * @param registered as the metadata know this broker; undefined: they do not
   */
  previousBrokerEpoch(registered?: RegisteredLife): number {
    const epochs = new Set(this.#opened.map((each) => each.previousBrokerEpoch(registered)));
    const [epoch = -1] = epochs;
    return epochs.size === 1 ? epoch : -1;
  }

  /** From now on these are the logs of these lives. */
  async noteLives(lives: NotedLives): Promise<void> {
    await Promise.all(this.#opened.map((directory) => directory.noteLives(lives)));
  }

  /** The same of the metadata's log alone. */
  get wasMetadataClosedCleanly(): boolean {
    const isMetadata = ({ path }: LogDirectory): boolean => path === this.metadataPath;
    return this.#opened.find(isMetadata)?.wasCleanShutdown ?? false;
  }

  /** The metadata that they were used with, as far as they note it. */
  get knownMetadata(): KnownMetadata[] {
    return this.#opened.flatMap(({ path, meta: { clusterId }, notes }) => {
      if (notes === null) return [];
      const { historyId, metadataOffset } = notes;
      const metadataBatch = asFingerprint(notes.metadataBatch);
      return [{ path, clusterId, historyId, metadataOffset, metadataBatch }];
    });
  }

  /** What says that there were metadata before; null: nothing does. */
  get evidenceOfUse(): string | null {
    return this.#opened.map(({ evidenceOfUse }) => evidenceOfUse).find(Boolean) ?? null;
  }

  /** @throws LogDirectoryError if another directory is in the place of one that was registered */
  async compareWith(metadata: Metadata): Promise<void> {
    const { opened: directories, offlinePaths } = this;
    await this.known.compareWith(metadata, this.#config.nodeId, { directories, offlinePaths });
  }

  /** From now on failures are told to the one given, those of before at once. */
  handOver(onFailure: DirectoryFailure): void {
    this.#onFailure = onFailure;
    for (const [directory, error] of this.#failedEarly.splice(0)) onFailure(directory, error);
  }

  #onDirectoryFailure(directory: LogDirectory, error: Error): void {
    if (this.#isOfMetadata(directory.path)) this.#options.onFatal(error);
    else this.#onFailure(directory, error);
  }

  /** Proves again and again that each can still be used. */
  watch(): void {
    for (const { health } of this.#opened) health.watch();
  }

  /**
   * How long a stop waits for work on the directories: until it ends, unless a disk does not
   * answer, of which nobody knows whether it ever will.
   */
  endedUnlessSilent(work: Promise<unknown>): Promise<void> {
    const { clock } = this.#io;
    const isSilent = (): boolean => this.#opened.some(({ health }) => health.isSilent);
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const look = (): void => {
        timer = isSilent() ? clock.after(silentMsMax, resolve) : clock.after(lookMs, look);
      };
      look();
      work.then(() => resolve(), reject).finally(() => timer?.cancel());
    });
  }

  /**
   * Makes everything durable and leaves the marks of a clean stop, which say the broker epoch that
   * `leave` resolves with: it is called once the first of them is durable.
   * @throws what a directory refused that had not failed before, when all are closed
   */
  async close(
    isFailed: (directory: LogDirectory) => boolean,
    leave?: () => Promise<number>,
  ): Promise<void> {
    const closed = await Promise.allSettled(this.#opened.map((each) => each.close(leave)));
    for (const [at, outcome] of closed.entries()) {
      if (outcome.status === 'fulfilled' || isFailed(this.#opened[at] as LogDirectory)) continue;
      throw outcome.reason;
    }
  }

  /** Lets go of them: what went wrong before is what the caller hears of. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#opened.map((directory) => directory.close()));
  }
}
