// Elections that somebody asks for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorNameOf } from '../../../tests/doubles/metadata/controllers.ts';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { electLeaders } from './leaders.ts';

test('elections: preferred when it is in sync, unclean only when nobody else is left', () => {
  const cluster = new ThreeBrokers();
  const { controller } = cluster;
  const elect = (type: 'preferred' | 'unclean', all = false) =>
    controller
      .decide((m) => {
        const partitions = all ? null : [{ topic: 't', partition: 0 }];
        return electLeaders(m, { type, partitions });
      })
      .map(errorNameOf);
  assert.deepEqual(elect('preferred'), ['ELECTION_NOT_NEEDED']);
  assert.deepEqual(elect('preferred', true), []);
  cluster.fence(1);
  assert.deepEqual(elect('preferred'), ['PREFERRED_LEADER_NOT_AVAILABLE']);
  assert.deepEqual(elect('unclean'), ['ELECTION_NOT_NEEDED']);
  cluster.fence(2);
  cluster.fence(3);
  assert.deepEqual(elect('unclean'), ['ELIGIBLE_LEADERS_NOT_AVAILABLE']);
  cluster.heartbeat(1);
  assert.deepEqual(elect('unclean', true), [undefined]);
  assert.deepEqual(cluster.members(), [1, [1], [], []]);
  assert.equal(cluster.partition().leaderRecoveryState, 1);
});
