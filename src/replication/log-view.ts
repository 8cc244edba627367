// What others than its partition may know of a log: they read, and change nothing. What changes a
// log goes through its partition, where the epochs and the high watermark are.

import type { LeaderEpochCache, PartitionLog, ProducerStates } from '../storage/index.ts';

/** One object for each log: another one means that the partition moved to another directory. */
export type LogView = Pick<
  PartitionLog,
  | 'config'
  | 'logStartOffset'
  | 'logEndOffset'
  | 'recoveryPoint'
  | 'sizeBytes'
  | 'endOffsetForEpoch'
  | 'offsetForTimestamp'
  | 'offsetOfMaxTimestamp'
> & {
  readonly leaderEpochs: Pick<LeaderEpochCache, 'entries' | 'latestEpoch' | 'epochForOffset'>;
};

/** What is known of idempotent and transactional producers, and who of them is being verified. */
export type LogProducers = Pick<
  ProducerStates,
  | 'epochsOf'
  | 'hasOpenTransaction'
  | 'snapshot'
  | 'beginVerification'
  | 'verificationOf'
  | 'onDecided'
>;
