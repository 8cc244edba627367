// What a heartbeat says. After the first one, fields that have not changed since the last answer
// are left out (null), so that an idle group costs little; after a failure all are said again.

import type { consumerGroupHeartbeat, RequestInput } from '../../../protocol/index.ts';
import type { ResolvedConsumerOptions } from '../consumer-options.ts';
import { isSameList, type Subscription } from '../subscription.ts';
import { isSameSet, type TopicIdPartitions } from './owned-topics.ts';

export interface MemberState {
  readonly groupId: string;
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly subscription: Subscription;
  readonly owned: readonly TopicIdPartitions[];
}

interface Said {
  readonly topics: readonly string[] | null;
  readonly pattern: string | null;
  readonly owned: readonly TopicIdPartitions[];
}

export class HeartbeatFields {
  readonly #options: ResolvedConsumerOptions;
  #said: Said | null = null;

  constructor(options: ResolvedConsumerOptions) {
    this.#options = options;
  }

  /** The next heartbeat says everything. */
  forget(): void {
    this.#said = null;
  }

  next(state: MemberState): RequestInput<typeof consumerGroupHeartbeat> {
    const { groupId, memberId, memberEpoch, subscription, owned } = state;
    const { groupInstanceId, groupRemoteAssignor, clientRack, maxPollIntervalMs } = this.#options;
    const said = memberEpoch === 0 ? null : this.#said;
    const { pattern } = subscription;
    const topics = pattern === null ? subscription.topics : null;
    this.#said = { topics, pattern, owned };
    const isFirst = said === null;
    const hasNewTopics = isFirst || !isSameList(topics ?? [], said.topics ?? []);
    const hasNewPattern = isFirst ? pattern !== null : pattern !== said.pattern;
    const hasNewOwned = isFirst || !isSameSet(owned, said.owned);
    return {
      groupId,
      memberId,
      memberEpoch,
      instanceId: groupInstanceId,
      rackId: isFirst && clientRack !== '' ? clientRack : null,
      rebalanceTimeoutMs: isFirst ? maxPollIntervalMs : -1,
      subscribedTopicNames:
        hasNewTopics && (topics !== null || !isFirst) ? [...(topics ?? [])] : null,
      // Empty takes a pattern back.
      subscribedTopicRegex: hasNewPattern ? (pattern ?? '') : null,
      serverAssignor: isFirst ? groupRemoteAssignor : null,
      topicPartitions: hasNewOwned
        ? owned.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] }))
        : null,
    };
  }
}
