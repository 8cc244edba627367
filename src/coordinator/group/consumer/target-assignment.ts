// The target assignment: computed when the group has a new epoch, for all members at once, and
// recorded for those for whom it changed.

import type { BrokerConfig } from '../../../config/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { type Assignor, assignorNamed, type TopicPartitions } from '../assignors/index.ts';
import type { GroupContext, Outcome } from '../decision.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import { targetEpochRecord, targetRecord } from './consumer-records.ts';
import { groupSetting } from './consumer-timers.ts';
import type { Regexes } from './regexes.ts';
import { assignorTopic, subscribedTopics, topicIdsOf } from './subscriptions.ts';
import { isSameTarget, noPartitions } from './topic-partitions.ts';

export interface Target {
  readonly epoch: number;
  readonly partitions: TopicPartitions;
}

export interface TargetInput {
  readonly groupEpoch: number;
  readonly members: readonly ConsumerMember[];
  /** Whose part of the target is wanted. */
  readonly memberId: string;
  readonly regexes: Regexes;
}

export function maybeUpdateTarget(
  at: GroupContext,
  group: ConsumerGroup,
  { input, outcome }: { input: TargetInput; outcome: Outcome },
): Target {
  const { groupEpoch, members, memberId, regexes } = input;
  const nowMs = at.clock.now();
  const last = { epoch: group.assignmentEpoch, partitions: group.targetOf(memberId) };
  if (group.assignmentEpoch >= groupEpoch) return last;
  // Members that come one after the other are not each worth a rebalance of all others.
  const { assignmentTimestampMs: sinceMs } = group;
  const intervalMs = groupSetting(at, group.groupId, 'assignment.interval.ms');
  if (sinceMs !== 0 && nowMs < sinceMs + intervalMs && nowMs >= sinceMs) return last;
  const image = at.image();
  const topics = subscribedTopics(members, regexes, image);
  const assignment = preferredAssignor(at.config(), members).assign({
    members: members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      topicIds: topicIdsOf(member, regexes, image),
      partitions: group.targetOf(member.memberId),
    })),
    topics: topics.map((topic) => assignorTopic(topic, image)),
  });
  for (const [id, partitions] of assignment) {
    const before = group.targets.get(id);
    if (before !== undefined && isSameTarget(before, partitions)) continue;
    outcome.append(targetRecord(group.groupId, id, partitions));
  }
  outcome.append(targetEpochRecord(group.groupId, groupEpoch, nowMs));
  return { epoch: groupEpoch, partitions: assignment.get(memberId) ?? noPartitions };
}

/** The names of the assignors that this broker has, the default first. */
export function assignorNames(config: BrokerConfig): string[] {
  return config
    .get('group.consumer.assignors')
    .map((name) => assignorNamed(name)?.name)
    .filter((name) => name !== undefined);
}

/** What most members ask for; the default if nobody asks. */
export function preferredAssignor(
  config: BrokerConfig,
  members: Iterable<ConsumerMember>,
): Assignor {
  const votes = new Map<string, number>();
  for (const { serverAssignor } of members) {
    if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1);
  }
  const names = assignorNames(config);
  let [name = 'uniform'] = names;
  let most = 0;
  // With as many votes the broker's order decides: that of the members is another in each decision,
  // and the group would be assigned anew for ever.
  for (const candidate of new Set([...names, ...[...votes.keys()].sort()])) {
    const count = votes.get(candidate) ?? 0;
    if (count > most) name = candidate;
    most = Math.max(most, count);
  }
  const assignor = assignorNamed(name);
  if (assignor === undefined) throw new KafkaError('UNSUPPORTED_ASSIGNOR');
  return assignor;
}
