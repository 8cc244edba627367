// A broker: the composition root. It opens what the configuration names, in an order in which each
// part is given those that it stands on, and closes it in the reverse order.
//
// Invariants: nobody is served before everything is open (connections that come earlier wait);
// after `stop` resolves every acknowledged record is on the platter, no file is open, and the mark
// of a clean shutdown is written last.

import type { BrokerConfig } from '../config/index.ts';
import type { Io, Log } from '../io/index.ts';
import { LogCleaner, type Partition, Replicas, Upkeep } from '../replication/index.ts';
import { LogResources } from '../storage/index.ts';
import { BrokerError } from './broker-error.ts';
import { brokerParts } from './broker-parts.ts';
import { type BoundListener, BrokerServer } from './broker-server.ts';
import { Cluster } from './cluster.ts';
import { Coordinators } from './coordinators.ts';
import { DescriptorBudget } from './descriptor-budget.ts';
import { Dispatch } from './dispatch.ts';
import { cleanerSettingsOf, logConfigOf, upkeepTimesOf } from './log-config.ts';
import { LogDirectories } from './log-directories.ts';
import { OfflineReport } from './offline-report.ts';
import { type Quotas, quotasOf } from './quotas/index.ts';
import { Registration } from './registration.ts';

export interface BrokerOptions {
  /** The broker cannot go on: a broken invariant, or no log directory is left. Stop the process. */
  readonly onFatal: (error: Error) => void;
  /** The operator said so: go on without the metadata that cannot be read. */
  readonly acceptLostMetadata?: boolean;
  /** Likewise: make partitions anew that were in a log directory that is not there. */
  readonly acceptLostLogDirs?: boolean;
}

/** What is open, each made of those before it. */
interface Running {
  readonly directories: LogDirectories;
  readonly server: BrokerServer;
  readonly cluster: Cluster;
  readonly replicas: Replicas;
  readonly offlineReport: OfflineReport;
  readonly coordinators: Coordinators;
  readonly upkeep: Upkeep;
  readonly cleaner: LogCleaner | null;
}

export class Broker {
  readonly nodeId: number;
  readonly clusterId: string;
  /** With the ports that were bound. */
  readonly listeners: readonly BoundListener[];
  /** From the call of `start` to the moment at which requests were served. */
  readonly startMs: number;
  readonly #log: Log;
  readonly #running: Running;
  #stopping: Promise<void> | null = null;

  private constructor(io: Io, config: BrokerConfig, running: Running, startMs: number) {
    this.nodeId = config.nodeId;
    this.clusterId = running.directories.clusterId;
    this.listeners = running.server.listeners;
    this.startMs = startMs;
    this.#log = io.log.child('broker');
    this.#running = running;
  }

  /**
   * Resolves when clients are served.
   * @throws BrokerError with one line for the operator: a directory in use, a port that is taken …
   */
  static async start(io: Io, config: BrokerConfig, options: BrokerOptions): Promise<Broker> {
    const beganMs = io.clock.monotonic();
    const undo: Undo = [];
    try {
      const running = await open(io, config, options, undo);
      return new Broker(io, config, running, io.clock.monotonic() - beganMs);
    } catch (error) {
      // What was opened is let go of, without claiming that anything is in order. What went wrong
      // first is what the caller hears of.
      for (const each of undo.reverse()) await Promise.allSettled([each()]);
      throw BrokerError.from(error);
    }
  }

  /** Answers what was asked, makes everything durable and closes. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { directories, server, cluster, replicas, upkeep, cleaner } = this.#running;
    this.#log.info('stopping');
    this.#running.offlineReport.stop();
    await server.closeListeners();
    replicas.interruptFetches();
    this.#running.coordinators.close();
    await server.close();
    await directories.endedUnlessSilent(Promise.all([cleaner?.stop(), upkeep.stop()]));
    await directories.endedUnlessSilent(replicas.close());
    await upkeep.checkpointHighWatermarks();
    await cluster.close();
    await directories.close((directory) => replicas.isFailed(directory));
  }
}

/** What every step of a start is given. */
interface Start {
  readonly io: Io;
  readonly config: BrokerConfig;
  readonly options: BrokerOptions;
  readonly resources: LogResources;
  readonly quotas: Quotas;
}

/** How to let go of what a start has opened so far. */
type Undo = (() => Promise<void> | void)[];

/** A part that a start has opened, until it is complete or undone. */
function held<T>(undo: Undo, part: T, letGo: (part: T) => Promise<void> | void): T {
  undo.push(() => letGo(part));
  return part;
}

async function open(
  io: Io,
  config: BrokerConfig,
  options: BrokerOptions,
  undo: Undo,
): Promise<Running> {
  const onBug = options.onFatal;
  const descriptors = new DescriptorBudget(io.disk.descriptorsMax());
  const resources = new LogResources(io, { openFilesMax: descriptors.filesBeside(0) });
  const quotas = quotasOf(io, config);
  const start: Start = { io, config, options, resources, quotas };
  const directories = held(undo, await openDirectories(start), (each) => each.abandon());
  const bound = await BrokerServer.open(io, config, { descriptors, resources, quotas });
  const server = held(undo, bound, (each) => each.abandon());
  const known = await Cluster.open(io, config, {
    ...{ directories, resources, onFatal: options.onFatal },
    mayLose: options.acceptLostMetadata ?? false,
    onConfig: (current) => server.configure(current),
  });
  const cluster = held(undo, known, (each) => each.close());
  quotas.configure(cluster.metadata.image().quotas.values());
  let coordinators: Coordinators | null = null;
  const onMade = (partition: Partition): void => coordinators?.onMade(partition);
  const found = await openReplicas(start, { directories, cluster }, onMade);
  const replicas = held(undo, found, (each) => each.close());
  await follow(start, { directories, cluster, replicas });
  const registering = { controller: cluster.controller, directories, listeners: server.listeners };
  const registration = await Registration.begin(io, config, registering);
  const offlineReport = held(
    undo,
    new OfflineReport(io, { send: () => registration.reportOffline(replicas), onBug }),
    (each) => each.stop(),
  );
  directories.handOver((directory, error) => {
    replicas.onDirectoryFailure(directory, error);
    offlineReport.begin();
  });
  await registration.reportOffline(replicas);
  const loading = new Coordinators(io, { cluster, replicas, registration, onBug });
  coordinators = held(undo, loading, (each) => each.close());
  const opened = { directories, server, cluster, replicas, coordinators };
  const dispatch = new Dispatch(brokerParts(io, { quotas, ...opened }), { onBug });
  server.serve((connection) => dispatch.onConnection(connection));
  return { ...opened, offlineReport, ...startUpkeep(start, opened) };
}

function openDirectories({ io, config, options, resources }: Start): Promise<LogDirectories> {
  const { onFatal, acceptLostLogDirs: mayLose = false } = options;
  return LogDirectories.open(io, config, { resources, mayLose, onFatal });
}

function openReplicas(
  { io, config, options }: Start,
  { directories, cluster }: Omit<ReplicaParts, 'replicas'>,
  onMade: (partition: Partition) => void,
): Promise<Replicas> {
  const { known, offlinePaths } = directories;
  const { metadata } = cluster;
  return Replicas.open(
    io,
    {
      nodeId: config.nodeId,
      directories: directories.opened,
      offlinePaths,
      offlineDirectories: known.offline(offlinePaths),
      history: metadata.history,
      beforeMissingAreMade: (partitions) => known.beforeMissingAreMade(partitions),
      moveBytesPerSecondMax: () => {
        return cluster.config.get('replica.alter.log.dirs.io.max.bytes.per.second');
      },
      logConfigOf: (overrides) => logConfigOf(cluster.config, overrides),
      onMade,
      onFatal: options.onFatal,
    },
    metadata.image(),
  );
}

type ReplicaParts = Pick<Running, 'directories' | 'cluster' | 'replicas'>;

/** From here on replicas are what the images say, in directories that are watched. */
async function follow(
  { quotas }: Start,
  { directories, cluster, replicas }: ReplicaParts,
): Promise<void> {
  directories.handOver((directory, error) => replicas.onDirectoryFailure(directory, error));
  await replicas.renewNotes();
  cluster.metadata.subscribe((image, changes) => {
    cluster.onImage(image, changes);
    if (changes.quotasChanged) quotas.configure(image.quotas.values());
    replicas.onImage(image, changes);
  });
  directories.watch();
}

function startUpkeep(
  { io, options }: Start,
  { directories, cluster, replicas }: ReplicaParts,
): Pick<Running, 'upkeep' | 'cleaner'> {
  const onBug = options.onFatal;
  const times = upkeepTimesOf(cluster.config);
  const upkeep = new Upkeep(io, replicas, { directories: directories.opened, ...times, onBug });
  const settings = () => cleanerSettingsOf(cluster.config);
  const isOn = cluster.config.get('log.cleaner.enable');
  const cleaner = isOn ? new LogCleaner(io, replicas, { settings, onBug }) : null;
  upkeep.start();
  cleaner?.start();
  return { upkeep, cleaner };
}
