// Members of consumer groups (KIP-848) for tests of the coordinator, over the shard of group-
// shard.ts, and topics for them to subscribe to.

import assert from 'node:assert/strict';
import {
  assertValidHeartbeat,
  type ConsumerHeartbeatRequest,
  type TopicRights,
} from '../../../src/coordinator/group/consumer/index.ts';
import { onConsumerHeartbeat } from '../../../src/coordinator/group/requests/member-requests.ts';
import { MetadataImage, type TopicImage } from '../../../src/metadata/index.ts';
import type { ErrorName } from '../../../src/protocol/index.ts';
import { errorOf, type TestShard, type TestShardOptions, withShard } from './group-shard.ts';

/** Topics with ids that are their names. */
export class TestTopics {
  image: MetadataImage = MetadataImage.empty('cluster');

  constructor(topics: Readonly<Record<string, number>> = {}) {
    for (const [name, count] of Object.entries(topics)) this.set(name, count);
  }

  set(name: string, partitionCount: number): void {
    const partition = {
      replicas: [1],
      directories: [],
      isr: [1],
      ...{ eligibleLeaderReplicas: [], lastKnownElr: [] },
      addingReplicas: [],
      removingReplicas: [],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      leaderRecoveryState: 0,
    } as const;
    const partitions = Array.from({ length: partitionCount }, () => partition);
    const topic: TopicImage = { name, id: idOf(name), partitions };
    this.image = new MetadataImage({
      ...this.image,
      offset: this.image.offset + 1,
      topicsByName: this.image.topicsByName.set(name, topic),
      topicsById: this.image.topicsById.set(topic.id, topic),
    });
  }

  delete(name: string): void {
    this.image = new MetadataImage({
      ...this.image,
      offset: this.image.offset + 1,
      topicsByName: this.image.topicsByName.delete(name),
      topicsById: this.image.topicsById.delete(idOf(name)),
    });
  }
}

/** A uuid that shows the name. */
export function idOf(name: string): string {
  return Buffer.from(name.padEnd(16, '.')).toString('base64url');
}

export interface ConsumerOptions {
  readonly memberId?: string;
  readonly instanceId?: string;
  readonly topics?: readonly string[];
  readonly regex?: string;
  readonly assignor?: string;
  readonly rebalanceTimeoutMs?: number;
  /** Asked at each heartbeat; everything is allowed without. */
  readonly rights?: () => TopicRights;
}

let memberCount = 0;

/** A consumer that lets go of what it is told to with the heartbeat after. */
export class TestConsumer {
  readonly #at: TestShard;
  readonly #options: ConsumerOptions;
  readonly memberId: string;
  epoch = 0;
  topics: readonly string[] | null;
  /** As `topic-partition`, sorted; what it consumes. */
  owned: string[] = [];
  isNewsHeard = false;

  constructor(at: TestShard, options: ConsumerOptions = {}) {
    this.#at = at;
    this.#options = options;
    memberCount += 1;
    this.memberId = options.memberId ?? `member-${memberCount}`;
    this.topics = options.topics ?? (options.regex === undefined ? ['t'] : null);
  }

  async heartbeat(changes: Partial<ConsumerHeartbeatRequest> = {}): Promise<ErrorName> {
    return errorOf(async () => {
      const request = { ...this.#request(), ...changes };
      const assignors = ['uniform', 'range'];
      assertValidHeartbeat(request, { apiVersion: 1, assignors });
      const client = { clientId: 'client', clientHost: '/10.0.0.1' };
      const rights = this.#options.rights?.() ?? null;
      const answer = await this.#at.decide((table, outcome) =>
        onConsumerHeartbeat(table, { request, client, rights }, outcome),
      );
      this.epoch = answer.memberEpoch;
      this.isNewsHeard = (answer.assignment ?? null) !== null;
      if (answer.assignment) {
        this.owned = answer.assignment.topicPartitions
          .flatMap(({ topicId, partitions }) =>
            partitions.map((partition) => `${nameOf(topicId)}-${partition}`),
          )
          .sort();
      }
      return 0;
    });
  }

  /** All that a client says with every heartbeat while something changes. */
  #request(): ConsumerHeartbeatRequest {
    const { instanceId = null, regex = null, assignor = null } = this.#options;
    return {
      groupId: 'g',
      memberId: this.memberId,
      memberEpoch: this.epoch,
      instanceId,
      rackId: null,
      rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs ?? 30_000,
      subscribedTopicNames: this.topics === null ? null : [...this.topics],
      subscribedTopicRegex: regex,
      serverAssignor: assignor,
      topicPartitions: this.epoch === 0 ? [] : ownedLists(this.owned),
    };
  }

  async join(): Promise<ErrorName> {
    this.epoch = 0;
    this.owned = [];
    return await this.heartbeat();
  }

  leave(epoch = -1): Promise<ErrorName> {
    return this.heartbeat({ memberEpoch: epoch });
  }

  commit(epoch = this.epoch, topic = 't'): Promise<ErrorName> {
    return this.#at.commit({
      memberId: this.memberId,
      generationIdOrMemberEpoch: epoch,
      apiVersion: 9,
      topics: [
        {
          name: topic,
          topicId: idOf(topic),
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: 5,
              committedLeaderEpoch: 0,
              committedMetadata: '',
              commitTimestamp: -1,
            },
          ],
        },
      ],
    });
  }
}

function nameOf(topicId: string): string {
  return Buffer.from(topicId, 'base64url').toString().replace(/\.+$/, '');
}

export function ownedLists(owned: readonly string[]): { topicId: string; partitions: number[] }[] {
  return owned.map((one) => {
    const dash = one.lastIndexOf('-');
    return { topicId: idOf(one.slice(0, dash)), partitions: [Number(one.slice(dash + 1))] };
  });
}

/** Everybody's heartbeats, until nobody has a step to take. */
export async function settle(at: TestShard, ...consumers: TestConsumer[]): Promise<void> {
  for (let round = 0; round < 8; round++) {
    for (const consumer of consumers) assert.equal(await consumer.heartbeat(), 'NONE');
  }
  assert.equal(await at.state(), 'Stable');
}

export function withConsumers(
  topics: TestTopics,
  run: (at: TestShard) => Promise<void>,
  options: TestShardOptions = {},
): Promise<void> {
  const config = { 'group.consumer.assignment.interval.ms': '0', ...options.config };
  return withShard(run, { ...options, config, image: () => topics.image });
}
