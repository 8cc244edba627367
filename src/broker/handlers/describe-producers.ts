// DescribeProducers (KIP-664): the producers that a partition remembers, and their transactions.

import { describeProducers, KafkaError, type ResponseInput } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { isTopicName } from './topic-answer.ts';

type Answer = ResponseInput<typeof describeProducers>['topics'][number]['partitions'][number];

export const describeProducersHandler = defineHandler(describeProducers, (request, context) => ({
  topics: request.topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => answer(name, index, context)),
  })),
}));

function answer(topic: string, partitionIndex: number, context: RequestContext): Answer {
  try {
    return {
      partitionIndex,
      errorCode: 0,
      errorMessage: null,
      activeProducers: producersOf(topic, partitionIndex, context),
    };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return {
      partitionIndex,
      errorCode: error.code,
      errorMessage: error.message,
      activeProducers: [],
    };
  }
}

function producersOf(topic: string, index: number, context: RequestContext) {
  assertMay(context, AclOperation.READ, AclResource.TOPIC, topic);
  if (!isTopicName(topic)) throw new KafkaError('INVALID_TOPIC_EXCEPTION');
  const partition = context.broker.replicas.get(topic, index);
  if (partition === undefined) {
    const isKnown = context.image.partition(topic, index) !== undefined;
    throw new KafkaError(isKnown ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION');
  }
  partition.assertLeader();
  return partition.producers.snapshot().map((producer) => ({
    producerId: producer.producerId,
    producerEpoch: producer.epoch,
    lastSequence: producer.lastSequence,
    lastTimestamp: producer.timestamp,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.currentTxnFirstOffset,
  }));
}
