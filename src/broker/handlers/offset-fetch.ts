// OffsetFetch: reads positions of one group, or of several since version 8.

import { ZERO_UUID } from '../../base/uuid.ts';
import { ErrorCode, KafkaError, offsetFetch, type RequestOf } from '../../protocol/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { topicIdOf, topicNamed } from './topic-names.ts';

type Wanted = RequestOf<typeof offsetFetch>['groups'][number];
type WantedTopic = NonNullable<Wanted['topics']>[number];

const groupsVersionMin = 8;
/** Before it an error is said for each partition. */
const groupErrorVersionMin = 2;
/** From this version on topics have ids instead of names. */
const idsVersionMin = 10;

export const offsetFetchHandler = defineHandler(offsetFetch, async (request, context) => {
  if (context.apiVersion >= groupsVersionMin) {
    return { groups: await Promise.all(request.groups.map((group) => answer(group, context))) };
  }
  const topics =
    request.topics?.map(({ name, partitionIndexes }) => ({
      name,
      topicId: ZERO_UUID,
      partitionIndexes,
    })) ?? null;
  const { groupId } = request;
  const group = await answer({ groupId, memberId: null, memberEpoch: -1, topics }, context);
  if (group.errorCode !== 0 && context.apiVersion < groupErrorVersionMin) {
    return { topics: (topics ?? []).map((topic) => refused(topic, group.errorCode)) };
  }
  return { errorCode: group.errorCode, topics: group.topics };
});

async function answer(wanted: Wanted, context: RequestContext) {
  const { groupId } = wanted;
  try {
    const topics =
      wanted.topics === null
        ? await fetchAll(wanted, context)
        : await fetchWanted(wanted, wanted.topics, context);
    return { groupId, errorCode: 0, topics };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { groupId, errorCode: error.code, topics: [] };
  }
}

async function fetchAll(member: Wanted, context: RequestContext) {
  const topics = await context.broker.groups.fetchOffsets(member.groupId, null, member);
  const withIds = topics.map((topic) => ({ ...topic, topicId: topicIdOf(topic.name, context) }));
  // A topic without an id cannot be said by id.
  return context.apiVersion < idsVersionMin
    ? withIds
    : withIds.filter(({ topicId }) => topicId !== ZERO_UUID);
}

async function fetchWanted(
  member: Wanted,
  wanted: readonly WantedTopic[],
  context: RequestContext,
) {
  const isById = context.apiVersion >= idsVersionMin;
  const named = wanted.map((topic) => (isById ? withName(topic, context) : topic));
  const known = named.filter((topic) => topic !== null);
  const fetched = await context.broker.groups.fetchOffsets(member.groupId, known, member);
  let next = 0;
  return wanted.map((topic, index) => {
    if (named[index] === null) return refused(topic, ErrorCode.UNKNOWN_TOPIC_ID);
    const { partitions } = fetched[next++] as (typeof fetched)[number];
    return { name: topic.name, topicId: topic.topicId, partitions };
  });
}

function withName(topic: WantedTopic, context: RequestContext): WantedTopic | null {
  try {
    return { ...topic, name: topicNamed(topic, true, context).name };
  } catch (error) {
    if (error instanceof KafkaError) return null;
    throw error;
  }
}

function refused({ name, topicId, partitionIndexes }: WantedTopic, errorCode: number) {
  return {
    name,
    topicId,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: -1,
      committedLeaderEpoch: -1,
      metadata: '' as string | null,
      errorCode,
    })),
  };
}
