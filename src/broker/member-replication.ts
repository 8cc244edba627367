// What a member of a cluster does for its replicas, beside serving them: it fetches what others
// lead, and keeps the in-sync sets of what it leads itself.
//
// Invariant: nothing is fetched before the cluster knows this life of the broker, under whose epoch
// it fetches.

import { INT64_MAX } from '../base/int64.ts';
import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { ResourceType, type Subscription } from '../metadata/index.ts';
import { type FetcherSettings, ReplicaFetchers } from '../replication/fetchers/index.ts';
import { InSyncUpkeep, type Partition, type Replicas } from '../replication/index.ts';
import type { Cluster, Membership } from './cluster.ts';
import { ReplicationQuota } from './quotas/replication-quota.ts';
import type { Registration } from './registration.ts';
import { ToldDirectories } from './told-directories.ts';

export interface MemberReplicationOptions {
  readonly cluster: Cluster;
  readonly membership: Membership;
  readonly replicas: Replicas;
  readonly registration: Registration;
  readonly onBug: (error: Error) => void;
}

export class MemberReplication {
  readonly #io: Io;
  readonly #options: MemberReplicationOptions;
  readonly inSync: InSyncUpkeep;
  readonly leaderQuota: ReplicationQuota;
  #fetchers: ReplicaFetchers | null = null;
  #told: ToldDirectories | null = null;
  #images: Subscription | null = null;

  constructor(io: Io, options: MemberReplicationOptions) {
    this.#io = io;
    this.#options = options;
    const { cluster, replicas, registration, onBug } = options;
    this.inSync = new InSyncUpkeep(io, {
      ...{ replicas, onBug },
      alterPartition: (request) => cluster.controller.alterPartition(request),
      brokerId: registration.brokerId,
      brokerEpoch: () => registration.brokerEpoch,
      broker: (id) => replicas.image.brokers.get(id),
      lagMsMax: () => cluster.config.get('replica.lag.time.max.ms'),
    });
    this.leaderQuota = this.#quota({
      bytesPerSecondMax: () => cluster.config.get('leader.replication.throttled.rate'),
      throttledReplicas: (topic) => topic.get('leader.replication.throttled.replicas'),
    });
  }

  /** The budget of what others fetch here, or of what this broker fetches (KIP-73). */
  #quota(of: {
    readonly bytesPerSecondMax: () => number;
    readonly throttledReplicas: (topic: ReadonlyMap<string, string>) => string | undefined;
  }): ReplicationQuota {
    const { cluster, replicas, registration } = this.#options;
    return new ReplicationQuota(this.#io.clock, {
      nodeId: registration.brokerId,
      window: {
        samples: cluster.config.get('replication.quota.window.num'),
        sampleMs: cluster.config.get('replication.quota.window.size.seconds') * 1000,
      },
      bytesPerSecondMax: () => {
        const bytes = of.bytesPerSecondMax();
        return bytes >= INT64_MAX ? null : bytes;
      },
      throttledReplicas: (topic) =>
        of.throttledReplicas(replicas.image.configOf(ResourceType.TOPIC, topic)),
    });
  }

  start(): void {
    const { cluster, membership, replicas, registration, onBug } = this.#options;
    const { connections } = membership.peers;
    const { brokerId } = registration;
    const quota = this.#quota({
      bytesPerSecondMax: () => cluster.config.get('follower.replication.throttled.rate'),
      throttledReplicas: (topic) => topic.get('follower.replication.throttled.replicas'),
    });
    this.#fetchers = new ReplicaFetchers(this.#io, {
      nodeId: brokerId,
      ...{ replicas, onBug },
      connect: (nodeId) => connections.connect(nodeId),
      // Also while the registration is renewed: leaders tell a late fetch by its broker epoch.
      brokerEpoch: () => registration.lastBrokerEpoch,
      settings: () => fetcherSettingsOf(cluster.config),
      throttle: {
        holdsBack: (partition) => quota.holdsBack(partition, brokerId),
        record: (partition, sizeBytes) => quota.record(partition, sizeBytes),
      },
    });
    this.inSync.start();
    this.#images = cluster.metadata.subscribe((_, { brokersChanged }) => {
      if (brokersChanged.size > 0) this.inSync.onBrokersChanged();
    });
    this.#told = new ToldDirectories(this.#io, {
      ...{ replicas, registration, onBug },
      assign: (request) => cluster.controller.assignReplicasToDirs(request),
    });
  }

  onRoleChanged(partition: Partition): void {
    this.#fetchers?.onRoleChanged(partition);
    this.#told?.onRoleChanged(partition);
    this.inSync.onStateChanged(partition);
  }

  async close(): Promise<void> {
    this.#images?.close();
    this.inSync.close();
    this.#told?.close();
    await this.#fetchers?.close();
  }
}

function fetcherSettingsOf(config: BrokerConfig): FetcherSettings {
  return {
    fetchersPerLeader: config.get('num.replica.fetchers'),
    partitionBytesMax: config.get('replica.fetch.max.bytes'),
    responseBytesMax: config.get('replica.fetch.response.max.bytes'),
    responseBytesMin: config.get('replica.fetch.min.bytes'),
    waitMsMax: config.get('replica.fetch.wait.max.ms'),
    backoffMs: config.get('replica.fetch.backoff.ms'),
    requestTimeoutMs: config.get('replica.socket.timeout.ms'),
  };
}
