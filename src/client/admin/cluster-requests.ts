// What operators ask of a cluster: who leads, where replicas are, what brokers can do. Results are
// per item as in admin.ts; what is not retriable is thrown when it is about the whole request.

import { ZERO_UUID } from '../../base/uuid.ts';
import {
  type Api,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  apiVersions,
  describeCluster,
  describeLogDirs,
  describeQuorum,
  electLeaders,
  KafkaError,
  listPartitionReassignments,
  type RequestInput,
  type ResponseOf,
  unregisterBroker,
  updateFeatures,
} from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import type { TopicPartition } from '../leader-requests.ts';
import type { BrokerNode } from '../metadata-cache.ts';
import { groupByTopic } from '../offset-queries.ts';
import { errorOf } from './admin-results.ts';
import type {
  BrokerApis,
  ElectionType,
  EndpointDescription,
  FeaturesDescription,
  FeatureUpdate,
  LogDirectoryDescription,
  PartitionResult,
  QuorumDescription,
  Reassignment,
  ReassignmentUnderWay,
  ReplicaMove,
  ReplicaMoveResult,
} from './cluster-results.ts';

const upgradeTypes = { upgrade: 1, 'safe-downgrade': 2, 'unsafe-downgrade': 3 } as const;

/**
 * Requests about brokers and replicas; it is `admin.cluster`. Where a call gives results, each item
 * has an `error` of its own or null; an error about the whole request is thrown.
 */
export class ClusterRequests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Elects leaders: of these partitions, or with null of all, and then the results are only of
   * those that needed one. `preferred` is the first replica; `unclean` may lose records.
   */
  async electLeaders(
    type: ElectionType,
    partitions: readonly TopicPartition[] | null,
    options: CallOptions = {},
  ): Promise<PartitionResult[]> {
    const topics = partitions === null ? null : groupByTopic(partitions);
    const answer = await this.#ask(electLeaders, options, (timeoutMs) => ({
      electionType: type === 'preferred' ? 0 : 1,
      topicPartitions:
        topics?.map(([topic, group]) => {
          return { topic, partitions: group.map(({ partition }) => partition) };
        }) ?? null,
      timeoutMs,
    }));
    throwIf(answer.errorCode, null);
    return answer.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
      partitionResult.map(({ partitionId, errorCode, errorMessage }) => {
        return { topic, partition: partitionId, error: errorOf(errorCode, errorMessage) };
      }),
    );
  }

  /** Moves partitions to other brokers; `replicas` null ends a move that is under way. */
  async alterReassignments(
    reassignments: readonly Reassignment[],
    options: CallOptions = {},
  ): Promise<PartitionResult[]> {
    const answer = await this.#ask(alterPartitionReassignments, options, (timeoutMs) => ({
      timeoutMs,
      topics: groupByTopic(reassignments).map(([name, group]) => ({
        name,
        partitions: group.map(({ partition, replicas }) => {
          return { partitionIndex: partition, replicas: replicas === null ? null : [...replicas] };
        }),
      })),
    }));
    throwIf(answer.errorCode, answer.errorMessage);
    return answer.responses.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode, errorMessage }) => {
        return { topic: name, partition: partitionIndex, error: errorOf(errorCode, errorMessage) };
      }),
    );
  }

  /** The moves that are under way, of these partitions or of all. */
  async listReassignments(
    partitions: readonly TopicPartition[] | null = null,
    options: CallOptions = {},
  ): Promise<ReassignmentUnderWay[]> {
    const topics = partitions === null ? null : groupByTopic(partitions);
    const answer = await this.#ask(listPartitionReassignments, options, (timeoutMs) => ({
      timeoutMs,
      topics:
        topics?.map(([name, group]) => {
          return { name, partitionIndexes: group.map(({ partition }) => partition) };
        }) ?? null,
    }));
    throwIf(answer.errorCode, answer.errorMessage);
    return answer.topics.flatMap(({ name, partitions: found }) =>
      found.map(({ partitionIndex, ...replicas }) => {
        return { topic: name, partition: partitionIndex, ...replicas };
      }),
    );
  }

  /**
   * The log directories of brokers and what lies there; `nodeIds` null: of all brokers.
   * `partitions` narrows what is told.
   */
  async describeLogDirectories(
    nodeIds: readonly number[] | null = null,
    options: CallOptions & { readonly partitions?: readonly TopicPartition[] | undefined } = {},
  ): Promise<LogDirectoryDescription[]> {
    const asked = nodeIds ?? (await this.#nodes(options)).map(({ nodeId }) => nodeId);
    const { partitions } = options;
    const topics = partitions && groupByTopic(partitions);
    const body = {
      topics:
        topics?.map(([topic, group]) => {
          return { topic, partitions: group.map(({ partition }) => partition) };
        }) ?? null,
    };
    const answers = await Promise.all(
      asked.map(async (nodeId) => {
        const answer = await this.#askNode(nodeId, describeLogDirs, body, options);
        throwIf(answer.errorCode, null);
        return answer.results.map((result) => directoryOf(nodeId, result));
      }),
    );
    return answers.flat();
  }

  /** Begins to move replicas to other log directories of their brokers. */
  async alterReplicaLogDirectories(
    moves: readonly ReplicaMove[],
    options: CallOptions = {},
  ): Promise<ReplicaMoveResult[]> {
    const groups = new Map<string, ReplicaMove[]>();
    for (const move of moves) {
      const key = JSON.stringify([move.nodeId, move.path]);
      groups.set(key, [...(groups.get(key) ?? []), move]);
    }
    const results = await Promise.all(
      [...groups.values()].map(async (group) => {
        const { nodeId, path } = group[0] as ReplicaMove;
        const topics = groupByTopic(group).map(([name, ofTopic]) => {
          return { name, partitions: ofTopic.map(({ partition }) => partition) };
        });
        const body = { dirs: [{ path, topics }] };
        const answer = await this.#askNode(nodeId, alterReplicaLogDirs, body, options);
        return answer.results.flatMap(({ topicName, partitions }) =>
          partitions.map(({ partitionIndex: partition, errorCode }) => {
            return { nodeId, path, topic: topicName, partition, error: errorOf(errorCode, null) };
          }),
        );
      }),
    );
    return results.flat();
  }

  /** The versions of features that the brokers can have, and those that are in use. */
  async describeFeatures(options: CallOptions = {}): Promise<FeaturesDescription> {
    const body = { clientSoftwareName: 'partita', clientSoftwareVersion: '1' };
    const answer = await this.#client.retry(
      ({ timeoutMs }) => this.#client.requestToAny(apiVersions, body, { timeoutMs }),
      options,
    );
    throwIf(answer.errorCode, null);
    const levels = new Map(
      answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
    );
    const features = answer.supportedFeatures.map((range) => {
      return { ...range, finalizedLevel: levels.get(range.name) ?? 0 };
    });
    return { features, epoch: answer.finalizedFeaturesEpoch };
  }

  /**
   * Changes the versions of features: all of them or none. @throws KafkaError of the first that is
   * refused
   */
  async updateFeatures(
    updates: readonly FeatureUpdate[],
    options: CallOptions & { readonly validateOnly?: boolean | undefined } = {},
  ): Promise<void> {
    const answer = await this.#ask(updateFeatures, options, (timeoutMs) => ({
      timeoutMs,
      featureUpdates: updates.map(({ feature, maxVersionLevel, upgradeType }) => {
        return { feature, maxVersionLevel, upgradeType: upgradeTypes[upgradeType] };
      }),
      validateOnly: options.validateOnly ?? false,
    }));
    throwIf(answer.errorCode, answer.errorMessage);
    for (const { errorCode, errorMessage } of answer.results ?? []) {
      throwIf(errorCode, errorMessage);
    }
  }

  /** Makes the cluster forget a broker that will not come back. */
  async unregisterBroker(brokerId: number, options: CallOptions = {}): Promise<void> {
    const answer = await this.#ask(unregisterBroker, options, () => ({ brokerId }));
    throwIf(answer.errorCode, answer.errorMessage);
  }

  /** Who keeps the log of the metadata, and how far each of them is. */
  async describeQuorum(options: CallOptions = {}): Promise<QuorumDescription> {
    const answer = await this.#ask(describeQuorum, options, () => ({
      topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
    }));
    throwIf(answer.errorCode, answer.errorMessage);
    const partition = answer.topics[0]?.partitions[0];
    if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
    throwIf(partition.errorCode, partition.errorMessage);
    const replicaOf = (replica: (typeof partition.observers)[number]) => {
      const { replicaDirectoryId, ...rest } = replica;
      return { ...rest, directoryId: replicaDirectoryId ?? ZERO_UUID };
    };
    return {
      leaderId: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      highWatermark: partition.highWatermark,
      voters: partition.currentVoters.map(replicaOf),
      observers: partition.observers.map(replicaOf),
      endpoints: new Map(
        (answer.nodes ?? []).map(({ nodeId, listeners }) => [nodeId, listeners] as const),
      ),
    };
  }

  /** Which requests each broker serves. */
  async describeApis(options: CallOptions = {}): Promise<BrokerApis[]> {
    const nodes = await this.#nodes(options);
    const body = { clientSoftwareName: 'partita', clientSoftwareVersion: '1' };
    return Promise.all(
      nodes.map(async (node) => {
        const answer = await this.#askNode(node.nodeId, apiVersions, body, options);
        throwIf(answer.errorCode, null);
        return { ...node, apis: answer.apiKeys };
      }),
    );
  }

  /** Where brokers can be reached, as admin tools see them. */
  async listEndpoints(
    options: CallOptions & { readonly includeFencedBrokers?: boolean | undefined } = {},
  ): Promise<EndpointDescription[]> {
    const { includeFencedBrokers = false } = options;
    const fenced = includeFencedBrokers ? { includeFencedBrokers } : {};
    const answer = await this.#client.retry(
      ({ timeoutMs }) =>
        this.#client.requestToAny(
          describeCluster,
          { includeClusterAuthorizedOperations: false, ...fenced },
          { timeoutMs },
        ),
      options,
    );
    throwIf(answer.errorCode, answer.errorMessage);
    return answer.brokers.map(({ brokerId, ...rest }) => ({ nodeId: brokerId, ...rest }));
  }

  async #nodes(options: CallOptions): Promise<BrokerNode[]> {
    await this.#client.retry(() => this.#client.refresh(), options);
    return [...this.#client.cache.nodes.values()].sort((a, b) => a.nodeId - b.nodeId);
  }

  #ask<A extends Api>(
    api: A,
    options: CallOptions,
    bodyFor: (timeoutMs: number) => RequestInput<A>,
  ): Promise<ResponseOf<A>> {
    return this.#client.retry(({ timeoutMs }) => {
      const body = bodyFor(Math.round(timeoutMs));
      return this.#client.requestToController(api, body, { timeoutMs });
    }, options);
  }

  #askNode<A extends Api>(
    nodeId: number,
    api: A,
    body: RequestInput<A>,
    options: CallOptions,
  ): Promise<ResponseOf<A>> {
    return this.#client.retry(async ({ timeoutMs }) => {
      if (!this.#client.cache.nodes.has(nodeId)) await this.#client.refresh();
      return this.#client.requestTo(nodeId, api, body, { timeoutMs });
    }, options);
  }
}

function throwIf(code: number, message: string | null): void {
  const error = errorOf(code, message);
  if (error !== null) throw error;
}

function directoryOf(
  nodeId: number,
  result: ResponseOf<typeof describeLogDirs>['results'][number],
): LogDirectoryDescription {
  return {
    nodeId,
    path: result.logDir,
    error: errorOf(result.errorCode, null),
    totalBytes: result.totalBytes,
    usableBytes: result.usableBytes,
    replicas: result.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => ({
        topic: name,
        partition: partitionIndex,
        sizeBytes: partitionSize,
        offsetLag,
        isFuture: isFutureKey,
      })),
    ),
  };
}
