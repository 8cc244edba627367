// DescribeQuorum (KIP-595): who keeps the metadata log, and how far each broker has read it. Here
// the cluster store keeps it, with one controller that writes: it is the leader and the one voter.
// The other brokers observe, as the controller has heard it from their heartbeats.

import { ZERO_UUID } from '../../base/uuid.ts';
import { METADATA_TOPIC, type MetadataProgress } from '../../metadata/index.ts';
import {
  describeQuorum,
  ErrorCode,
  errorName,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

type Partition = ResponseInput<typeof describeQuorum>['topics'][number]['partitions'][number];

/** Who has been silent for longer is not said to observe, as in Kafka. */
const silentMsMax = 300_000;

export const describeQuorumHandler = defineHandler(describeQuorum, async (request, context) => {
  assertMayOnCluster(context, AclOperation.DESCRIBE);
  const progress = isQuorum(request) ? await context.broker.controller.metadataProgress({}) : null;
  return {
    errorCode: 0,
    errorMessage: null,
    topics: request.topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) =>
        progress === null
          ? unknownPartition(partitionIndex)
          : forVersion(quorum(progress, context), context.apiVersion),
      ),
    })),
    nodes: progress === null || context.apiVersion < 2 ? [] : nodesOf(progress, context),
  };
});

/** Only the metadata log has a quorum, and it is asked for alone. */
function isQuorum({ topics }: RequestOf<typeof describeQuorum>): boolean {
  const [topic] = topics;
  return (
    topics.length === 1 &&
    topic?.topicName === METADATA_TOPIC &&
    topic.partitions.length === 1 &&
    topic.partitions[0]?.partitionIndex === 0
  );
}

function unknownPartition(partitionIndex: number): Partition {
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return {
    partitionIndex,
    errorCode,
    errorMessage: errorName(errorCode),
    leaderId: -1,
    leaderEpoch: -1,
    highWatermark: -1,
    currentVoters: [],
    observers: [],
  };
}

function quorum(progress: MetadataProgress, { image }: RequestContext): Partition {
  const { controllerId, controllerEpoch, endOffset, nowMs, brokers } = progress;
  const directoryOf = (id: number) => image.brokers.get(id)?.logDirs[0] ?? ZERO_UUID;
  const observers = brokers
    .filter(({ brokerId, heardMs }) => {
      return brokerId !== controllerId && nowMs - heardMs <= silentMsMax;
    })
    .sort((a, b) => a.brokerId - b.brokerId);
  return {
    partitionIndex: 0,
    errorCode: 0,
    errorMessage: null,
    leaderId: controllerId,
    leaderEpoch: controllerEpoch,
    highWatermark: endOffset,
    currentVoters: [
      {
        replicaId: controllerId,
        replicaDirectoryId: directoryOf(controllerId),
        logEndOffset: endOffset,
        lastFetchTimestamp: nowMs,
        lastCaughtUpTimestamp: nowMs,
      },
    ],
    observers: observers.map(({ brokerId, metadataOffset, heardMs, caughtUpMs }) => ({
      replicaId: brokerId,
      replicaDirectoryId: directoryOf(brokerId),
      logEndOffset: metadataOffset + 1,
      lastFetchTimestamp: heardMs,
      lastCaughtUpTimestamp: caughtUpMs,
    })),
  };
}

/** Version 2 brought the directories of replicas (KIP-853). */
function forVersion(partition: Partition, version: number): Partition {
  if (version >= 2) return partition;
  const without = ({ replicaDirectoryId: _, ...replica }: Partition['currentVoters'][number]) => {
    return replica;
  };
  return {
    ...partition,
    currentVoters: partition.currentVoters.map(without),
    observers: partition.observers.map(without),
  };
}

function nodesOf({ controllerId }: MetadataProgress, { broker, client }: RequestContext) {
  return broker
    .endpoints(client)
    .filter(({ nodeId }) => nodeId === controllerId)
    .map(({ nodeId, host, port }) => ({
      nodeId,
      listeners: [{ name: client.connection.listenerName, host, port }],
    }));
}
