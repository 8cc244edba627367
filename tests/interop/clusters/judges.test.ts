// What judges a tortured cluster finds what is wrong, each kind of it.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeBatch } from '../../../src/protocol/index.ts';
import { compareCopies } from './copies.ts';
import { judgeLoad } from './load.ts';

const acknowledged = [
  { partition: 0, offset: 0, value: '0' },
  { partition: 1, offset: 0, value: '1' },
  { partition: 0, offset: 1, value: '2' },
];
const good = [
  [
    { offset: 0, value: '0' },
    { offset: 1, value: '2' },
  ],
  [{ offset: 0, value: '1' }],
];
const judged = (read: typeof good, errors: string[] = []): string[] =>
  judgeLoad({ topic: 't', acknowledged, errors }, read);

test('records that are there once and in order are as they should be', () => {
  assert.deepEqual(judged(good), []);
  // The outcome of one more was not heard of.
  assert.deepEqual(
    judged([
      good[0] as never,
      [
        { offset: 0, value: '1' },
        { offset: 1, value: '9' },
      ],
    ]),
    [],
  );
});

test('a record that was acknowledged without its offset is somewhere in its partition', () => {
  const judgedAt = (partition: number, value: string): string[] => {
    const unknown = { partition, offset: null, value };
    return judgeLoad({ topic: 't', acknowledged: [unknown], errors: [] }, good);
  };
  assert.deepEqual(judgedAt(1, '1'), []);
  assert.match(judgedAt(0, '1').join(), /1 was acknowledged at partition 0/);
  assert.match(judgedAt(1, '7').join(), /7 was acknowledged at partition 1, where is nothing/);
});

test('a record that is gone, doubled, moved or out of order is found', () => {
  const [first = [], second = []] = good;
  assert.match(judged([first.slice(0, 1), second]).join(), /2 was acknowledged at 0:1/);
  assert.match(judged([first, [...second, { offset: 1, value: '2' }]]).join(), /2 is at 0:1 and/);
  const moved = [{ offset: 5, value: '1' }];
  assert.match(judged([first, moved]).join(), /1 was acknowledged at 1:0, where is nothing/);
  const swapped = [
    { offset: 0, value: '2' },
    { offset: 1, value: '0' },
  ];
  assert.match(judged([swapped, second]).join(), /0 comes after 2/);
  assert.deepEqual(judged(good, ['fenced']), ['t: fenced']);
});

function withCopies(copies: readonly (readonly Buffer[])[], run: (found: string[]) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'partita-copies-'));
  try {
    const places = copies.map((segments, index) => {
      const directory = join(folder, `${index}`);
      mkdirSync(directory);
      segments.forEach((bytes, at) => {
        writeFileSync(join(directory, `${`${at}`.padStart(20, '0')}.log`), bytes);
      });
      return { brokerId: index + 1, directory };
    });
    run(compareCopies('t-0', places, 2));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const batch = (baseOffset: number, value: string, partitionLeaderEpoch = 0): Buffer =>
  encodeBatch({ baseOffset, partitionLeaderEpoch, records: [{ value: Buffer.from(value) }] });

test('copies are the same below the watermark, however they are cut into segments', () => {
  const [a, b, tail] = [batch(0, 'a'), batch(1, 'b'), batch(2, 'tail')];
  withCopies(
    [
      [a, b],
      [Buffer.concat([a, b]), tail],
    ],
    (found) => assert.deepEqual(found, []),
  );
});

test('a copy that lacks a batch, or has another one or another epoch, is found', () => {
  const [a, b] = [batch(0, 'a'), batch(1, 'b')];
  withCopies([[a, b], [a]], (found) => assert.match(found.join(), /brokers 1 and 2 differ/));
  withCopies(
    [
      [a, b],
      [a, batch(1, 'x')],
    ],
    (found) => assert.equal(found.length, 1),
  );
  withCopies(
    [
      [a, b],
      [a, batch(1, 'b', 1)],
    ],
    (found) => assert.equal(found.length, 1),
  );
  const damaged = Buffer.from(b);
  damaged[damaged.length - 1] = 0x7f;
  assert.throws(
    () =>
      withCopies(
        [
          [a, b],
          [a, damaged],
        ],
        () => {},
      ),
    /a batch is damaged/,
  );
});
