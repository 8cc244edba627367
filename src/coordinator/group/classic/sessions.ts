// Signs of life: the sessions of members. A heartbeat only moves a deadline; the timer looks at it
// when it calls, so that a member costs one timer per session and not one per heartbeat.

import type { GroupContext, Outcome } from '../decision.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicMember } from './classic-member.ts';

export type OnExpired = (group: ClassicGroup, member: ClassicMember, outcome: Outcome) => void;

/** A member that waits in its first join is given up after this long, whatever its connection. */
export const newMemberTimeoutMs = 5 * 60_000;

export class Sessions {
  readonly #at: GroupContext;
  readonly #onExpired: OnExpired;

  constructor(at: GroupContext, onExpired: OnExpired) {
    this.#at = at;
    this.#onExpired = onExpired;
  }

  restart(
    group: ClassicGroup,
    member: ClassicMember,
    timeoutMs: number = member.sessionTimeoutMs,
  ): void {
    member.deadlineMs = this.#at.clock.monotonic() + timeoutMs;
    if (member.sessionTimer !== null && member.timerAtMs <= member.deadlineMs) return;
    this.#arm(group, member);
  }

  #arm(group: ClassicGroup, member: ClassicMember): void {
    member.sessionTimer?.cancel();
    member.timerAtMs = member.deadlineMs;
    const delayMs = Math.max(0, member.deadlineMs - this.#at.clock.monotonic());
    member.sessionTimer = this.#at.later(delayMs, (outcome) => {
      member.sessionTimer = null;
      if (group.members.get(member.memberId) === member) this.#onTimer(group, member, outcome);
    });
  }

  #onTimer(group: ClassicGroup, member: ClassicMember, outcome: Outcome): void {
    const nowMs = this.#at.clock.monotonic();
    const isParked = member.joinAnswer !== null || member.syncAnswer !== null;
    // Whoever waits for our answer cannot send heartbeats meanwhile.
    if (isParked && !member.isNew && member.deadlineMs <= nowMs) {
      member.deadlineMs = nowMs + member.sessionTimeoutMs;
    }
    if (member.deadlineMs > nowMs) this.#arm(group, member);
    else this.#onExpired(group, member, outcome);
  }
}
