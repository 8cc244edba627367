// What the handlers share: the concepts of this broker. The composition root makes it of what it
// has opened, once, before the first request is served.

import type { BrokerConfig } from '../config/index.ts';
import type { GroupCoordinator, TransactionCoordinator } from '../coordinator/index.ts';
import type { Io } from '../io/index.ts';
import type { Controller } from '../metadata/index.ts';
import type { InSyncUpkeep, Replicas } from '../replication/index.ts';
import type { Authorizer } from '../security/acl/index.ts';
import type { LogDirectory } from '../storage/index.ts';
import type { Audit } from './audit.ts';
import type { BrokerServer } from './broker-server.ts';
import type { Client } from './client.ts';
import type { Cluster } from './cluster.ts';
import type { Coordinators } from './coordinators.ts';
import { type BrokerEndpoint, endpointsFor } from './endpoints.ts';
import { FetchSessions } from './fetch-sessions.ts';
import type { LogDirectories } from './log-directories.ts';
import type { MemberReplication } from './member-replication.ts';
import type { ProducerIds } from './producer-ids.ts';
import type { Quotas, ReplicationQuota } from './quotas/index.ts';
import type { BrokerRequests } from './requests/index.ts';

export interface BrokerParts {
  readonly io: Io;
  readonly config: BrokerConfig;
  readonly nodeId: number;
  readonly clusterId: string;
  /** Wherever it is, for what administrators ask. */
  readonly controller: Controller;
  /** For what a client's question about a topic brings about: it is not waited for as long. */
  readonly createMissingTopics: Controller['createTopics'];
  /** Of this process: for what other brokers ask it. */
  readonly ownController: Controller;
  /** As clients are told; -1 while nobody is known. */
  readonly controllerId: number;
  readonly requests: BrokerRequests;
  readonly replicas: Replicas;
  readonly directories: readonly LogDirectory[];
  readonly fetchSessions: FetchSessions;
  /** null where nobody follows. */
  readonly inSync: InSyncUpkeep | null;
  readonly replicationQuota: ReplicationQuota | null;
  readonly producerIds: ProducerIds;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly quotas: Quotas;
  /** null: everybody may do everything. */
  readonly authorizer: Authorizer | null;
  /** null: nobody keeps who was refused what. */
  readonly audit: Audit | null;
  /** The controller, asked on behalf of a client: whoever controls asks its own ACLs, too. */
  readonly controllerFor: (client: Client) => Controller;
  /** Whether a changed configuration names keys that listeners can use. @throws ConfigError */
  readonly checkKeys: (config: BrokerConfig) => Promise<void>;
  /** Bytes of answers that wait for clients to read them. */
  readonly unreadBytes: () => number;
  /** Where the clients of a listener find each living broker; ourselves first. */
  readonly endpoints: (client: Client) => BrokerEndpoint[];
}

/** What is open when the first request is served. */
export interface OpenedParts {
  readonly directories: LogDirectories;
  readonly server: BrokerServer;
  readonly cluster: Cluster;
  readonly replicas: Replicas;
  readonly replication: Pick<MemberReplication, 'inSync' | 'leaderQuota'> | null;
  readonly coordinators: Coordinators;
  readonly quotas: Quotas;
  readonly authorizer: Authorizer | null;
  readonly audit: Audit | null;
  /** null: no listener asks its clients who they are. */
  readonly authentication: { check(config: BrokerConfig): void } | null;
}

export function brokerParts(io: Io, opened: OpenedParts): BrokerParts {
  const { directories, server, cluster, replicas, replication, coordinators, quotas } = opened;
  const { authorizer, audit, authentication } = opened;
  const sessionsMax = cluster.config.get('max.incremental.fetch.session.cache.slots');
  const { groups, transactions, producerIds } = coordinators;
  return {
    io,
    get config() {
      return cluster.config;
    },
    nodeId: cluster.config.nodeId,
    clusterId: directories.clusterId,
    controller: cluster.administrated,
    createMissingTopics: cluster.controller.createTopics,
    ownController: cluster.metadata.controller,
    get controllerId() {
      return cluster.controllerId;
    },
    requests: cluster.requests,
    replicas,
    directories: directories.opened,
    fetchSessions: new FetchSessions(io, sessionsMax),
    inSync: replication?.inSync ?? null,
    replicationQuota: replication?.leaderQuota ?? null,
    producerIds,
    groups,
    transactions,
    quotas,
    authorizer,
    audit,
    controllerFor: (client) => {
      return authorizer === null ? cluster.administrated : cluster.controllerFor(client);
    },
    checkKeys: async (config) => {
      authentication?.check(config);
      await server.check(config);
    },
    unreadBytes: () => server.unreadBytes,
    endpoints: ({ connection }) => {
      return endpointsFor(connection, cluster.config, {
        image: replicas.image,
        // Nobody is sent to a broker that the cluster does not let lead.
        isServing: cluster.membership === null || replicas.image.isAlive(cluster.config.nodeId),
      });
    },
  };
}
