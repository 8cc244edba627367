// Sticky with eager rebalances: all partitions are given up before a rebalance, so what a member
// owned travels in its user data (Java's StickyAssignor, schema 1; schema 0 has no generation).

import {
  array,
  decodeStruct,
  defineStruct,
  encodeStruct,
  int32,
  KafkaError,
  string,
} from '../../../protocol/index.ts';
import type { TopicPartition } from '../../leader-requests.ts';
import type { Assignment, Assignor, GroupMember, GroupTopics } from './assignor.ts';
import { byTopic, flat } from './group-metadata.ts';
import { type Claim, planSticky } from './sticky-plan.ts';

const stickyUserData = defineStruct({
  name: 'StickyAssignorUserData',
  versions: '0-1',
  flexible: 'none',
  fields: {
    previousAssignment: array('0+', {
      topic: string('0+'),
      partitions: array('0+', 'int32'),
    }),
    generation: int32('1+', { default: -1, ignorable: true }),
  },
});

export class StickyAssignor implements Assignor {
  readonly name = 'sticky';
  readonly isCooperative = false;
  #claim: Claim | null = null;

  userData(): Buffer | null {
    if (this.#claim === null) return null;
    const { owned, generation } = this.#claim;
    return encodeStruct(stickyUserData, 1, { previousAssignment: byTopic(owned), generation });
  }

  onAssignment(partitions: readonly TopicPartition[], generation: number): void {
    this.#claim = { owned: partitions, generation };
  }

  assign(members: readonly GroupMember[], topics: GroupTopics): Assignment {
    return planSticky(members, topics, claimOf).assignment;
  }
}

function claimOf({ userData }: GroupMember): Claim {
  if (userData === null || userData.length === 0) return { owned: [], generation: -1 };
  for (const version of [1, 0]) {
    try {
      const claim = decodeStruct(stickyUserData, version, userData);
      return { owned: flat(claim.previousAssignment), generation: claim.generation };
    } catch (error) {
      // Too short for schema 1, or written by something else: then it claims nothing.
      if (!(error instanceof KafkaError)) throw error;
    }
  }
  return { owned: [], generation: -1 };
}
