// controller_mutation_rate: how many partitions a client may create and delete per second
// (KIP-599). Newer versions are refused what they may not do now; older ones get it done and rest.
// The controller may be another process: it is told how much is left and answers what it did
// (docs/decisions/0012-mutations-are-charged-by-the-answer.md).
//
// Invariant: the requests that share a bucket are decided one after the other, each with what the
// ones before have left, so that a client gets what it would if every topic asked the bucket.

import { Deferred } from '../../base/deferred.ts';
import type { LimitedMutations, MutationResult, QuotaImage } from '../../metadata/index.ts';
import { ErrorCode } from '../../protocol/index.ts';
import { type ClientIdentity, type Limit, QuotaTable } from './quota-table.ts';
import type { WindowOptions } from './sampled-rate.ts';
import { Sensors } from './sensors.ts';
import { TokenBucket } from './token-bucket.ts';

export class MutationQuota {
  readonly #window: WindowOptions;
  readonly #accounts: Sensors<Account>;
  #table: QuotaTable | null = null;

  constructor(window: WindowOptions) {
    this.#window = window;
    this.#accounts = new Sensors(() => ({ bucket: null, busy: null }));
  }

  get isActive(): boolean {
    return this.#table !== null;
  }

  configure(quotas: Iterable<QuotaImage>): void {
    this.#table = QuotaTable.of(quotas, 'controller_mutation_rate');
    if (this.#table === null) this.#accounts.clear();
  }

  /** What one request does, in as many steps as it has topics. */
  begin(client: ClientIdentity, isStrict: boolean): MutationCharge | null {
    const limit = this.#table?.limitOf(client);
    return limit
      ? new MutationCharge((nowMs) => this.#accountOf(limit, nowMs), limit, isStrict)
      : null;
  }

  #accountOf(limit: Limit, nowMs: number): OpenAccount {
    const account = this.#accounts.get(limit.sensorKey, nowMs);
    account.bucket ??= new TokenBucket(this.#window, limit.perSecond, nowMs);
    return account as OpenAccount;
  }
}

/** What a client may change, and the last of its requests that is being decided. */
interface Account {
  bucket: TokenBucket | null;
  busy: Promise<void> | null;
}

type OpenAccount = Account & { bucket: TokenBucket };

/** What a request asks the controller with, and what it is charged by. */
export type MutationsAsk<T extends MutationResult> = (limit: LimitedMutations) => Promise<T[]>;

export class MutationCharge {
  readonly #accountAt: (nowMs: number) => OpenAccount;
  readonly #limit: number;
  readonly #isStrict: boolean;
  #throttledUntilMs = 0;

  constructor(accountAt: (nowMs: number) => OpenAccount, limit: Limit, isStrict: boolean) {
    this.#accountAt = accountAt;
    this.#limit = limit.perSecond;
    this.#isStrict = isStrict;
  }

  /**
   * Asks the controller when it has answered the requests before, and charges what it did. A
   * request that fails as a whole is charged nothing.
   */
  async decide<T extends MutationResult>(now: () => number, ask: MutationsAsk<T>): Promise<T[]> {
    const account = this.#accountAt(now());
    const before = account.busy;
    const done = new Deferred<void>();
    account.busy = done.promise;
    try {
      if (before !== null) await before;
      const nowMs = now();
      const { bucket } = account;
      const left = bucket.wholeTokens(this.#limit, nowMs);
      const results = await ask({ partitionMutationsMax: this.#isStrict ? left : undefined });
      this.#charge(bucket, results, nowMs);
      return results;
    } finally {
      if (account.busy === done.promise) account.busy = null;
      done.resolve();
    }
  }

  /** As of the moment at which the controller was asked: its work is not the client's rest. */
  #charge(bucket: TokenBucket, results: readonly MutationResult[], nowMs: number): void {
    const refusal = ErrorCode.THROTTLING_QUOTA_EXCEEDED;
    const isRefused = results.some(({ error }) => error?.code === refusal);
    const partitions = results.reduce((sum, each) => sum + each.partitionMutations, 0);
    bucket.withdraw(partitions, this.#limit, nowMs);
    if (this.#isStrict ? !isRefused : partitions === 0) return;
    this.#throttledUntilMs = nowMs + bucket.throttleMs(this.#limit, nowMs);
  }

  /** What is left of the rest: the decision itself took time. */
  throttleMs(nowMs: number): number {
    return Math.max(0, Math.round(this.#throttledUntilMs - nowMs));
  }
}
