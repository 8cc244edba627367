// How much a leader sends per second to followers that have much to catch up, or a follower fetches
// (KIP-73): of the partitions that `leader.` or `follower.replication.throttled.replicas` names,
// together, within `leader.` or `follower.replication.throttled.rate`.
//
// Invariant: only replicas that are out of sync are held back, so that the quota never pushes one
// out; what goes to those in sync is counted all the same.

import type { Clock } from '../../io/index.ts';
import { SampledRate, type WindowOptions } from './sampled-rate.ts';

export interface ReplicationQuotaOptions {
  readonly nodeId: number;
  readonly window: WindowOptions;
  /** Bytes per second; null: no limit. Asked again and again. */
  readonly bytesPerSecondMax: () => number | null;
  /** Of the topic, as its configuration names them: `*`, or `partition:broker,…`. */
  readonly throttledReplicas: (topic: string) => string | undefined;
}

/** A partition that is led or followed here. */
export interface ThrottledPartition {
  readonly topic: string;
  readonly partition: number;
  readonly isr: readonly number[];
}

export class ReplicationQuota {
  readonly #clock: Clock;
  readonly #options: ReplicationQuotaOptions;
  readonly #rate: SampledRate;

  constructor(clock: Clock, options: ReplicationQuotaOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#rate = new SampledRate(options.window);
  }

  /** Whether the follower gets nothing of the partition for now. */
  holdsBack(partition: ThrottledPartition, replicaId: number): boolean {
    const limit = this.#options.bytesPerSecondMax();
    if (limit === null || partition.isr.includes(replicaId)) return false;
    return this.#isThrottled(partition) && this.#rate.perSecond(this.#clock.monotonic()) > limit;
  }

  /** So much was sent of the partition. */
  record(partition: ThrottledPartition, sizeBytes: number): void {
    if (this.#options.bytesPerSecondMax() === null || !this.#isThrottled(partition)) return;
    this.#rate.record(sizeBytes, this.#clock.monotonic());
  }

  #isThrottled({ topic, partition }: ThrottledPartition): boolean {
    const names = this.#options.throttledReplicas(topic)?.split(',') ?? [];
    const own = `${partition}:${this.#options.nodeId}`;
    return names.some((name) => name.trim() === '*' || name.trim() === own);
  }
}
