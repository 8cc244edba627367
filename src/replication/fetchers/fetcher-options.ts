// What the fetchers are given: the way to a leader, and how they are configured.

import type { ClientConnection } from '../../network/index.ts';
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

export interface ReplicaFetchersOptions {
  readonly nodeId: number;
  readonly replicas: Pick<Replicas, 'all'>;
  /** Rejects with an IoError or a KafkaError. */
  readonly connect: (nodeId: number) => Promise<LeaderConnection>;
  /** Of this broker's present life (KIP-903): asked before each fetch. */
  readonly brokerEpoch: () => number;
  /** In force now: asked again and again. */
  readonly settings: () => FetcherSettings;
  /** An invariant is broken. */
  readonly onBug: (error: Error) => void;
}
