// TxnOffsetCommit: positions that become those of the group when the producer's transaction commits
// (KIP-98), and how the coordinator ends such a transaction.

import { KafkaError } from '../../../protocol/index.ts';
import type { EndMarker, TransactionVerification } from '../../../storage/index.ts';
import { assertMayCommitInTransaction } from '../classic/validate-commit.ts';
import { assertMayCommitInTransactionOf } from '../consumer/validate-member-epoch.ts';
import type { GroupMachine } from '../group-machine.ts';
import type { Outcome } from '../outcome.ts';
import { type CommitTopic, type CommittedTopic, commitOffsets } from './commit-offsets.ts';

export interface TransactionalCommitRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly groupId: string;
  /** Empty, as the generation is -1, from producers older than KIP-447: they are not checked. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationIdOrMemberEpoch: number;
  readonly apiVersion: number;
  readonly topics: readonly CommitTopic[];
}

export function onTransactionalCommit(
  machine: GroupMachine,
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
  const group = machine.groups.get(groupId);
  if (group?.kind === 'consumer') {
    assertMayCommitInTransactionOf(group, request, machine.at.image());
  } else if (group !== undefined) assertMayCommitInTransaction(group, request);
  else if (request.generationIdOrMemberEpoch >= 0) throw new KafkaError('ILLEGAL_GENERATION');
  const producer = { producerId, producerEpoch };
  machine.at.producers.assertMayWrite(producer, verification);
  const commit = { request: { groupId, retentionTimeMs: -1, topics }, producer };
  return commitOffsets(machine.at, commit, outcome);
}

export function onEndOfTransaction(
  machine: GroupMachine,
  marker: EndMarker,
  outcome: Outcome,
): void {
  machine.at.producers.assertMayEnd(marker);
  outcome.append({ kind: 'EndTransaction', marker });
}
