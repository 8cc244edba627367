// Requests about groups: each goes to the group's coordinator, which is looked up first, and is
// repeated when the coordinator has moved or is not ready. Lists are asked of every broker.

import type { ClientConnection } from '../../network/index.ts';
import {
  deleteGroups,
  ErrorCode,
  isRetriable,
  KafkaError,
  leaveGroup,
  listGroups,
  offsetCommit,
  offsetDelete,
  offsetFetch,
} from '../../protocol/index.ts';
import { type CallOptions, type Client, isRetriableFailure } from '../client.ts';
import type { OffsetToCommit } from '../consumer/index.ts';
import { type CoordinatorAddress, lookUpCoordinator } from '../coordinator-requests.ts';
import type { TopicPartition } from '../leader-requests.ts';
import { groupByTopic } from '../offset-queries.ts';
import { errorOf } from './admin-results.ts';
import { describeGroup } from './group-description.ts';
import type {
  GroupDescription,
  GroupListing,
  GroupOffset,
  GroupPartitionResult,
  GroupResult,
  ListedGroups,
  MemberToRemove,
  RemovedMember,
} from './group-results.ts';

/** Which groups `admin.listGroups` and `admin.listConsumerGroups` answer. */
export interface ListGroupsOptions extends CallOptions {
  /** Only groups in these states, such as `Stable` or `Empty`. Default: in all. */
  readonly states?: readonly string[] | undefined;
  /** Only groups of these types: `classic`, `consumer`. Default: of all. */
  readonly types?: readonly string[] | undefined;
}

interface Ask {
  readonly connection: ClientConnection;
  readonly coordinator: CoordinatorAddress;
  readonly timeoutMs: number;
}

/** From version 10 on there are topic ids, which say nothing of topics that are gone. */
const withNames = { versionMax: 9 };

export class GroupRequests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async list(options: ListGroupsOptions): Promise<ListedGroups> {
    const client = this.#client;
    await client.retry(() => client.refresh(), options);
    const groups = new Map<string, GroupListing>();
    const failures: { nodeId: number; error: KafkaError }[] = [];
    const asked = [...client.cache.nodes.keys()].map(async (nodeId) => {
      try {
        for (const each of await this.#listAt(nodeId, options)) groups.set(each.groupId, each);
      } catch (error) {
        if (error instanceof KafkaError) failures.push({ nodeId, error });
        else if (!isRetriableFailure(error)) throw error;
        else failures.push({ nodeId, error: new KafkaError('NETWORK_EXCEPTION', String(error)) });
      }
    });
    await Promise.all(asked);
    const sorted = [...groups.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
    return { groups: sorted, failures };
  }

  describe(
    groupIds: readonly string[],
    options: CallOptions & { readonly includeAuthorizedOperations?: boolean | undefined },
  ): Promise<GroupDescription[]> {
    const { includeAuthorizedOperations = false } = options;
    return Promise.all(
      groupIds.map((groupId) =>
        this.#askFor(groupId, options, ({ connection, coordinator, timeoutMs }) =>
          describeGroup(connection, coordinator, {
            groupId,
            includeAuthorizedOperations,
            timeoutMs,
          }),
        ),
      ),
    );
  }

  delete(groupIds: readonly string[], options: CallOptions): Promise<GroupResult[]> {
    return Promise.all(
      groupIds.map((groupId) =>
        this.#askFor(groupId, options, async ({ connection, timeoutMs }) => {
          const body = { groupsNames: [groupId] };
          const { results } = await connection.request(deleteGroups, body, { timeoutMs });
          const code = results[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
          throwIfWorthRepeating(code);
          return { groupId, error: errorOf(code, results[0]?.errorMessage ?? null) };
        }),
      ),
    );
  }

  offsets(
    groupId: string,
    options: CallOptions & {
      readonly partitions?: readonly TopicPartition[] | undefined;
      readonly requireStable?: boolean | undefined;
    },
  ): Promise<GroupOffset[]> {
    return this.#askFor(groupId, options, async ({ connection, timeoutMs }) => {
      const version = connection.versionOf(offsetFetch, withNames.versionMax) ?? 0;
      const topics =
        options.partitions === undefined
          ? null
          : groupByTopic(options.partitions).map(([name, group]) => {
              return { name, partitionIndexes: group.map((each) => each.partition) };
            });
      const requireStable = version >= 7 && (options.requireStable ?? false);
      const body =
        version < 8
          ? { groupId, topics, groups: [], requireStable }
          : { groupId: '', topics: [], groups: [{ groupId, topics }], requireStable };
      const answer = await connection.request(offsetFetch, body, { timeoutMs, ...withNames });
      throwUnlessNone(answer.groups[0]?.errorCode ?? answer.errorCode, groupId);
      return (answer.groups[0]?.topics ?? answer.topics).flatMap(({ name, partitions }) =>
        partitions.map((each) => ({
          topic: name,
          partition: each.partitionIndex,
          error: errorOf(each.errorCode, null),
          offset: each.committedOffset,
          leaderEpoch: each.committedLeaderEpoch,
          metadata: each.metadata ?? '',
        })),
      );
    });
  }

  alterOffsets(
    groupId: string,
    offsets: readonly OffsetToCommit[],
    options: CallOptions,
  ): Promise<GroupPartitionResult[]> {
    return this.#askFor(groupId, options, async ({ connection, timeoutMs }) => {
      const topics = groupByTopic(offsets).map(([name, group]) => ({
        name,
        partitions: group.map(({ partition, offset, leaderEpoch, metadata }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: leaderEpoch ?? -1,
          committedMetadata: metadata ?? '',
        })),
      }));
      const body = { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics };
      const answer = await connection.request(offsetCommit, body, { timeoutMs, ...withNames });
      return partitionResults(answer.topics);
    });
  }

  deleteOffsets(
    groupId: string,
    places: readonly TopicPartition[],
    options: CallOptions,
  ): Promise<GroupPartitionResult[]> {
    return this.#askFor(groupId, options, async ({ connection, timeoutMs }) => {
      const topics = groupByTopic(places).map(([name, group]) => {
        return { name, partitions: group.map((each) => ({ partitionIndex: each.partition })) };
      });
      const answer = await connection.request(offsetDelete, { groupId, topics }, { timeoutMs });
      throwUnlessNone(answer.errorCode, groupId);
      return partitionResults(answer.topics);
    });
  }

  async removeMembers(
    groupId: string,
    options: CallOptions & {
      readonly members?: readonly MemberToRemove[] | undefined;
      readonly reason?: string | undefined;
    },
  ): Promise<RemovedMember[]> {
    const given = options.members ?? (await this.#allMembers(groupId, options));
    if (given.length === 0) return [];
    const reason = options.reason ?? 'removed by an administrator';
    const members = given.map((each) => ({
      memberId: 'memberId' in each ? each.memberId : '',
      groupInstanceId: 'groupInstanceId' in each ? each.groupInstanceId : null,
      reason,
    }));
    return this.#askFor(groupId, options, async ({ connection, timeoutMs }) => {
      const body = { groupId, memberId: '', members };
      const answer = await connection.request(leaveGroup, body, { timeoutMs });
      throwUnlessNone(answer.errorCode, groupId);
      return answer.members.map(({ memberId, groupInstanceId, errorCode }) => {
        return { memberId, groupInstanceId, error: errorOf(errorCode, null) };
      });
    });
  }

  async #allMembers(groupId: string, options: CallOptions): Promise<MemberToRemove[]> {
    const [group] = await this.describe([groupId], options);
    if (group === undefined || group.error !== null) {
      throw group?.error ?? new KafkaError('GROUP_ID_NOT_FOUND', `no group ${groupId}`);
    }
    return group.members.map(({ memberId, groupInstanceId }) =>
      groupInstanceId === null ? { memberId } : { groupInstanceId },
    );
  }

  #listAt(nodeId: number, { states, types, ...call }: ListGroupsOptions): Promise<GroupListing[]> {
    return this.#client.retry(async ({ timeoutMs }) => {
      const connection = await this.#client.connectionTo(nodeId);
      const version = connection.versionOf(listGroups) ?? 0;
      const body = {
        statesFilter: version >= 4 ? [...(states ?? [])] : [],
        typesFilter: version >= 5 ? [...(types ?? [])] : [],
      };
      const answer = await connection.request(listGroups, body, { timeoutMs });
      if (answer.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(answer.errorCode);
      return answer.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
        groupId,
        protocolType,
        state: groupState,
        // Before there were other types, all were classic.
        type: version < 5 ? 'classic' : groupType.toLowerCase(),
      }));
    }, call);
  }

  #askFor<T>(groupId: string, options: CallOptions, ask: (context: Ask) => Promise<T>): Promise<T> {
    const client = this.#client;
    const key = { type: 'group', name: groupId } as const;
    return client.retry(async ({ timeoutMs }) => {
      const coordinator = await lookUpCoordinator(client, key, { timeoutMs });
      if (!client.cache.nodes.has(coordinator.nodeId)) await client.refresh();
      const connection = await client.connectionTo(coordinator.nodeId);
      return ask({ connection, coordinator, timeoutMs });
    }, options);
  }
}

type CodedTopics = readonly {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
}[];

function partitionResults(topics: CodedTopics): GroupPartitionResult[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode }) => {
      if (isAboutCoordinator(errorCode)) throw KafkaError.fromCode(errorCode);
      return { topic: name, partition: partitionIndex, error: errorOf(errorCode, null) };
    }),
  );
}

function isAboutCoordinator(code: number): boolean {
  return (
    code === ErrorCode.NOT_COORDINATOR ||
    code === ErrorCode.COORDINATOR_NOT_AVAILABLE ||
    code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
  );
}

function throwIfWorthRepeating(code: number): void {
  if (isRetriable(code)) throw KafkaError.fromCode(code);
}

function throwUnlessNone(code: number, groupId: string): void {
  if (code === ErrorCode.NONE) return;
  throw KafkaError.fromCode(code, `group ${groupId}: ${KafkaError.fromCode(code).message}`);
}
