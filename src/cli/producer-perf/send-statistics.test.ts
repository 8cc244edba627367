// The lines of the producer's performance test: figures and layout.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { percentiles, SendStatistics } from './send-statistics.ts';

function statistics(recordCount: number, intervalMs: number, isSteadyState = false) {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  const options = { recordCount, intervalMs, startedMs: 1000, print, isSteadyState };
  return { lines, of: new SendStatistics(options) };
}

describe('send statistics', () => {
  test('give totals with percentiles in the layout of Kafka', () => {
    const { lines, of } = statistics(1000, 60_000);
    for (let latency = 1; latency <= 1000; latency++) of.onDelivered(latency + 0.9, 1024, 2000);
    of.printTotal(3000);
    assert.deepEqual(lines, [
      '1000 records sent, 500.000000 records/sec (0.49 MB/sec), 500.50 ms avg latency, ' +
        '1000.00 ms max latency, 501 ms 50th, 951 ms 95th, 991 ms 99th, 1000 ms 99.9th.',
    ]);
  });

  test('give a line per interval that counts only the interval', () => {
    const { lines, of } = statistics(100, 500);
    of.onDelivered(10, 1_048_576, 1200);
    of.onDelivered(21, 1_048_576, 1500);
    of.onDelivered(4, 100, 1700);
    of.onDelivered(4, 100, 2500);
    assert.deepEqual(lines, [
      '2 records sent, 4.0 records/sec (4.00 MB/sec), 15.5 ms avg latency, 21.0 ms max latency.',
      '2 records sent, 2.0 records/sec (0.00 MB/sec), 4.0 ms avg latency, 4.0 ms max latency.',
    ]);
  });

  test('name the steady state before its first interval and in its totals', () => {
    const { lines, of } = statistics(10, 100, true);
    of.onDelivered(1, 10, 1100);
    of.onDelivered(1, 10, 1200);
    of.printTotal(1200);
    assert.equal(lines[0], 'In steady state.');
    assert.equal(lines.filter((line) => line === 'In steady state.').length, 1);
    assert.match(
      lines[3] ?? '',
      /^2 steady state records sent, 10\.000000 records\/sec \(0\.00 MB/,
    );
  });

  test('are silent about intervals once they are somebody else’s', () => {
    const { lines, of } = statistics(10, 100);
    of.silence();
    of.onDelivered(1, 10, 1500);
    assert.deepEqual(lines, []);
    of.printTotal(2000);
    assert.equal(lines.length, 1);
  });

  test('keep a bounded sample of very many latencies', () => {
    const { lines, of } = statistics(2_000_000, 1e9);
    for (let count = 0; count < 2_000_000; count++) of.onDelivered(count % 100, 1, 2000);
    of.printTotal(2000);
    // Every fourth of them: 0, 4 … 96.
    assert.match(
      lines[0] ?? '',
      /^2000000 records .* 49\.50 ms avg .* 48 ms 50th, 92 ms 95th, 96 /,
    );
  });

  test('have something to say when nothing was delivered', () => {
    const { lines, of } = statistics(10, 100);
    of.printTotal(2000);
    assert.match(lines[0] ?? '', /^0 records sent, 0\.000000 records\/sec .* 0 ms 99\.9th\.$/);
  });

  test('percentiles do not reorder what they are given', () => {
    const values = new Int32Array([5, 1, 3]);
    assert.deepEqual(percentiles(values, [0, 0.5, 0.999]), [1, 3, 5]);
    assert.deepEqual([...values], [5, 1, 3]);
  });
});
