// Produce: appends batches and answers when the requested number of acknowledgements is there.
// The appends of a request happen before the first await, so that pipelined requests of one
// producer land in the order in which they were sent; those that open a transaction may have to
// wait for its coordinator, and keep that order by themselves (transactional-produce.ts).

import { ZERO_UUID } from '../../base/uuid.ts';
import { IoError } from '../../io/index.ts';
import {
  type BatchHeader,
  ErrorCode,
  KafkaError,
  magicOf,
  produce,
  type RequestOf,
  type ResponseInput,
  readSentBatchHeader,
  upConvert,
} from '../../protocol/index.ts';
import type { Partition } from '../../replication/index.ts';
import type { AppendResult } from '../../storage/index.ts';
import { AclOperation, AclResource, assertMay, refusalOn } from '../authorization.ts';
import { currentLeaderOf, endpointsOf } from '../current-leaders.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { appendTransactional, type TransactionalAppend } from '../transactional-produce.ts';
import { isInternalTopic } from './topic-answer.ts';

type Request = RequestOf<typeof produce>;
type Response = ResponseInput<typeof produce>;
type TopicData = Request['topicData'][number];
type PartitionAnswer = Response['responses'][number]['partitionResponses'][number];

/** An append that is done and may still have to wait for its acknowledgements. */
interface Appended {
  readonly partition: Partition;
  readonly result: AppendResult;
  readonly answer: Mutable<PartitionAnswer>;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

const acksAll = -1;
const zstd = 4;

export const produceHandler = defineHandler(produce, (request, context) => {
  const refused = context.rights.isBound ? transactionalRefusal(request, context) : null;
  const appended: Appended[] = [];
  let transactional = null as TransactionalAppend[] | null;
  const responses = request.topicData.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitionResponses: topic.partitionData.map(({ index, records }) => {
      const answer: Mutable<PartitionAnswer> = { index, errorCode: 0, baseOffset: -1 };
      try {
        if (refused !== null) throw refused;
        const partition = findPartition(topic, index, context);
        assertMayProduce(partition, { request, context });
        const header = headerOf(records, context.apiVersion);
        const batch = header === null ? upConvert(records as Buffer) : (records as Buffer);
        if (header?.isTransactional) {
          transactional ??= [];
          const onTurn = (append: () => AppendResult) => {
            try {
              appended.push(succeed(answer, partition, append()));
            } catch (error) {
              fail(answer, error);
            }
          };
          transactional.push({ partition, batch, header, onTurn });
        } else {
          appended.push(succeed(answer, partition, partition.appendAsLeader(batch)));
        }
      } catch (error) {
        fail(answer, error);
      }
      return answer;
    }),
  }));
  const response: Mutable<Response> = { responses };
  if (transactional === null) return finish(response, appended, { request, context });
  const { transactionalId } = request;
  const waiting = appendTransactional(transactional, transactionalId, context);
  if (waiting === null) return finish(response, appended, { request, context });
  return waiting.then(() => finish(response, appended, { request, context }));
});

function succeed(
  answer: Mutable<PartitionAnswer>,
  partition: Partition,
  result: AppendResult,
): Appended {
  answer.baseOffset = result.baseOffset;
  answer.logAppendTimeMs = result.logAppendTimeMs;
  answer.logStartOffset = result.logStartOffset;
  return { partition, result, answer };
}

function finish(
  response: Mutable<Response>,
  appended: readonly Appended[],
  { request, context }: { request: Request; context: RequestContext },
): Response | null | Promise<Response> {
  if (request.acks === 0) return finishUnacknowledged(response, context);
  const waits = waitsOf(appended, request, context);
  if (waits.length > 0) return Promise.all(waits).then(() => withLeaders(response, context));
  return appended.length === partitionCount(request) ? response : withLeaders(response, context);
}

function partitionCount({ topicData }: Request): number {
  let count = 0;
  for (const { partitionData } of topicData) count += partitionData.length;
  return count;
}

/** Names the leaders of partitions that are led elsewhere (KIP-951). */
function withLeaders(response: Mutable<Response>, context: RequestContext): Response {
  if (context.apiVersion < 10) return response;
  const leaderIds = new Set<number>();
  for (const { name, topicId, partitionResponses } of response.responses) {
    const topic = context.apiVersion >= 13 ? null : (name ?? null);
    for (const answer of partitionResponses as readonly Mutable<PartitionAnswer>[]) {
      if (answer.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) continue;
      const partition = { topic, topicId: topicId ?? ZERO_UUID, partition: answer.index };
      const currentLeader = currentLeaderOf(partition, context);
      if (currentLeader === null) continue;
      answer.currentLeader = currentLeader;
      leaderIds.add(currentLeader.leaderId);
    }
  }
  if (leaderIds.size > 0) response.nodeEndpoints = endpointsOf(leaderIds, context);
  return response;
}

function findPartition(topic: TopicData, index: number, context: RequestContext): Partition {
  const { replicas } = context.broker;
  if (context.rights.isBound) assertMayWrite(topic, context);
  if (context.apiVersion >= 13) {
    const partition = replicas.getById(topic.topicId, index);
    if (partition !== undefined) return partition;
    const isKnown = topic.topicId !== ZERO_UUID && context.image.topicById(topic.topicId);
    throw new KafkaError(isKnown ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'UNKNOWN_TOPIC_ID');
  }
  const partition = replicas.get(topic.name, index);
  if (partition !== undefined) return partition;
  const isKnown = context.image.partition(topic.name, index) !== undefined;
  throw new KafkaError(isKnown ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION');
}

/** What is not there under its id is nobody's. */
function assertMayWrite({ name, topicId }: TopicData, context: RequestContext): void {
  const written = context.apiVersion >= 13 ? context.image.topicById(topicId)?.name : name;
  if (written !== undefined) assertMay(context, AclOperation.WRITE, AclResource.TOPIC, written);
}

/** Of the whole request, if any batch in it is of a transaction. */
function transactionalRefusal(
  { topicData, transactionalId }: Request,
  { rights }: RequestContext,
): KafkaError | null {
  const isTransactional = topicData.some(({ partitionData }) =>
    partitionData.some(({ records }) => records !== null && isOfTransaction(records)),
  );
  if (!isTransactional) return null;
  const { TRANSACTIONAL_ID } = AclResource;
  const mayWrite =
    transactionalId !== null &&
    rights.authorize(AclOperation.WRITE, TRANSACTIONAL_ID, transactionalId);
  if (mayWrite) return null;
  rights.noteRefusal(AclOperation.WRITE, TRANSACTIONAL_ID, transactionalId ?? '');
  return refusalOn(TRANSACTIONAL_ID);
}

/** By the attributes of a batch that is not validated yet. */
function isOfTransaction(records: Buffer): boolean {
  return records.length > 22 && magicOf(records) === 2 && ((records[22] as number) & 0x10) !== 0;
}

function assertMayProduce(
  partition: Partition,
  { request, context }: { request: Request; context: RequestContext },
): void {
  if (request.acks < acksAll || request.acks > 1) throw new KafkaError('INVALID_REQUIRED_ACKS');
  if (isInternalTopic(partition.topic) && context.clientId !== '__admin_client') {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `${partition.topic} is written by the cluster`);
  }
  partition.assertLeader();
  if (request.acks === acksAll) partition.assertEnoughReplicas();
}

/** One batch of magic 2 since version 3; null for the message sets of older producers. */
function headerOf(records: Buffer | null, version: number): BatchHeader | null {
  if (records === null || records.length === 0) {
    throw new KafkaError('INVALID_RECORD', 'a produce request must have a batch per partition');
  }
  const magic = magicOf(records) ?? -1;
  if (version < 3 && magic < 2) return null;
  if (magic !== 2) {
    const isKnown = magic === 0 || magic === 1;
    throw new KafkaError(
      isKnown ? 'INVALID_RECORD' : 'CORRUPT_MESSAGE',
      `produce v${version} takes record batches of magic 2`,
    );
  }
  const header = readSentBatchHeader(records, 0);
  if (header.sizeBytes !== records.length) {
    throw new KafkaError('INVALID_RECORD', 'a produce request takes exactly one batch');
  }
  if (version < 7 && header.compression === zstd) {
    throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', 'zstd needs produce v7 (KIP-110)');
  }
  return header;
}

/** What stands between the append and the answer; empty in the common case. */
function waitsOf(
  appended: readonly Appended[],
  request: Request,
  context: RequestContext,
): Promise<void>[] {
  const waits: Promise<void>[] = [];
  let deadlineMs = 0;
  for (const one of appended) {
    const { partition, result } = one;
    const end = result.lastOffset + 1;
    const isAll = request.acks === acksAll;
    if (isAll ? partition.highWatermark >= end : !partition.isFlushPending(end)) continue;
    deadlineMs ||= context.broker.io.clock.monotonic() + Math.max(0, request.timeoutMs);
    const wait = isAll
      ? partition.offsetReached(end, deadlineMs)
      : partition.offsetFlushed(end, deadlineMs);
    waits.push(wait.then(undefined, (error: unknown) => fail(one.answer, error)));
  }
  return waits;
}

function fail(answer: Mutable<PartitionAnswer>, error: unknown): void {
  answer.baseOffset = -1;
  answer.logAppendTimeMs = -1;
  answer.logStartOffset = -1;
  if (error instanceof KafkaError) {
    answer.errorCode = error.code;
    answer.errorMessage = error.message;
    answer.recordErrors = error.recordErrors;
  } else if (error instanceof IoError) {
    answer.errorCode = ErrorCode.KAFKA_STORAGE_ERROR;
    answer.errorMessage = error.message;
  } else {
    throw error;
  }
}

/** acks=0 has no answer; the only way to tell the producer of an error is to hang up. */
function finishUnacknowledged(response: Response, context: RequestContext): null {
  for (const { name, partitionResponses } of response.responses) {
    const failed = partitionResponses.find((answer) => answer.errorCode !== 0);
    if (failed === undefined) continue;
    const reason = `produce with acks=0 to ${name}-${failed.index}: ${failed.errorMessage}`;
    context.client.connection.close(new Error(reason));
    return null;
  }
  return null;
}
