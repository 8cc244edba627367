// The topics of a cluster as its metadata log has them, for tests of what follows that log: every
// change makes one image, which comes with what changed since the one before.

import assert from 'node:assert/strict';
import { PersistentMap } from '../../../src/base/persistent-map.ts';
import {
  type BrokerRegistration,
  type ImageChanges,
  MetadataImage,
  type PartitionImage,
  type TopicImage,
} from '../../../src/metadata/index.ts';

export interface Published {
  readonly image: MetadataImage;
  readonly changes: ImageChanges;
}

export class TopicHistory {
  image = MetadataImage.empty('cluster');
  readonly #nodeId: number;
  #topicCount = 0;

  constructor(nodeId: number) {
    this.#nodeId = nodeId;
  }

  /** Every partition has a replica on the node, and each the leader given. */
  create(name: string, leaders: readonly number[]): Published {
    const id = Buffer.from(`topic ${this.#topicCount++}`.padEnd(16)).toString('base64url');
    const partitions = leaders.map((leader) => this.#partition(leader));
    const topic: TopicImage = { name, id, partitions };
    return this.#publish({ topicsCreated: new Map([[id, topic]]) });
  }

  delete(name: string): Published {
    const topic = this.#topic(name);
    return this.#publish({ topicsDeleted: new Map([[topic.id, topic]]) });
  }

  grow(name: string, leader: number): Published {
    const { id, partitions } = this.#topic(name);
    const grown = { name, id, partitions: [...partitions, this.#partition(leader)] };
    return this.#change(grown, partitions.length);
  }

  lead(name: string, index: number, leader: number): Published {
    const leaderEpoch = (this.#topic(name).partitions[index]?.leaderEpoch ?? 0) + 1;
    return this.state(name, index, { leader, leaderEpoch });
  }

  /** Whatever a partition may come to be. */
  state(name: string, index: number, state: Partial<PartitionImage>): Published {
    const { id, partitions } = this.#topic(name);
    const before = partitions[index];
    assert.ok(before);
    const changed = { ...before, partitionEpoch: before.partitionEpoch + 1, ...state };
    return this.#change({ name, id, partitions: partitions.with(index, changed) }, index);
  }

  /** Under a new partition epoch. */
  alter(name: string, index: number, changes: Partial<PartitionImage>): Published {
    const { id, partitions } = this.#topic(name);
    const before = partitions[index];
    assert.ok(before);
    const partitionEpoch = before.partitionEpoch + 1;
    const after = { ...before, partitionEpoch, ...changes };
    return this.#change({ name, id, partitions: partitions.with(index, after) }, index);
  }

  /** Which brokers are registered and not fenced. */
  setAlive(ids: readonly number[]): Published {
    let brokers: MetadataImage['brokers'] = PersistentMap.empty();
    for (const id of ids) {
      const broker = { id, epoch: 7, fenced: false, inControlledShutdown: false, rack: `r${id}` };
      brokers = brokers.set(id, broker as unknown as BrokerRegistration);
    }
    return this.#publish({ brokersChanged: new Set(ids) }, undefined, brokers);
  }

  #topic(name: string): TopicImage {
    const topic = this.image.topic(name);
    assert.ok(topic, `${name} is there`);
    return topic;
  }

  #partition(leader: number): PartitionImage {
    return {
      ...{ replicas: [this.#nodeId, this.#nodeId + 1], directories: [], isr: [this.#nodeId] },
      ...{
        ...{ eligibleLeaderReplicas: [], lastKnownElr: [] },
        addingReplicas: [],
        removingReplicas: [],
        leader,
        leaderEpoch: 0,
        partitionEpoch: 0,
      },
      leaderRecoveryState: 0,
    };
  }

  #change(topic: TopicImage, index: number): Published {
    const topicsChanged = new Map([[topic.id, new Set([index])]]);
    return this.#publish({ topicsChanged }, topic);
  }

  #publish(
    what: Partial<ImageChanges>,
    changed?: TopicImage,
    brokers = this.image.brokers,
  ): Published {
    const previous = this.image;
    let { topicsByName, topicsById } = previous;
    for (const { name, id } of what.topicsDeleted?.values() ?? []) {
      topicsByName = topicsByName.delete(name);
      topicsById = topicsById.delete(id);
    }
    for (const topic of [...(what.topicsCreated?.values() ?? []), ...(changed ? [changed] : [])]) {
      topicsByName = topicsByName.set(topic.name, topic);
      topicsById = topicsById.set(topic.id, topic);
    }
    const offset = previous.offset + 1;
    this.image = new MetadataImage({ ...previous, offset, topicsByName, topicsById, brokers });
    const changes: ImageChanges = {
      previous,
      topicsCreated: new Map(),
      topicsDeleted: new Map(),
      topicsChanged: new Map(),
      configsChanged: [],
      brokersChanged: new Set(),
      ...{
        quotasChanged: false,
        featuresChanged: false,
        scramChanged: false,
        aclsChanged: new Set(),
      },
      ...what,
    };
    return { image: this.image, changes };
  }
}
