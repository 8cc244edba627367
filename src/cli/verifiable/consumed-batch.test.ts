// How the verifiable consumer counts, and the lines of the verifiable tools.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import type { ConsumerRecord } from '../../client/index.ts';
import { consumedBatch } from './consumed-batch.ts';
import { EventOutput } from './event-output.ts';

const record = (partition: number, offset: number): ConsumerRecord =>
  ({ topic: 't', partition, offset }) as ConsumerRecord;

describe('a consumed batch', () => {
  const records = [record(0, 5), record(0, 7), record(1, 0), record(1, 1)];

  test('counts by partition, with the first and the last offset', () => {
    assert.deepEqual(consumedBatch(records, 100).ranges, [
      { topic: 't', partition: 0, count: 2, minOffset: 5, maxOffset: 7 },
      { topic: 't', partition: 1, count: 2, minOffset: 0, maxOffset: 1 },
    ]);
  });

  test('leaves out what is beyond the number of records to read', () => {
    const { ranges, records: counted } = consumedBatch(records, 3);
    assert.deepEqual(
      ranges.map(({ partition, count, maxOffset }) => [partition, count, maxOffset]),
      [
        [0, 2, 7],
        [1, 1, 0],
      ],
    );
    assert.equal(counted.length, 3);
  });
});

test('an event is one line of JSON with time and name first', async () => {
  await simulate(async (io) => {
    const lines: string[] = [];
    const output = new EventOutput(io, (line) => void lines.push(line));
    output.print('startup_complete');
    output.print('offsets_committed', { offsets: [], success: true });
    const now = io.clock.now();
    assert.deepEqual(lines, [
      `{"timestamp":${now},"name":"startup_complete"}\n`,
      `{"timestamp":${now},"name":"offsets_committed","offsets":[],"success":true}\n`,
    ]);
  });
});
