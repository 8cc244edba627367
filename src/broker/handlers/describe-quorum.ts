// DescribeQuorum (KIP-595): who keeps the metadata log. Here the cluster store keeps it, with one
// controller that writes: it is the leader and the one voter, and brokers that are not it observe.

import { ZERO_UUID } from '../../base/uuid.ts';
import { METADATA_TOPIC, type MetadataImage } from '../../metadata/index.ts';
import {
  describeQuorum,
  ErrorCode,
  errorName,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

type Partition = ResponseInput<typeof describeQuorum>['topics'][number]['partitions'][number];
type Replica = Partition['currentVoters'][number];

export const describeQuorumHandler = defineHandler(describeQuorum, (request, context) => ({
  errorCode: 0,
  errorMessage: null,
  topics: request.topics.map(({ topicName, partitions }) => ({
    topicName,
    partitions: partitions.map(({ partitionIndex }) =>
      isQuorum(request) ? quorum(context) : unknownPartition(partitionIndex),
    ),
  })),
  nodes: isQuorum(request) ? nodesOf(context) : [],
}));

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

function quorum({ broker, image }: RequestContext): Partition {
  const observers = [...image.aliveBrokers()].filter(({ id }) => id !== broker.nodeId);
  return {
    partitionIndex: 0,
    errorCode: 0,
    errorMessage: null,
    leaderId: broker.nodeId,
    leaderEpoch: image.controllerEpoch,
    highWatermark: image.offset + 1,
    currentVoters: [replica(broker.nodeId, image, broker.io.clock.now())],
    observers: observers.map(({ id }) => replica(id, image, -1)),
  };
}

function replica(replicaId: number, image: MetadataImage, nowMs: number): Replica {
  return {
    replicaId,
    replicaDirectoryId: image.brokers.get(replicaId)?.logDirs[0] ?? ZERO_UUID,
    logEndOffset: image.offset + 1,
    lastFetchTimestamp: nowMs,
    lastCaughtUpTimestamp: nowMs,
  };
}

function nodesOf({ broker, client }: RequestContext) {
  return broker
    .endpoints(client)
    .filter(({ nodeId }) => nodeId === broker.nodeId)
    .map(({ nodeId, host, port }) => ({
      nodeId,
      listeners: [{ name: client.connection.listenerName, host, port }],
    }));
}
