// Metadata of yesterday give nothing out a second time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMetadata } from '../../../tests/doubles/metadata/sample-metadata.ts';
import type { MetadataRecord } from '../records/index.ts';
import { aheadOf, partitionKey } from './recovered-metadata.ts';

const sample = sampleMetadata();

function only<Type extends MetadataRecord['type']>(type: Type, records = sample.records) {
  return records.filter((each) => each.type === type) as Extract<MetadataRecord, { type: Type }>[];
}

test('recovered metadata are ahead of all epochs, ids and offsets that were given out', () => {
  const [first, second] = only('PartitionRecord');
  assert.ok(first !== undefined && second !== undefined);
  const newest = (first.leaderEpoch ?? 0) + 5_000;
  const leaderEpochs = new Map([[partitionKey(first.topicId, first.partitionId ?? -1), newest]]);
  const ahead = aheadOf(sample, { appliedOffset: 9_000, leaderEpochs });
  assert.equal(ahead.endOffset, 9_001);
  const [of1, of2] = only('PartitionRecord', ahead.records);
  assert.equal(of1?.leaderEpoch, newest + 1);
  assert.equal(of2?.leaderEpoch, (second.leaderEpoch ?? 0) + 1_000);
  assert.equal(of1?.partitionEpoch, (first.partitionEpoch ?? 0) + 1_000);
  assert.equal(only('ProducerIdsRecord', ahead.records)[0]?.nextProducerId, 4_000 + 1_000_000);
  const others = (records: readonly MetadataRecord[]): MetadataRecord[] =>
    records.filter(({ type }) => type !== 'PartitionRecord' && type !== 'ProducerIdsRecord');
  assert.deepEqual(others(ahead.records), others(sample.records));
});

test('metadata from before the first producer id are ahead of it, too', () => {
  const records = sample.records.filter(({ type }) => type !== 'ProducerIdsRecord');
  const ahead = aheadOf({ ...sample, records }, { appliedOffset: -1, leaderEpochs: new Map() });
  assert.equal(only('ProducerIdsRecord', ahead.records)[0]?.nextProducerId, 1_000_000);
  assert.equal(ahead.endOffset, sample.endOffset);
});
