// metadata-counts.ts: what becomes of a reassignment, as the records of the controller say it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  completeRecord,
  encodeRecord,
  type MetadataRecord,
} from '../src/metadata/records/index.ts';
import { MetadataCounts } from './metadata-counts.ts';
import { Reached } from './reached.ts';

const topicId = 'AAAAAAAAAAAAAAAAAAAACg';
const partitionOf = { partitionId: 0, topicId };

function setUp() {
  const reached = new Reached();
  const counts = new MetadataCounts(reached);
  let controllerEpoch = 1;
  const commit = (...records: MetadataRecord[]): void => {
    const encoded = records.map((record) => encodeRecord(completeRecord(record)));
    const at = { baseOffset: 0, endOffset: 1, timestampMs: 0, controllerId: 1 };
    counts.onBatch({ ...at, controllerEpoch, records: encoded });
  };
  const topic: MetadataRecord = { type: 'TopicRecord', name: 't', topicId };
  commit(topic, {
    ...{ type: 'PartitionRecord', ...partitionOf, replicas: [1, 2], isr: [1, 2] },
    ...{ removingReplicas: [], addingReplicas: [], leader: 1, leaderEpoch: 0, partitionEpoch: 0 },
  });
  const change = (fields: Record<string, unknown>): void => {
    commit({ type: 'PartitionChangeRecord', ...partitionOf, ...fields } as MetadataRecord);
  };
  const takeOver = (): void => {
    controllerEpoch++;
    commit();
  };
  const move = (): void => {
    change({ replicas: [1, 3, 2], addingReplicas: [3], removingReplicas: [2] });
  };
  return { reached, counts, change, takeOver, move };
}

test('a reassignment is complete when its target is what is left', () => {
  const { reached, counts, change, takeOver, move } = setUp();
  move();
  takeOver();
  change({ leader: 2 });
  change({ isr: [1, 3], replicas: [1, 3], addingReplicas: [], removingReplicas: [] });
  assert.deepEqual(Object.fromEntries(reached.counts), {
    reassignments: 1,
    'controller changes': 1,
    '… across a change of controller': 1,
    elections: 1,
    '… across an election': 1,
    'ISR shrinks': 1,
    'ISR growths': 1,
    '… completed': 1,
    'replicas added': 1,
    'replicas removed': 1,
  });
  const known = counts.partition({ topic: 't', partition: 0 });
  assert.deepEqual(known?.replicas, [1, 3]);
  assert.deepEqual([...(known?.everReplicas ?? [])], [1, 2, 3]);
});

test('one that is taken back is cancelled, and is not complete', () => {
  const { reached, change, move } = setUp();
  move();
  change({ replicas: [1, 2], addingReplicas: [], removingReplicas: [] });
  assert.equal(reached.counts.get('… cancelled'), 1);
  assert.equal(reached.counts.get('… completed'), undefined);
});

test('one whose target becomes another is superseded, also where that is complete at once', () => {
  const { reached, change, move } = setUp();
  move();
  change({ replicas: [1, 4, 2, 3], addingReplicas: [4], removingReplicas: [2, 3] });
  assert.equal(reached.counts.get('… superseded'), 1);
  change({ replicas: [2], addingReplicas: [], removingReplicas: [] });
  assert.equal(reached.counts.get('… superseded'), 2);
  assert.equal(reached.counts.get('reassignments'), 1);
});
