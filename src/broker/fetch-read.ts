// One pass over the partitions of a fetch: reads each within the limits of the request and notes
// what came out. Partitions are read in order and share one budget of bytes; the first batch of
// the whole answer is returned even if it alone exceeds the limits (KIP-74), so that a consumer
// always gets on.
//
// Invariant: a pass that reads only memory never yields, so that most fetches cost no promise.

import { IoError } from '../io/index.ts';
import { batchHeaders, downConvert, ErrorCode, KafkaError } from '../protocol/index.ts';
import type { Partition, RemoteReplica, Replicas } from '../replication/index.ts';
import type { LogRead } from '../storage/index.ts';
import type { FetchingReplica, FetchOutcome, FetchTarget } from './fetch-sessions.ts';
import type { ReplicationQuota } from './quotas/index.ts';

export interface FetchReadOptions {
  readonly replicas: Replicas;
  readonly bytesMax: number;
  readonly isCommittedOnly: boolean;
  /** null: a consumer, which sees what is committed. */
  readonly follower: FetchingFollower | null;
  /**
   * Brokers that a consumer would rather read from than from this one (KIP-392); null: none, also
   * for clients that do not know of it, which read from leaders only.
   */
  readonly nearby: ReadonlySet<number> | null;
  readonly usesTopicIds: boolean;
  /** Whether the reader may have the topic of the name; null: whoever it is may. */
  readonly mayRead: ((topic: string) => boolean) | null;
  /** Of the request: what its client can read decides what it is handed. */
  readonly version: number;
}

export interface FetchingFollower extends FetchingReplica {
  /** When its fetch came, by the monotonic clock. */
  readonly timeMs: number;
  /** Of the connection that its fetch came on. */
  readonly connectionNumber: number;
  /** False once it has waited: what it has is what it said when it asked. */
  readonly isNoted: boolean;
  readonly quota: ReplicationQuota | null;
  /** Told of each partition for which it was noted what the follower has. */
  readonly onNoted: (partition: Partition, replicaId: number) => void;
}

export interface PartitionRead extends FetchOutcome {
  readonly partition: Partition | null;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  readonly records: readonly Buffer[];
  readonly abortedTransactions: LogRead['abortedTransactions'];
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null;
  /** -1: the reader is where it should be. */
  readonly preferredReadReplica: number;
}

export interface FetchPass {
  readonly reads: PartitionRead[];
  recordsBytes: number;
  /** There is something to say that must not wait: an error, or a log that diverged. */
  isUrgent: boolean;
}

const zstd = 4;
/** Consumers know since then that they may be sent to a follower (KIP-392). */
const readsFollowersSince = 11;
const noRecords: readonly Buffer[] = [];
const noTransactions: LogRead['abortedTransactions'] = [];

export function readPartitions(
  targets: readonly FetchTarget[],
  options: FetchReadOptions,
): FetchPass | Promise<FetchPass> {
  return readFrom(targets, options, {
    index: 0,
    pass: { reads: [], recordsBytes: 0, isUrgent: false },
  });
}

function readFrom(
  targets: readonly FetchTarget[],
  options: FetchReadOptions,
  progress: { index: number; readonly pass: FetchPass },
): FetchPass | Promise<FetchPass> {
  const { pass } = progress;
  while (progress.index < targets.length) {
    const target = targets[progress.index++] as FetchTarget;
    const read = readOne(target, pass, options);
    if (read instanceof Promise) {
      return read.then((done) => {
        note(pass, done);
        return readFrom(targets, options, progress);
      });
    }
    note(pass, read);
  }
  return pass;
}

function note(pass: FetchPass, read: PartitionRead): void {
  pass.reads.push(read);
  pass.recordsBytes += read.recordsBytes;
  if (read.errorCode !== 0 || read.isRedirected) pass.isUrgent = true;
}

function readOne(
  target: FetchTarget,
  pass: FetchPass,
  options: FetchReadOptions,
): PartitionRead | Promise<PartitionRead> {
  try {
    if (options.mayRead !== null) assertMayRead(target, options, options.mayRead);
    const partition = find(target, options);
    const mayFollow = options.version >= readsFollowersSince && options.follower === null;
    partition.assertLeader(target.currentLeaderEpoch, mayFollow);
    if (options.follower !== null) {
      partition.leading?.assertReplica(options.follower.id, target.currentLeaderEpoch);
    }
    const diverging = divergenceOf(partition, target);
    if (diverging !== null) return outcome(target, partition, { divergingEpoch: diverging });
    if (options.follower !== null) {
      const refused = noteFollower(partition, target, options.follower);
      if (refused !== null) return refused;
    }
    if (options.nearby !== null) {
      const replica = preferredReplica(partition, target.fetchOffset, options.nearby);
      if (replica >= 0) return outcome(target, partition, { preferredReadReplica: replica });
    }
    if (options.follower?.quota?.holdsBack(partition, options.follower.id)) {
      return { ...outcome(target, partition, {}), isHeldBack: true };
    }
    const isFollower = options.follower !== null;
    const abortedTransactions = options.isCommittedOnly ? noTransactions : null;
    const { fetchOffset } = target;
    const end = partition.readableEnd(options.isCommittedOnly, isFollower);
    const isAtEnd = fetchOffset >= end && fetchOffset <= partition.logEndOffset;
    const left = Math.max(0, options.bytesMax - pass.recordsBytes);
    const isFull = left === 0 && pass.recordsBytes > 0;
    if (fetchOffset >= partition.logStartOffset && (isAtEnd || isFull)) {
      return outcome(target, partition, { abortedTransactions });
    }
    const read = partition.read(fetchOffset, {
      bytesMax: Math.min(left, target.bytesMax),
      isCommittedOnly: options.isCommittedOnly,
      isFollower,
      atLeastOneBatch: pass.recordsBytes === 0,
    });
    if (!(read instanceof Promise)) return fromLog(target, partition, { read, options });
    return read
      .then((done) => fromLog(target, partition, { read: done, options }))
      .catch((error: unknown) => failed(target, error));
  } catch (error) {
    return failed(target, error);
  }
}

/** An id that nobody has is said to be unknown to everybody who may read anything. */
function assertMayRead(
  { topic, topicId }: FetchTarget,
  { replicas, follower }: FetchReadOptions,
  mayRead: (topic: string) => boolean,
): void {
  const name = topic ?? replicas.image.topicById(topicId)?.name ?? (follower === null ? null : '');
  if (name !== null && !mayRead(name)) throw new KafkaError('TOPIC_AUTHORIZATION_FAILED');
}

function find(target: FetchTarget, options: FetchReadOptions): Partition {
  const { replicas, usesTopicIds } = options;
  const { topic, topicId, partition: index } = target;
  const partition = usesTopicIds
    ? replicas.getById(topicId, index)
    : replicas.get(topic ?? '', index);
  if (partition !== undefined) return partition;
  const known = usesTopicIds
    ? replicas.image.topicById(topicId)
    : replicas.image.topic(topic ?? '');
  if (known?.partitions[index] !== undefined) throw new KafkaError('NOT_LEADER_OR_FOLLOWER');
  if (usesTopicIds && known === undefined) throw new KafkaError('UNKNOWN_TOPIC_ID');
  throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
}

/**
 * Where the reader's log and ours part, if the epoch it read last ended earlier here (KIP-595).
 * What lies below the start of ours cannot be compared.
 */
function divergenceOf(partition: Partition, target: FetchTarget): PartitionRead['divergingEpoch'] {
  if (target.lastFetchedEpoch < 0) return null;
  const { epoch, endOffset } = partition.logView.endOffsetForEpoch(target.lastFetchedEpoch);
  if (epoch < 0 || endOffset < 0) throw new KafkaError('OFFSET_OUT_OF_RANGE');
  const { fetchOffset } = target;
  if (fetchOffset < partition.logStartOffset) return null;
  const isSame = epoch === target.lastFetchedEpoch && endOffset >= fetchOffset;
  return isSame ? null : { epoch, endOffset };
}

/**
 * A follower has everything before the offset that it asks for: its log is one with ours up to
 * there. Where there is nothing of ours to be one with, it is told where our log begins, and
 * starts anew there without another question.
 */
function noteFollower(
  partition: Partition,
  target: FetchTarget,
  follower: FetchingFollower,
): PartitionRead | null {
  const { fetchOffset, currentLeaderEpoch, readerLogStartOffset } = target;
  const { logStartOffset, logEndOffset } = partition;
  if (fetchOffset < logStartOffset || fetchOffset > logEndOffset) {
    return { ...failed(target, new KafkaError('OFFSET_OUT_OF_RANGE')), logStartOffset };
  }
  if (!follower.isNoted) return null;
  const { id: replicaId, brokerEpoch, timeMs, connectionNumber } = follower;
  const sent = { brokerEpoch, timeMs, connectionNumber, currentLeaderEpoch };
  const has = { fetchOffset, logStartOffset: readerLogStartOffset };
  partition.onFollowerFetch({ replicaId, ...sent, ...has });
  follower.onNoted(partition, replicaId);
  return null;
}

/** Of those nearby that are in sync and have the offset, the one that has most. */
function preferredReplica(
  { leading }: Partition,
  fetchOffset: number,
  nearby: ReadonlySet<number>,
): number {
  let best: RemoteReplica | null = null;
  for (const remote of leading?.remotes ?? []) {
    if (!nearby.has(remote.id) || leading?.isr.includes(remote.id) !== true) continue;
    if (remote.logStartOffset > fetchOffset || remote.logEndOffset < fetchOffset) continue;
    if (best === null || isAhead(remote, best)) best = remote;
  }
  return best?.id ?? -1;
}

function isAhead(one: RemoteReplica, other: RemoteReplica): boolean {
  if (one.logEndOffset !== other.logEndOffset) return one.logEndOffset > other.logEndOffset;
  return one.lastCaughtUpMs > other.lastCaughtUpMs;
}

function fromLog(
  target: FetchTarget,
  partition: Partition,
  { read, options }: { read: LogRead; options: FetchReadOptions },
): PartitionRead {
  const { version } = options;
  if (version < 10 && hasZstd(read.buffers)) {
    return failed(target, new KafkaError('UNSUPPORTED_COMPRESSION_TYPE'));
  }
  return outcome(target, partition, {
    records: version < 4 ? asMessageSet(target, read, version) : read.buffers,
    recordsBytes: read.sizeBytes,
    abortedTransactions: read.abortedTransactions,
  });
}

/** For clients from before Kafka 0.11. */
function asMessageSet(target: FetchTarget, read: LogRead, version: number): readonly Buffer[] {
  if (read.sizeBytes === 0) return noRecords;
  const messages = downConvert(Buffer.concat(read.buffers), version >= 2 ? 1 : 0, {
    firstOffset: target.fetchOffset,
  });
  // Before KIP-74 a message that does not fit was cut off: that is how the consumer learns of it.
  return [version === 3 ? messages : messages.subarray(0, target.bytesMax)];
}

/** Clients from before zstd must not be handed a batch of it (KIP-110). */
function hasZstd(buffers: readonly Buffer[]): boolean {
  for (const buffer of buffers) {
    for (const header of batchHeaders(buffer)) if (header.compression === zstd) return true;
  }
  return false;
}

function outcome(
  target: FetchTarget,
  partition: Partition,
  found: Partial<
    Pick<
      PartitionRead,
      'records' | 'recordsBytes' | 'abortedTransactions' | 'divergingEpoch' | 'preferredReadReplica'
    >
  >,
): PartitionRead {
  return {
    target,
    partition,
    errorCode: 0,
    highWatermark: partition.highWatermark,
    logEndOffset: partition.logEndOffset,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.logStartOffset,
    records: found.records ?? noRecords,
    recordsBytes: found.recordsBytes ?? 0,
    abortedTransactions: found.abortedTransactions ?? null,
    divergingEpoch: found.divergingEpoch ?? null,
    preferredReadReplica: found.preferredReadReplica ?? -1,
    isHeldBack: false,
    isRedirected:
      (found.divergingEpoch ?? null) !== null || found.preferredReadReplica !== undefined,
  };
}

function failed(target: FetchTarget, error: unknown): PartitionRead {
  return {
    target,
    partition: null,
    errorCode: errorCodeOf(error),
    highWatermark: -1,
    logEndOffset: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    records: noRecords,
    recordsBytes: 0,
    abortedTransactions: null,
    divergingEpoch: null,
    preferredReadReplica: -1,
    isHeldBack: false,
    isRedirected: false,
  };
}

function errorCodeOf(error: unknown): number {
  if (error instanceof KafkaError) return error.code;
  if (error instanceof IoError) return ErrorCode.KAFKA_STORAGE_ERROR;
  throw error;
}
