// Directories of brokers that live: where replicas lie, and what fails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  errorNameOf,
  TEST_CLUSTER_ID,
  TestController,
} from '../../../tests/doubles/metadata/controllers.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { PartitionImage } from '../image.ts';
import { registerBroker } from './brokers.ts';
import { assignReplicasToDirs, reportOffline } from './directories.ts';
import { brokerHeartbeat } from './heartbeats.ts';
import { DirectoryId } from './registered-broker.ts';
import { createTopics } from './topics.ts';

/** Two brokers of two directories each; `t` has a partition on both, led by 1. */
class TwoBrokers {
  readonly controller = new TestController();
  readonly dirs = ['a', 'b', 'c', 'd'].map(() => this.controller.uuid());
  readonly topicId: Uuid;

  constructor() {
    this.register(1, this.dirs.slice(0, 2));
    this.register(2, this.dirs.slice(2));
    const assignments = [{ partitionIndex: 0, brokerIds: [1, 2] }];
    const [topic] = this.controller.decide((m) =>
      createTopics(m, { topics: [{ name: 't', assignments }] }),
    );
    this.topicId = topic?.topicId as Uuid;
  }

  register(brokerId: number, logDirs: readonly Uuid[], more: object = { fenced: false }): void {
    const incarnationId = this.controller.uuid();
    const process = { brokerId, clusterId: TEST_CLUSTER_ID, incarnationId, listeners: [], logDirs };
    this.controller.decide((m) =>
      registerBroker(m, { ...process, ...more }, { incarnationId: null }),
    );
  }

  get partition(): PartitionImage {
    return this.controller.image.partition('t', 0) as PartitionImage;
  }

  #as(brokerId: number) {
    return { brokerId, brokerEpoch: this.controller.image.brokers.get(brokerId)?.epoch ?? -1 };
  }

  assign(brokerId: number, directoryId: Uuid, at: object = {}) {
    const replica = { topicId: this.topicId, partitionIndex: 0, directoryId, ...at };
    const request = { ...this.#as(brokerId), replicas: [replica] };
    return this.controller.decide((m) => assignReplicasToDirs(m, request))[0];
  }

  fail(brokerId: number, ...offlineLogDirs: Uuid[]): void {
    const currentMetadataOffset = this.controller.machine.endOffset - 1;
    const request = { ...this.#as(brokerId), currentMetadataOffset, offlineLogDirs };
    this.controller.decide((m) => brokerHeartbeat(m, request));
  }

  offline(brokerId: number): void {
    const partitions = [{ topicId: this.topicId, partitionIndex: 0 }];
    const request = { ...this.#as(brokerId), partitions };
    this.controller.decide((m) => reportOffline(m, request));
  }
}

test('a broker says where its replicas lie', () => {
  const cluster = new TwoBrokers();
  const [a, , c] = cluster.dirs as [Uuid, Uuid, Uuid];
  assert.deepEqual(cluster.partition.directories, [DirectoryId.UNASSIGNED, DirectoryId.UNASSIGNED]);
  assert.equal(cluster.assign(1, a)?.error, null);
  assert.equal(cluster.assign(2, c)?.error, null);
  assert.deepEqual(cluster.partition.directories, [a, c]);
  const { partitionEpoch, leaderEpoch } = cluster.partition;
  cluster.assign(2, c);
  assert.deepEqual([partitionEpoch, leaderEpoch], [cluster.partition.partitionEpoch, 0]);
  const errorOf = (at: object, by = 1) => errorNameOf(cluster.assign(by, a, at));
  assert.equal(errorOf({ topicId: cluster.controller.uuid() }), 'UNKNOWN_TOPIC_ID');
  assert.equal(errorOf({ partitionIndex: 1 }), 'UNKNOWN_TOPIC_OR_PARTITION');
  cluster.register(3, []);
  assert.equal(errorOf({}, 3), 'NOT_LEADER_OR_FOLLOWER');
});

test('the replicas in a directory that fails are led by others, those beside it are not', () => {
  const cluster = new TwoBrokers();
  const [a, b, c] = cluster.dirs as [Uuid, Uuid, Uuid];
  cluster.assign(1, a);
  cluster.assign(2, c);
  cluster.fail(1, b);
  assert.equal(cluster.partition.leader, 1);
  cluster.fail(1, a);
  assert.deepEqual([cluster.partition.leader, cluster.partition.isr], [2, [2]]);
  assert.equal(cluster.controller.image.isAlive(1), true);
});

test('nobody leads from a directory that failed, until the replica lies elsewhere', () => {
  const cluster = new TwoBrokers();
  const [a, b, c] = cluster.dirs as [Uuid, Uuid, Uuid];
  cluster.assign(1, a);
  cluster.assign(2, c);
  cluster.fail(2, c);
  cluster.fail(1, a);
  assert.deepEqual([cluster.partition.leader, cluster.partition.isr], [-1, []]);
  assert.deepEqual(cluster.controller.image.brokers.get(1)?.logDirs, [b]);
  cluster.assign(1, b);
  assert.equal(cluster.partition.leader, 1, 'it was moved there');
});

test('a replica whose directory is not registered has failed with it', () => {
  const cluster = new TwoBrokers();
  cluster.assign(1, cluster.controller.uuid());
  assert.deepEqual([cluster.partition.leader, cluster.partition.isr], [2, [2]]);
});

test('a process without the directory of a replica does not lead it', () => {
  const cluster = new TwoBrokers();
  const [a, b, c] = cluster.dirs as [Uuid, Uuid, Uuid];
  cluster.assign(1, a);
  cluster.assign(2, c);
  cluster.fail(2, c);
  const previousBrokerEpoch = cluster.controller.image.brokers.get(1)?.epoch;
  cluster.register(1, [b], { previousBrokerEpoch });
  cluster.fail(1);
  assert.equal(cluster.controller.image.isAlive(1), true);
  assert.equal(cluster.partition.leader, -1);
});

test('replicas that a broker reports offline leave the ISR', () => {
  const cluster = new TwoBrokers();
  cluster.offline(1);
  assert.deepEqual([cluster.partition.leader, cluster.partition.isr], [2, [2]]);
});
