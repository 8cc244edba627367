// What the fetchers are given: the way to a leader, and how they are configured.

import type { ClientConnection } from '../../network/index.ts';
import type { Partition } from '../partition.ts';
import type { Replicas } from '../replicas.ts';

/** A connection to the broker that leads. */
export type LeaderConnection = Pick<ClientConnection, 'request' | 'close' | 'isClosed'> & {
  onClose: (error: Error) => void;
};

export interface FetcherSettings {
  /** num.replica.fetchers */
  readonly fetchersPerLeader: number;
  /** replica.fetch.max.bytes */
  readonly partitionBytesMax: number;
  /** replica.fetch.response.max.bytes */
  readonly responseBytesMax: number;
  /** replica.fetch.min.bytes */
  readonly responseBytesMin: number;
  /** replica.fetch.wait.max.ms */
  readonly waitMsMax: number;
  /** replica.fetch.backoff.ms */
  readonly backoffMs: number;
  /** replica.socket.timeout.ms */
  readonly requestTimeoutMs: number;
}

export interface FetchThrottle {
  /** Whether nothing of the partition is to be fetched for now. */
  holdsBack(partition: Partition): boolean;
  record(partition: Partition, sizeBytes: number): void;
}

export interface ReplicaFetchersOptions {
  readonly nodeId: number;
  readonly replicas: Pick<Replicas, 'all'>;
  /** Rejects with an IoError or a KafkaError. */
  readonly connect: (nodeId: number) => Promise<LeaderConnection>;
  /** Under which this broker was registered last (KIP-903): asked before each fetch. */
  readonly brokerEpoch: () => number;
  /** In force now: asked again and again. */
  readonly settings: () => FetcherSettings;
  /** What may be fetched of partitions that are to be spared (KIP-73). Default: everything. */
  readonly throttle?: FetchThrottle;
  /** An invariant is broken. */
  readonly onBug: (error: Error) => void;
}
