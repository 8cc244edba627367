// TxnOffsetCommit: positions that become those of the group when the producer's transaction commits
// (KIP-98), and how the coordinator ends such a transaction.

import type { CommitTopic } from './commit-offsets.ts';

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
