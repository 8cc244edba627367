// One round of joining a classic group: JoinGroup, which waits for all members, then SyncGroup,
// which waits for the leader's assignment.

import type { ClientConnection } from '../../../network/index.ts';
import {
  ErrorCode,
  isRetriable,
  joinGroup,
  KafkaError,
  type RequestInput,
  type ResponseOf,
  syncGroup,
} from '../../../protocol/index.ts';
import type { TopicPartition } from '../../leader-requests.ts';
import { type Assignor, decodeAssignment, encodeSubscription } from '../assignors/index.ts';
import type { MembershipContext } from '../group-membership.ts';
import { assignorNamed, planAsLeader, type TopicSnapshot } from './leader.ts';

export interface JoinPlea {
  readonly memberId: string;
  readonly generation: number;
  readonly topics: readonly string[];
  readonly owned: readonly TopicPartition[];
  readonly assignors: readonly Assignor[];
  readonly reason: string;
  /** JoinGroup is answered: from now on heartbeats are due, and others may wait for us. */
  readonly onJoined: (memberId: string, generation: number) => void;
}

export type JoinOutcome =
  | {
      readonly kind: 'joined';
      readonly partitions: TopicPartition[];
      readonly assignor: Assignor;
      /** null: another member leads. */
      readonly snapshot: TopicSnapshot | null;
    }
  /** Another round, with this member id (KIP-394) or the one we have. */
  | { readonly kind: 'again'; readonly memberId: string | null }
  /** We are not, or not any more, who we said. */
  | { readonly kind: 'rejected'; readonly code: number };

type JoinAnswer = ResponseOf<typeof joinGroup>;

const protocolType = 'consumer';
/** The coordinator answers when the rebalance timeout is over: give the answer time to arrive. */
const graceMs = 5000;

/** Throws what the network throws, and KafkaErrors; those that are retriable want another round. */
export async function joinOnce(context: MembershipContext, plea: JoinPlea): Promise<JoinOutcome> {
  const answer = await requestJoin(context, plea);
  if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
    return { kind: 'again', memberId: answer.memberId };
  }
  const rejection = outcomeOfCode(context, answer.errorCode);
  if (rejection !== null) return rejection;
  if (answer.protocolType !== null && answer.protocolType !== protocolType) {
    const message = `group ${context.groupId} is of type ${answer.protocolType}`;
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', message);
  }
  plea.onJoined(answer.memberId, answer.generationId);
  const assignor = assignorNamed(plea.assignors, answer.protocolName);
  const isLeader = answer.leader === answer.memberId;
  const { client } = context;
  const plan = isLeader
    ? await planAsLeader(client, assignor, answer.members, answer.skipAssignment)
    : null;
  const synced = await requestSync(context, answer, plan?.assignments ?? []);
  const failure = outcomeOfCode(context, synced.errorCode);
  if (failure !== null) return failure;
  const partitions = decodeAssignment(synced.assignment);
  return { kind: 'joined', partitions, assignor, snapshot: plan?.snapshot ?? null };
}

function requestJoin(context: MembershipContext, plea: JoinPlea): Promise<JoinAnswer> {
  const { options, groupId, coordinator, client } = context;
  const rackId = options.clientRack === '' ? null : options.clientRack;
  const body: RequestInput<typeof joinGroup> = {
    groupId,
    sessionTimeoutMs: options.sessionTimeoutMs,
    rebalanceTimeoutMs: options.maxPollIntervalMs,
    memberId: plea.memberId,
    groupInstanceId: options.groupInstanceId,
    protocolType,
    protocols: plea.assignors.map((assignor) => {
      const { topics, owned, generation } = plea;
      const userData = assignor.userData(topics);
      const metadata = encodeSubscription({ topics, userData, owned, generation, rackId });
      return { name: assignor.name, metadata };
    }),
    reason: plea.reason,
  };
  const patienceMs = options.maxPollIntervalMs + graceMs;
  const timeoutMs = Math.max(client.options.requestTimeoutMs, patienceMs);
  return coordinator.request(joinGroup, body, { timeoutMs });
}

function requestSync(
  context: MembershipContext,
  joined: JoinAnswer,
  assignments: { memberId: string; assignment: Buffer }[],
): Promise<ResponseOf<typeof syncGroup>> {
  const { options, groupId, coordinator, client } = context;
  const build = (connection: ClientConnection): RequestInput<typeof syncGroup> => ({
    groupId,
    generationId: joined.generationId,
    memberId: joined.memberId,
    groupInstanceId: (connection.versionOf(syncGroup) ?? 0) < 3 ? null : options.groupInstanceId,
    protocolType,
    protocolName: joined.protocolName,
    assignments,
  });
  const patienceMs = options.maxPollIntervalMs + graceMs;
  const timeoutMs = Math.max(client.options.requestTimeoutMs, patienceMs);
  return coordinator.request(syncGroup, build, { timeoutMs });
}

/** null: no error. Throws the errors that this member can do nothing about. */
function outcomeOfCode({ coordinator, groupId }: MembershipContext, code: number) {
  if (code === ErrorCode.NONE) return null;
  coordinator.onErrorCode(code);
  if (code === ErrorCode.REBALANCE_IN_PROGRESS) return { kind: 'again', memberId: null } as const;
  if (code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.ILLEGAL_GENERATION) {
    return { kind: 'rejected', code } as const;
  }
  const { message } = KafkaError.fromCode(code);
  // A coordinator that does not answer its own deadline may have lost the round.
  if (isRetriable(code)) throw KafkaError.fromCode(code, message);
  throw KafkaError.fromCode(code, `group ${groupId}: ${message}`);
}
