// ListOffsets: the offset at a moment, or at one of the places that negative timestamps stand for.
// Until the watermark has passed the start of our epoch consumers do not hear where the partition
// ends: the leader before may have told them of a later end (KIP-207).

import {
  INT64_MAX,
  KafkaError,
  listOffsets,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import type { Partition } from '../../replication/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

type Request = RequestOf<typeof listOffsets>;
type Wanted = Request['topics'][number]['partitions'][number];
type Answer = ResponseInput<typeof listOffsets>['topics'][number]['partitions'][number];

interface Found {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** What negative timestamps ask for, and the version that brought each. */
const place = {
  latest: -1,
  earliest: -2,
  maxTimestamp: -3,
  earliestLocal: -4,
  latestTiered: -5,
  earliestPendingUpload: -6,
} as const;
const versionOfPlace: Readonly<Record<number, number>> = {
  [place.latest]: 0,
  [place.earliest]: 0,
  [place.maxTimestamp]: 7,
  [place.earliestLocal]: 8,
  [place.latestTiered]: 9,
  [place.earliestPendingUpload]: 11,
};

const consumerId = -1;
/** Of tools that ask one replica, whoever leads. */
const debuggingId = -2;

const nothing: Found = { offset: -1, timestamp: -1, leaderEpoch: -1 };

export const listOffsetsHandler = defineHandler(listOffsets, async (request, context) => {
  const duplicates = duplicatesOf(request);
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map((wanted) =>
          duplicates.has(`${name}-${wanted.partitionIndex}`)
            ? failure(wanted, new KafkaError('INVALID_REQUEST'))
            : answer(name, wanted, { request, context }),
        ),
      ),
    })),
  );
  return { topics };
});

function duplicatesOf(request: Request): ReadonlySet<string> {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`;
      if (seen.has(key)) duplicates.add(key);
      seen.add(key);
    }
  }
  return duplicates;
}

async function answer(
  name: string,
  wanted: Wanted,
  { request, context }: { request: Request; context: RequestContext },
): Promise<Answer> {
  try {
    assertMay(context, AclOperation.DESCRIBE, AclResource.TOPIC, name);
    const partition = context.broker.replicas.get(name, wanted.partitionIndex);
    if (partition === undefined) throw missing(name, wanted, context);
    partition.assertLeader(wanted.currentLeaderEpoch, request.replicaId === debuggingId);
    // Whoever is no consumer hears where the log ends.
    const isFollower = request.replicaId !== consumerId;
    const end = partition.readableEnd(request.isolationLevel === 1, isFollower);
    const isEndKnown = isFollower || partition.hasReachedEpochStart;
    const beyondEnd = isEndKnown ? null : notAvailable(context);
    if (context.apiVersion === 0) {
      if (beyondEnd !== null && wanted.timestamp === place.latest) throw beyondEnd;
      const oldStyleOffsets = await offsetsBefore(wanted, partition, end);
      return { partitionIndex: wanted.partitionIndex, errorCode: 0, oldStyleOffsets };
    }
    assertServed(wanted.timestamp, context);
    const { leaderEpoch, ...found } = await find(wanted.timestamp, partition, { end, beyondEnd });
    const since = context.apiVersion >= 4 ? { leaderEpoch } : {};
    return { partitionIndex: wanted.partitionIndex, errorCode: 0, ...found, ...since };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return failure(wanted, error);
  }
}

function missing(name: string, wanted: Wanted, context: RequestContext): KafkaError {
  const isKnown = context.image.partition(name, wanted.partitionIndex) !== undefined;
  return new KafkaError(isKnown ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION');
}

function failure(wanted: Wanted, error: KafkaError): Answer {
  return { partitionIndex: wanted.partitionIndex, errorCode: error.code };
}

function assertServed(timestamp: number, context: RequestContext): void {
  if (timestamp >= 0) return;
  const since = versionOfPlace[timestamp] ?? Number.POSITIVE_INFINITY;
  if (context.apiVersion < since) throw new KafkaError('UNSUPPORTED_VERSION');
}

/** Older clients know no better word for it. */
function notAvailable({ apiVersion }: RequestContext): KafkaError {
  return new KafkaError(apiVersion >= 5 ? 'OFFSET_NOT_AVAILABLE' : 'LEADER_NOT_AVAILABLE');
}

interface ReadableEnd {
  readonly end: number;
  /** What is said of all that is not before it; null: that there is nothing. */
  readonly beyondEnd: KafkaError | null;
}

async function find(
  timestamp: number,
  partition: Partition,
  { end, beyondEnd }: ReadableEnd,
): Promise<Found> {
  const { logView: log } = partition;
  switch (timestamp) {
    case place.latest:
      if (beyondEnd !== null) throw beyondEnd;
      return { offset: end, timestamp: -1, leaderEpoch: partition.leaderEpoch };
    case place.earliest:
    case place.earliestLocal: {
      const offset = log.logStartOffset;
      return { offset, timestamp: -1, leaderEpoch: log.leaderEpochs.epochForOffset(offset) };
    }
    case place.maxTimestamp:
      return visible(await log.offsetOfMaxTimestamp(), end, beyondEnd);
    case place.latestTiered:
    case place.earliestPendingUpload:
      return nothing;
    default:
      return visible(await log.offsetForTimestamp(timestamp), end, beyondEnd);
  }
}

/** What a consumer may not read yet is not found either. */
function visible(found: Found | null, end: number, beyondEnd: KafkaError | null = null): Found {
  if (found !== null && found.offset < end) return found;
  if (beyondEnd !== null) throw beyondEnd;
  return nothing;
}

/** Version 0 asks for up to so many offsets below a moment, newest first. */
async function offsetsBefore(wanted: Wanted, partition: Partition, end: number): Promise<number[]> {
  const start = partition.logStartOffset;
  const offsets: number[] = [];
  if (wanted.timestamp === place.latest) offsets.push(end);
  else if (wanted.timestamp >= 0 && wanted.timestamp < INT64_MAX) {
    const found = visible(await partition.logView.offsetForTimestamp(wanted.timestamp), end);
    if (found.offset > start) offsets.push(found.offset);
  }
  if (offsets[0] !== start) offsets.push(start);
  return offsets.slice(0, Math.max(0, wanted.maxNumOffsets));
}
