// A modelled ZooKeeper: its members, the order of its changes, and its sessions. Somebody leads, or
// nobody; changes are decided by the leader and made by each member when they reach it, which may
// take as long as a test wants.
//
// Invariants: every member makes the same changes in the same order; a session ends by its own
// will, by silence, or because a test says so, and then its ephemeral nodes go in one change.

import type { Io, Timer } from '../../../src/io/index.ts';
import type { Change } from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { passwordBytes } from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { Member } from './member.ts';
import type { EnclosingEnsemble, Session } from './parts.ts';
import type { Transaction } from './tree.ts';

export interface EnsembleOptions {
  /** Sessions last 2 to 20 of them. Default 500. */
  readonly tickMs?: number;
  /** jute.maxbuffer. */
  readonly frameBytesMax?: number;
}

export class ZooKeeperEnsemble implements EnclosingEnsemble {
  readonly io: Io;
  readonly members: Member[] = [];
  readonly #tickMs: number;
  readonly frameBytesMax: number;
  readonly sessions = new Map<bigint, Session>();
  readonly #log: Transaction[] = [];
  #zxid = 0n;
  #leader: Member | null = null;
  #nextSession: bigint;
  #timer: Timer | null = null;

  /** @param io for time and chance; each member has its own network */
  constructor(io: Io, { tickMs = 500, frameBytesMax = 0xfffff }: EnsembleOptions = {}) {
    this.io = io;
    this.#tickMs = tickMs;
    this.frameBytesMax = frameBytesMax;
    this.#nextSession = 0x100000000000000n + BigInt(io.random.int(0x7fffffff));
    this.#tick();
  }

  /** The first one leads. */
  async addMember(io: Io, address: { host: string; port: number }): Promise<Member> {
    const member = new Member(this, io);
    await member.listen(address);
    this.members.push(member);
    this.#leader ??= member;
    for (const transaction of this.#log) member.onDecided(transaction);
    return member;
  }

  get leader(): Member | null {
    return this.#leader;
  }

  /** Of the newest change; the numbers of a new leader begin beyond it. */
  get zxid(): bigint {
    return this.#log.at(-1)?.zxid ?? 0n;
  }

  /** null: there is no majority, so that nobody serves. A new leader begins every session anew. */
  lead(member: Member | null): void {
    this.#leader = member;
    if (member === null) {
      for (const each of this.members) if (!each.isApart) each.closeAll();
      return;
    }
    member.catchUp();
    const epoch = (this.#zxid >> 32n) + 1n;
    this.#zxid = epoch << 32n;
    for (const session of this.sessions.values()) this.touch(session);
    for (const each of this.members) if (!each.isApart) each.closeAll();
  }

  /** As somebody who deletes the session's nodes, or a leader that was held for too long. */
  expire(sessionId: bigint): void {
    if (this.sessions.has(sessionId)) this.#end(sessionId);
  }

  beginSession(askedMs: number): Session {
    const timeoutMs = Math.min(Math.max(askedMs, 2 * this.#tickMs), 20 * this.#tickMs);
    const id = this.#nextSession++;
    const password = this.io.random.bytes(passwordBytes);
    const session: Session = { id, password, timeoutMs, deadlineMs: 0, owner: null };
    this.sessions.set(id, session);
    this.touch(session);
    this.decide(id, []);
    return session;
  }

  endSession(sessionId: bigint): Transaction {
    return this.#end(sessionId);
  }

  touch(session: Session): void {
    session.deadlineMs = this.io.clock.monotonic() + session.timeoutMs;
  }

  /** Decides and sends to every member; the zxid is used up even if it is refused. */
  decide(session: bigint, changes: readonly Change[], endsSession = false): Transaction {
    const leader = this.#leader as Member;
    this.#zxid += 1n;
    const transaction: Transaction = {
      zxid: this.#zxid,
      timeMs: this.io.clock.now(),
      session,
      changes,
      failure: leader.tree.decide(changes),
      endsSession,
    };
    this.#log.push(transaction);
    for (const member of this.members) member.onDecided(transaction);
    return transaction;
  }

  /** The store as it was: changes behind the first `count` have never been. */
  rollBack(count: number): void {
    this.#startAgain(this.#log.slice(0, count));
  }

  /** A backup: whoever calls what is returned puts the data back as they are now. */
  keep(): () => void {
    const kept = [...this.#log];
    const sessions = [...this.sessions.values()];
    return () => {
      this.#startAgain(kept);
      // They end by silence, and their nodes with them.
      for (const session of sessions) {
        this.sessions.set(session.id, { ...session, owner: null });
        this.touch(this.sessions.get(session.id) as Session);
      }
    };
  }

  #startAgain(kept: readonly Transaction[]): void {
    this.#log.length = 0;
    this.sessions.clear();
    this.#log.push(...kept);
    this.#zxid = kept.at(-1)?.zxid ?? 0n;
    for (const member of this.members) member.startAgain(kept);
  }

  get changeCount(): number {
    return this.#log.length;
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    for (const member of this.members) await member.stop();
  }

  #end(sessionId: bigint): Transaction {
    this.sessions.delete(sessionId);
    return this.decide(sessionId, [], true);
  }

  #tick(): void {
    this.#timer = this.io.clock.after(this.#tickMs, () => {
      this.#tick();
      if (this.#leader === null) return;
      const nowMs = this.io.clock.monotonic();
      for (const session of [...this.sessions.values()]) {
        if (session.deadlineMs < nowMs) this.#end(session.id);
      }
    });
  }
}
