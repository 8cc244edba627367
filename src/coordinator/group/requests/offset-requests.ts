// OffsetCommit, TxnOffsetCommit, OffsetFetch and OffsetDelete, from the group id on: who may, by
// the rules of the kind of group that it is; and how a transaction that has offsets here ends
// (KIP-98).

import { KafkaError } from '../../../protocol/index.ts';
import type { EndMarker, TransactionVerification } from '../../../storage/index.ts';
import { assertMayCommit, assertMayCommitInTransaction } from '../classic/index.ts';
import {
  assertMayCommitInTransactionOf,
  assertMayFetch,
  type CommitCheck,
  checkCommit,
} from '../consumer/index.ts';
import type { Outcome } from '../decision.ts';
import { stringBytesMax } from '../group-record.ts';
import type { GroupTable } from '../group-table.ts';
import {
  type CommitRequest,
  type CommittedTopic,
  commitOffsets,
  type DeletedTopic,
  type DeleteTopic,
  deleteOffsets,
  type FetchedTopic,
  fetchOffsets,
  type TransactionalCommitRequest,
  type WantedTopic,
} from '../offsets/index.ts';

export function onCommit(
  table: GroupTable,
  request: CommitRequest,
  outcome: Outcome,
): CommittedTopic[] {
  // An empty id is accepted for the sake of old clients that have no group.
  if (Buffer.byteLength(request.groupId) > stringBytesMax) throw new KafkaError('INVALID_GROUP_ID');
  const group = table.groups.get(request.groupId);
  let check: CommitCheck | undefined;
  if (group?.kind === 'consumer') check = checkCommit(group, request, table.at.image());
  else if (group !== undefined) assertMayCommit(group, request, table.rebalance.sessions);
  else if (request.generationIdOrMemberEpoch >= 0) {
    // Older clients do not know that a group can be missing.
    throw new KafkaError(
      (request.apiVersion ?? 0) >= 9 ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION',
    );
  }
  return commitOffsets(table.at, { request, check }, outcome);
}

export function onTransactionalCommit(
  table: GroupTable,
  {
    request,
    verification,
  }: {
    readonly request: TransactionalCommitRequest;
    readonly verification: TransactionVerification | null | undefined;
  },
  outcome: Outcome,
): CommittedTopic[] {
  const { groupId, producerId, producerEpoch, topics } = request;
  const group = table.groups.get(groupId);
  if (group?.kind === 'consumer') {
    assertMayCommitInTransactionOf(group, request, table.at.image());
  } else if (group !== undefined) assertMayCommitInTransaction(group, request);
  else if (request.generationIdOrMemberEpoch >= 0) throw new KafkaError('ILLEGAL_GENERATION');
  const producer = { producerId, producerEpoch };
  table.producers.assertMayWrite(producer, verification);
  const commit = { request: { groupId, retentionTimeMs: -1, topics }, producer };
  return commitOffsets(table.at, commit, outcome);
}

export function onEndOfTransaction(table: GroupTable, marker: EndMarker, outcome: Outcome): void {
  table.producers.assertMayEnd(marker);
  outcome.append({ kind: 'EndTransaction', marker });
}

/** Who fetches, where the version says so: members hear that they are late. */
export interface FetchingMember {
  readonly memberId: string | null;
  readonly memberEpoch: number;
}

export function onFetch(
  table: GroupTable,
  {
    groupId,
    topics,
    member,
    requireStable,
  }: {
    readonly groupId: string;
    readonly topics: readonly WantedTopic[] | null;
    readonly member: FetchingMember;
    readonly requireStable: boolean;
  },
): FetchedTopic[] {
  const group = table.consumerGroup(groupId);
  if (group !== undefined) assertMayFetch(group, member.memberId, member.memberEpoch);
  return fetchOffsets(table.offsets, groupId, topics, requireStable);
}

export function onDeleteOffsets(
  table: GroupTable,
  request: { readonly groupId: string; readonly topics: readonly DeleteTopic[] },
  outcome: Outcome,
): DeletedTopic[] {
  const group = table.group(request.groupId, 'GROUP_ID_NOT_FOUND');
  return deleteOffsets(table.offsets, group, { topics: request.topics, outcome });
}
