// The one member of a group, of either protocol, whose positions are committed in transactions.

import assert from 'node:assert/strict';
import {
  type Api,
  consumerGroupHeartbeat,
  errorName,
  joinGroup,
  type RequestInput,
  type ResponseOf,
  syncGroup,
} from '../../../src/protocol/index.ts';
import type { Membership } from './steps.ts';

export interface Member {
  readonly memberId: string;
  /** Of the member, or the generation of a classic group. */
  readonly epoch: number;
}

export type Ask = <A extends Api>(
  api: A,
  body: RequestInput<A>,
  version: number,
) => Promise<ResponseOf<A>>;

export async function joinClassic(ask: Ask, groupId: string): Promise<Member> {
  let memberId = '';
  for (;;) {
    const joined = await ask(
      joinGroup,
      {
        ...{ groupId, memberId, sessionTimeoutMs: 300_000, rebalanceTimeoutMs: 300_000 },
        ...{ protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] },
      },
      9,
    );
    ({ memberId } = joined);
    if (joined.errorCode !== 0) {
      const again = ['MEMBER_ID_REQUIRED', 'NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS'];
      assert.ok(again.includes(errorName(joined.errorCode)), errorName(joined.errorCode));
      continue;
    }
    const { generationId } = joined;
    const assignments = [{ memberId, assignment: Buffer.alloc(0) }];
    const protocol = { protocolType: 'consumer', protocolName: 'range' };
    const sync = { groupId, generationId, memberId, assignments, ...protocol };
    const synced = await ask(syncGroup, sync, 5);
    assert.equal(errorName(synced.errorCode), 'NONE');
    return { memberId, epoch: generationId };
  }
}

export async function joinConsumer(ask: Ask, groupId: string, topic: string): Promise<Member> {
  for (;;) {
    const joined = await ask(
      consumerGroupHeartbeat,
      {
        ...{ groupId, memberId: `${groupId}-member`, memberEpoch: 0, rebalanceTimeoutMs: 300_000 },
        ...{ subscribedTopicNames: [topic], topicPartitions: [] },
      },
      1,
    );
    const { errorCode, memberEpoch } = joined;
    if (errorCode === 0) return { memberId: `${groupId}-member`, epoch: memberEpoch };
    const again = ['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS'];
    assert.ok(again.includes(errorName(errorCode)), errorName(errorCode));
  }
}

/** What a request says of its member. */
export function claimOf({ memberId, epoch }: Member, membership: Membership) {
  const claims: Record<Membership, Member> = {
    none: { memberId: '', epoch: -1 },
    right: { memberId, epoch },
    unknown: { memberId: 'nobody', epoch },
    old: { memberId, epoch: epoch - 1 },
    ahead: { memberId, epoch: epoch + 1 },
    nameless: { memberId: '', epoch },
  };
  const claim = claims[membership];
  return { memberId: claim.memberId, generationIdOrMemberEpoch: claim.epoch };
}
