// OffsetCommit: stores positions of a group, for topics that exist.

import { offsetCommit } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { commitKnownTopics } from './commit-known-topics.ts';

/** From this version on topics have ids instead of names. */
const idsVersionMin = 10;

export const offsetCommitHandler = defineHandler(offsetCommit, async (request, context) => {
  assertMay(context, AclOperation.READ, AclResource.GROUP, request.groupId);
  const { apiVersion, broker } = context;
  const isById = apiVersion >= idsVersionMin;
  const topics = await commitKnownTopics(
    { topics: request.topics, isById, context },
    async (known) => {
      const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch } = request;
      return await broker.groups.commitOffsets({
        groupId,
        memberId,
        groupInstanceId,
        generationIdOrMemberEpoch,
        apiVersion,
        retentionTimeMs: request.retentionTimeMs,
        topics: known,
      });
    },
  );
  return { topics };
});
