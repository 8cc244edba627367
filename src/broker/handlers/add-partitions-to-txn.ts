// AddPartitionsToTxn: partitions that a transaction is going to write; from version 4 on for
// several transactions at once, sent by leaders of partitions rather than by producers (KIP-890).
//
// A transaction gets all of the partitions or none: if one does not exist, the others are answered
// OPERATION_NOT_ATTEMPTED.

import type { AddPartitionsRequest } from '../../coordinator/index.ts';
import { addPartitionsToTxn, ErrorCode, KafkaError } from '../../protocol/index.ts';
import {
  AclOperation,
  AclResource,
  assertMay,
  assertMayOnCluster,
  mayOnTopic,
} from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { withoutProducerFenced } from './producer-fenced.ts';
import { isInternalTopic } from './topic-answer.ts';

/** Before KIP-588 a fenced producer heard of its epoch. */
const producerFencedVersionMin = 2;
const batchedVersionMin = 4;

export const addPartitionsToTxnHandler = defineHandler(
  addPartitionsToTxn,
  async (request, context) => {
    if (context.apiVersion >= batchedVersionMin) {
      assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
      const results = request.transactions.map(async (transaction) => ({
        transactionalId: transaction.transactionalId,
        topicResults: await add({ ...transaction, transactionVersion: 2 }, context),
      }));
      return { errorCode: 0, resultsByTransaction: await Promise.all(results) };
    }
    const { v3AndBelowTransactionalId: id } = request;
    assertMay(context, AclOperation.WRITE, AclResource.TRANSACTIONAL_ID, id);
    const transaction: AddPartitionsRequest = {
      transactionalId: id,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      topics: request.v3AndBelowTopics,
      verifyOnly: false,
      transactionVersion: 0,
    };
    return { resultsByTopicV3AndBelow: await add(transaction, context) };
  },
);

async function add(request: AddPartitionsRequest, context: RequestContext) {
  const refusals = codesOf(request, (topic, index) => refusalOf(topic, index, context));
  const isRefused = refusals.some(({ resultsByPartition }) =>
    resultsByPartition.some(({ partitionErrorCode }) => partitionErrorCode !== 0),
  );
  if (isRefused) {
    const { OPERATION_NOT_ATTEMPTED } = ErrorCode;
    return codesOf(request, (topic, index) => {
      return refusalOf(topic, index, context) || OPERATION_NOT_ATTEMPTED;
    });
  }
  try {
    const added = await withoutProducerFenced(
      context.apiVersion < producerFencedVersionMin,
      context.broker.transactions.addPartitions(request),
    );
    return added.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map(({ partitionIndex, errorCode }) => {
        return { partitionIndex, partitionErrorCode: errorCode };
      }),
    }));
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return codesOf(request, () => error.code);
  }
}

function codesOf(
  { topics }: AddPartitionsRequest,
  codeOf: (topic: string, partitionIndex: number) => number,
) {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => {
      return { partitionIndex, partitionErrorCode: codeOf(name, partitionIndex) };
    }),
  }));
}

/** A producer writes to internal topics through coordinators only; 0 when nothing is wrong. */
function refusalOf(name: string, index: number, context: RequestContext): number {
  const { broker, apiVersion } = context;
  if (apiVersion < batchedVersionMin) {
    const mayWrite = !isInternalTopic(name) && mayOnTopic(context, AclOperation.WRITE, name);
    if (!mayWrite) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  }
  const partition = broker.replicas.image.topic(name)?.partitions[index];
  return partition === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : 0;
}
