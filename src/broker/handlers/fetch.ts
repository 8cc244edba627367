// Fetch: reads what the session or the request names, waits for more if it is less than asked for,
// and shapes the answer for a client of any age.

import { rackAwareSelector } from '../../config/index.ts';
import {
  ErrorCode,
  fetch,
  KafkaError,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { FetchWaiter, type Partition, type VisibleBytesSource } from '../../replication/index.ts';
import { AclOperation, mayOnCluster, mayOnTopic } from '../authorization.ts';
import { currentLeaderOf, endpointsOf } from '../current-leaders.ts';
import {
  type FetchingFollower,
  type FetchPass,
  type FetchReadOptions,
  type PartitionRead,
  readPartitions,
} from '../fetch-read.ts';
import type { FetchContext, FetchingReplica, FetchTarget } from '../fetch-sessions.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

type Request = RequestOf<typeof fetch>;
type Response = ResponseInput<typeof fetch>;
type TopicAnswer = Response['responses'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

/** What tells a client that it came to the wrong broker, or with an old epoch. */
const movedErrors: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.FENCED_LEADER_EPOCH,
]);

const partitionAnswerBytes = 40;
/** Answers of the full fetch.max.bytes that clients who do not read may make us hold, in all. */
const unreadAnswersMax = 4;

interface Fetching {
  readonly request: Request;
  readonly context: RequestContext;
  readonly session: FetchContext;
  /** When the request came, by the monotonic clock: its wait counts from there. */
  readonly beganMs: number;
  readonly options: FetchReadOptions;
}

export const fetchHandler = defineHandler(fetch, (request, context) => {
  const { broker, apiVersion } = context;
  if (request.clusterId !== null && request.clusterId !== broker.clusterId) {
    throw new KafkaError('INCONSISTENT_CLUSTER_ID');
  }
  const replica = replicaOf(request);
  const isCommittedOnly = request.isolationLevel === 1 && replica === null;
  const session = beginSession(request, context, { isCommittedOnly, replica });
  const beganMs = broker.io.clock.monotonic();
  const bytesMax = Math.min(request.maxBytes, answerBytesMax(context, replica));
  const fetching: Fetching = {
    request,
    context,
    session,
    beganMs,
    options: {
      replicas: broker.replicas,
      bytesMax,
      isCommittedOnly,
      follower: replica && followerOf(replica, beganMs, context),
      nearby: request.rackId === '' || replica !== null ? null : nearbyBrokers(request, context),
      usesTopicIds: apiVersion >= 13,
      mayRead: readRight(context, replica),
      version: apiVersion,
    },
  };
  return readOrWait(fetching);
});

/**
 * Whether the next fetch of the session may come while this one waits: a follower has more to ask
 * for. It ends the wait of this one, which is answered without records, so that what a peer can
 * make us hold stays what one fetch may take.
 */
export function mayBeOvertaken(request: Request): boolean {
  return request.sessionEpoch > 0 && replicaOf(request) !== null;
}

/** Since version 15 the id is where no consumer has to send it (KIP-903). */
function replicaOf({ replicaId, replicaState }: Request): FetchingReplica | null {
  if (replicaId >= 0) return { id: replicaId, brokerEpoch: -1 };
  if (replicaState.replicaId < 0) return null;
  return { id: replicaState.replicaId, brokerEpoch: replicaState.replicaEpoch };
}

/** Followers need the right on the cluster, and get no topic without it. */
function readRight(
  context: RequestContext,
  replica: FetchingReplica | null,
): FetchReadOptions['mayRead'] {
  if (!context.rights.isBound) return null;
  // Asked for each partition of each pass, also of that behind a wait.
  if (replica === null) return (topic) => mayOnTopic(context, AclOperation.READ, topic);
  return () => mayOnCluster(context, AclOperation.CLUSTER_ACTION);
}

/** The brokers in the rack of a consumer that is not in ours, if the configuration asks for it. */
function nearbyBrokers(
  { rackId }: Request,
  { broker, client }: RequestContext,
): ReadonlySet<number> | null {
  const { config } = broker;
  if (config.get('replica.selector.class') !== rackAwareSelector) return null;
  if (config.get('broker.rack') === rackId) return null;
  const inRack = broker.endpoints(client).filter(({ rack }) => rack === rackId);
  return inRack.length === 0 ? null : new Set(inRack.map(({ nodeId }) => nodeId));
}

function followerOf(
  replica: FetchingReplica,
  timeMs: number,
  { broker: { inSync, replicationQuota: quota }, client, charge }: RequestContext,
): FetchingFollower {
  charge?.waive();
  const onNoted = (partition: Partition, id: number): void => {
    inSync?.onFollowerFetch(partition, id);
  };
  const { number: connectionNumber } = client.connection;
  return { ...replica, timeMs, connectionNumber, quota, isNoted: true, onNoted };
}

function readOrWait(fetching: Fetching): Response | Promise<Response | null> {
  const pass = readPartitions(fetching.session.take(), fetching.options);
  return pass instanceof Promise
    ? pass.then((done) => onFirstPass(done, fetching))
    : onFirstPass(pass, fetching);
}

/**
 * What an answer may take: the configured bound, the quota, and what all connections together have
 * left while their clients do not read. The first batch is answered in any case (KIP-74).
 */
function answerBytesMax(
  { broker, charge }: RequestContext,
  replica: FetchingReplica | null,
): number {
  const configuredMax = broker.config.get('fetch.max.bytes');
  const roomBytes = Math.max(1, unreadAnswersMax * configuredMax - broker.unreadBytes());
  const quotaBytes = replica === null ? charge?.fetchBytesMax() : undefined;
  return Math.min(configuredMax, roomBytes, quotaBytes ?? configuredMax);
}

function beginSession(
  request: Request,
  context: RequestContext,
  reader: { readonly isCommittedOnly: boolean; readonly replica: FetchingReplica | null },
): FetchContext {
  const usesTopicIds = context.apiVersion >= 13;
  const targets = request.topics.flatMap((topic) =>
    topic.partitions.map(
      (partition): FetchTarget => ({
        topic: usesTopicIds ? null : topic.topic,
        topicId: topic.topicId,
        partition: partition.partition,
        fetchOffset: partition.fetchOffset,
        bytesMax: Math.max(0, partition.partitionMaxBytes),
        currentLeaderEpoch: partition.currentLeaderEpoch,
        lastFetchedEpoch: partition.lastFetchedEpoch,
        readerLogStartOffset: partition.logStartOffset,
        highWatermarkSent: -1,
        logStartOffsetSent: -1,
      }),
    ),
  );
  const forgotten = request.forgottenTopicsData.flatMap((topic) =>
    topic.partitions.map((partition) => ({
      topic: usesTopicIds ? null : topic.topic,
      topicId: topic.topicId,
      partition,
    })),
  );
  return context.broker.fetchSessions.begin({
    sessionId: request.sessionId,
    sessionEpoch: context.apiVersion >= 7 ? request.sessionEpoch : -1,
    usesTopicIds,
    ...reader,
    owner: context.rights.owner,
    aclsVersion: context.rights.aclsVersion,
    targets,
    forgotten,
  });
}

function onFirstPass(pass: FetchPass, fetching: Fetching): Response | Promise<Response | null> {
  const { request, session, options } = fetching;
  const missingBytes = Math.min(request.minBytes, options.bytesMax) - pass.recordsBytes;
  const mayWait = request.maxWaitMs > 0 && missingBytes > 0 && !session.isEmpty;
  if (!mayWait || pass.isUrgent) return shape(pass, fetching);
  // An append came while another partition was read from its file: nobody was told of it.
  const isFollower = options.follower !== null;
  const isBehind = pass.reads.some(({ partition, highWatermark, logEndOffset }) => {
    if (partition === null) return false;
    return isFollower
      ? partition.logEndOffset > logEndOffset
      : partition.highWatermark > highWatermark;
  });
  if (isBehind) return readOrWait(fetching);
  return waitAndRead(missingBytes, session.sources(pass.reads), fetching);
}

/** The long poll: sleeps until the missing bytes are there, then reads once more. */
function waitAndRead(
  missingBytes: number,
  partitions: readonly VisibleBytesSource[],
  fetching: Fetching,
): Promise<Response | null> {
  const { request, context, session, beganMs, options } = fetching;
  const { clock } = context.broker.io;
  const { follower } = options;
  const again =
    follower === null ? options : { ...options, follower: { ...follower, isNoted: false } };
  return new Promise((resolve, reject) => {
    const waiter = new FetchWaiter(clock, {
      missingBytes,
      maxWaitMs: Math.max(0, beganMs + request.maxWaitMs - clock.monotonic()),
      isCommittedOnly: options.isCommittedOnly,
      isFollower: follower !== null,
      partitions,
      onEnd: () => {
        forget();
        Promise.resolve(readPartitions(session.take(), again))
          .then((pass) => resolve(shape(pass, fetching)))
          .catch(reject);
      },
    });
    const forget = context.client.whenGone(() => {
      waiter.cancel();
      session.putBack();
      resolve(null);
    });
  });
}

function shape(pass: FetchPass, fetching: Fetching): Response {
  const { session, context } = fetching;
  const { follower } = fetching.options;
  if (follower !== null) {
    for (const { partition, recordsBytes } of pass.reads) {
      if (partition !== null && recordsBytes > 0) follower.quota?.record(partition, recordsBytes);
    }
  }
  // A client over its quota gets nothing, and its session stands as if nothing had been read. What
  // followers fetch is not charged.
  if (follower === null && context.charge?.maybeThrottleFetch(answerBytes(pass))) {
    session.putBack();
    return { sessionId: session.sessionId, responses: [] };
  }
  const { sessionId, outcomes } = session.finish(pass.reads);
  const responses: { topic: string; topicId: string; partitions: PartitionAnswer[] }[] = [];
  let last: (typeof responses)[number] | undefined;
  let leaderIds = null as Set<number> | null;
  for (const read of outcomes) {
    const { topic, topicId } = read.target;
    if (last === undefined || last.topicId !== topicId || last.topic !== (topic ?? '')) {
      last = { topic: topic ?? '', topicId, partitions: [] };
      responses.push(last);
    }
    const answer = partitionAnswer(read, context);
    const { leaderId = -1 } = answer.currentLeader ?? {};
    if (leaderId >= 0) {
      leaderIds ??= new Set();
      leaderIds.add(leaderId);
    }
    last.partitions.push(answer);
  }
  return {
    sessionId,
    responses,
    ...(leaderIds !== null && context.apiVersion >= 16
      ? { nodeEndpoints: endpointsOf(leaderIds, context) }
      : {}),
  };
}

/** About what the answer takes on the wire: the records, and what is said of each partition. */
function answerBytes(pass: FetchPass): number {
  return pass.recordsBytes + pass.reads.length * partitionAnswerBytes;
}

function partitionAnswer(read: PartitionRead, context: RequestContext): PartitionAnswer {
  const { target } = read;
  const answer = {
    partitionIndex: target.partition,
    errorCode: read.errorCode,
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    abortedTransactions: read.abortedTransactions,
    records: read.records,
    preferredReadReplica: read.preferredReadReplica,
    ...(read.divergingEpoch === null ? {} : { divergingEpoch: read.divergingEpoch }),
  };
  if (!movedErrors.has(read.errorCode) || context.apiVersion < 12) return answer;
  const currentLeader = currentLeaderOf(target, context);
  return currentLeader === null ? answer : { ...answer, currentLeader };
}
