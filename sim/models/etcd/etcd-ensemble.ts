// What the members of a small etcd agree on: one piece of data, who leads, the alarm. Consensus
// itself is not modelled: what a majority would agree on holds at once.
//
// Invariant: without a majority there is no leader, and a new leader gives each lease its whole
// time.

import type { Io } from '../../../src/io/io.ts';
import { EtcdKeySpace, type Json, type StoredEvent } from './etcd-key-space.ts';

export interface EnsembleOptions {
  readonly quotaBytes?: number;
  /** Who may come in; absent: everybody. */
  readonly user?: { readonly name: string; readonly password: string };
}

/** A member, to the others. */
export interface EnsembleMember {
  readonly io: Io;
  readonly id: number;
  /** With the others. */
  readonly isConnected: boolean;
  onEvents(events: readonly StoredEvent[]): void;
  /** Somebody leads now, or nobody. */
  onLeader(): void;
}

export class EtcdEnsemble {
  readonly data = new EtcdKeySpace();
  readonly options: EnsembleOptions;
  readonly members: EnsembleMember[] = [];
  leader: EnsembleMember | null = null;
  /** The alarm stays until somebody disarms it. */
  isAlarmed = false;
  #freedBytes = 0;

  constructor(options: EnsembleOptions = {}) {
    this.options = options;
    this.data.onEvents = (events) => {
      for (const member of this.members) member.onEvents(events);
    };
  }

  /** Leases are counted by the leader's clock, whoever hears of them. */
  get leaseNowMs(): number {
    return this.leader?.io.clock.monotonic() ?? 0;
  }

  get hasMajority(): boolean {
    const connected = this.members.filter(({ isConnected }) => isConnected).length;
    return connected * 2 > this.members.length;
  }

  /** The others elect another one when the leader is gone; each lease begins anew. */
  settleLeader(): void {
    const isLed = this.leader?.isConnected === true && this.hasMajority;
    if (!isLed) {
      const isUp = this.members.find(({ isConnected }) => isConnected);
      const next = this.hasMajority ? isUp : undefined;
      this.leader = next ?? null;
      if (next !== undefined) this.data.extendLeases(next.io.clock.monotonic());
    }
    for (const member of this.members) member.onLeader();
  }

  /** Every lease at once, as a leader does that was stopped for too long (etcd's issue 15247). */
  revokeAll(): void {
    for (const ID of [...this.data.leases.keys()]) this.data.revokeLease({ ID });
  }

  /** Space that was compacted is free only after a defragmentation. */
  defragment(): void {
    this.#freedBytes = 0;
  }

  compact(request: Json): Json {
    const before = this.data.sizeBytes;
    const answer = this.data.compact(request);
    this.#freedBytes += before - this.data.sizeBytes;
    return answer;
  }

  disarm(): void {
    this.isAlarmed = false;
    this.data.isFull = false;
  }

  get sizeBytes(): number {
    return this.data.sizeBytes + this.#freedBytes;
  }

  /** To be called before each change. */
  checkSpace(): void {
    const { quotaBytes = Number.POSITIVE_INFINITY } = this.options;
    if (this.sizeBytes > quotaBytes) this.isAlarmed = true;
    this.data.isFull = this.isAlarmed;
  }
}
