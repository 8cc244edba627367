// The timings of consumer groups: the settings, which a group may have of its own, and the clocks
// of the members. Clocks are soft: they begin anew when the machine is loaded.
//
// A sign of life only moves a deadline; the session's timer looks at it when it calls, so that a
// member costs one timer per session and not one per heartbeat.

import type { SoftTimer } from '../../../machine/index.ts';
import type { GroupContext, Outcome } from '../decision.ts';
import type { ConsumerMember } from './consumer-member.ts';

/** session: any request; rebalance: to let go; join and sync: what a classic member owes. */
export type TimerKind = 'session' | 'rebalance' | 'join' | 'sync';

export interface TimedMember {
  readonly groupId: string;
  readonly memberId: string;
}

/** A member that did not do in time what it owed. */
export interface LateMember extends TimedMember {
  /** It is late only if it is in this epoch still; null: in any. */
  readonly memberEpoch: number | null;
}

interface Running {
  deadlineMs: number;
  late: LateMember;
  atMs: number;
  timer: SoftTimer;
}

export class ConsumerTimers {
  readonly at: GroupContext;
  readonly #onLate: (late: LateMember, outcome: Outcome) => void;
  readonly #running = new Map<string, Running>();

  constructor(at: GroupContext, onLate: (late: LateMember, outcome: Outcome) => void) {
    this.at = at;
    this.#onLate = onLate;
  }

  /** The session begins anew: the member was heard of. */
  restartSession(groupId: string, member: Pick<ConsumerMember, 'memberId' | 'classic'>): void {
    const { memberId, classic } = member;
    const timeoutMs =
      classic?.sessionTimeoutMs ?? groupSetting(this.at, groupId, 'session.timeout.ms');
    this.#start('session', { groupId, memberId, memberEpoch: null }, timeoutMs);
  }

  /** A member that was told to let go has its rebalance timeout for it. */
  restartRebalance(groupId: string, member: ConsumerMember): void {
    const { memberId, memberEpoch, rebalanceTimeoutMs } = member;
    this.#start('rebalance', { groupId, memberId, memberEpoch }, rebalanceTimeoutMs);
  }

  /** What a classic member owes has its rebalance timeout. */
  startIfAbsent(kind: 'join' | 'sync', groupId: string, member: ConsumerMember): void {
    const { memberId, rebalanceTimeoutMs } = member;
    const late = { groupId, memberId, memberEpoch: null };
    if (!this.#running.has(keyOf(kind, late))) this.#start(kind, late, rebalanceTimeoutMs);
  }

  /** Begins, or begins anew. */
  #start(kind: TimerKind, late: LateMember, timeoutMs: number): void {
    const key = keyOf(kind, late);
    const deadlineMs = this.at.clock.monotonic() + Math.max(0, timeoutMs);
    const running = this.#running.get(key);
    if (running !== undefined && running.atMs <= deadlineMs) {
      running.deadlineMs = deadlineMs;
      running.late = late;
      return;
    }
    running?.timer.cancel();
    this.#arm(key, deadlineMs, late);
  }

  cancel(kind: TimerKind, member: TimedMember): void {
    const key = keyOf(kind, member);
    this.#running.get(key)?.timer.cancel();
    this.#running.delete(key);
  }

  cancelAll(member: TimedMember): void {
    for (const kind of ['session', 'rebalance', 'join', 'sync'] as const) this.cancel(kind, member);
  }

  #arm(key: string, deadlineMs: number, late: LateMember): void {
    const nowMs = this.at.clock.monotonic();
    const timer = this.at.later(Math.max(0, deadlineMs - nowMs), (outcome) => {
      const running = this.#running.get(key);
      if (running?.timer !== timer) return;
      this.#running.delete(key);
      if (running.deadlineMs > this.at.clock.monotonic()) {
        this.#arm(key, running.deadlineMs, running.late);
      } else {
        this.#onLate(running.late, outcome);
      }
    });
    this.#running.set(key, { deadlineMs, late, atMs: deadlineMs, timer });
  }
}

function keyOf(kind: TimerKind, { groupId, memberId }: TimedMember): string {
  return JSON.stringify([kind, groupId, memberId]);
}

export type GroupSetting =
  | 'session.timeout.ms'
  | 'heartbeat.interval.ms'
  | 'assignment.interval.ms';

/** The group's own value within the bounds of the broker, or the broker's. */
export function groupSetting(at: GroupContext, groupId: string, setting: GroupSetting): number {
  const config = at.config();
  const own = at.image().configOf(groupResource, groupId).get(`consumer.${setting}`);
  const value = own === undefined ? config.get(`group.consumer.${setting}`) : Number(own);
  if (own === undefined) return value;
  const least = config.get(`group.consumer.min.${setting}`);
  const most = config.get(`group.consumer.max.${setting}`);
  return Math.min(most, Math.max(least, value));
}

/** As ConfigResource numbers groups. */
const groupResource = 32;
