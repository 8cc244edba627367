// What the two group protocols have in common: a membership that is driven by `poll`, keeps itself
// alive in between, and may lose its partitions at any time.

import type { Client } from '../client.ts';
import type { Coordinator } from '../coordinator-requests.ts';
import type { ResolvedConsumerOptions } from './consumer-options.ts';
import type { GroupAssignment } from './group-assignment.ts';
import type { CommitIdentity, MemberIdentity } from './group-offsets.ts';
import type { Subscription } from './subscription.ts';

export interface GroupMembership extends CommitIdentity {
  /**
   * As whom we joined last, also after we were thrown out: what was read before then was read by
   * that member, and a coordinator that does not know it any more has to refuse it. Nobody before
   * the first join and after leaving.
   */
  readonly joinedAs: MemberIdentity;
  /**
   * Does what has to be done within `poll`: callbacks, and steps that wait for them. Does not
   * wait for the coordinator; `onWork` tells when there is something to do again. Throws what
   * ends the membership: FENCED_INSTANCE_ID, GROUP_AUTHORIZATION_FAILED …
   */
  drive(): Promise<void>;
  onSubscriptionChanged(): void;
  onMetadataChanged(): void;
  /** max.poll.interval.ms has passed since the last poll; why, or what helps. */
  onPollTimeout(because: string): void;
  enforceRebalance(reason: string): void;
  /** Gives up all partitions, with callbacks, and tells the coordinator. */
  leave(reason: string, timeoutMs: number): Promise<void>;
}

/** What a membership works with. */
export interface MembershipContext {
  readonly client: Client;
  readonly coordinator: Coordinator;
  readonly options: ResolvedConsumerOptions;
  readonly groupId: string;
  readonly assignment: GroupAssignment;
  /** The subscription of now, or null. */
  subscription(): Subscription | null;
  /** There is something to do within `poll`. */
  onWork(): void;
}
