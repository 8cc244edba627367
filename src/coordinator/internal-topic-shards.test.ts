// Which shards there are, as the image moves on: the replicas and the shards are made up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deferred } from '../base/deferred.ts';
import { type BrokerConfig, loadBrokerConfig } from '../config/index.ts';
import type { Controller, ImageChanges } from '../metadata/index.ts';
import type { Partition, Replicas } from '../replication/index.ts';
import { InternalTopicShards, type Shard } from './internal-topic-shards.ts';

interface FakePartition {
  isLeader: boolean;
  leaderEpoch: number;
}

class FakeShard implements Shard {
  readonly loaded = Promise.resolve();
  isOpen = false;

  start(): void {
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
  }
}

class Scene {
  readonly made: FakeShard[] = [];
  partitions: FakePartition[] = [];
  topicId: string | null = null;
  readonly created = new Deferred<void>();
  readonly shards: InternalTopicShards<FakeShard>;

  constructor() {
    const topic = () =>
      this.topicId === null
        ? undefined
        : { id: this.topicId, partitions: this.partitions.map(() => ({ leader: 1 })) };
    const replicas = {
      image: { topic, aliveBrokers: () => [1] },
      get: (_: string, index: number) => this.partitions[index] as unknown as Partition,
      settled: async () => {},
    };
    const createTopics = async () => {
      await this.created.promise;
      this.make('created', 2);
      return [{ error: null }];
    };
    const { config } = loadBrokerConfig({ overrides: [] });
    this.shards = new InternalTopicShards({
      topic: 't',
      controller: { createTopics } as unknown as Controller,
      replicas: replicas as unknown as Replicas,
      config: () => config as BrokerConfig,
      topicOf: () => ({
        ...{ name: 't', partitionCount: 2, replicationFactor: 3 },
        configsOf: () => ({}),
      }),
      newShard: () => {
        const shard = new FakeShard();
        this.made.push(shard);
        return shard;
      },
    });
  }

  make(topicId: string, count: number): void {
    this.topicId = topicId;
    this.partitions = Array.from({ length: count }, () => ({ isLeader: true, leaderEpoch: 0 }));
  }

  changed(): void {
    const topicsChanged = new Set(this.topicId === null ? [] : [this.topicId]);
    const changes = { topicsCreated: new Set(), topicsChanged, topicsDeleted: new Map() };
    this.shards.onImage(changes as unknown as ImageChanges);
  }

  /** Of all shards there ever were, in the order in which they were made. */
  get open(): boolean[] {
    return this.made.map(({ isOpen }) => isOpen);
  }
}

test('a shard lasts as long as its leader epoch', () => {
  const at = new Scene();
  at.make('a', 2);
  at.shards.start();
  assert.deepEqual(at.open, [true, true]);
  at.changed();
  assert.deepEqual(at.open, [true, true]);
  (at.partitions[0] as FakePartition).leaderEpoch = 1;
  (at.partitions[1] as FakePartition).isLeader = false;
  at.changed();
  assert.deepEqual(at.open, [false, false, true]);
  assert.deepEqual([...at.shards], [at.made[2]]);
});

test('a topic that was made again has other shards, though its epoch is the same', () => {
  const at = new Scene();
  at.make('a', 1);
  at.shards.start();
  at.make('b', 1);
  at.changed();
  assert.deepEqual(at.open, [false, true]);
  at.topicId = null;
  at.partitions = [];
  at.changed();
  assert.deepEqual(at.open, [false, false]);
});

test('all who ask for a coordinator wait for one topic', async () => {
  const at = new Scene();
  const asked = Promise.all([at.shards.coordinatorOf('k'), at.shards.coordinatorOf('l')]);
  at.created.resolve();
  assert.deepEqual(await asked, [1, 1]);
  assert.deepEqual(at.open, [true, true]);
});

test('no shard begins after the end, though its topic was being made', async () => {
  const at = new Scene();
  const asked = at.shards.coordinatorOf('k');
  at.shards.close();
  at.created.resolve();
  assert.equal(await asked, 1);
  assert.deepEqual(at.open, []);
});
