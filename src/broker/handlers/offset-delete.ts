// OffsetDelete: forgets positions of a group, for topics that it does not consume.

import { ErrorCode, offsetDelete } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const offsetDeleteHandler = defineHandler(offsetDelete, async (request, context) => {
  const { image } = context.broker.replicas;
  const known = request.topics.filter(({ name }) => image.topic(name) !== undefined);
  const deleted = await context.broker.groups.deleteOffsets(request.groupId, known);
  const byName = new Map(deleted.map((topic) => [topic.name, topic]));
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return {
    errorCode: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions:
        byName.get(name)?.partitions ??
        partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  };
});
