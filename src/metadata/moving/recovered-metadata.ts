// Metadata of yesterday for brokers that have lived on since: what has to be ahead of everything
// that may have been given out meanwhile.
//
// Invariants: no leader epoch, partition epoch, producer id or metadata offset that any broker or
// client may know is given out a second time; everything else is as it was.

import type { Uuid } from '../../base/uuid.ts';
import type { MetadataRecord } from '../records/index.ts';
import type { WholeMetadata } from './whole-metadata.ts';

/** Elections of one partition since, where no log tells. */
const epochsAhead = 1_000;
const producerIdsAhead = 1_000_000;

export interface LivedOn {
  /** The metadata were applied up to here by some broker; -1: by nobody. */
  readonly appliedOffset: number;
  /** The newest leader epoch in a log: by topic id and partition, `id/0`. */
  readonly leaderEpochs: ReadonlyMap<string, number>;
}

export function partitionKey(topicId: Uuid, partition: number): string {
  return `${topicId}/${partition}`;
}

export function aheadOf(metadata: WholeMetadata, lived: LivedOn): WholeMetadata {
  const { endOffset } = metadata;
  const isGivenOut = metadata.records.some(({ type }) => type === 'ProducerIdsRecord');
  const none = { type: 'ProducerIdsRecord', brokerId: -1, brokerEpoch: -1, nextProducerId: 0 };
  const records = isGivenOut ? metadata.records : [...metadata.records, none as MetadataRecord];
  return {
    ...metadata,
    endOffset: Math.max(endOffset, lived.appliedOffset + 1),
    records: records.map((record) => recordAhead(record, lived)),
  };
}

function recordAhead(record: MetadataRecord, { leaderEpochs }: LivedOn): MetadataRecord {
  if (record.type === 'ProducerIdsRecord') {
    return { ...record, nextProducerId: record.nextProducerId + producerIdsAhead };
  }
  if (record.type !== 'PartitionRecord') return record;
  const { leaderEpoch = 0, partitionEpoch = 0, topicId, partitionId = 0 } = record;
  const found = leaderEpochs.get(partitionKey(topicId, partitionId)) ?? -1;
  return {
    ...record,
    leaderEpoch: Math.max(leaderEpoch + epochsAhead, found + 1),
    partitionEpoch: partitionEpoch + epochsAhead,
  };
}
