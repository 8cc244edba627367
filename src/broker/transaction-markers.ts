// Writes the ends of transactions into the partitions that this broker leads, for its own
// coordinator and for those of others (WriteTxnMarkers), and says how it went for each partition.
//
// Invariant: a partition is answered NONE when its marker is on every replica in sync. Markers for
// offsets go through the group coordinator, for its machine is the one writer of that log.

import {
  type GroupCoordinator,
  type MarkerResult,
  OFFSETS_TOPIC,
  TRANSACTION_TOPIC,
  type TransactionMarker,
} from '../coordinator/index.ts';
import type { Io } from '../io/index.ts';
import { ErrorCode, KafkaError } from '../protocol/index.ts';
import type { Replicas } from '../replication/index.ts';
import type { EndMarker } from '../storage/index.ts';

export type { MarkerResult, TransactionMarker } from '../coordinator/index.ts';

export interface MarkerParts {
  readonly io: Io;
  readonly replicas: Replicas;
  readonly groups: GroupCoordinator;
}

/** How long the replicas in sync may take; then the coordinator asks again. */
const replicationMsMax = 30_000;

/** One result per marker, in their order. */
export async function writeTransactionMarkers(
  parts: MarkerParts,
  markers: readonly TransactionMarker[],
): Promise<MarkerResult[]> {
  return await Promise.all(markers.map((marker) => writeMarker(parts, marker)));
}

async function writeMarker(parts: MarkerParts, marker: TransactionMarker): Promise<MarkerResult> {
  const { topics, ...end } = marker;
  const written = topics.map(async ({ name, partitionIndexes }) => ({
    name,
    partitions: await Promise.all(
      partitionIndexes.map(async (partitionIndex) => ({
        partitionIndex,
        errorCode: await writeIn(parts, { topic: name, partitionIndex }, end),
      })),
    ),
  }));
  return { producerId: marker.producerId, topics: await Promise.all(written) };
}

interface TopicPartition {
  readonly topic: string;
  readonly partitionIndex: number;
}

async function writeIn(
  { io, replicas, groups }: MarkerParts,
  { topic, partitionIndex }: TopicPartition,
  marker: EndMarker,
): Promise<number> {
  try {
    const partition = replicas.get(topic, partitionIndex);
    if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
    if (marker.producerId < 0) throw new KafkaError('INVALID_PRODUCER_ID_MAPPING');
    if (marker.producerEpoch < 0) throw new KafkaError('INVALID_PRODUCER_EPOCH');
    // Its machine alone writes to it, and keeps no transaction there: nobody need ask again.
    if (topic === TRANSACTION_TOPIC) throw new KafkaError('UNSUPPORTED_FOR_MESSAGE_FORMAT');
    if (topic === OFFSETS_TOPIC) {
      await groups.writeTransactionMarker(partitionIndex, marker);
      return ErrorCode.NONE;
    }
    const { lastOffset } = partition.appendTransactionMarker(marker);
    const deadlineMs = io.clock.monotonic() + replicationMsMax;
    await partition.offsetReached(lastOffset + 1, deadlineMs);
    return ErrorCode.NONE;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return error.code;
  }
}
