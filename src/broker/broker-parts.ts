// What the handlers share: the concepts of this broker. The composition root makes it of what it
// has opened, once, before the first request is served.

import type { BrokerConfig } from '../config/index.ts';
import type { GroupCoordinator, TransactionCoordinator } from '../coordinator/index.ts';
import type { Io } from '../io/index.ts';
import type { Controller, Metadata } from '../metadata/index.ts';
import type { Replicas } from '../replication/index.ts';
import type { LogDirectory } from '../storage/index.ts';
import type { BrokerServer } from './broker-server.ts';
import type { Client } from './client.ts';
import type { Coordinators } from './coordinators.ts';
import type { DynamicConfig } from './dynamic-config.ts';
import { type BrokerEndpoint, endpointsFor } from './endpoints.ts';
import { FetchSessions } from './fetch-sessions.ts';
import type { LogDirectories } from './log-directories.ts';
import type { ProducerIds } from './producer-ids.ts';
import type { Quotas } from './quotas/index.ts';

export interface BrokerParts {
  readonly io: Io;
  readonly config: BrokerConfig;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly controller: Controller;
  readonly replicas: Replicas;
  readonly directories: readonly LogDirectory[];
  readonly fetchSessions: FetchSessions;
  readonly producerIds: ProducerIds;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly quotas: Quotas;
  /** Bytes of answers that wait for clients to read them. */
  readonly unreadBytes: () => number;
  /** Where the clients of a listener find each living broker; ourselves first. */
  readonly endpoints: (client: Client) => BrokerEndpoint[];
}

/** What is open when the first request is served. */
export interface OpenedParts {
  readonly directories: LogDirectories;
  readonly server: BrokerServer;
  readonly metadata: Metadata;
  readonly dynamic: DynamicConfig;
  readonly replicas: Replicas;
  readonly coordinators: Coordinators;
  readonly quotas: Quotas;
}

export function brokerParts(io: Io, opened: OpenedParts): BrokerParts {
  const { directories, server, metadata, dynamic, replicas, coordinators, quotas } = opened;
  const sessionsMax = dynamic.current.get('max.incremental.fetch.session.cache.slots');
  const { groups, transactions, producerIds } = coordinators;
  return {
    io,
    get config() {
      return dynamic.current;
    },
    nodeId: dynamic.current.nodeId,
    clusterId: directories.clusterId,
    controller: metadata.controller,
    replicas,
    directories: directories.opened,
    fetchSessions: new FetchSessions(io, sessionsMax),
    producerIds,
    groups,
    transactions,
    quotas,
    unreadBytes: () => server.unreadBytes,
    endpoints: ({ connection }) => endpointsFor(connection, dynamic.current, replicas.image),
  };
}
