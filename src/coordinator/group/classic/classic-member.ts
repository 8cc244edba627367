// A member of a classic group: who it is, what it supports, and which of its requests is parked.

import type { SoftTimer } from '../../../machine/index.ts';
import { type JoinAnswer, noBytes, type SyncAnswer } from './classic-protocol.ts';

export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface ClassicMemberOptions {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly MemberProtocol[];
  readonly assignment?: Buffer;
}

export class ClassicMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** In the member's order of preference. */
  protocols: readonly MemberProtocol[];
  assignment: Buffer;
  /** It has not seen the end of a join phase yet. */
  isNew = false;
  /** In monotonic milliseconds: without a sign of life until then it is gone. */
  deadlineMs = 0;
  sessionTimer: SoftTimer | null = null;
  /** When `sessionTimer` calls; it looks at the deadline and may wait on. */
  timerAtMs = 0;
  /** Set while a JoinGroup is parked: ClassicGroup counts these. */
  joinAnswer: ((answer: JoinAnswer) => void) | null = null;
  syncAnswer: ((answer: SyncAnswer) => void) | null = null;

  constructor(options: ClassicMemberOptions) {
    this.memberId = options.memberId;
    this.groupInstanceId = options.groupInstanceId;
    this.clientId = options.clientId;
    this.clientHost = options.clientHost;
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs;
    this.sessionTimeoutMs = options.sessionTimeoutMs;
    this.protocols = options.protocols;
    this.assignment = options.assignment ?? noBytes;
  }

  metadataOf(protocol: string | null): Buffer {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? noBytes;
  }

  /** The same protocols, in the same order, with the same metadata. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, index) => {
        const own = this.protocols[index] as MemberProtocol;
        return own.name === name && own.metadata.equals(metadata);
      })
    );
  }

  /** The member's choice among protocols that everybody supports. */
  vote(candidates: ReadonlySet<string>): string | null {
    return this.protocols.find(({ name }) => candidates.has(name))?.name ?? null;
  }
}
