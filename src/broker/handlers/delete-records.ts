// DeleteRecords: moves the start of partitions forward; offset -1 means the high watermark. The
// answer comes when all living replicas begin there, and says where the lowest of them begins.

import { deleteRecords, KafkaError, type RequestOf } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { isInternalTopic } from './topic-answer.ts';

type Request = RequestOf<typeof deleteRecords>;
type Wanted = Request['topics'][number]['partitions'][number];

export const deleteRecordsHandler = defineHandler(deleteRecords, async (request, context) => ({
  topics: await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map((wanted) => answer(name, wanted, { request, context })),
      ),
    })),
  ),
}));

async function answer(
  name: string,
  wanted: Wanted,
  { request, context }: { request: Request; context: RequestContext },
) {
  const { partitionIndex, offset } = wanted;
  const { replicas, io } = context.broker;
  try {
    assertMay(context, AclOperation.DELETE, AclResource.TOPIC, name);
    if (isInternalTopic(name)) throw new KafkaError('INVALID_TOPIC_EXCEPTION');
    const partition = replicas.get(name, partitionIndex);
    if (partition === undefined) {
      const isKnown = context.image.partition(name, partitionIndex) !== undefined;
      throw new KafkaError(isKnown ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION');
    }
    const lowWatermark = await partition.upkeep.deleteRecordsBefore(offset, {
      isAlive: (brokerId) => replicas.image.isAlive(brokerId),
      deadlineMs: io.clock.monotonic() + request.timeoutMs,
    });
    return { partitionIndex, lowWatermark, errorCode: 0 };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { partitionIndex, lowWatermark: -1, errorCode: error.code };
  }
}
