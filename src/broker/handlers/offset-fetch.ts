// OffsetFetch: reads positions of one group, or of several since version 8.

import { ZERO_UUID } from '../../base/uuid.ts';
import { ErrorCode, KafkaError, offsetFetch, type RequestOf } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay, mayOnTopic } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { topicIdOf, topicNamed } from './topic-names.ts';

type Wanted = RequestOf<typeof offsetFetch>['groups'][number];
type WantedTopic = NonNullable<Wanted['topics']>[number];
type Groups = RequestContext['broker']['groups'];
type Fetch = (topics: readonly WantedTopic[] | null) => ReturnType<Groups['fetchOffsets']>;

const groupsVersionMin = 8;
/** Before it an error is said for each partition. */
const groupErrorVersionMin = 2;
/** From this version on topics have ids instead of names. */
const idsVersionMin = 10;

export const offsetFetchHandler = defineHandler(offsetFetch, async (request, context) => {
  if (context.apiVersion >= groupsVersionMin) {
    const { requireStable } = request;
    const groups = request.groups.map((group) => answer(group, requireStable, context));
    return { groups: await Promise.all(groups) };
  }
  const topics =
    request.topics?.map(({ name, partitionIndexes }) => ({
      name,
      topicId: ZERO_UUID,
      partitionIndexes,
    })) ?? null;
  const { groupId } = request;
  const wanted = { groupId, memberId: null, memberEpoch: -1, topics };
  const group = await answer(wanted, request.requireStable, context);
  if (group.errorCode !== 0 && context.apiVersion < groupErrorVersionMin) {
    return { topics: (topics ?? []).map((topic) => refused(topic, group.errorCode)) };
  }
  return { errorCode: group.errorCode, topics: group.topics };
});

async function answer(wanted: Wanted, requireStable: boolean, context: RequestContext) {
  const { groupId, memberId, memberEpoch } = wanted;
  const fetch: Fetch = (topics) => {
    const member = { memberId, memberEpoch };
    return context.broker.groups.fetchOffsets(groupId, topics, { member, requireStable });
  };
  try {
    assertMay(context, AclOperation.DESCRIBE, AclResource.GROUP, groupId);
    const topics =
      wanted.topics === null
        ? await fetchAll(fetch, context)
        : await fetchWanted(fetch, wanted.topics, context);
    return { groupId, errorCode: 0, topics };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { groupId, errorCode: error.code, topics: [] };
  }
}

async function fetchAll(fetch: Fetch, context: RequestContext) {
  const topics = await fetch(null);
  const visible = topics.filter(({ name }) => mayDescribe(name, context));
  const withIds = visible.map((topic) => ({ ...topic, topicId: topicIdOf(topic.name, context) }));
  // A topic without an id cannot be said by id.
  return context.apiVersion < idsVersionMin
    ? withIds
    : withIds.filter(({ topicId }) => topicId !== ZERO_UUID);
}

async function fetchWanted(fetch: Fetch, wanted: readonly WantedTopic[], context: RequestContext) {
  const isById = context.apiVersion >= idsVersionMin;
  const named = wanted.map((topic) => (isById ? withName(topic, context) : topic));
  const isKnown = (topic: WantedTopic | null) => topic !== null && mayDescribe(topic.name, context);
  const known = named.filter((topic): topic is WantedTopic => isKnown(topic));
  const fetched = await fetch(known);
  let next = 0;
  return wanted.map((topic, index) => {
    const found = named[index] ?? null;
    if (found === null) return refused(topic, ErrorCode.UNKNOWN_TOPIC_ID);
    if (!isKnown(found)) return refused(topic, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    const { partitions } = fetched[next++] as (typeof fetched)[number];
    return { name: topic.name, topicId: topic.topicId, partitions };
  });
}

function mayDescribe(name: string, context: RequestContext): boolean {
  return mayOnTopic(context, AclOperation.DESCRIBE, name);
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
