// What kafka-replica-verification finds in replicas that are the same, behind, or different.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeBatch } from '../../protocol/index.ts';
import {
  type ComparedPartition,
  DifferentOffsets,
  ReplicaComparison,
} from './replica-comparison.ts';

/** Batches of one record each, from the offset on. */
function batches(baseOffset: number, ...values: string[]): Buffer {
  return Buffer.concat(
    values.map((value, index) =>
      encodeBatch({ baseOffset: baseOffset + index, records: [{ value: Buffer.from(value) }] }),
    ),
  );
}

const partition = (changes: Partial<ComparedPartition> = {}): ComparedPartition => ({
  topic: 't',
  partition: 0,
  replicas: [1, 2],
  offset: 0,
  ...changes,
});

describe('a comparison of replicas', () => {
  test('moves on behind what all of them have', () => {
    const comparison = new ReplicaComparison([partition()]);
    const read = { highWatermark: 3, batches: batches(0, 'a', 'b', 'c') };
    assert.deepEqual(
      comparison.compare(() => read),
      [],
    );
    assert.equal(comparison.positionsOf(1)[0]?.offset, 3);
    assert.deepEqual(comparison.maxLag(), { topic: 't', partition: 0, offset: 3, records: 0 });
  });

  test('compares no record that is not below the watermark of each replica', () => {
    const comparison = new ReplicaComparison([partition()]);
    const lines = comparison.compare((_, nodeId) =>
      nodeId === 1
        ? { highWatermark: 3, batches: batches(0, 'a', 'b', 'c') }
        : { highWatermark: 1, batches: batches(0, 'a', 'other', 'tail') },
    );
    assert.deepEqual(lines, []);
    assert.deepEqual(comparison.maxLag(), { topic: 't', partition: 0, offset: 1, records: 2 });
  });

  test('waits for a broker that is away, and goes on with what it has no part in', () => {
    const comparison = new ReplicaComparison([
      partition(),
      partition({ partition: 1, replicas: [1] }),
    ]);
    const read = { highWatermark: 2, batches: batches(0, 'a', 'b') };
    comparison.compare((_, nodeId) => (nodeId === 2 ? null : read));
    assert.deepEqual(
      comparison.positionsOf(1).map(({ offset }) => offset),
      [0, 2],
    );
    assert.deepEqual(comparison.maxLag(), { topic: 't', partition: 0, offset: 0, records: 2 });
  });

  test('names the batches that differ, and goes on', () => {
    const comparison = new ReplicaComparison([partition()]);
    const lines = comparison.compare((_, nodeId) => ({
      highWatermark: 3,
      batches: nodeId === 1 ? batches(0, 'a', 'b', 'c') : batches(0, 'a', 'x', 'c'),
    }));
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] as string,
      /^partition t-0 has unmatched checksum at offset 1; replica 1's checksum \d+; replica 2's /,
    );
    assert.equal(comparison.positionsOf(2)[0]?.offset, 3);
  });

  test('ends where batches lie at different offsets', () => {
    const comparison = new ReplicaComparison([partition()]);
    assert.throws(
      () =>
        comparison.compare((_, nodeId) => ({
          highWatermark: 9,
          batches: batches(nodeId === 1 ? 0 : 1, 'a'),
        })),
      (error) =>
        error instanceof DifferentOffsets &&
        error.message === "partition t-0: replica 1's offset 0 doesn't match replica 2's offset 1",
    );
  });
});
