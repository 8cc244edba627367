// Elections that somebody asks for, or the configuration.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorNameOf } from '../../../tests/doubles/metadata/controllers.ts';
import { ThreeBrokers } from '../../../tests/doubles/metadata/three-brokers.ts';
import { ResourceType } from '../image.ts';
import { alterPartition } from './alter-partition.ts';
import { AlterConfigOp } from './api.ts';
import { incrementalAlterConfigs } from './configs.ts';
import { electLeaders, rebalanceLeaders } from './leaders.ts';
import { createTopics } from './topics.ts';

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

test('partitions go back to their preferred leaders, as far as those are in sync', () => {
  const cluster = new ThreeBrokers();
  cluster.create('out-of-sync', [[1, 2]]);
  cluster.fence(1);
  cluster.heartbeat(1);
  const topics = [{ name: 'u', assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }] }];
  cluster.controller.decide((m) => createTopics(m, { topics }));
  cluster.fence(3);
  const epoch = cluster.partition('u').partitionEpoch;
  const rebalance = () => cluster.controller.decide((m) => rebalanceLeaders(m));
  assert.equal(rebalance(), false);
  assert.deepEqual([cluster.partition().leader, cluster.partition('u').leader], [2, 1]);
  assert.equal(cluster.partition('u').partitionEpoch, epoch, 'nothing to be done');
  const { leaderEpoch, partitionEpoch } = cluster.partition();
  const newIsr = [1, 2].map((brokerId) => ({ brokerId, brokerEpoch: cluster.epochOf(brokerId) }));
  const at = { topicId: cluster.topicId, partitionIndex: 0, leaderEpoch, partitionEpoch };
  const request = { brokerId: 2, brokerEpoch: cluster.epochOf(2), partitions: [{ ...at, newIsr }] };
  cluster.controller.decide((m) => alterPartition(m, request));
  rebalance();
  assert.deepEqual(cluster.members(), [1, [1, 2], [], []]);
});

describe('a configuration that changes who may lead', () => {
  const configure = (cluster: ThreeBrokers, name: string, [key, value]: [string, string]) =>
    cluster.controller.decide((m) => {
      const type = name === '' ? ResourceType.BROKER : ResourceType.TOPIC;
      const ops = [{ name: key, value, op: AlterConfigOp.SET }];
      return incrementalAlterConfigs(m, { resources: [{ type, name, ops }] });
    });

  test('elects at once where unclean elections are allowed from now on', () => {
    for (const name of ['t', '']) {
      const cluster = new ThreeBrokers();
      cluster.create('other', [[2, 1]]);
      cluster.fence(1, 2, 3);
      cluster.heartbeat(1);
      assert.equal(cluster.partition().leader, -1);
      configure(cluster, name, ['unclean.leader.election.enable', 'true']);
      assert.deepEqual(cluster.members(), [1, [1], [], []]);
      assert.equal(cluster.partition().leaderRecoveryState, 1);
      assert.equal(cluster.partition('other').leader, name === '' ? 1 : -1);
    }
  });

  test('ends the eligibility of those that a smaller ISR goes on without', () => {
    for (const name of ['t', '']) {
      const configs = name === '' ? [] : [{ name: 'min.insync.replicas', value: '3' }];
      const cluster = new ThreeBrokers({ configs });
      configure(cluster, '', ['min.insync.replicas', '3']);
      cluster.fence(3);
      assert.deepEqual(cluster.members(), [1, [1, 2], [3], []]);
      configure(cluster, name, ['min.insync.replicas', '2']);
      assert.deepEqual(cluster.members(), [1, [1, 2], [], []]);
    }
  });

  test('leaves those eligible without whom nothing was acknowledged', () => {
    const cluster = new ThreeBrokers({ configs: [{ name: 'min.insync.replicas', value: '3' }] });
    cluster.fence(3, 2, 1);
    configure(cluster, 't', ['min.insync.replicas', '2']);
    assert.deepEqual(cluster.members(), [-1, [], [1, 2, 3], [1]]);
  });

  test('is one for all brokers', () => {
    const cluster = new ThreeBrokers();
    configure(cluster, '', ['min.insync.replicas', '2']);
    const change = (name: string, op: number) =>
      cluster.controller.decide((m) => {
        const ops = [{ name: 'min.insync.replicas', value: '1', op }];
        const resources = [{ type: ResourceType.BROKER, name, ops }];
        return incrementalAlterConfigs(m, { resources });
      })[0];
    assert.equal(errorNameOf(change('1', AlterConfigOp.SET)), 'INVALID_CONFIG');
    assert.equal(errorNameOf(change('', AlterConfigOp.DELETE)), 'INVALID_CONFIG');
    assert.equal(errorNameOf(change('', AlterConfigOp.SET)), undefined);
  });
});
