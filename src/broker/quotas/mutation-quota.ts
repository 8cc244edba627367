// controller_mutation_rate: how many partitions a client may create and delete per second
// (KIP-599). Newer versions are refused what they may not do now; older ones get it done and rest.

import type { QuotaImage } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { type ClientIdentity, type Limit, QuotaTable } from './quota-table.ts';
import type { WindowOptions } from './sampled-rate.ts';
import { Sensors } from './sensors.ts';
import { TokenBucket } from './token-bucket.ts';

export class MutationQuota {
  readonly #window: WindowOptions;
  readonly #buckets: Sensors<{ bucket: TokenBucket | null }>;
  #table: QuotaTable | null = null;

  constructor(window: WindowOptions) {
    this.#window = window;
    this.#buckets = new Sensors(() => ({ bucket: null }));
  }

  get isActive(): boolean {
    return this.#table !== null;
  }

  configure(quotas: Iterable<QuotaImage>): void {
    this.#table = QuotaTable.of(quotas, 'controller_mutation_rate');
    if (this.#table === null) this.#buckets.clear();
  }

  /** What one request does, in as many steps as it has topics. */
  begin(client: ClientIdentity, isStrict: boolean): MutationCharge | null {
    const limit = this.#table?.limitOf(client);
    return limit
      ? new MutationCharge((nowMs) => this.#bucketOf(limit, nowMs), limit, isStrict)
      : null;
  }

  #bucketOf(limit: Limit, nowMs: number): TokenBucket {
    const holder = this.#buckets.get(limit.sensorKey, nowMs);
    holder.bucket ??= new TokenBucket(this.#window, limit.perSecond, nowMs);
    return holder.bucket;
  }
}

export class MutationCharge {
  readonly #bucketAt: (nowMs: number) => TokenBucket;
  readonly #limit: number;
  readonly #isStrict: boolean;
  #throttledUntilMs = 0;

  constructor(bucketAt: (nowMs: number) => TokenBucket, limit: Limit, isStrict: boolean) {
    this.#bucketAt = bucketAt;
    this.#limit = limit.perSecond;
    this.#isStrict = isStrict;
  }

  /** @throws KafkaError THROTTLING_QUOTA_EXCEEDED if strict and the bucket is below zero */
  record(partitions: number, nowMs: number): void {
    const bucket = this.#bucketAt(nowMs);
    if (this.#isStrict) {
      const throttleMs = bucket.throttleMs(this.#limit, nowMs);
      if (throttleMs > 0) {
        this.#throttledUntilMs = nowMs + throttleMs;
        throw new KafkaError(
          'THROTTLING_QUOTA_EXCEEDED',
          'The throttling quota has been exceeded.',
        );
      }
      bucket.withdraw(partitions, this.#limit, nowMs);
      return;
    }
    bucket.withdraw(partitions, this.#limit, nowMs);
    this.#throttledUntilMs = nowMs + bucket.throttleMs(this.#limit, nowMs);
  }

  /** What is left of the rest: the decision itself took time. */
  throttleMs(nowMs: number): number {
    return Math.max(0, Math.round(this.#throttledUntilMs - nowMs));
  }
}
