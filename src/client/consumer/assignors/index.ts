// How the leader of a classic group divides the partitions among its members.
//
// assignor.ts            what an assignor is, and what it is told of members and topics
// group-metadata.ts      the bytes members exchange: subscriptions, assignments
// range.ts               neighbouring partitions of each topic, the same numbers for all topics
// round-robin.ts         one by one in turn
// sticky.ts              as little change as balance allows; all partitions pause (eager)
// cooperative-sticky.ts  the same, but only partitions that move pause (KIP-429)
// sticky-plan.ts         who owned what, and the plan that both sticky ones follow
// custom-assignor.ts     one of the program's own
// sticky-balance.ts      the plan where members subscribe to different topics
import type { Assignor } from './assignor.ts';
import { CooperativeStickyAssignor } from './cooperative-sticky.ts';
import { type ConsumerPartitionAssignor, CustomAssignor } from './custom-assignor.ts';
import { RangeAssignor } from './range.ts';
import { RoundRobinAssignor } from './round-robin.ts';
import { StickyAssignor } from './sticky.ts';

export type { Assignment, Assignor, GroupMember, GroupTopic, GroupTopics } from './assignor.ts';
export {
  assertCustomAssignor,
  type ConsumerPartitionAssignor,
  type RebalanceProtocol,
} from './custom-assignor.ts';
export {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type MemberSubscription,
} from './group-metadata.ts';

const constructors = {
  range: RangeAssignor,
  roundrobin: RoundRobinAssignor,
  sticky: StickyAssignor,
  'cooperative-sticky': CooperativeStickyAssignor,
} as const;

/** The names under which groups agree on an assignor, Java's included. */
export type AssignorName = keyof typeof constructors;

export const assignorNames = Object.keys(constructors) as readonly AssignorName[];

export function createAssignor(of: AssignorName | ConsumerPartitionAssignor): Assignor {
  return typeof of === 'string' ? new constructors[of]() : new CustomAssignor(of);
}
