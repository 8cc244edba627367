// The lines of the consumer's performance test: figures and layout.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../command-line.ts';
import { ConsumptionStatistics } from './consumption-statistics.ts';
import { simpleDateFormat } from './simple-date-format.ts';

function statistics(isDetailed: boolean, intervalMs = 5000) {
  const lines: string[] = [];
  const of = new ConsumptionStatistics({
    startedMs: 10_000,
    formatTime: (ms) => `@${ms}`,
    isDetailed,
    intervalMs,
    print: (line) => void lines.push(line),
  });
  return { lines, of };
}

const columns =
  'data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, ' +
  'rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec';

describe('consumption statistics', () => {
  test('give one line with the time of the rebalance apart', () => {
    const { lines, of } = statistics(false);
    of.printHeader();
    of.onAssigned(10_529);
    for (let count = 0; count < 2000; count++) of.onRecord(100, 10_600);
    of.printTotal(10_653);
    // What Kafka's tool printed for the same amounts and times.
    assert.deepEqual(lines, [
      `start.time, end.time, ${columns}`,
      '@10000, @10653, 0.1907, 0.2921, 2000, 3062.7871, 529, 124, 1.5382, 16129.0323',
    ]);
  });

  test('give a line per interval with the rates of the interval and the amounts so far', () => {
    const { lines, of } = statistics(true, 1000);
    of.printHeader();
    of.onAssigned(10_500);
    of.onRecord(1_048_576, 10_700);
    of.onRecord(1_048_576, 11_000);
    of.onRevoked(11_100);
    of.onAssigned(11_200);
    of.onRecord(1_048_576, 13_000);
    assert.deepEqual(lines, [
      `time, threadId, ${columns}`,
      '@11000, 0, 2.0000, 2.0000, 2, 2.0000, 500, 500, 4.0000, 4.0000',
      '@13000, 0, 3.0000, 0.5000, 3, 0.5000, 100, 1900, 0.5263, 0.5263',
    ]);
  });

  test('are zeros when there was no time to fetch', () => {
    const { lines, of } = statistics(false);
    of.onAssigned(10_000);
    of.printTotal(10_000);
    assert.deepEqual(lines, ['@10000, @10000, 0.0000, 0.0000, 0, 0.0000, 0, 0, 0.0000, 0.0000']);
  });
});

describe('a simple date format', () => {
  const at = new Date(2026, 10, 21, 16, 5, 9, 42).getTime();

  test('writes the letters of the pattern as Java does', () => {
    const written = (pattern: string): string => simpleDateFormat(pattern)(at);
    assert.equal(written('yyyy-MM-dd HH:mm:ss:SSS'), '2026-11-21 16:05:09:042');
    assert.equal(written('d/M/yy h:mm a'), '21/11/26 4:05 PM');
    assert.equal(written("EEE, MMM d 'o''clock' ''"), "Sat, Nov 21 o'clock '");
  });

  test('refuses a letter that is none', () => {
    assert.throws(() => simpleDateFormat('yyyy-bb'), UsageError);
  });
});
