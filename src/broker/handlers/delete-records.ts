// DeleteRecords: moves the start of partitions forward; offset -1 means the high watermark.

import { deleteRecords, KafkaError, type RequestOf } from '../../protocol/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { isInternalTopic } from './topic-answer.ts';

type Wanted = RequestOf<typeof deleteRecords>['topics'][number]['partitions'][number];

export const deleteRecordsHandler = defineHandler(deleteRecords, async (request, context) => ({
  topics: await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(partitions.map((wanted) => answer(name, wanted, context))),
    })),
  ),
}));

async function answer(name: string, wanted: Wanted, context: RequestContext) {
  const { partitionIndex, offset } = wanted;
  try {
    if (isInternalTopic(name)) throw new KafkaError('INVALID_TOPIC_EXCEPTION');
    const partition = context.broker.replicas.get(name, partitionIndex);
    if (partition === undefined) {
      const isKnown = context.image.partition(name, partitionIndex) !== undefined;
      throw new KafkaError(isKnown ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION');
    }
    const lowWatermark = await partition.deleteRecordsBefore(offset);
    return { partitionIndex, lowWatermark, errorCode: 0 };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { partitionIndex, lowWatermark: -1, errorCode: error.code };
  }
}
