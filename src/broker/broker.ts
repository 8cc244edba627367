// A broker: the composition root. It opens what the configuration names, in an order in which each
// part finds what it stands on, and closes it in the reverse order.
//
// Invariants: nobody is served before everything is open (connections that come earlier wait);
// after `stop` resolves every acknowledged record is on the platter, no file is open, and the mark
// of a clean shutdown is written last.

import { uuidFromBytes } from '../base/uuid.ts';
import type { BrokerConfig } from '../config/index.ts';
import { GroupCoordinator, TransactionCoordinator } from '../coordinator/index.ts';
import { type Io, IoError, type Log } from '../io/index.ts';
import {
  type Metadata,
  type MetadataImage,
  openLocalMetadata,
  ResourceType,
} from '../metadata/index.ts';
import {
  type ConnectionLimits,
  Server,
  type ServerConnection,
  type ServerOptions,
} from '../network/index.ts';
import {
  LogCleaner,
  Replicas,
  type ReplicasOptions,
  Upkeep,
  type UpkeepOptions,
} from '../replication/index.ts';
import { LogDirectory, LogDirectoryError, LogResources } from '../storage/index.ts';
import { BrokerError } from './broker-error.ts';
import { DescriptorBudget } from './descriptor-budget.ts';
import { Dispatch } from './dispatch.ts';
import { withDynamic } from './dynamic-config.ts';
import { endpointsFor, registeredEndpoint } from './endpoints.ts';
import { FetchSessions } from './fetch-sessions.ts';
import type { BrokerParts } from './handler.ts';
import { KnownLogDirs } from './known-log-dirs.ts';
import { cleanerSettingsOf, logConfigOf } from './log-config.ts';
import { OfflineReport } from './offline-report.ts';
import { endedUnlessSilent } from './patience.ts';
import { ProducerIds } from './producer-ids.ts';
import { type Quotas, quotasOf } from './quotas/index.ts';
import { writeTransactionMarkers } from './transaction-markers.ts';

export interface BrokerOptions {
  /** The broker cannot go on: a broken invariant, or no log directory is left. Stop the process. */
  readonly onFatal?: (error: Error) => void;
  /** The operator said so: go on without the metadata that cannot be read. */
  readonly acceptLostMetadata?: boolean;
  /** Likewise: make partitions anew that were in a log directory that is not there. */
  readonly acceptLostLogDirs?: boolean;
}

export interface BoundListener {
  readonly name: string;
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

interface OpenedParts {
  readonly replicas: Replicas;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly producerIds: ProducerIds;
  readonly brokerEpoch: number;
}

/** How often logs are asked whether their flush.ms is over, at the least. */
const flushCheckMsMax = 1000;
/** Longest timer that every platform keeps. */
const intervalMsMax = 2 ** 31 - 1;

export class Broker {
  readonly #io: Io;
  readonly #log: Log;
  readonly #baseConfig: BrokerConfig;
  readonly #onFatal: (error: Error) => void;
  readonly #options: BrokerOptions;
  readonly #knownDirs: KnownLogDirs;
  readonly #descriptors: DescriptorBudget;
  readonly #offlineReport: OfflineReport;
  readonly #resources: LogResources;
  readonly #quotas: Quotas;
  readonly #directories: LogDirectory[] = [];
  /** Entries of log.dirs that could not be opened. */
  readonly #offlinePaths: string[] = [];
  /** Failed while their logs were being opened. */
  readonly #failedEarly: [LogDirectory, Error][] = [];
  #config: BrokerConfig;
  #server: Server | null = null;
  #metadata: Metadata | null = null;
  #replicas: Replicas | null = null;
  #groups: GroupCoordinator | null = null;
  #transactions: TransactionCoordinator | null = null;
  #upkeep: Upkeep | null = null;
  #cleaner: LogCleaner | null = null;
  #listeners: BoundListener[] = [];
  #clusterId = '';
  #startMs = 0;
  #brokerEpoch = -1;
  #stopping: Promise<void> | null = null;

  private constructor(io: Io, config: BrokerConfig, options: BrokerOptions) {
    this.#io = io;
    this.#log = io.log.child('broker');
    this.#baseConfig = config;
    this.#config = config;
    this.#onFatal = options.onFatal ?? (() => {});
    this.#options = options;
    const mayLose = options.acceptLostLogDirs ?? false;
    this.#knownDirs = new KnownLogDirs(io, { paths: config.logDirs, mayLose });
    this.#descriptors = new DescriptorBudget(io.disk.descriptorsMax());
    this.#resources = new LogResources(io, { openFilesMax: this.#descriptors.filesBeside(0) });
    this.#quotas = quotasOf(io, config);
    const send = (): Promise<void> => this.#reportOffline();
    this.#offlineReport = new OfflineReport(io, { send, onBug: this.#onFatal });
  }

  /**
   * Resolves when clients are served.
   * @throws BrokerError with one line for the operator: a directory in use, a port that is taken …
   */
  static async start(io: Io, config: BrokerConfig, options: BrokerOptions = {}): Promise<Broker> {
    const broker = new Broker(io, config, options);
    const beganMs = io.clock.monotonic();
    try {
      await broker.#open();
    } catch (error) {
      await broker.#abandon();
      throw BrokerError.from(error);
    }
    broker.#startMs = io.clock.monotonic() - beganMs;
    return broker;
  }

  get nodeId(): number {
    return this.#baseConfig.nodeId;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  /** With the ports that were bound. */
  get listeners(): readonly BoundListener[] {
    return this.#listeners;
  }

  /** From the call of `start` to the moment at which requests were served. */
  get startMs(): number {
    return this.#startMs;
  }

  /** Answers what was asked, makes everything durable and closes. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #open(): Promise<void> {
    await this.#openDirectories();
    const waiting: ServerConnection[] = [];
    let dispatch: Dispatch | null = null;
    // Ports are bound early, so that one that is taken is found before logs are recovered.
    this.#server = new Server(this.#io, this.#serverOptions(), (connection) => {
      if (dispatch !== null) {
        dispatch.onConnection(connection);
        return;
      }
      connection.mute();
      waiting.push(connection);
    });
    await this.#listen(this.#server);
    const metadata = await this.#openMetadata();
    const replicas = await this.#openReplicas(metadata);
    const brokerEpoch = await this.#register(metadata);
    this.#brokerEpoch = brokerEpoch;
    await this.#reportOffline();
    await replicas.settled();
    const groups = this.#startGroups(metadata, replicas);
    const { controller } = metadata;
    const producerIds = new ProducerIds(() =>
      controller.allocateProducerIds({ brokerId: this.nodeId, brokerEpoch }),
    );
    const coordinated = { replicas, groups, producerIds };
    const transactions = this.#startTransactions(metadata, coordinated);
    const parts = this.#partsOf(metadata, { ...coordinated, transactions, brokerEpoch });
    dispatch = new Dispatch(parts, { onBug: this.#onFatal });
    for (const connection of waiting) {
      dispatch.onConnection(connection);
      connection.unmute();
    }
    this.#upkeep = new Upkeep(this.#io, replicas, this.#upkeepOptions());
    this.#upkeep.start();
    if (this.#config.get('log.cleaner.enable')) this.#startCleaner(replicas);
  }

  async #openDirectories(): Promise<void> {
    const config = this.#baseConfig;
    const known = { clusterId: config.clusterId, clusterIdAt: null as string | null };
    this.#knownDirs.assertNoneIsEmptied();
    for (const path of config.logDirs) {
      const directory = await LogDirectory.open(this.#io, {
        path,
        nodeId: config.nodeId,
        ...known,
        resources: this.#resources,
        onFailure: (failed, error) => this.#onDirectoryFailure(failed, error),
      }).catch((error: unknown) => this.#setAside(path, error));
      if (directory === null) continue;
      this.#directories.push(directory);
      known.clusterIdAt ??= config.clusterId === null ? path : null;
      known.clusterId = directory.meta.clusterId;
    }
    this.#clusterId = known.clusterId ?? '';
  }

  /** A disk that does not answer costs its partitions; another's directory is a mistake. */
  #setAside(path: string, error: unknown): null {
    const isDisk = error instanceof LogDirectoryError && error.cause instanceof IoError;
    const isNeeded = path === this.#metadataDirectory || this.#baseConfig.logDirs.length === 1;
    if (!isDisk || isNeeded) throw BrokerError.from(error);
    this.#log.error(`${error.message}; the broker starts without it`);
    this.#offlinePaths.push(path);
    return null;
  }

  get #metadataDirectory(): string {
    return this.#baseConfig.get('metadata.log.dir') ?? (this.#baseConfig.logDirs[0] as string);
  }

  #onDirectoryFailure(directory: LogDirectory, error: Error): void {
    const replicas = this.#replicas;
    if (directory.path === this.#metadataDirectory) {
      this.#onFatal(error);
    } else if (replicas === null) {
      this.#failedEarly.push([directory, error]);
    } else {
      replicas.onDirectoryFailure(directory, error);
      this.#offlineReport.begin();
    }
  }

  async #reportOffline(): Promise<void> {
    const partitions = this.#replicas?.offlineReplicas() ?? [];
    if (partitions.length === 0 || this.#brokerEpoch < 0) return;
    const whose = { brokerId: this.nodeId, brokerEpoch: this.#brokerEpoch };
    await this.#metadata?.controller.reportOffline({ ...whose, partitions });
  }

  #serverOptions(): ServerOptions {
    const config = this.#baseConfig;
    return {
      requestBytesMax: config.get('socket.request.max.bytes'),
      idleMsMax: Math.min(config.get('connections.max.idle.ms'), intervalMsMax),
      ...this.#connectionLimits(),
      pace: this.#quotas.connections,
      socketsMax: this.#descriptors.socketsMax,
      socketsMaxReason:
        `the process may have ${this.#descriptors.descriptorsMax} files and connections open: ` +
        'raise the limit (ulimit -n)',
      onSocketCount: (count) => this.#resources.files.limitTo(this.#descriptors.filesBeside(count)),
    };
  }

  #connectionLimits(): ConnectionLimits {
    const config = this.#config;
    const own = (key: 'max.connections' | 'max.connection.creation.rate'): Map<string, number> => {
      const set = this.#baseConfig.listeners
        .map(({ name }) => name)
        .filter((name) => config.isSet(`listener.name.${name.toLowerCase()}.${key}`));
      return new Map(set.map((name) => [name, config.getForListener(name, key)]));
    };
    const rateMax = config.get('max.connection.creation.rate');
    this.#quotas.connections.configureBroker(rateMax, own('max.connection.creation.rate'));
    return {
      connectionsMax: config.get('max.connections'),
      connectionsByListenerMax: own('max.connections'),
      connectionsPerIpMax: config.get('max.connections.per.ip'),
      connectionsPerIpOverrides: config.connectionsPerIpOverrides,
    };
  }

  async #listen(server: Server): Promise<void> {
    for (const listener of this.#baseConfig.listeners) {
      try {
        const bound = await server.listen(listener);
        this.#listeners.push({ ...listener, host: listener.host || bound.host, port: bound.port });
      } catch (error) {
        throw BrokerError.ofListener(listener, error);
      }
    }
  }

  async #openMetadata(): Promise<Metadata> {
    const metadata = await openLocalMetadata(this.#io, {
      directory: this.#metadataDirectory,
      clusterId: this.#clusterId,
      nodeId: this.nodeId,
      resources: this.#resources,
      config: this.#baseConfig,
      wasCleanShutdown: this.#directories.some(
        ({ path, wasCleanShutdown }) => path === this.#metadataDirectory && wasCleanShutdown,
      ),
      evidence: this.#directories.map(({ evidenceOfUse }) => evidenceOfUse).find(Boolean) ?? null,
      mayLose: this.#options.acceptLostMetadata ?? false,
      onFailure: this.#onFatal,
    });
    this.#metadata = metadata;
    await this.#knownDirs.compareWith(metadata, this.nodeId, {
      directories: this.#directories,
      offlinePaths: this.#offlinePaths,
    });
    this.#adoptDynamicConfig(metadata.image());
    this.#quotas.configure(metadata.image().quotas.values());
    return metadata;
  }

  async #openReplicas(metadata: Metadata): Promise<Replicas> {
    const options: ReplicasOptions = {
      nodeId: this.nodeId,
      directories: this.#directories,
      offlinePaths: this.#offlinePaths,
      offlineDirectories: this.#knownDirs.offline(this.#offlinePaths),
      history: metadata.history,
      beforeMissingAreMade: (partitions) => this.#knownDirs.beforeMissingAreMade(partitions),
      moveBytesPerSecondMax: () => {
        return this.#config.get('replica.alter.log.dirs.io.max.bytes.per.second');
      },
      logConfigOf: (overrides) => logConfigOf(this.#config, overrides),
      onMadeLate: () => {
        this.#groups?.start();
        this.#transactions?.start();
      },
      onFatal: this.#onFatal,
    };
    const replicas = await Replicas.open(this.#io, options, metadata.image());
    this.#replicas = replicas;
    for (const [directory, error] of this.#failedEarly)
      replicas.onDirectoryFailure(directory, error);
    await replicas.renewNotes();
    metadata.subscribe((image, changes) => {
      if (changes.configsChanged.some(({ type }) => type === ResourceType.BROKER)) {
        this.#adoptDynamicConfig(image);
      }
      if (changes.quotasChanged) this.#quotas.configure(image.quotas.values());
      replicas.onImage(image, changes);
    });
    for (const directory of this.#directories) directory.health.watch();
    return replicas;
  }

  /** Changes made on the running cluster: for all brokers, and over them for this one. */
  #adoptDynamicConfig(image: MetadataImage): void {
    const all = image.configOf(ResourceType.BROKER, '');
    const own = image.configOf(ResourceType.BROKER, String(this.nodeId));
    this.#config = withDynamic(this.#baseConfig, { all, own }, this.#log);
    this.#server?.configure(this.#connectionLimits());
  }

  async #register(metadata: Metadata): Promise<number> {
    const config = this.#baseConfig;
    const { brokerEpoch } = await metadata.controller.registerBroker({
      brokerId: this.nodeId,
      clusterId: this.#clusterId,
      incarnationId: uuidFromBytes(this.#io.random.bytes(16), 0),
      listeners: config.listeners.map((listener, index) =>
        registeredEndpoint(listener, this.#listeners[index] as BoundListener, config),
      ),
      rack: config.get('broker.rack'),
      logDirs: this.#directories.map(({ meta }) => meta.directoryId),
      fenced: false,
      wasCleanShutdown: this.#directories.every(({ wasCleanShutdown }) => wasCleanShutdown),
    });
    return brokerEpoch;
  }

  /** The groups of the partitions that this broker leads are loaded while others are served. */
  #startGroups(metadata: Metadata, replicas: Replicas): GroupCoordinator {
    const groups = new GroupCoordinator(this.#io, {
      controller: metadata.controller,
      replicas,
      config: () => this.#config,
      onBug: this.#onFatal,
    });
    this.#groups = groups;
    metadata.subscribe((_, changes) => {
      void replicas.settled().then(() => groups.onImage(changes));
    });
    groups.start();
    return groups;
  }

  /** As for groups; what was decided before a restart is carried out now. */
  #startTransactions(
    metadata: Metadata,
    { replicas, groups, producerIds }: Pick<OpenedParts, 'replicas' | 'groups' | 'producerIds'>,
  ): TransactionCoordinator {
    const writers = { io: this.#io, replicas, groups };
    const transactions = new TransactionCoordinator(this.#io, {
      controller: metadata.controller,
      replicas,
      config: () => this.#config,
      image: () => metadata.image(),
      newProducerId: () => producerIds.next(),
      // There is no other broker to send them to.
      sendMarkers: (_, markers) => writeTransactionMarkers(writers, markers),
      onBug: this.#onFatal,
    });
    this.#transactions = transactions;
    metadata.subscribe((_, changes) => {
      void replicas.settled().then(() => transactions.onImage(changes));
    });
    transactions.start();
    return transactions;
  }

  #partsOf(metadata: Metadata, opened: OpenedParts): BrokerParts {
    const { replicas, groups, transactions, producerIds } = opened;
    const current = (): BrokerConfig => this.#config;
    const { controller } = metadata;
    return {
      io: this.#io,
      get config() {
        return current();
      },
      nodeId: this.nodeId,
      clusterId: this.#clusterId,
      controller,
      replicas,
      directories: this.#directories,
      fetchSessions: new FetchSessions(
        this.#io,
        this.#config.get('max.incremental.fetch.session.cache.slots'),
      ),
      producerIds,
      groups,
      transactions,
      quotas: this.#quotas,
      unreadBytes: () => this.#server?.unreadBytes ?? 0,
      endpoints: ({ connection }) => endpointsFor(connection, this.#config, replicas.image),
    };
  }

  #startCleaner(replicas: Replicas): void {
    const settings = () => cleanerSettingsOf(this.#config);
    this.#cleaner = new LogCleaner(this.#io, replicas, { settings, onBug: this.#onFatal });
    this.#cleaner.start();
  }

  #upkeepOptions(): UpkeepOptions {
    const config = this.#config;
    const checkpointMs = config.get('replica.high.watermark.checkpoint.interval.ms');
    return {
      directories: this.#directories,
      retentionCheckMs: Math.min(config.get('log.retention.check.interval.ms'), intervalMsMax),
      flushCheckMs: Math.min(config.get('log.flush.scheduler.interval.ms'), flushCheckMsMax),
      highWatermarkCheckpointMs: Math.min(checkpointMs, intervalMsMax),
      offsetCheckpointMs: config.get('log.flush.offset.checkpoint.interval.ms'),
      initialDelayMs: Math.min(config.get('log.initial.task.delay.ms'), intervalMsMax),
      onBug: this.#onFatal,
    };
  }

  async #stop(): Promise<void> {
    this.#log.info('stopping');
    this.#offlineReport.stop();
    const replicas = this.#replicas as Replicas;
    await this.#server?.closeListeners();
    replicas.interruptFetches();
    this.#transactions?.close();
    this.#groups?.close();
    await this.#server?.close();
    const ended = endedUnlessSilent(this.#io.clock, this.#directories);
    await ended(Promise.all([this.#cleaner?.stop(), this.#upkeep?.stop()]));
    await ended(replicas.close());
    await this.#upkeep?.checkpointHighWatermarks();
    await this.#metadata?.close();
    const closed = await Promise.allSettled(this.#directories.map((each) => each.close()));
    for (const [at, outcome] of closed.entries()) {
      const isFailed = replicas.isFailed(this.#directories[at] as LogDirectory);
      if (outcome.status === 'rejected' && !isFailed) throw outcome.reason;
    }
  }

  /** Start failed: lets go of what was opened, without claiming that anything is in order. */
  async #abandon(): Promise<void> {
    this.#offlineReport.stop();
    await this.#server?.close({ drainMs: 0 });
    this.#transactions?.close();
    this.#groups?.close();
    await this.#replicas?.close();
    await this.#metadata?.close();
    // What went wrong first is what the caller hears of.
    await Promise.allSettled(this.#directories.map((directory) => directory.close()));
  }
}
