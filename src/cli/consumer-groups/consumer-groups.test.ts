// Tables, plans and points in time of kafka-consumer-groups.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable } from './group-table.ts';
import { parseDateTime, parseDurationMs } from './points-in-time.ts';
import { exportPlan, parsePlan } from './reset-offsets.ts';

test('columns are as wide as their widest cell, at least as wide as asked, and padded', () => {
  const text = formatTable(
    [
      { title: 'GROUP', widthMin: 8, text: (row: string[]) => row[0] ?? '' },
      { title: 'TOPIC', widthMin: 2, text: (row: string[]) => row[1] ?? '' },
      { title: 'LAG', widthMin: 9, text: (row: string[]) => row[2] ?? '', isBare: true },
    ],
    [
      ['g', 'a-long-topic', '1'],
      ['h', 't', '22'],
    ],
  );
  assert.equal(
    text,
    'GROUP    TOPIC        LAG\ng        a-long-topic 1\nh        t            22\n',
  );
});

test('a plan that was exported is read back', () => {
  const offsets = [
    { group: 'g', topic: 't.1', partition: 0, offset: 5 },
    { group: 'g', topic: 't_2', partition: 11, offset: 0 },
  ];
  assert.deepEqual(parsePlan(exportPlan(offsets, false), 'g'), offsets);
  assert.deepEqual(parsePlan(exportPlan(offsets, true), 'g'), offsets);
  assert.deepEqual(parsePlan(exportPlan(offsets, true), 'other'), []);
  assert.deepEqual(parsePlan('"g","t",1,2\r\n\r\n', 'g'), [
    { group: 'g', topic: 't', partition: 1, offset: 2 },
  ]);
});

test('a plan that is none is refused with its line', () => {
  for (const line of ['t,0', 't,zero,1', 't,0,-1', ',0,1', 'a,b,c,0,1']) {
    assert.throws(() => parsePlan(`t,0,1\n${line}`, 'g'), /line 2 of the plan/, line);
  }
});

test('a date and time is UTC unless it has a zone', () => {
  assert.equal(parseDateTime('2020-01-01T00:00:00.000'), 1577836800000);
  assert.equal(parseDateTime('2020-01-01T00:00'), 1577836800000);
  assert.equal(parseDateTime('2020-01-01T02:00:00+02:00'), 1577836800000);
  assert.equal(parseDateTime('2020-01-01T02:00:00+0200'), 1577836800000);
  assert.equal(parseDateTime('2020-01-01T00:00:00Z'), 1577836800000);
  for (const text of ['yesterday', '2020-01-01', '2020-13-01T00:00:00', '1577836800000']) {
    assert.throws(() => parseDateTime(text), /YYYY-MM-DD/, text);
  }
});

test('durations are those of ISO 8601', () => {
  assert.equal(parseDurationMs('PT1H'), 3_600_000);
  assert.equal(parseDurationMs('P1DT2H30M0.5S'), 95_400_500);
  assert.equal(parseDurationMs('P7D'), 604_800_000);
  for (const text of ['', 'P', 'PT', '1H', 'P1H', 'PT1', 'P1DT']) {
    assert.throws(() => parseDurationMs(text), /PT1H or P7D/, text);
  }
});
