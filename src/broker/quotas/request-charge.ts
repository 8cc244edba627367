// What one request costs its client: made when it arrives, settled when its answer leaves. It
// exists only while some quota is set.
//
// Invariants: the longest rest that any quota demands is the one in the answer; an answer leaves
// at once, and it is the connection that rests (KIP-219).

import type { MutationResult } from '../../metadata/index.ts';
import type { ClientQuota } from './client-quota.ts';
import type { MutationCharge, MutationQuota, MutationsAsk } from './mutation-quota.ts';
import type { ClientIdentity } from './quota-table.ts';

/** The quotas that a request may touch. */
export interface RequestQuotas {
  readonly now: () => number;
  readonly produce: ClientQuota;
  readonly fetch: ClientQuota;
  readonly request: ClientQuota;
  readonly mutations: MutationQuota;
}

export class RequestCharge {
  readonly #quotas: RequestQuotas;
  readonly #client: ClientIdentity;
  #mutations: MutationCharge | null = null;
  #throttleMs = 0;
  /** Of the event loop, so far, without the turn that is under way. */
  #busyMs = 0;
  #turnBeganMs: number;
  #isTimeCharged = false;

  constructor(quotas: RequestQuotas, client: ClientIdentity) {
    this.#quotas = quotas;
    this.#client = client;
    this.#turnBeganMs = quotas.now();
  }

  /** The handler waits for something: the time until `onTurn` is not the client's. */
  onWait(): void {
    if (this.#turnBeganMs < 0) return;
    this.#busyMs += this.#quotas.now() - this.#turnBeganMs;
    this.#turnBeganMs = -1;
  }

  onTurn(): void {
    this.#turnBeganMs = this.#quotas.now();
  }

  /** Another broker's request for replication: nobody is charged for it. */
  waive(): void {
    this.#isTimeCharged = true;
  }

  /** The most records bytes that a fetch may read: what fits into a window of the quota. */
  fetchBytesMax(): number {
    return this.#quotas.fetch.windowMax(this.#client);
  }

  /**
   * Charges the answer to a fetch. True: the client must rest, and gets an empty answer instead,
   * which costs nothing.
   */
  maybeThrottleFetch(answerBytes: number): boolean {
    const { fetch } = this.#quotas;
    const nowMs = this.#quotas.now();
    const timeMs = this.#chargeTime();
    const bytesMs = fetch.record(this.#client, answerBytes, nowMs);
    this.#throttleMs = Math.max(timeMs, bytesMs);
    if (this.#throttleMs === 0) return false;
    fetch.unrecord(this.#client, answerBytes, nowMs);
    return true;
  }

  /** Asks for changes of topics within the client's quota, and charges those that are made. */
  changeTopics<T extends MutationResult>(isStrict: boolean, ask: MutationsAsk<T>): Promise<T[]> {
    this.#mutations = this.#quotas.mutations.begin(this.#client, isStrict);
    return this.#mutations?.decide(this.#quotas.now, ask) ?? ask({});
  }

  /** Charges what the request is charged at its end, and returns how long the client rests. */
  settle(options: { readonly producedBytes: number; readonly isAnswered: boolean }): number {
    const { producedBytes, isAnswered } = options;
    const nowMs = this.#quotas.now();
    if (producedBytes > 0) {
      this.#throttle(this.#quotas.produce.record(this.#client, producedBytes, nowMs));
    }
    if (isAnswered) this.#throttle(this.#chargeTime());
    if (this.#mutations !== null) this.#throttle(this.#mutations.throttleMs(nowMs));
    return this.#throttleMs;
  }

  #throttle(throttleMs: number): void {
    if (throttleMs > this.#throttleMs) this.#throttleMs = throttleMs;
  }

  /** In percent of a second, as request_percentage counts. */
  #chargeTime(): number {
    if (this.#isTimeCharged) return 0;
    this.#isTimeCharged = true;
    this.onWait();
    return this.#quotas.request.record(this.#client, this.#busyMs / 10, this.#quotas.now());
  }
}

/** As RequestCharge.changeTopics; without a charge there is no bound. */
export function changeTopics<T extends MutationResult>(
  charge: RequestCharge | null,
  isStrict: boolean,
  ask: MutationsAsk<T>,
): Promise<T[]> {
  return charge?.changeTopics(isStrict, ask) ?? ask({});
}
