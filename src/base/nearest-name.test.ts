// Misspelt names find the one that was meant.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nearestName } from './nearest-name.ts';

const names = ['log.dir', 'log.dirs', 'num.partitions', 'log.retention.ms'];

describe('nearest name', () => {
  test('a slip of the fingers finds the name that was meant', () => {
    assert.equal(nearestName('num.partition', names), 'num.partitions');
    assert.equal(nearestName('num.partitoins', names), 'num.partitions');
    assert.equal(nearestName('log.retension.ms', names), 'log.retention.ms');
    assert.equal(nearestName('logs.dirs', names), 'log.dirs');
  });

  test('a swap of neighbours counts as one step', () => {
    assert.equal(nearestName('lgo.dris', names), 'log.dirs');
  });

  test('what resembles nothing finds nothing', () => {
    assert.equal(nearestName('compression', names), null);
    assert.equal(nearestName('', names), null);
  });
});
