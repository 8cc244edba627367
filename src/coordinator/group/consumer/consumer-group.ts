// A consumer group of KIP-848: its epochs, its members, what each shall have and has. All of it is
// durable and changes by replay only (replay-consumer-records.ts); a decision that needs to see
// its own records before they are replayed works on a copy.
//
// Invariants: groupEpoch >= assignmentEpoch; the group waits for nobody once every member is stable
// in the assignment epoch; `ownerOf` knows every partition that is assigned to or not yet released
// by a member.

import type { Uuid } from '../../../base/uuid.ts';
import type { MetadataImage } from '../../../metadata/index.ts';
import type { TopicPartitions } from '../assignors/index.ts';
import { type ConsumerMember, MemberState } from './consumer-member.ts';
import { eachOwned, noPartitions } from './topic-partitions.ts';

export interface ResolvedRegex {
  readonly topics: ReadonlySet<string>;
  readonly version: number;
  readonly timestampMs: number;
}

/** What the client of a member may see: the ACLs of the moment of the question are asked. */
export interface TopicRights {
  /** Principal and address, which ACLs name. */
  readonly requester: string;
  /** Of the ACLs when the member was heard. */
  readonly aclsVersion: number;
  mayDescribe(topic: string): boolean;
}

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead';

export class ConsumerGroup {
  readonly kind = 'consumer';
  readonly protocolType = 'consumer';
  readonly groupId: string;
  groupEpoch = 0;
  metadataHash = 0;
  assignmentEpoch = 0;
  assignmentTimestampMs = 0;
  readonly members = new Map<string, ConsumerMember>();
  readonly targets = new Map<string, TopicPartitions>();
  readonly staticMemberIds = new Map<string, string>();
  readonly regexes = new Map<string, ResolvedRegex>();
  /** A record of older versions that has to be deleted with the group. */
  hasPartitionMetadata = false;
  /** Its offsets expire by the time of their commits. */
  readonly stateSinceMs = 0;
  /** Soft: the topics for which the hash was looked at last. */
  seenTopics: MetadataImage['topicsByName'] | null = null;
  /** Soft: the topics among which expressions were last looked for, and when (monotonic). */
  regexTopics: MetadataImage['topicsByName'] | null = null;
  regexAtMs = Number.NEGATIVE_INFINITY;
  /** Soft: of the ACLs by which they were last looked for. */
  regexAclsVersion = 0;
  /** Soft: by member id, for those that this coordinator heard; null: may describe everything. */
  readonly rights = new Map<string, TopicRights | null>();
  readonly #owners = new Map<Uuid, Map<number, string>>();

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  get state(): ConsumerGroupState {
    if (this.members.size === 0) return 'Empty';
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning';
    for (const member of this.members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling';
    }
    return 'Stable';
  }

  /** All that any member subscribes to, by name or by expression. */
  get subscribedTopics(): ReadonlySet<string> {
    const topics = new Set<string>();
    for (const member of this.members.values()) this.addTopicsOf(member, topics);
    return topics;
  }

  addTopicsOf(member: ConsumerMember, topics: Set<string>): void {
    for (const name of member.topicNames) topics.add(name);
    for (const name of this.regexes.get(member.topicRegex)?.topics ?? []) topics.add(name);
  }

  isSubscribedTo(topic: string): boolean {
    for (const member of this.members.values()) {
      if (member.topicNames.includes(topic)) return true;
      if (this.regexes.get(member.topicRegex)?.topics.has(topic) === true) return true;
    }
    return false;
  }

  get classicMemberCount(): number {
    let count = 0;
    for (const { classic } of this.members.values()) if (classic !== null) count += 1;
    return count;
  }

  countSubscribed(regex: string): number {
    let count = 0;
    for (const { topicRegex } of this.members.values()) if (topicRegex === regex) count += 1;
    return count;
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const memberId = this.staticMemberIds.get(instanceId);
    return memberId === undefined ? undefined : this.members.get(memberId);
  }

  targetOf(memberId: string): TopicPartitions {
    return this.targets.get(memberId) ?? noPartitions;
  }

  /** Who has the partition, or was not yet heard to have let it go. */
  ownerOf(topicId: Uuid, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition);
  }

  /** Replay: the member is what it is now. */
  setMember(member: ConsumerMember): void {
    const before = this.members.get(member.memberId);
    if (before !== undefined) this.#release(before);
    if (before?.topicRegex !== member.topicRegex) this.#lookAgain(before);
    this.members.set(member.memberId, member);
    if (member.instanceId !== null) this.staticMemberIds.set(member.instanceId, member.memberId);
    for (const owned of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partition] of eachOwned(owned)) {
        const owners = this.#owners.get(topicId) ?? new Map<number, string>();
        owners.set(partition, member.memberId);
        this.#owners.set(topicId, owners);
      }
    }
  }

  removeMember(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    this.#release(member);
    this.members.delete(memberId);
    this.#lookAgain(member);
    this.rights.delete(memberId);
    const { instanceId } = member;
    if (instanceId !== null && this.staticMemberIds.get(instanceId) === memberId) {
      this.staticMemberIds.delete(instanceId);
    }
  }

  /** An expression is rid of a member: it may stand for topics that this one might not see. */
  #lookAgain(member: ConsumerMember | undefined): void {
    if (member === undefined || member.topicRegex === '') return;
    if (this.rights.get(member.memberId) !== null) this.regexTopics = null;
  }

  #release({ memberId, assigned, pendingRevocation }: ConsumerMember): void {
    for (const owned of [assigned, pendingRevocation]) {
      for (const [topicId, partition] of eachOwned(owned)) {
        const owners = this.#owners.get(topicId);
        if (owners?.get(partition) !== memberId) continue;
        owners.delete(partition);
        if (owners.size === 0) this.#owners.delete(topicId);
      }
    }
  }

  copy(): ConsumerGroup {
    const copy = new ConsumerGroup(this.groupId);
    copy.groupEpoch = this.groupEpoch;
    copy.metadataHash = this.metadataHash;
    copy.assignmentEpoch = this.assignmentEpoch;
    copy.assignmentTimestampMs = this.assignmentTimestampMs;
    copy.hasPartitionMetadata = this.hasPartitionMetadata;
    for (const member of this.members.values()) copy.setMember(member);
    for (const [memberId, target] of this.targets) copy.targets.set(memberId, target);
    for (const [regex, resolved] of this.regexes) copy.regexes.set(regex, resolved);
    for (const [memberId, rights] of this.rights) copy.rights.set(memberId, rights);
    return copy;
  }
}

export function isReconciledTo(member: ConsumerMember, assignmentEpoch: number): boolean {
  return member.state === MemberState.STABLE && member.memberEpoch === assignmentEpoch;
}
