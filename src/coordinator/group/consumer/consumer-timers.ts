// The clocks of the members of consumer groups. Soft: they begin anew when the machine is loaded.
//
// A sign of life only moves a deadline; the session's timer looks at it when it calls, so that a
// member costs one timer per session and not one per heartbeat.

import type { SoftTimer } from '../../../machine/index.ts';
import type { GroupContext } from '../group-context.ts';
import type { Outcome } from '../outcome.ts';

/** session: any request; rebalance: to let go; join and sync: what a classic member owes. */
export type TimerKind = 'session' | 'rebalance' | 'join' | 'sync';

type OnLate = (outcome: Outcome) => void;

interface Running {
  deadlineMs: number;
  onLate: OnLate;
  atMs: number;
  timer: SoftTimer;
}

export class ConsumerTimers {
  readonly #at: GroupContext;
  readonly #running = new Map<string, Running>();

  constructor(at: GroupContext) {
    this.#at = at;
  }

  /** Begins, or begins anew. */
  start(kind: TimerKind, member: TimedMember, onLate: OnLate): void {
    const key = keyOf(kind, member);
    const deadlineMs = this.#at.clock.monotonic() + Math.max(0, member.timeoutMs);
    const running = this.#running.get(key);
    if (running !== undefined && running.atMs <= deadlineMs) {
      running.deadlineMs = deadlineMs;
      running.onLate = onLate;
      return;
    }
    running?.timer.cancel();
    this.#arm(key, deadlineMs, onLate);
  }

  startIfAbsent(kind: TimerKind, member: TimedMember, onLate: OnLate): void {
    if (!this.#running.has(keyOf(kind, member))) this.start(kind, member, onLate);
  }

  cancel(kind: TimerKind, member: Omit<TimedMember, 'timeoutMs'>): void {
    const key = keyOf(kind, member);
    this.#running.get(key)?.timer.cancel();
    this.#running.delete(key);
  }

  cancelAll(member: Omit<TimedMember, 'timeoutMs'>): void {
    for (const kind of ['session', 'rebalance', 'join', 'sync'] as const) this.cancel(kind, member);
  }

  #arm(key: string, deadlineMs: number, onLate: OnLate): void {
    const nowMs = this.#at.clock.monotonic();
    const timer = this.#at.later(Math.max(0, deadlineMs - nowMs), (outcome) => {
      const running = this.#running.get(key);
      if (running?.timer !== timer) return;
      this.#running.delete(key);
      if (running.deadlineMs > this.#at.clock.monotonic()) {
        this.#arm(key, running.deadlineMs, running.onLate);
      } else {
        running.onLate(outcome);
      }
    });
    this.#running.set(key, { deadlineMs, onLate, atMs: deadlineMs, timer });
  }
}

export interface TimedMember {
  readonly groupId: string;
  readonly memberId: string;
  readonly timeoutMs: number;
}

function keyOf(kind: TimerKind, { groupId, memberId }: Omit<TimedMember, 'timeoutMs'>): string {
  return JSON.stringify([kind, groupId, memberId]);
}
