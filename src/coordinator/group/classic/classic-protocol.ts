// The requests of the classic protocol and their answers, as values: JoinGroup, SyncGroup,
// Heartbeat and LeaveGroup are the same for members of a classic group and for classic clients in a
// consumer group (../migration).

import {
  ErrorCode,
  type heartbeat,
  type joinGroup,
  type leaveGroup,
  type RequestOf,
  type ResponseInput,
  type syncGroup,
} from '../../../protocol/index.ts';
import type { GroupClient } from '../decision.ts';

export type JoinGroupRequest = RequestOf<typeof joinGroup>;
export type SyncGroupRequest = RequestOf<typeof syncGroup>;
export type HeartbeatRequest = RequestOf<typeof heartbeat>;
export type LeaveGroupRequest = RequestOf<typeof leaveGroup>;
export type LeavingMember = LeaveGroupRequest['members'][number];

export type JoinAnswer = Omit<ResponseInput<typeof joinGroup>, 'throttleTimeMs'>;
export type SyncAnswer = Omit<ResponseInput<typeof syncGroup>, 'throttleTimeMs'>;
export type LeaveAnswer = Omit<ResponseInput<typeof leaveGroup>, 'throttleTimeMs'>;

/** A JoinGroup, and who sends it. */
export interface Join {
  readonly request: JoinGroupRequest;
  readonly client: GroupClient;
  readonly apiVersion: number;
}

export interface LeftMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly errorCode: number;
}

export const noBytes: Buffer = Buffer.alloc(0);

/** Version 0 has one timeout for both. */
export function rebalanceTimeoutOf(request: JoinGroupRequest): number {
  return request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs;
}

export function failedJoin(errorCode: number, memberId: string): JoinAnswer {
  return { errorCode, generationId: -1, protocolName: null, leader: '', memberId, members: [] };
}

export function failedSync(errorCode: number): SyncAnswer {
  return { errorCode, assignment: noBytes };
}

/** Up to version 2 one member leaves. */
export function leavingMembers(
  request: LeaveGroupRequest,
  apiVersion: number,
): readonly LeavingMember[] {
  if (apiVersion >= 3) return request.members;
  return [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
}

/** Up to version 2 the error of the one member is that of the answer. */
export function leaveAnswer(left: LeftMember[], apiVersion: number): LeaveAnswer {
  if (apiVersion >= 3) return { errorCode: 0, members: left };
  return { errorCode: left[0]?.errorCode ?? ErrorCode.NONE, members: [] };
}
