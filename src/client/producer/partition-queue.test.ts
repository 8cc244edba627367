// The batches of one partition on their way, without anybody who sends them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartitionQueue } from './partition-queue.ts';
import { ProducerBatch } from './producer-batch.ts';
import type { ProducerIdentity } from './producer-identity.ts';

const identity = {
  producerId: 7,
  producerEpoch: 0,
  isTransactional: false,
} as unknown as ProducerIdentity;

function filled(batchCount: number, numberedBy: ProducerIdentity | null): PartitionQueue {
  const queue = new PartitionQueue('t', 0, numberedBy);
  for (let number = 0; number < batchCount; number++) {
    const batch = new ProducerBatch(queue, { number }, 0, null);
    batch.recordCount = 1;
    queue.open = batch;
    queue.closeOpen();
  }
  return queue;
}

function takeAll(queue: PartitionQueue): ProducerBatch[] {
  const taken: ProducerBatch[] = [];
  for (let batch = queue.next(0, false); batch !== null; batch = queue.next(0, false)) {
    queue.take(batch);
    taken.push(batch);
  }
  return taken;
}

/** Takes and settles the first batch: until then nothing else of a numbering goes out. */
function establish(queue: PartitionQueue): void {
  const [first, ...others] = takeAll(queue);
  assert.deepEqual(others, []);
  queue.onAcked(first as ProducerBatch);
}

// A connection has its own bound: the leader before may owe answers while the next one has room.
test('no more numbered batches are unsettled than a broker remembers, whoever leads', () => {
  const queue = filled(20, identity);
  establish(queue);
  const underWay = takeAll(queue);
  assert.deepEqual(
    underWay.map(({ baseSequence }) => baseSequence),
    [1, 2, 3, 4, 5],
  );
  queue.onAcked(underWay[1] as ProducerBatch);
  assert.equal(takeAll(queue).length, 1);
});

test('a batch that waits to be sent again counts among the unsettled', () => {
  const queue = filled(20, identity);
  establish(queue);
  const [first, ...others] = takeAll(queue);
  queue.onRetry(first as ProducerBatch);
  assert.equal(queue.next(0, false), first);
  for (const batch of others) queue.onAcked(batch);
  queue.take(first as ProducerBatch);
  assert.equal(takeAll(queue).length, 4);
});

test('batches without numbers are not bounded here', () => {
  assert.equal(takeAll(filled(20, null)).length, 20);
});
