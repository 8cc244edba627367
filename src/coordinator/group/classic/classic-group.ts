// A group whose members agree among themselves (KIP-62, KIP-394, KIP-345): its members, its state
// and the counting that the rules need. The rules are in the files named after the requests; what
// is here only keeps the books.
//
// Durable is `stored` alone, the last record written about the group. All else is soft and built
// from it (group-metadata.ts) when the machine is loaded: it may run ahead of the log by what was
// decided and is not committed, and goes with the machine if that fails.
//
// Invariants: `leaderId` is a member or null; `awaitingJoinCount` counts the parked joins; pending
// members are not members; `staticMemberIds` names members only.

import { assert } from '../../../base/assert.ts';
import type { SoftTimer } from '../../../machine/index.ts';
import { consumerProtocolType, topicsOf } from '../consumer-protocol.ts';
import type { GroupMetadataValue } from '../group-record.ts';
import type { ClassicMember, MemberProtocol } from './classic-member.ts';
import type { JoinAnswer, SyncAnswer } from './classic-protocol.ts';

export type ClassicGroupState =
  | 'Empty'
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Stable'
  | 'Dead';

export class ClassicGroup {
  readonly kind = 'classic';
  readonly groupId: string;
  /** What the log says; null for a group that was never written, or only has offsets. */
  stored: GroupMetadataValue | null = null;
  state: ClassicGroupState = 'Empty';
  /** Wall clock. Offsets of an empty group expire by it. */
  stateSinceMs: number;
  generationId = 0;
  /** null: nobody ever joined; the group stores offsets only. */
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  /** null: unknown, because somebody's metadata is not a consumer's. */
  subscribedTopics: ReadonlySet<string> | null = null;
  readonly members = new Map<string, ClassicMember>();
  readonly staticMemberIds = new Map<string, string>();
  /** Ids that were handed out, until their owners come back with them (KIP-394). */
  readonly pendingMembers = new Map<string, SoftTimer>();
  /** Members of the current generation that have not asked for their assignment yet. */
  readonly pendingSyncs = new Set<string>();
  /** The first rebalance of a group waits for members, not only for those that it has. */
  isInitialRebalance = false;
  hasNewMember = false;
  joinTimer: SoftTimer | null = null;
  syncTimer: SoftTimer | null = null;
  #awaitingJoinCount = 0;
  readonly #protocolCounts = new Map<string, number>();

  constructor(groupId: string, nowMs: number) {
    this.groupId = groupId;
    this.stateSinceMs = nowMs;
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount;
  }

  get isEmpty(): boolean {
    return this.state === 'Empty' || this.state === 'Dead';
  }

  /** Nobody but its committed offsets would miss it. */
  get isForgettable(): boolean {
    return (
      this.state === 'Empty' &&
      this.members.size === 0 &&
      this.pendingMembers.size === 0 &&
      this.stored === null
    );
  }

  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.members.values()) {
      longest = Math.max(longest, member.rebalanceTimeoutMs);
    }
    return longest;
  }

  become(state: ClassicGroupState, nowMs: number): void {
    this.state = state;
    this.stateSinceMs = nowMs;
  }

  add(member: ClassicMember, protocolType: string): void {
    assert(!this.members.has(member.memberId), `${member.memberId} is a member already`);
    if (this.members.size === 0) this.protocolType = protocolType;
    this.members.set(member.memberId, member);
    if (member.groupInstanceId !== null) {
      this.staticMemberIds.set(member.groupInstanceId, member.memberId);
    }
    this.#count(member.protocols, 1);
    this.leaderId ??= member.memberId;
  }

  remove(member: ClassicMember): void {
    if (!this.members.delete(member.memberId)) return;
    this.#count(member.protocols, -1);
    const { groupInstanceId } = member;
    if (groupInstanceId !== null && this.staticMemberIds.get(groupInstanceId) === member.memberId) {
      this.staticMemberIds.delete(groupInstanceId);
    }
    this.pendingSyncs.delete(member.memberId);
    member.sessionTimer?.cancel();
    member.sessionTimer = null;
    if (member.joinAnswer !== null) this.#awaitingJoinCount -= 1;
    if (this.leaderId === member.memberId) this.leaderId = this.#anyMemberId();
  }

  /** A static member came back under a new id: it takes the place of the old one. */
  replace(old: ClassicMember, next: ClassicMember): void {
    const wasLeader = this.leaderId === old.memberId;
    this.remove(old);
    this.add(next, this.protocolType ?? '');
    if (wasLeader) this.leaderId = next.memberId;
  }

  setProtocols(member: ClassicMember, protocols: readonly MemberProtocol[]): void {
    this.#count(member.protocols, -1);
    member.protocols = protocols;
    this.#count(member.protocols, 1);
  }

  awaitJoin(member: ClassicMember, respond: (answer: JoinAnswer) => void): void {
    if (member.joinAnswer === null) this.#awaitingJoinCount += 1;
    member.joinAnswer = respond;
  }

  /** Takes the parked join of the member, for whoever answers it. */
  takeJoin(member: ClassicMember): ((answer: JoinAnswer) => void) | null {
    const respond = member.joinAnswer;
    if (respond === null) return null;
    member.joinAnswer = null;
    if (this.members.get(member.memberId) === member) this.#awaitingJoinCount -= 1;
    return respond;
  }

  takeSync(member: ClassicMember): ((answer: SyncAnswer) => void) | null {
    const respond = member.syncAnswer;
    member.syncAnswer = null;
    return respond;
  }

  get haveAllJoined(): boolean {
    return this.members.size === this.#awaitingJoinCount && this.pendingMembers.size === 0;
  }

  memberIdOf(groupInstanceId: string | null): string | undefined {
    return groupInstanceId === null ? undefined : this.staticMemberIds.get(groupInstanceId);
  }

  /** Whether a member with these protocols could be in the group beside those that are. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.members.size === 0) return protocolType !== '' && protocols.length > 0;
    return (
      protocolType === this.protocolType &&
      protocols.some(({ name }) => this.#protocolCounts.get(name) === this.members.size)
    );
  }

  /** The protocol that most members prefer among those that all of them support. */
  selectProtocol(): string {
    const candidates = new Set<string>();
    for (const [name, count] of this.#protocolCounts) {
      if (count === this.members.size) candidates.add(name);
    }
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const choice = member.vote(candidates);
      assert(choice !== null, 'every member supports every candidate');
      votes.set(choice, (votes.get(choice) ?? 0) + 1);
    }
    let winner = '';
    for (const [name, count] of votes) if (count > (votes.get(winner) ?? 0)) winner = name;
    return winner;
  }

  /** Begins the generation of those who joined; without members the group is empty. */
  nextGeneration(nowMs: number): void {
    this.generationId = this.generationId === 0x7fff_ffff ? 1 : this.generationId + 1;
    this.pendingSyncs.clear();
    if (this.members.size === 0) {
      this.protocolName = null;
      this.leaderId = null;
      this.become('Empty', nowMs);
    } else {
      this.protocolName = this.selectProtocol();
      for (const memberId of this.members.keys()) this.pendingSyncs.add(memberId);
      this.become('CompletingRebalance', nowMs);
    }
    this.updateSubscribedTopics();
  }

  updateSubscribedTopics(): void {
    this.subscribedTopics = null;
    if (this.protocolType !== consumerProtocolType) return;
    const topics = new Set<string>();
    for (const member of this.members.values()) {
      const own = topicsOf(member.metadataOf(this.protocolName));
      if (own === null) return;
      for (const topic of own) topics.add(topic);
    }
    this.subscribedTopics = topics;
  }

  /** Whether the group consumes the topic; when its subscriptions cannot be read, any topic. */
  isSubscribedTo(topic: string): boolean {
    if (this.subscribedTopics !== null) return this.subscribedTopics.has(topic);
    return this.protocolType === consumerProtocolType && !this.isEmpty;
  }

  cancelTimers(): void {
    this.joinTimer?.cancel();
    this.syncTimer?.cancel();
    this.joinTimer = null;
    this.syncTimer = null;
  }

  #anyMemberId(): string | null {
    for (const memberId of this.members.keys()) return memberId;
    return null;
  }

  #count(protocols: readonly MemberProtocol[], change: 1 | -1): void {
    // A client may name a protocol twice; it still is one member that supports it.
    for (const name of new Set(protocols.map((protocol) => protocol.name))) {
      const count = (this.#protocolCounts.get(name) ?? 0) + change;
      if (count === 0) this.#protocolCounts.delete(name);
      else this.#protocolCounts.set(name, count);
    }
  }
}
