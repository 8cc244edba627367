// The session of this process: a lease that is kept alive, and another one when it is over.
//
// Invariants: the session ends only when etcd says that the lease is gone, never by our own clock:
// silence proves nothing; a lease is revoked by nobody but `close`, so that one that etcd takes
// back by itself costs a new session and nothing else.

import type { Io, Timer } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { type SessionEvent, StoreAwayError } from '../keyed/key-store.ts';
import { type EtcdClient, refusal } from './etcd-client.ts';
import { EtcdError } from './etcd-error.ts';

/** etcd is told that we live so often within the lease. */
const keepAlivesPerSession = 6;
const retryMsMin = 50;
const retryMsMax = 1_000;
const goodbyeMsMax = 1_000;

export class EtcdSession {
  readonly #io: Io;
  readonly #client: EtcdClient;
  readonly #ttlSeconds: number;
  readonly #keepAliveMs: number;
  readonly #tell: (event: SessionEvent) => void;
  #leaseId: string | null = null;
  #number = 0;
  #isAway = true;
  #retryMs = retryMsMin;
  #timer: Timer | null = null;
  #failure: KafkaError | null = null;
  #isClosed = false;

  constructor(
    io: Io,
    client: EtcdClient,
    sessionTimeoutMs: number,
    tell: (event: SessionEvent) => void,
  ) {
    this.#io = io;
    this.#client = client;
    // etcd counts in seconds.
    this.#ttlSeconds = Math.max(1, Math.ceil(sessionTimeoutMs / 1000));
    this.#keepAliveMs = Math.max(100, sessionTimeoutMs / keepAlivesPerSession);
    this.#tell = tell;
  }

  get number(): number {
    return this.#number;
  }

  /** Of the session of this number; null: it is not the newest, or over. */
  leaseOf(number: number): string | null {
    return number === this.#number ? this.#leaseId : null;
  }

  /** Begins, and goes on trying until it is closed. */
  start(): void {
    this.#schedule(0);
  }

  /** Why there is none now; null: there is. */
  get failure(): KafkaError | null {
    return this.#failure;
  }

  /** Another one of our requests was told that the lease is not there. */
  onLeaseGone(leaseId: string): void {
    if (leaseId !== this.#leaseId) return;
    this.#end();
    this.#schedule(0);
  }

  async #step(): Promise<void> {
    try {
      if (this.#leaseId === null) await this.#begin();
      else await this.#keepAlive(this.#leaseId);
      this.#retryMs = retryMsMin;
      this.#schedule(this.#leaseId === null ? 0 : this.#keepAliveMs);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#onFailure(error);
    }
  }

  async #begin(): Promise<void> {
    const { ID } = await this.#client.ask('/v3/lease/grant', { TTL: this.#ttlSeconds, ID: 0 });
    if (typeof ID !== 'string') throw new StoreAwayError('etcd granted no lease');
    if (this.#isClosed) return;
    this.#leaseId = ID;
    this.#number += 1;
    this.#onAnswer();
  }

  async #keepAlive(leaseId: string): Promise<void> {
    const { result } = await this.#client.ask('/v3/lease/keepalive', { ID: leaseId });
    if (this.#isClosed || leaseId !== this.#leaseId) return;
    const { ID, TTL } = (result ?? {}) as { ID?: string; TTL?: string };
    if (ID !== leaseId) throw new StoreAwayError('etcd says nothing of the lease');
    // A lease that is not there has no time to live.
    if (Number(TTL ?? 0) <= 0) this.#end();
    else this.#onAnswer(this.#isAway);
  }

  #onAnswer(isNews = true): void {
    this.#isAway = false;
    this.#failure = null;
    if (isNews) this.#tell({ kind: 'connected', sessionNumber: this.#number });
  }

  #end(): void {
    this.#leaseId = null;
    this.#isAway = true;
    this.#tell({ kind: 'ended', because: 'etcd does not know the lease of this process any more' });
  }

  #onFailure(error: KafkaError): void {
    if (this.#isClosed) return;
    this.#failure = error;
    if (error instanceof EtcdError && error.kind === 'lease' && this.#leaseId !== null) this.#end();
    const shown = error instanceof EtcdError ? refusal(this.#client.shown, error) : error;
    if (!this.#isAway) this.#tell({ kind: 'away', because: shown.message });
    this.#isAway = true;
    this.#schedule(this.#retryMs * (0.5 + this.#io.random.float()));
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#isClosed) return;
    this.#timer = this.#io.clock.after(delayMs, () => {
      void this.#step();
    });
  }

  /** Nothing is scheduled any more. Revokes the lease, if somebody is there to hear it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    const leaseId = this.#leaseId;
    this.#leaseId = null;
    if (leaseId === null) return;
    const timer = this.#io.clock.after(goodbyeMsMax, () => this.#client.close());
    try {
      await this.#client.ask('/v3/lease/revoke', { ID: leaseId });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
    timer.cancel();
  }
}
