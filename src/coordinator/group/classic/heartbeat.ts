// Heartbeat: a member lives, and hears whether it should join again.

import { type heartbeat, KafkaError, type RequestOf } from '../../../protocol/index.ts';
import type { ClassicGroup } from './classic-group.ts';
import { assertGeneration, assertMember } from './fencing.ts';
import type { Rebalance } from './rebalance.ts';

export type HeartbeatRequest = RequestOf<typeof heartbeat>;

/** @throws KafkaError REBALANCE_IN_PROGRESS, and those of fencing */
export function onHeartbeat(
  rebalance: Rebalance,
  group: ClassicGroup,
  request: HeartbeatRequest,
): void {
  if (group.state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  const member = assertMember(group, request.memberId, request.groupInstanceId);
  assertGeneration(group, request.generationId);
  if (group.state === 'Empty') throw new KafkaError('UNKNOWN_MEMBER_ID');
  rebalance.sessions.restart(group, member);
  if (group.state === 'PreparingRebalance') throw new KafkaError('REBALANCE_IN_PROGRESS');
}
