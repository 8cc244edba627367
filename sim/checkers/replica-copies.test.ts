// replica-copies.ts: what it lets pass and what it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBatch } from '../../src/protocol/index.ts';
import { FileSystem } from '../file-system.ts';
import { place } from './fixture.ts';
import { assertCopiesAgree, assertNoCopy, type CopiesOf, copiesOf } from './replica-copies.ts';

interface Written {
  readonly offset: number;
  readonly epoch: number;
  readonly value?: string;
}

/** A broker's files with one segment of batches of one record each. */
function diskOf(batches: readonly Written[], epochs: string, base = 0): FileSystem {
  const files = new FileSystem();
  files.makeDirectory('/data', 0);
  files.makeDirectory('/data/t-0', 0);
  const name = String(base).padStart(20, '0');
  const bytes = batches.map(({ offset, epoch, value = `v${offset}` }) => {
    const records = [{ value: Buffer.from(value), timestamp: 1_000 }];
    return encodeBatch({ records, baseOffset: offset, partitionLeaderEpoch: epoch });
  });
  files.write(files.openFile(`/data/t-0/${name}.log`, false, 0), bytes, 0);
  const lines = Buffer.from(epochs);
  files.write(files.openFile('/data/t-0/leader-epoch-checkpoint', false, 0), [lines], 0);
  return files;
}

const whole: CopiesOf = { ...place, startOffset: 0, endOffset: 3, isCompacted: false };
const log = [
  { offset: 0, epoch: 0 },
  { offset: 1, epoch: 0 },
  { offset: 2, epoch: 2 },
];
const epochs = '0\n2\n0 0\n2 2\n';

function compare(partition: CopiesOf, one: FileSystem, other: FileSystem): void {
  const disks = new Map([
    [1, one],
    [2, other],
  ]);
  assertCopiesAgree(partition, copiesOf(partition, disks));
}

test('copies that are the same agree, and what is above the watermark is not looked at', () => {
  compare(whole, diskOf(log, epochs), diskOf(log, epochs));
  const longer = [...log, { offset: 3, epoch: 2 }];
  compare(whole, diskOf(longer, epochs), diskOf([...log, { offset: 3, epoch: 3 }], epochs));
});

test('a copy may begin later', () => {
  compare(whole, diskOf(log, epochs), diskOf(log.slice(1), '0\n2\n0 1\n2 2\n', 1));
});

test('a copy that ends below the watermark, or is not there, is refused', () => {
  const short = diskOf(log.slice(0, 2), '0\n1\n0 0\n');
  assert.throws(() => compare(whole, diskOf(log, epochs), short), /broker 2 ends at 2/);
  assert.throws(
    () => compare(whole, diskOf(log, epochs), new FileSystem()),
    /broker 2 has no copy/,
  );
});

test('another record, another epoch or a missing batch is refused', () => {
  const other = log.with(1, { offset: 1, epoch: 0, value: 'w1' } as Written);
  assert.throws(() => compare(whole, diskOf(log, epochs), diskOf(other, epochs)), /differ below 3/);
  const later = log.with(1, { offset: 1, epoch: 1 });
  const said = '0\n3\n0 0\n1 1\n2 2\n';
  assert.throws(() => compare(whole, diskOf(log, epochs), diskOf(later, said)), /of epoch 1/);
  const hole = diskOf([log[0] as Written, log[2] as Written], epochs);
  assert.throws(() => compare(whole, diskOf(log, epochs), hole), /differ below 3/);
});

test('a leader-epoch-checkpoint that contradicts the batches is refused', () => {
  const wrong = diskOf(log, '0\n2\n0 0\n1 2\n');
  assert.throws(() => compare(whole, diskOf(log, epochs), wrong), /is of epoch 2, and .* says 1/);
});

test('compacted copies may have lost different records, and must not have different ones', () => {
  const partition = { ...whole, isCompacted: true };
  const cleaned = diskOf(log.slice(1), epochs);
  compare(partition, diskOf(log, epochs), cleaned);
  const other = diskOf(log.with(1, { offset: 1, epoch: 0, value: 'w1' } as Written), epochs);
  assert.throws(() => compare(partition, cleaned, other), /offset 1 of t-0 is not the same/);
});

test('whoever has no replica any more keeps no log of it, but for one that is set aside', () => {
  const files = diskOf(log, epochs);
  const folder = /broker 2 has no replica of t-0 any more, and has \/data\/t-0 yet/;
  assert.throws(() => assertNoCopy(place, 2, files), folder);
  assertNoCopy({ ...place, partition: 1 }, 2, files);
  files.rename('/data/t-0', '/data/t-0.0123456789abcdef0123456789abcdef-delete', 0);
  assertNoCopy(place, 2, files);
});
