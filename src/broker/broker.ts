// A broker: the composition root. It opens what the configuration names, in an order in which each
// part is given those that it stands on, and closes it in the reverse order.
//
// Invariants: nobody is served before everything is open (connections that come earlier wait);
// after `stop` resolves every acknowledged record is on the platter, no file is open, and the mark
// of a clean shutdown is written last.

import type { BrokerConfig } from '../config/index.ts';
import type { Io, Log } from '../io/index.ts';
import type { ClusterStore, MetadataImage, UserRecord } from '../metadata/index.ts';
import type { Replicas } from '../replication/index.ts';
import { anonymous } from '../security/index.ts';
import { LogResources } from '../storage/index.ts';
import type { Audit } from './audit.ts';
import type { Authentication } from './authentication.ts';
import { openAuthorizer } from './authorization.ts';
import { BrokerError } from './broker-error.ts';
import { brokerParts } from './broker-parts.ts';
import { type BoundListener, BrokerServer } from './broker-server.ts';
import type { Client } from './client.ts';
import { Cluster } from './cluster.ts';
import { Coordinators } from './coordinators.ts';
import type { DeathWatch } from './death-watch.ts';
import { DescriptorBudget } from './descriptor-budget.ts';
import { Dispatch } from './dispatch.ts';
import { LogDirectories } from './log-directories.ts';
import type { Member } from './member.ts';
import type { MemberReplication } from './member-replication.ts';
import { OfflineReport } from './offline-report.ts';
import { type Quotas, quotasOf } from './quotas/index.ts';
import { type Registration, registerAlone, registeredEndpoints } from './registration.ts';
import { followMetadata, openReplicas, startUpkeep, type UpkeepParts } from './started-replicas.ts';

/** What a member waits for clients to read their answers: others serve them. */
const memberDrainMs = 3_000;

export interface BrokerOptions {
  /** The broker cannot go on: a broken invariant, or no log directory is left. Stop the process. */
  readonly onFatal: (error: Error) => void;
  /** The operator said so: go on without the metadata that cannot be read. */
  readonly acceptLostMetadata?: boolean;
  /** Likewise: make partitions anew that were in a log directory that is not there. */
  readonly acceptLostLogDirs?: boolean;
  /** Users of SCRAM that the cluster is to have, new or not. Default: those that it has. */
  readonly users?: readonly UserRecord[];
  /** The store of the cluster. Default: what cluster.store names; without it there is none. */
  readonly openStore?: (io: Io, config: BrokerConfig) => Promise<ClusterStore>;
}

/** What is open, each made of those before it. */
interface Running extends UpkeepParts {
  readonly directories: LogDirectories;
  readonly server: BrokerServer;
  readonly cluster: Cluster;
  readonly replicas: Replicas;
  readonly registration: Registration;
  /** null for a broker on its own. */
  readonly replication: MemberReplication | null;
  readonly deathWatch?: DeathWatch;
  readonly offlineReport: OfflineReport;
  readonly coordinators: Coordinators;
  readonly audit: Audit | null;
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

  /** Of the cluster that this broker is a member of; null for a broker on its own. */
  get store(): ClusterStore | null {
    return this.#running.cluster.membership?.store ?? null;
  }

  /** Answers what was asked, makes everything durable and closes. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { directories, server, cluster, replicas, registration, upkeep, cleaner } = this.#running;
    this.#log.info('stopping');
    this.#running.offlineReport.stop();
    this.#running.deathWatch?.close();
    // While this broker still serves, and follows.
    await registration.handOver();
    await cluster.resign();
    await server.closeListeners();
    replicas.interruptFetches();
    this.#running.coordinators.close();
    await server.close(cluster.membership === null ? {} : { drainMs: memberDrainMs });
    this.#running.audit?.close();
    await directories.endedUnlessSilent(Promise.all([cleaner?.stop(), upkeep.stop()]));
    await this.#running.replication?.close();
    await directories.endedUnlessSilent(replicas.close());
    await upkeep.checkpointHighWatermarks();
    if (cluster.membership === null) await cluster.close();
    // The cluster hears that this broker is gone when all that it had is durable.
    const leave = (): Promise<number> => registration.leave();
    await directories.close((directory) => replicas.isFailed(directory), leave);
    if (cluster.membership !== null) await cluster.close();
  }
}

/** What every step of a start is given. */
interface Start {
  readonly io: Io;
  readonly config: BrokerConfig;
  readonly options: BrokerOptions;
  readonly resources: LogResources;
  readonly quotas: Quotas;
  readonly audit: Audit | null;
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
  const audit = held(undo, await auditOf(io, config), (each) => each?.close());
  const start: Start = { io, config, options, resources, quotas, audit };
  const member = await openMember(start, undo);
  const directories = held(undo, await openDirectories(start, member), (each) => each.abandon());
  await member?.waitForId(directories);
  const bound = await BrokerServer.open(io, config, { descriptors, resources, quotas });
  const server = held(undo, bound, (each) => each.abandon());
  let authentication: Authentication | null = null;
  const known = await Cluster.open(io, config, {
    ...{ directories, resources, member, onFatal: options.onFatal },
    mayLose: options.acceptLostMetadata ?? false,
    users: options.users ?? [],
    onConfig: (current) => {
      server.configure(current);
      authentication?.configure(current);
      member?.configure(current);
    },
  });
  const cluster = held(undo, known, (each) => each.close());
  quotas.configure(cluster.metadata.image().quotas.values());
  authentication = await authenticationOf(start, { cluster, clusterId: directories.clusterId });
  let coordinators: Coordinators | null = null;
  let replication: MemberReplication | null = null;
  const found = await openReplicas(start, {
    ...{ directories, cluster },
    onMade: (partition) => coordinators?.onMade(partition),
    onRoleChanged: (partition) => replication?.onRoleChanged(partition),
  });
  const replicas = held(undo, found, (each) => each.close());
  const authorizer = await openAuthorizer(config);
  await followMetadata(start, { directories, cluster, replicas, authorizer });
  const parts = { directories, cluster, server, replicas };
  const begun = await registrationOf(start, member, parts);
  const registration = held(undo, begun, async (each) => void (await each.leave()));
  const offlineReport = held(
    undo,
    new OfflineReport(io, { send: () => registration.reportOffline(replicas), onBug }),
    (each) => each.stop(),
  );
  directories.handOver((directory, error) => {
    replicas.onDirectoryFailure(directory, error);
    offlineReport.begin();
  });
  if (member === null) await registration.reportOffline(replicas);
  const loading = new Coordinators(io, { cluster, replicas, registration, onBug });
  coordinators = held(undo, loading, (each) => each.close());
  replication = member?.replication({ cluster, replicas, registration, onBug }) ?? null;
  if (replication !== null) held(undo, replication, (each) => each.close());
  const opened = { ...parts, registration, replication, coordinators, audit, authentication };
  const served = member === null ? {} : { handlers: member.handlers };
  audit?.beginTopic(replicas, () => replicas.image, io.clock.now);
  const admit = admission({ server, authentication, audit });
  const shared = brokerParts(io, { quotas, authorizer, ...opened });
  const dispatch = new Dispatch(shared, { onBug, admit, ...served });
  server.serve((connection) => dispatch.onConnection(connection));
  const running = { ...opened, offlineReport, ...startUpkeep(start, opened) };
  if (member === null) return running;
  await join(running);
  const deathWatch = held(undo, member.deathWatch(cluster, onBug), (each) => each.close());
  return { ...running, deathWatch };
}

/** Who a client is, or has to prove; the trail is told of those who have shown a certificate. */
function admission({
  server,
  authentication,
  audit,
}: Pick<Running, 'server' | 'audit'> & { readonly authentication: Authentication | null }) {
  return (client: Client): void => {
    server.identify(client);
    if (client.principal !== anonymous) audit?.letIn(client, 'TLS');
    authentication?.admit(client);
  };
}

/** What is asked of a controller, this one too, is served before this broker is known to any. */
async function join(running: Running): Promise<void> {
  const { cluster, registration, replication, coordinators, offlineReport, upkeep } = running;
  cluster.metadata.standForController();
  await registration.join();
  upkeep.onJoined();
  coordinators.onJoined();
  replication?.start();
  offlineReport.begin();
}

/** null: nobody asked for a trail. */
async function auditOf(io: Io, config: BrokerConfig): Promise<Audit | null> {
  if (config.get('audit.log.file') === null && config.get('audit.log.topic') === null) return null;
  const { openAudit } = await import('./audit.ts');
  return await openAudit(io, config);
}

/** null where no listener asks anybody. */
async function authenticationOf(
  { io, options, audit }: Start,
  { cluster, clusterId }: { readonly cluster: Cluster; readonly clusterId: string },
): Promise<Authentication | null> {
  const { config, metadata } = cluster;
  if (!config.listeners.some(({ protocol }) => protocol.startsWith('SASL'))) return null;
  const { Authentication } = await import('./authentication.ts');
  const image = (): MetadataImage => metadata.image();
  return new Authentication(io, config, {
    ...{ clusterId, image, audit },
    onBug: options.onFatal,
  });
}

/** null for a broker on its own. */
async function openMember({ io, config, options }: Start, undo: Undo): Promise<Member | null> {
  if (options.openStore === undefined && config.get('cluster.store') === null) return null;
  const { Member, interBrokerSecurity, openNamedStore } = await import('./member.ts');
  const security = await interBrokerSecurity(io, config);
  const store = await (options.openStore ?? openNamedStore)(io, config);
  held(undo, store, (each) => each.close());
  return new Member(io, config, { store, security });
}

async function registrationOf(
  { io, config, options: { onFatal } }: Start,
  member: Member | null,
  { directories, cluster, server }: Pick<Running, 'directories' | 'cluster' | 'server'>,
): Promise<Registration> {
  const { listeners } = server;
  const { controller } = cluster;
  if (member === null) return registerAlone(io, config, { controller, directories, listeners });
  const endpoints = registeredEndpoints(config, listeners, await io.network.hostName());
  return member.registration({ cluster, directories, endpoints, onFatal });
}

function openDirectories(
  { io, config, options, resources }: Start,
  member: Member | null,
): Promise<LogDirectories> {
  const { onFatal, acceptLostLogDirs: mayLose = false } = options;
  const clusterId = member?.store.clusterId ?? config.clusterId;
  const holdsMetadata = member === null;
  const settings = { resources, clusterId, mayLose, holdsMetadata, onFatal };
  return LogDirectories.open(io, config, settings);
}
