// What a broker needs as a member of a cluster, and a broker on its own does not: the store, the
// other brokers, its registration and replication. It is loaded by a member only.

import { Deferred } from '../base/deferred.ts';
import type { BrokerConfig } from '../config/index.ts';
import { type Io, IoError } from '../io/index.ts';
import {
  type ClusterStore,
  type Endpoint,
  isSuccessor,
  type KnownCluster,
  openStore,
  storeHosts,
} from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { Replicas } from '../replication/index.ts';
import { LogDirectoryError, readMetaProperties, readNotes } from '../storage/index.ts';
import { endsWithin } from './bounded-wait.ts';
import { BrokerError, otherProcessError } from './broker-error.ts';
import type { Cluster, MemberOptions, Membership } from './cluster.ts';
import { DeathWatch } from './death-watch.ts';
import type { Handler } from './handler.ts';
import { memberHandlers } from './handlers/of-member.ts';
import type { InterBrokerSecurity } from './inter-broker-security.ts';
import type { LogDirectories } from './log-directories.ts';
import { assertAddresses } from './member-addresses.ts';
import { MemberRegistration } from './member-registration.ts';
import { MemberReplication } from './member-replication.ts';
import type { Registration } from './registration.ts';
import type { BrokerConnectionsOptions } from './requests/broker-connections.ts';
import { Peers } from './requests/peers.ts';
import { storeOptions } from './store-access.ts';

export { interBrokerSecurity } from './inter-broker-security.ts';

interface MemberParts {
  readonly cluster: Cluster;
  readonly directories: LogDirectories;
  readonly endpoints: readonly Endpoint[];
  readonly onFatal: (error: Error) => void;
}

export class Member implements MemberOptions {
  readonly store: ClusterStore;
  readonly handlers: readonly Handler[] = memberHandlers;
  readonly #io: Io;
  readonly #config: BrokerConfig;
  readonly #security: InterBrokerSecurity | undefined;

  constructor(
    io: Io,
    config: BrokerConfig,
    { store, security }: Pick<Member, 'store'> & { security: InterBrokerSecurity | undefined },
  ) {
    this.#io = io;
    this.#config = config;
    this.#security = security;
    this.store = store;
  }

  /** Takes over what was changed on the running cluster. */
  configure(config: BrokerConfig): void {
    void this.#security?.reconfigure(config);
  }

  /**
   * Another process with the id of this broker is gone when its session ends, unless it lives.
   * @throws BrokerError
   */
  async waitForId({ opened }: LogDirectories): Promise<void> {
    const { clock, log } = this.#io;
    const nodeId = this.#config.nodeId;
    const own = { incarnationId: '', directoryIds: opened.map(({ meta }) => meta.directoryId) };
    const isFree = new Deferred<void>();
    let isSaid = false;
    const watch = this.store.watchBrokers((alive) => {
      const holder = alive.get(nodeId);
      if (holder === undefined || isSuccessor(own, holder)) isFree.resolve();
      else if (!isSaid) {
        isSaid = true;
        log.warn(`waits for the session of another process that is broker ${nodeId}`);
      }
    });
    const boundMs = this.#config.get('broker.session.timeout.ms') + 1_000;
    const hasEnded = await endsWithin(clock, boundMs, isFree.promise);
    watch.close();
    if (!hasEnded) throw otherProcessError(nodeId);
  }

  newPeers(options: BrokerConnectionsOptions): Peers {
    return new Peers(this.#io, { ...options, security: this.#security });
  }

  registration({ cluster, ...parts }: MemberParts): Registration {
    const { metadata, controller } = cluster;
    const membership = cluster.membership as Membership;
    assertAddresses(parts.endpoints, {
      nodeId: this.#config.nodeId,
      image: metadata.image(),
      storeHosts: storeHosts(this.#config.get('cluster.store') ?? ''),
    });
    const options = { membership, metadata, controller, ...parts };
    return new MemberRegistration(this.#io, this.#config, options);
  }

  deathWatch({ membership, metadata }: Cluster, onBug: (error: Error) => void): DeathWatch {
    const { nodeId } = this.#config;
    const { connections } = (membership as Membership).peers;
    const connect = (id: number) => connections.connect(id);
    return new DeathWatch(this.#io, { nodeId, metadata, store: this.store, connect, onBug });
  }

  replication(parts: {
    readonly cluster: Cluster;
    readonly replicas: Replicas;
    readonly registration: Registration;
    readonly onBug: (error: Error) => void;
  }): MemberReplication {
    const membership = parts.cluster.membership as Membership;
    return new MemberReplication(this.#io, { membership, ...parts });
  }
}

/** @throws BrokerError */
export async function openNamedStore(io: Io, config: BrokerConfig): Promise<ClusterStore> {
  try {
    return await openStore(io, { ...storeOptions(io, config), known: knownCluster(io, config) });
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new BrokerError(`cannot start: ${error.message}`, { cause: error });
  }
}

/**
 * What the log directories say before they are opened, which needs the cluster's id. Whatever is
 * wrong with one is said when it is opened.
 */
function knownCluster(io: Io, { logDirs }: BrokerConfig): KnownCluster {
  let clusterId: string | null = null;
  let hasData = false;
  for (const path of logDirs) {
    try {
      const notes = readNotes(io.disk, path);
      hasData ||= notes !== null;
      clusterId ??= notes?.clusterId ?? readMetaProperties(io, path)?.clusterId ?? null;
    } catch (error) {
      if (!(error instanceof IoError || error instanceof LogDirectoryError)) throw error;
    }
  }
  return { clusterId, hasData };
}
