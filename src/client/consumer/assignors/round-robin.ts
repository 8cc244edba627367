// All partitions of all topics in order, dealt to the members in turn; who is not subscribed to a
// topic is passed over.

import type { TopicPartition } from '../../leader-requests.ts';
import {
  type Assignment,
  type Assignor,
  emptyAssignment,
  type GroupMember,
  type GroupTopics,
  sortedMembers,
} from './assignor.ts';

export class RoundRobinAssignor implements Assignor {
  readonly name = 'roundrobin';
  readonly isCooperative = false;

  userData(): null {
    return null;
  }

  onAssignment(): void {}

  assign(members: readonly GroupMember[], topics: GroupTopics): Assignment {
    const assignment = emptyAssignment(members);
    const circle = sortedMembers(members).map(({ memberId, topics: names }) => {
      return { assigned: assignment.get(memberId) as TopicPartition[], names: new Set(names) };
    });
    let turn = 0;
    for (const topic of [...topics.keys()].sort()) {
      if (!circle.some(({ names }) => names.has(topic))) continue;
      const partitionCount = topics.get(topic)?.partitionCount ?? 0;
      for (let partition = 0; partition < partitionCount; partition++) {
        while (!circle[turn]?.names.has(topic)) turn = (turn + 1) % circle.length;
        circle[turn]?.assigned.push({ topic, partition });
        turn = (turn + 1) % circle.length;
      }
    }
    return assignment;
  }
}
