// Which partitions kafka-get-offsets selects.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTime } from './kafka-get-offsets.ts';
import { type PartitionFilter, parseTopicPartitions, partitionFilter } from './partition-filter.ts';

function accepted(accepts: PartitionFilter): string[] {
  return ['a', 'ab', 'b'].flatMap((topic) =>
    [0, 1, 2, 3].filter((partition) => accepts(topic, partition)).map((each) => topic + each),
  );
}

describe('a partition filter', () => {
  test('takes everything if nothing is named', () => {
    assert.equal(accepted(partitionFilter(undefined, undefined)).length, 12);
  });

  test('matches whole names, with commas for "or"', () => {
    assert.deepEqual(accepted(partitionFilter('a', '1,2')), ['a1', 'a2']);
    assert.deepEqual(accepted(partitionFilter('a.*', '0')), ['a0', 'ab0']);
    assert.deepEqual(accepted(partitionFilter('a,b', '0')), ['a0', 'b0']);
  });

  test('reads ranges whose end is not included', () => {
    const accepts = (text: string): string[] => accepted(parseTopicPartitions(text));
    assert.deepEqual(accepts('a:1-3'), ['a1', 'a2']);
    assert.deepEqual(accepts('a:2-,b:-1'), ['a2', 'a3', 'b0']);
    assert.deepEqual(accepts(':3'), ['a3', 'ab3', 'b3']);
    assert.deepEqual(accepts('ab'), ['ab0', 'ab1', 'ab2', 'ab3']);
  });

  test('refuses what is no partition', () => {
    assert.throws(() => parseTopicPartitions('a:x'), /Invalid rule specification: a:x/);
    assert.throws(() => partitionFilter('a', '1,b'), /numeric partition ids, but received: 1,b/);
    assert.throws(() => partitionFilter('(', undefined), /not a valid regular expression/);
  });
});

describe('--time', () => {
  test('is a name, its number, or a time', () => {
    assert.equal(parseTime('latest'), -1);
    assert.equal(parseTime('-2'), -2);
    assert.equal(parseTime('max-timestamp'), -3);
    assert.equal(parseTime('1795230484511'), 1795230484511);
  });

  test('is refused otherwise', () => {
    assert.throws(() => parseTime('yesterday'), /Malformed time argument yesterday/);
    assert.throws(() => parseTime('-7'), /Malformed time argument -7/);
  });
});
