// What becomes of groups and their offsets without a request: offsets that nobody used for long
// expire, and an empty group with the last of them; offsets of deleted topics are forgotten.

import { type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import type { TopicImage } from '../../metadata/index.ts';
import type { Outcome } from './decision.ts';
import type { GroupTable } from './group-table.ts';
import { forgetExpiredOffsets, forgetOffsetsIf } from './offsets/index.ts';

/** Forgets what the group's offsets have outlived, and the group if nothing is left of it. */
export function expireOffsets(table: GroupTable, groupId: string, outcome: Outcome): void {
  const group = table.groups.get(groupId);
  if (group === undefined) return;
  const time = {
    nowMs: table.at.clock.now(),
    retentionMs: table.at.config().get('offsets.retention.minutes') * 60_000,
  };
  const { isAnyLeft } = forgetExpiredOffsets(table.offsets, group, { time, outcome });
  if (isAnyLeft || group.state !== 'Empty') return;
  if (group.kind === 'consumer') {
    table.bury(group, outcome);
    return;
  }
  if (group.pendingMembers.size > 0) return;
  if (group.isForgettable && outcome.records.length === 0) table.maybeForget(group);
  else table.bury(group, outcome);
}

/** A topic of that name may be made again: it must not begin with the offsets of this one. */
export function forgetTopics(
  table: GroupTable,
  groupId: string,
  { topics, outcome }: { topics: readonly Pick<TopicImage, 'name' | 'id'>[]; outcome: Outcome },
): void {
  // A name may have been made and deleted several times.
  const idsOf = new Map<string, Set<Uuid>>();
  for (const { name, id } of topics) idsOf.set(name, (idsOf.get(name) ?? new Set()).add(id));
  forgetOffsetsIf(table.offsets, groupId, {
    condition: (topic, { topicId }) => {
      const ids = idsOf.get(topic);
      return ids !== undefined && (topicId === ZERO_UUID || ids.has(topicId));
    },
    outcome,
  });
}

/** What was deleted while nobody coordinated the group: its id leads nowhere. */
export function forgetLostTopics(table: GroupTable, groupId: string, outcome: Outcome): void {
  const image = table.at.image();
  forgetOffsetsIf(table.offsets, groupId, {
    condition: (_, { topicId }) => topicId !== ZERO_UUID && image.topicById(topicId) === undefined,
    outcome,
  });
}
