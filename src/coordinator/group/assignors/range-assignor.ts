// range: each topic by itself, in contiguous ranges, in the order of the members. Topics with the
// same subscribers and as many partitions are divided alike, so that joins of them stay local.

import { AssignmentDraft } from './assignment-draft.ts';
import type { Assignment, Assignor, AssignorInput, AssignorMember } from './assignor.ts';

export const rangeAssignor: Assignor = { name: 'range', assign };

function assign({ members, topics }: AssignorInput): Assignment {
  const draft = new AssignmentDraft(members);
  const ordered = [...members].sort(compareMembers);
  for (const { id, partitionCount } of topics) {
    const subscribers = ordered.filter(({ topicIds }) => topicIds.has(id));
    if (subscribers.length === 0) continue;
    const least = Math.floor(partitionCount / subscribers.length);
    let extra = partitionCount % subscribers.length;
    let next = 0;
    for (const { memberId } of subscribers) {
      const end = next + least + (extra > 0 ? 1 : 0);
      extra -= 1;
      for (; next < end; next++) draft.give(memberId, id, next);
    }
  }
  return draft.build();
}

/** Static members first, by their names: they keep their ranges when they come back. */
function compareMembers(one: AssignorMember, other: AssignorMember): number {
  if ((one.instanceId === null) !== (other.instanceId === null)) {
    return one.instanceId === null ? 1 : -1;
  }
  const key = one.instanceId ?? one.memberId;
  const otherKey = other.instanceId ?? other.memberId;
  return key < otherKey ? -1 : key > otherKey ? 1 : 0;
}
