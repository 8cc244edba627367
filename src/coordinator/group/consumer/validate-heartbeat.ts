// What a ConsumerGroupHeartbeat must say, whatever the group is.

import {
  type consumerGroupHeartbeat,
  KafkaError,
  type RequestOf,
} from '../../../protocol/index.ts';
import { awayEpoch, joiningEpoch, leavingEpoch } from './consumer-member.ts';

export type ConsumerHeartbeatRequest = RequestOf<typeof consumerGroupHeartbeat>;

/** Strings of the records have a length that is checked, and nobody needs as much. */
const nameBytesMax = 0x7fff;

/** @throws KafkaError INVALID_REQUEST, UNSUPPORTED_ASSIGNOR */
export function assertValidHeartbeat(
  request: ConsumerHeartbeatRequest,
  { apiVersion, assignors }: { apiVersion: number; assignors: readonly string[] },
): void {
  const { memberId, memberEpoch, groupId, instanceId, rackId, serverAssignor } = request;
  const needsId = apiVersion >= 1 || memberEpoch > joiningEpoch || memberEpoch === leavingEpoch;
  if (needsId) assertNotEmpty(memberId, 'MemberId');
  assertNotEmpty(groupId, 'GroupId');
  assertNotEmpty(instanceId, 'InstanceId');
  assertNotEmpty(rackId, 'RackId');
  for (const name of [memberId, groupId, instanceId, rackId]) {
    assertThat(Buffer.byteLength(name ?? '') <= nameBytesMax, 'A name is too long.');
  }
  assertThat(memberEpoch >= awayEpoch, 'MemberEpoch is not valid.');
  if (memberEpoch === joiningEpoch) assertValidJoin(request);
  if (memberEpoch === awayEpoch) {
    assertThat(instanceId !== null, 'Only a member with an InstanceId can leave for a while.');
  }
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    throw new KafkaError(
      'UNSUPPORTED_ASSIGNOR',
      `ServerAssignor ${serverAssignor} is not one of ${assignors.join(', ')}.`,
    );
  }
}

function assertValidJoin(request: ConsumerHeartbeatRequest): void {
  const { rebalanceTimeoutMs, topicPartitions, subscribedTopicNames } = request;
  assertThat(rebalanceTimeoutMs !== -1, 'Who joins must give a RebalanceTimeoutMs.');
  assertThat(topicPartitions?.length === 0, 'Who joins must have no TopicPartitions.');
  assertThat(
    subscribedTopicNames !== null || regexOf(request) !== null,
    'Who joins must give SubscribedTopicNames or a SubscribedTopicRegex.',
  );
}

/** Version 0 has no expressions. */
export function regexOf(request: ConsumerHeartbeatRequest): string | null {
  return request.subscribedTopicRegex ?? null;
}

function assertNotEmpty(name: string | null, field: string): void {
  assertThat(name === null || name.trim() !== '', `${field} must not be empty.`);
}

function assertThat(condition: boolean, why: string): void {
  if (!condition) throw new KafkaError('INVALID_REQUEST', why);
}
