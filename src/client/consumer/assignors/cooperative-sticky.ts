// Sticky with cooperative rebalances (KIP-429): members keep what they own while the group
// rebalances. What must change its owner is given to nobody at first; the old owner gives it up
// and joins again, and only then it goes to the new one. The user data is the generation alone,
// for brokers and members that do not know that field of the subscription.

import {
  decodeStruct,
  defineStruct,
  encodeStruct,
  int32,
  KafkaError,
} from '../../../protocol/index.ts';
import { keyOf, type TopicPartition } from '../../leader-requests.ts';
import type { Assignment, Assignor, GroupMember, GroupTopics } from './assignor.ts';
import { type Claim, planSticky } from './sticky-plan.ts';

const cooperativeUserData = defineStruct({
  name: 'CooperativeStickyAssignorUserData',
  versions: '0',
  flexible: 'none',
  fields: { generation: int32('0+') },
});

export class CooperativeStickyAssignor implements Assignor {
  readonly name = 'cooperative-sticky';
  readonly isCooperative = true;
  #generation = -1;

  userData(): Buffer {
    return encodeStruct(cooperativeUserData, 0, { generation: this.#generation });
  }

  onAssignment(_partitions: readonly TopicPartition[], generation: number): void {
    this.#generation = generation;
  }

  assign(members: readonly GroupMember[], topics: GroupTopics): Assignment {
    const { assignment, contested } = planSticky(members, topics, claimOf);
    const ownersOf = new Map<string, string[]>();
    for (const { memberId, owned } of members) {
      for (const place of owned) {
        const key = keyOf(place);
        ownersOf.set(key, [...(ownersOf.get(key) ?? []), memberId]);
      }
    }
    for (const [memberId, places] of assignment) {
      const stays = places.filter((place) => {
        const key = keyOf(place);
        if (contested.has(key)) return false;
        const owners = ownersOf.get(key) ?? [];
        return owners.length === 0 || owners.includes(memberId);
      });
      assignment.set(memberId, stays);
    }
    return assignment;
  }
}

function claimOf(member: GroupMember): Claim {
  const { owned, generation, userData } = member;
  if (generation >= 0 || userData === null) return { owned, generation };
  try {
    return { owned, generation: decodeStruct(cooperativeUserData, 0, userData).generation };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { owned, generation };
  }
}
