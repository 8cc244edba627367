// The admin client: topics, partitions, configurations, offsets, records, groups, the cluster.
//
// Every call reports per item: an error of one topic is in its result, not thrown. A call throws
// when it could not be asked at all. Requests go to the controller, to any broker, to the broker
// they are about, or to partition leaders; retriable failures are repeated until the time is up.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { Io } from '../../io/index.ts';
import {
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeCluster,
  describeTopicPartitions,
  ErrorCode,
  type KafkaError,
  metadata,
  type ResponseOf,
} from '../../protocol/index.ts';
import { type CallOptions, Client } from '../client.ts';
import { clientIo } from '../client-io.ts';
import {
  type ClientOptions,
  optionsFromProperties,
  type PropertiesResult,
} from '../client-options.ts';
import type { OffsetToCommit } from '../consumer/index.ts';
import { withoutJavaNames } from '../java-names.ts';
import { type LeaderAnswer, requestToLeaders, type TopicPartition } from '../leader-requests.ts';
import type { ClientMetric } from '../metrics/index.ts';
import {
  groupByTopic,
  type IsolationLevel,
  type OffsetQuery,
  queryOffsets,
} from '../offset-queries.ts';
import { assertOptions } from '../option-checks.ts';
import type { SharedParts } from '../shared-parts.ts';
import { AclRequests } from './acl-requests.ts';
import {
  type ClusterDescription,
  type ConfigResource,
  type ConfigResourceAlteration,
  type ConfigResourceDescription,
  type ConfigResourceResult,
  type ConfigResourceType,
  type CreatedTopic,
  type DeletedRecords,
  errorOf,
  type ListedOffset,
  type NewPartitions,
  type NewTopic,
  type TopicDescription,
  type TopicListing,
  type TopicResult,
} from './admin-results.ts';
import { ClusterRequests } from './cluster-requests.ts';
import { ConfigRequests } from './config-requests.ts';
import { CredentialRequests } from './credential-requests.ts';
import { GroupRequests, type ListGroupsOptions } from './group-requests.ts';
import type {
  GroupDescription,
  GroupOffset,
  GroupPartitionResult,
  GroupResult,
  ListedGroups,
  MemberToRemove,
  RemovedMember,
} from './group-results.ts';
import {
  alterQuotas,
  type DescribeQuotasOptions,
  describeQuotas,
  type QuotaAlteration,
  type QuotaDescription,
  type QuotaFilter,
  type QuotaResult,
} from './quota-requests.ts';
import { ReplicaRequests } from './replica-requests.ts';
import { TokenRequests } from './token-requests.ts';
import { describeByPages, descriptionOf } from './topic-pages.ts';
import { TransactionRequests } from './transaction-requests.ts';

export type AdminOptions = ClientOptions;

/** How long a change may take, and whether it is made. */
export interface ValidateOptions extends CallOptions {
  /** Only check whether it could be done. Default false. */
  readonly validateOnly?: boolean | undefined;
}

type MetadataTopic = ResponseOf<typeof metadata>['topics'][number];

/**
 * Asks for and changes what a cluster has: topics, configs, groups, quotas and more. Where a call
 * gives results, each has an `error` of its own or null; an error about all of it is thrown.
 *
 *     const admin = new Admin({ bootstrapServers: 'localhost:9092' });
 *     const [created] = await admin.createTopics([{ name: 'orders', numPartitions: 3 }]);
 *     if (created.error !== null) throw created.error;
 *     await admin.close();
 */
export class Admin {
  /** Who may do what. */
  readonly acls: AclRequests;
  /** Leaders, reassignments, log directories, features, brokers, the quorum. */
  readonly cluster: ClusterRequests;
  /** The SCRAM credentials of users. */
  readonly credentials: CredentialRequests;
  /** What single replicas hold. */
  readonly replicas: ReplicaRequests;
  /** Delegation tokens. */
  readonly tokens: TokenRequests;
  /** Transactions, and the producers that partitions know. */
  readonly transactions: TransactionRequests;
  readonly #client: Client;
  readonly #configs: ConfigRequests;
  readonly #groups: GroupRequests;

  /** Connects with the first call. Throws a ClientConfigError for options that make no sense. */
  constructor(given: AdminOptions, io: Io = clientIo(given), shared?: SharedParts) {
    const options = withoutJavaNames(given, {}, io);
    assertOptions(options, {});
    this.#client = new Client(io, options, false, shared);
    this.acls = new AclRequests(this.#client);
    this.cluster = new ClusterRequests(this.#client);
    this.credentials = new CredentialRequests(io, this.#client);
    this.replicas = new ReplicaRequests(this.#client);
    this.tokens = new TokenRequests(this.#client);
    this.transactions = new TransactionRequests(this.#client);
    this.#configs = new ConfigRequests(this.#client);
    this.#groups = new GroupRequests(this.#client);
  }

  /** Options from Java's property names; unknown keys become warnings. */
  static optionsFromProperties(
    properties: ReadonlyMap<string, string>,
  ): PropertiesResult<AdminOptions> {
    return optionsFromProperties<AdminOptions>(properties, {});
  }

  /** What this client measures, under Java's names. */
  metrics(): ClientMetric[] {
    return this.#client.readMetrics('admin-client');
  }

  /** Closes the client and connections of its own; calls that are under way may fail. */
  async close(): Promise<void> {
    this.#client.close();
  }

  /** For `await using`: closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Creates topics. Each has a result of its own: TOPIC_ALREADY_EXISTS, INVALID_REPLICATION_FACTOR
   * …
   */
  createTopics(
    topics: readonly NewTopic[],
    options: ValidateOptions = {},
  ): Promise<CreatedTopic[]> {
    return this.#retryItems(topics, options, async (open, timeoutMs) => {
      const body = {
        topics: open.map((topic) => ({
          name: topic.name,
          numPartitions: topic.assignments ? -1 : (topic.numPartitions ?? -1),
          replicationFactor: topic.assignments ? -1 : (topic.replicationFactor ?? -1),
          assignments: (topic.assignments ?? []).map((brokerIds, partitionIndex) => ({
            partitionIndex,
            brokerIds: [...brokerIds],
          })),
          configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
        })),
        timeoutMs: Math.round(timeoutMs),
        validateOnly: options.validateOnly ?? false,
      };
      const answer = await this.#client.requestToController(createTopics, body, { timeoutMs });
      return answer.topics.map((each) => ({
        name: each.name,
        error: errorOf(each.errorCode, each.errorMessage),
        topicId: each.topicId,
        numPartitions: each.numPartitions,
        replicationFactor: each.replicationFactor,
      }));
    });
  }

  /** Deletes topics with their records. Each has a result of its own. */
  deleteTopics(names: readonly string[], options: CallOptions = {}): Promise<TopicResult[]> {
    const topics = names.map((name) => ({ name }));
    return this.#retryItems(topics, options, async (open, timeoutMs) => {
      const body = {
        topics: open.map(({ name }) => ({ name, topicId: ZERO_UUID })),
        topicNames: open.map(({ name }) => name),
        timeoutMs: Math.round(timeoutMs),
      };
      const answer = await this.#client.requestToController(deleteTopics, body, { timeoutMs });
      return answer.responses.map((each) => {
        this.#client.cache.forget(each.name ?? '');
        return { name: each.name ?? '', error: errorOf(each.errorCode, each.errorMessage) };
      });
    });
  }

  /** Raises the partition count of topics; it never falls. Each has a result of its own. */
  createPartitions(
    topics: readonly NewPartitions[],
    options: ValidateOptions = {},
  ): Promise<TopicResult[]> {
    return this.#retryItems(topics, options, async (open, timeoutMs) => {
      const body = {
        topics: open.map(({ name, totalCount, newAssignments }) => ({
          name,
          count: totalCount,
          assignments: newAssignments?.map((each) => ({ brokerIds: [...each] })) ?? null,
        })),
        timeoutMs: Math.round(timeoutMs),
        validateOnly: options.validateOnly ?? false,
      };
      const answer = await this.#client.requestToController(createPartitions, body, { timeoutMs });
      return answer.results.map((each) => ({
        name: each.name,
        error: errorOf(each.errorCode, each.errorMessage),
      }));
    });
  }

  /** The topics that the user may see; internal ones only with `includeInternal`. */
  async listTopics(
    options: CallOptions & { readonly includeInternal?: boolean } = {},
  ): Promise<TopicListing[]> {
    const topics = await this.#metadataOf(null, options);
    return topics
      .filter((each) => options.includeInternal === true || !each.isInternal)
      .map(({ name, topicId, isInternal }) => ({ name: name ?? '', topicId, isInternal }));
  }

  /** Partitions, leaders and replicas of topics; `names` null: of all topics. */
  describeTopics(
    names: readonly string[] | null,
    options: CallOptions & {
      /** How many partitions one answer may hold. Default 2000. */
      readonly pagePartitionsMax?: number | undefined;
    } = {},
  ): Promise<TopicDescription[]> {
    return this.#client.retry(async ({ timeoutMs }) => {
      const connection = await this.#client.anyConnection();
      if (connection.versionOf(describeTopicPartitions) === null) {
        return (await this.#metadataOf(names, options)).map((topic) => descriptionOf(topic, null));
      }
      const asked = names ?? (await this.#metadataOf(null, options)).map(({ name }) => name ?? '');
      if (asked.length === 0) return [];
      const pagePartitionsMax = options.pagePartitionsMax ?? 2000;
      const described = await describeByPages(connection, asked, { pagePartitionsMax, timeoutMs });
      const byName = new Map(described.map((topic) => [topic.name, topic]));
      return asked.map((name) => byName.get(name)).filter((each) => each !== undefined);
    }, options);
  }

  /** The id of the cluster, its controller and its brokers. */
  describeCluster(options: CallOptions = {}): Promise<ClusterDescription> {
    return this.#client.retry(async ({ timeoutMs }) => {
      const connection = await this.#client.anyConnection();
      if (connection.versionOf(describeCluster) === null) {
        await this.#client.refresh();
        const { clusterId, controllerId, nodes } = this.#client.cache;
        return { clusterId: clusterId ?? '', controllerId, nodes: [...nodes.values()] };
      }
      const body = { includeClusterAuthorizedOperations: false };
      const answer = await connection.request(describeCluster, body, { timeoutMs });
      const error = errorOf(answer.errorCode, answer.errorMessage);
      if (error !== null) throw error;
      return {
        clusterId: answer.clusterId,
        controllerId: answer.controllerId,
        nodes: answer.brokers.map(({ brokerId, host, port, rack }) => {
          return { nodeId: brokerId, host, port, rack };
        }),
      };
    }, options);
  }

  /** Configs with their values and where these come from. Each resource has a result of its own. */
  describeConfigs(
    resources: readonly ConfigResource[],
    options: CallOptions & { readonly includeDocumentation?: boolean | undefined } = {},
  ): Promise<ConfigResourceDescription[]> {
    return this.#configs.describe(resources, options);
  }

  /** Replaces all configs of the resources. Prefer `incrementalAlterConfigs`. */
  alterConfigs(
    resources: readonly (ConfigResource & { readonly configs: Readonly<Record<string, string>> })[],
    options: ValidateOptions = {},
  ): Promise<ConfigResourceResult[]> {
    return this.#configs.replace(resources, options);
  }

  /** Changes single configs (KIP-339). Each resource has a result of its own. */
  incrementalAlterConfigs(
    resources: readonly ConfigResourceAlteration[],
    options: ValidateOptions = {},
  ): Promise<ConfigResourceResult[]> {
    return this.#configs.alter(resources, options);
  }

  /** What has, or may have, configs of its own (KIP-1142); topics and brokers are all there are. */
  listConfigResources(
    types: readonly ConfigResourceType[],
    options: CallOptions = {},
  ): Promise<ConfigResource[]> {
    return this.#configs.list(types, options);
  }

  /** The quotas whose entities match every filter; all without one. */
  describeClientQuotas(
    filters: readonly QuotaFilter[] = [],
    options: DescribeQuotasOptions = {},
  ): Promise<QuotaDescription[]> {
    return describeQuotas(this.#client, filters, options);
  }

  /** Sets and removes quotas. Each entity has a result of its own. */
  alterClientQuotas(
    alterations: readonly QuotaAlteration[],
    options: ValidateOptions = {},
  ): Promise<QuotaResult[]> {
    return alterQuotas(this.#client, alterations, options);
  }

  /** Removes the records before an offset; -1 stands for the high watermark. */
  async deleteRecords(
    before: readonly (TopicPartition & { readonly offset: number })[],
    options: CallOptions = {},
  ): Promise<DeletedRecords[]> {
    type Asked = (typeof before)[number];
    const ask = async (
      nodeId: number,
      asked: readonly Asked[],
      timeoutMs: number,
    ): Promise<LeaderAnswer<number>[]> => {
      const topics = groupByTopic(asked).map(([name, group]) => ({
        name,
        partitions: group.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
      }));
      const body = { topics, timeoutMs: Math.round(timeoutMs) };
      const answer = await this.#client.requestTo(nodeId, deleteRecords, body, { timeoutMs });
      return answer.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, errorCode, lowWatermark }) => {
          return { topic: name, partition: partitionIndex, errorCode, answer: lowWatermark };
        }),
      );
    };
    const answers = await requestToLeaders(this.#client, before, ask, options);
    return answers.map(({ topic, partition, errorCode, answer }) => {
      return { topic, partition, error: errorOf(errorCode, null), lowWatermark: answer ?? -1 };
    });
  }

  /** The offset of each partition at a time, or at a place such as OffsetSpec.latest. */
  async listOffsets(
    queries: readonly OffsetQuery[],
    options: CallOptions & { readonly isolationLevel?: IsolationLevel | undefined } = {},
  ): Promise<ListedOffset[]> {
    const answers = await queryOffsets(this.#client, queries, options);
    return answers.map(({ topic, partition, errorCode, answer }) => ({
      topic,
      partition,
      error: errorOf(errorCode, null),
      offset: answer?.offset ?? -1,
      timestamp: answer?.timestamp ?? -1,
      leaderEpoch: answer?.leaderEpoch ?? -1,
    }));
  }

  /** Groups of every kind, of all brokers that answer. */
  listGroups(options: ListGroupsOptions = {}): Promise<ListedGroups> {
    return this.#groups.list(options);
  }

  /** Groups of consumers, of either protocol, and those that only store offsets. */
  async listConsumerGroups(options: ListGroupsOptions = {}): Promise<ListedGroups> {
    const { groups, failures } = await this.#groups.list(options);
    const ofConsumers = groups.filter(
      ({ protocolType, type }) =>
        type === 'consumer' || (type === 'classic' && /^(consumer)?$/.test(protocolType)),
    );
    return { groups: ofConsumers, failures };
  }

  /** Members and what they own, of groups of either protocol. A group that is gone is `Dead`. */
  describeConsumerGroups(
    groupIds: readonly string[],
    options: CallOptions & { readonly includeAuthorizedOperations?: boolean | undefined } = {},
  ): Promise<GroupDescription[]> {
    return this.#groups.describe(groupIds, options);
  }

  /** Deletes groups and their offsets. One that has members stays: NON_EMPTY_GROUP. */
  deleteConsumerGroups(
    groupIds: readonly string[],
    options: CallOptions = {},
  ): Promise<GroupResult[]> {
    return this.#groups.delete(groupIds, options);
  }

  /** The committed offsets of these partitions; without `partitions` all that the group has. */
  listConsumerGroupOffsets(
    groupId: string,
    options: CallOptions & {
      readonly partitions?: readonly TopicPartition[] | undefined;
      /** Waits for transactions that are about to commit offsets (KIP-447). */
      readonly requireStable?: boolean | undefined;
    } = {},
  ): Promise<GroupOffset[]> {
    return this.#groups.offsets(groupId, options);
  }

  /** Sets offsets of a group that has no members. */
  alterConsumerGroupOffsets(
    groupId: string,
    offsets: readonly OffsetToCommit[],
    options: CallOptions = {},
  ): Promise<GroupPartitionResult[]> {
    return this.#groups.alterOffsets(groupId, offsets, options);
  }

  /** Forgets committed offsets of topics that no member is subscribed to. */
  deleteConsumerGroupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: CallOptions = {},
  ): Promise<GroupPartitionResult[]> {
    return this.#groups.deleteOffsets(groupId, partitions, options);
  }

  /** Removes these members, or all; one that goes on polling joins again. */
  removeMembersFromConsumerGroup(
    groupId: string,
    options: CallOptions & {
      readonly members?: readonly MemberToRemove[] | undefined;
      readonly reason?: string | undefined;
    } = {},
  ): Promise<RemovedMember[]> {
    return this.#groups.removeMembers(groupId, options);
  }

  #metadataOf(names: readonly string[] | null, options: CallOptions): Promise<MetadataTopic[]> {
    return this.#client.retry(async ({ timeoutMs }) => {
      const connection = await this.#client.anyConnection();
      // Version 0 asks for all topics by an empty list.
      const all = connection.versionOf(metadata) === 0 ? [] : null;
      const topics = names?.map((name) => ({ name })) ?? all;
      const body = { topics, allowAutoTopicCreation: false };
      return (await connection.request(metadata, body, { timeoutMs })).topics;
    }, options);
  }

  /** Repeats a request for the items whose result is worth it; the results keep their order. */
  async #retryItems<Item extends { readonly name: string }, Result extends TopicResult>(
    items: readonly Item[],
    options: CallOptions,
    ask: (open: readonly Item[], timeoutMs: number) => Promise<Result[]>,
  ): Promise<Result[]> {
    const results = new Map<string, Result>();
    let open = items;
    await this.#client
      .retry(async (attempt) => {
        attempt.staleMetadata = true;
        for (const result of await ask(open, attempt.timeoutMs)) results.set(result.name, result);
        open = open.filter(({ name }) => isWorthRepeating(results.get(name)?.error ?? null));
        const error = results.get(open[0]?.name ?? '')?.error ?? null;
        if (error !== null) throw error;
      }, options)
      .catch((error: unknown) => {
        if (results.size < items.length) throw error;
      });
    return items.map(({ name }) => results.get(name)).filter((each) => each !== undefined);
  }
}

/** What a controller says that is not in charge (any more); other errors are the answer. */
function isWorthRepeating(error: KafkaError | null): boolean {
  return (
    error?.code === ErrorCode.NOT_CONTROLLER ||
    error?.code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ||
    error?.code === ErrorCode.THROTTLING_QUOTA_EXCEEDED
  );
}
