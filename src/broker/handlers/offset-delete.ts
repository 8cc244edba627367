// OffsetDelete: forgets positions of a group, for topics that it does not consume.

import { ErrorCode, offsetDelete } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay, mayOnTopic } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const offsetDeleteHandler = defineHandler(offsetDelete, async (request, context) => {
  assertMay(context, AclOperation.DELETE, AclResource.GROUP, request.groupId);
  const { image } = context.broker.replicas;
  const mayRead = (name: string): boolean => mayOnTopic(context, AclOperation.READ, name);
  const known = request.topics.filter(({ name }) => {
    return mayRead(name) && image.topic(name) !== undefined;
  });
  const deleted = await context.broker.groups.deleteOffsets(request.groupId, known);
  const byName = new Map(deleted.map((topic) => [topic.name, topic]));
  const codeOf = (name: string): number => {
    const { UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
    return mayRead(name) ? UNKNOWN_TOPIC_OR_PARTITION : TOPIC_AUTHORIZATION_FAILED;
  };
  return {
    errorCode: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions:
        byName.get(name)?.partitions ??
        partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: codeOf(name) })),
    })),
  };
});
