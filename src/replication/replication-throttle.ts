// How much may be copied per second for replicas that are throttled (KIP-73): those that a topic
// names, while they are out of sync. A replica in sync is never held up: it would fall out.
//
// What was copied is counted in samples, as Kafka does, and the rate is taken over all of them, so
// that one large answer is paid for by a longer rest. Invariant: what is not throttled is not
// counted.

import type { Clock } from '../io/index.ts';
import type { Partition } from './partition.ts';

export interface ReplicationQuota {
  /** follower.replication.throttled.rate */
  readonly bytesPerSecondMax: number;
  /** replication.quota.window.num */
  readonly samples: number;
  /** replication.quota.window.size.seconds, in ms. */
  readonly sampleMs: number;
}

export class ReplicationThrottle {
  readonly #clock: Clock;
  readonly #nodeId: number;
  /** In force now: asked again and again. */
  readonly #quota: () => ReplicationQuota;
  /** Bytes by the number of their sample, oldest first. */
  readonly #samples = new Map<number, number>();

  constructor(clock: Clock, nodeId: number, quota: () => ReplicationQuota) {
    this.#clock = clock;
    this.#nodeId = nodeId;
    this.#quota = quota;
  }

  /** Whether what is copied for the replica here is counted. */
  isFor({ logView, partition, isr }: Partition): boolean {
    const { followerThrottledReplicas: replicas } = logView.config;
    if (replicas.length === 0 || isr.includes(this.#nodeId)) return false;
    return replicas.includes('*') || replicas.includes(`${partition}:${this.#nodeId}`);
  }

  record(bytes: number): void {
    const sample = this.#sampleAt(this.#quota());
    this.#samples.set(sample, (this.#samples.get(sample) ?? 0) + bytes);
  }

  /** Nothing more may be copied now. */
  get isExceeded(): boolean {
    const quota = this.#quota();
    const { bytesPerSecondMax, samples, sampleMs } = quota;
    const first = this.#sampleAt(quota) - samples + 1;
    let bytes = 0;
    for (const [sample, each] of this.#samples) {
      if (sample < first) this.#samples.delete(sample);
      else bytes += each;
    }
    return (bytes * 1000) / (samples * sampleMs) > bytesPerSecondMax;
  }

  #sampleAt({ sampleMs }: ReplicationQuota): number {
    return Math.floor(this.#clock.monotonic() / sampleMs);
  }
}
