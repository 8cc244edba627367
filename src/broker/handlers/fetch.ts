// Fetch: reads what the session or the request names, waits for more if it is less than asked for,
// and shapes the answer for a client of any age.

import {
  ErrorCode,
  fetch,
  KafkaError,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { FetchWaiter, type VisibleBytesSource } from '../../replication/index.ts';
import {
  type FetchPass,
  type FetchReadOptions,
  type PartitionRead,
  readPartitions,
} from '../fetch-read.ts';
import type { FetchContext, FetchTarget } from '../fetch-sessions.ts';
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
  if (request.replicaId >= 0 || request.replicaState.replicaId >= 0) {
    throw new KafkaError('UNSUPPORTED_VERSION', 'this broker has no followers yet');
  }
  if (request.clusterId !== null && request.clusterId !== broker.clusterId) {
    throw new KafkaError('INCONSISTENT_CLUSTER_ID');
  }
  const isCommittedOnly = request.isolationLevel === 1;
  const session = beginSession(request, context, isCommittedOnly);
  const bytesMax = Math.min(request.maxBytes, answerBytesMax(context));
  const fetching: Fetching = {
    request,
    context,
    session,
    beganMs: broker.io.clock.monotonic(),
    options: {
      replicas: broker.replicas,
      bytesMax,
      isCommittedOnly,
      usesTopicIds: apiVersion >= 13,
      version: apiVersion,
    },
  };
  return readOrWait(fetching);
});

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
function answerBytesMax({ broker, charge }: RequestContext): number {
  const configuredMax = broker.config.get('fetch.max.bytes');
  const roomBytes = Math.max(1, unreadAnswersMax * configuredMax - broker.unreadBytes());
  return Math.min(configuredMax, roomBytes, charge?.fetchBytesMax() ?? configuredMax);
}

function beginSession(
  request: Request,
  context: RequestContext,
  isCommittedOnly: boolean,
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
    isCommittedOnly,
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
  const isBehind = pass.reads.some(
    ({ partition, highWatermark }) => partition !== null && partition.highWatermark > highWatermark,
  );
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
  return new Promise((resolve, reject) => {
    const waiter = new FetchWaiter(clock, {
      missingBytes,
      maxWaitMs: Math.max(0, beganMs + request.maxWaitMs - clock.monotonic()),
      isCommittedOnly: options.isCommittedOnly,
      partitions,
      onEnd: () => {
        forget();
        Promise.resolve(readPartitions(session.take(), options))
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
  // A client over its quota gets nothing, and its session stands as if nothing had been read.
  if (context.charge?.maybeThrottleFetch(answerBytes(pass))) {
    session.putBack();
    return { sessionId: session.sessionId, responses: [] };
  }
  const { sessionId, outcomes } = session.finish(pass.reads);
  const responses: { topic: string; topicId: string; partitions: PartitionAnswer[] }[] = [];
  let last: (typeof responses)[number] | undefined;
  let hasLeaders = false;
  for (const read of outcomes) {
    const { topic, topicId } = read.target;
    if (last === undefined || last.topicId !== topicId || last.topic !== (topic ?? '')) {
      last = { topic: topic ?? '', topicId, partitions: [] };
      responses.push(last);
    }
    const answer = partitionAnswer(read, context);
    hasLeaders ||= (answer.currentLeader?.leaderId ?? -1) >= 0;
    last.partitions.push(answer);
  }
  return {
    sessionId,
    responses,
    ...(hasLeaders && context.apiVersion >= 16
      ? { nodeEndpoints: context.broker.endpoints(context.client) }
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
    ...(read.divergingEpoch === null ? {} : { divergingEpoch: read.divergingEpoch }),
  };
  return movedErrors.has(read.errorCode) && context.apiVersion >= 12
    ? { ...answer, ...currentLeaderOf(read, context) }
    : answer;
}

/** Where such a client should go (KIP-951). */
function currentLeaderOf(
  read: PartitionRead,
  context: RequestContext,
): Pick<PartitionAnswer, 'currentLeader'> {
  const { image } = context.broker.replicas;
  const { topic, topicId, partition } = read.target;
  const known = topic === null ? image.topicById(topicId) : image.topic(topic);
  const state = known?.partitions[partition];
  if (state === undefined) return {};
  return { currentLeader: { leaderId: state.leader, leaderEpoch: state.leaderEpoch } };
}
