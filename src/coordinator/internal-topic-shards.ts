// The shards of a coordinator: one for each partition of its internal topic that this broker leads.
// The topic is made when somebody first asks who coordinates a key.
//
// Invariants: a shard belongs to one replica in one leader epoch; when either is another one (the
// topic may have been deleted and made again, under the same epoch) the shard is closed and the
// next one replays the log. After `close` there is none, whatever was under way.

import { javaHashBucket } from '../base/java-hash-code.ts';
import type { BrokerConfig } from '../config/index.ts';
import type { Controller, ImageChanges, TopicImage } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { Partition, Replicas } from '../replication/index.ts';
import { createInternalTopic, type InternalTopic } from './internal-topics.ts';

export interface Shard {
  /** Resolves when it is loaded, or cannot be for now. */
  readonly loaded: Promise<void>;
  start(): void;
  /** Requests that wait are answered, so that their clients look for another coordinator. */
  close(): void;
}

export interface InternalTopicShardsOptions<S extends Shard> {
  readonly topic: string;
  readonly controller: Controller;
  readonly replicas: Replicas;
  readonly config: () => BrokerConfig;
  /** Not a member of a cluster: the topic is made with one replica. Default true. */
  readonly isAlone?: boolean;
  /** How the topic is made. */
  readonly topicOf: (config: BrokerConfig) => InternalTopic;
  readonly newShard: (partition: Partition) => S;
}

interface Held<S> {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  readonly shard: S;
}

export class InternalTopicShards<S extends Shard> {
  readonly #options: InternalTopicShardsOptions<S>;
  readonly #held = new Map<number, Held<S>>();
  #creating: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: InternalTopicShardsOptions<S>) {
    this.#options = options;
  }

  *[Symbol.iterator](): Generator<S> {
    for (const { shard } of this.#held.values()) yield shard;
  }

  /** Loads what this broker leads; requests are told to wait meanwhile. */
  start(): void {
    this.#reconcile();
  }

  /** The image of `replicas` has moved on by these changes. */
  onImage(changes: ImageChanges): void {
    const { id } = this.#topic ?? {};
    const isOurs =
      id === undefined
        ? this.#held.size > 0
        : changes.topicsCreated.has(id) || changes.topicsChanged.has(id);
    if (isOurs) this.#reconcile();
  }

  close(): void {
    this.#isClosed = true;
    for (const shard of this) shard.close();
    this.#held.clear();
  }

  /**
   * The node that coordinates the key; makes the topic when nobody ever asked before.
   * @throws KafkaError COORDINATOR_NOT_AVAILABLE
   */
  async coordinatorOf(key: string): Promise<number> {
    if (this.#topic === undefined) await this.#createTopic();
    const leader = this.#topic?.partitions[this.indexOf(key)]?.leader ?? -1;
    if (leader < 0) throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
    return leader;
  }

  /** The partition that has the key. */
  indexOf(key: string): number {
    return javaHashBucket(key, this.#topic?.partitions.length ?? 1);
  }

  /** @throws KafkaError NOT_COORDINATOR */
  of(key: string): S {
    const shard = this.at(this.indexOf(key));
    if (shard === undefined) throw new KafkaError('NOT_COORDINATOR');
    return shard;
  }

  at(index: number): S | undefined {
    return this.#held.get(index)?.shard;
  }

  get #topic(): TopicImage | undefined {
    return this.#options.replicas.image.topic(this.#options.topic);
  }

  /** Everybody who asks at the same time waits for the same topic. */
  async #createTopic(): Promise<void> {
    const { controller, replicas, config, topic, topicOf, isAlone = true } = this.#options;
    const create = async (): Promise<void> => {
      const { image } = replicas;
      await createInternalTopic({ controller, image, isAlone }, topicOf(config()));
      await replicas.settled([topic]);
      this.#reconcile();
      await Promise.all([...this].map((shard) => shard.loaded));
    };
    this.#creating ??= create().finally(() => {
      this.#creating = null;
    });
    await this.#creating;
  }

  #reconcile(): void {
    if (this.#isClosed) return;
    const { replicas, topic, newShard } = this.#options;
    for (const [index, { partition, leaderEpoch, shard }] of this.#held) {
      const isSame = replicas.get(topic, index) === partition;
      if (isSame && partition.isLeader && partition.leaderEpoch === leaderEpoch) continue;
      shard.close();
      this.#held.delete(index);
    }
    const count = this.#topic?.partitions.length ?? 0;
    for (let index = 0; index < count; index++) {
      const partition = replicas.get(topic, index);
      if (partition?.isLeader !== true || this.#held.has(index)) continue;
      const shard = newShard(partition);
      this.#held.set(index, { partition, leaderEpoch: partition.leaderEpoch, shard });
      shard.start();
    }
  }
}
