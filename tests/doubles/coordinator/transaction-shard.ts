// One partition of __transaction_state in virtual time, and brokers that take its markers as a test
// tells them to, for tests of the coordinator. The log, the replica, the machine and the sender are
// the real ones.

import assert from 'node:assert/strict';
import type { WorldOptions } from '../../../sim/index.ts';
import { loadBrokerConfig } from '../../../src/config/index.ts';
import { TRANSACTION_TOPIC } from '../../../src/coordinator/internal-topics.ts';
import { addPartitions } from '../../../src/coordinator/transaction/add-partitions.ts';
import { endTransaction } from '../../../src/coordinator/transaction/end-transaction.ts';
import { initProducerId } from '../../../src/coordinator/transaction/init-producer-id.ts';
import type {
  MarkerResult,
  TransactionMarker,
} from '../../../src/coordinator/transaction/marker-sender.ts';
import { TransactionShard } from '../../../src/coordinator/transaction/transaction-shard.ts';
import type { Io } from '../../../src/io/index.ts';
import { MetadataImage, type TopicImage } from '../../../src/metadata/index.ts';
import { type ErrorName, KafkaError } from '../../../src/protocol/index.ts';
import type { Partition } from '../../../src/replication/index.ts';
import { LeadingShards, withInternalPartition } from './internal-partition.ts';

export interface TestShardOptions extends WorldOptions {
  readonly config?: Readonly<Record<string, string>>;
  readonly transactionVersion?: number;
}

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface Sent {
  readonly brokerId: number;
  readonly markers: readonly TransactionMarker[];
}

type AnswerOf = (
  topic: string,
  partition: number,
  marker: TransactionMarker,
) => number | Promise<number>;

export class TestShard {
  readonly io: Io;
  readonly partition: Partition;
  readonly sent: Sent[] = [];
  /** What a partition answers; NONE unless told otherwise. */
  answerOf: AnswerOf = () => 0;
  onSent: (sent: Sent) => void = () => {};
  nextProducerId = 4000;
  image: MetadataImage;
  readonly #config;
  readonly #shards: LeadingShards<TransactionShard>;

  constructor(io: Io, partition: Partition, options: TestShardOptions) {
    this.io = io;
    this.partition = partition;
    const overrides = Object.entries(options.config ?? {});
    this.#config = loadBrokerConfig({ overrides }).config;
    const features = new Map([['transaction.version', options.transactionVersion ?? 2]]);
    this.image = new MetadataImage({ ...MetadataImage.empty('cluster'), features });
    this.#shards = new LeadingShards(partition, () => this.#newShard());
  }

  /** A topic whose partitions these brokers lead; -1 for nobody. */
  topic(name: string, leaders: readonly number[]): void {
    const partitions = leaders.map((leader) => ({ ...partitionImage, leader }));
    const topic: TopicImage = { name, id: name, partitions };
    const topicsByName = this.image.topicsByName.set(name, topic);
    this.image = new MetadataImage({ ...this.image, topicsByName });
  }

  deleteTopic(name: string): void {
    const topicsByName = this.image.topicsByName.delete(name);
    this.image = new MetadataImage({ ...this.image, topicsByName });
  }

  get shard(): TransactionShard {
    return this.#shards.current;
  }

  /** The coordinator dies and another one replays the log. */
  async restart(): Promise<void> {
    await this.#shards.restart();
  }

  #newShard(): TransactionShard {
    return new TransactionShard(this.io, {
      partition: this.partition,
      config: () => this.#config,
      image: () => this.image,
      newProducerId: async () => this.nextProducerId++,
      sendMarkers: (brokerId, markers) => this.#onMarkers(brokerId, markers),
      onBug: (error) => {
        throw error;
      },
    });
  }

  async #onMarkers(
    brokerId: number,
    markers: readonly TransactionMarker[],
  ): Promise<MarkerResult[]> {
    const sent = { brokerId, markers };
    this.sent.push(sent);
    this.onSent(sent);
    return await Promise.all(
      markers.map(async (marker) => ({
        producerId: marker.producerId,
        topics: await Promise.all(
          marker.topics.map(async ({ name, partitionIndexes }) => ({
            name,
            partitions: await Promise.all(
              partitionIndexes.map(async (partitionIndex) => {
                const errorCode = await this.answerOf(name, partitionIndex, marker);
                return { partitionIndex, errorCode };
              }),
            ),
          })),
        ),
      })),
    );
  }

  init(transactionalId = 'tx', timeoutMs = 60_000): Promise<Producer | null> {
    const request = { transactionalId, timeoutMs, producerId: -1, producerEpoch: -1 };
    return this.shard.decideWithProducerId(transactionalId, (machine, newProducerId) =>
      initProducerId(machine, request, newProducerId),
    );
  }

  /** Adds the partitions, given as 't-0', to the transaction of a new incarnation. */
  async begin(partitions: readonly string[], transactionalId = 'tx'): Promise<Producer> {
    const producer = await this.init(transactionalId);
    assert.ok(producer);
    await this.add(producer, partitions, transactionalId);
    return producer;
  }

  async add(producer: Producer, partitions: readonly string[], transactionalId = 'tx') {
    const topics = partitions.map((each) => {
      const [name = '', index] = each.split('-');
      return { name, partitions: [Number(index)] };
    });
    const request = { transactionalId, ...producer, topics, verifyOnly: false };
    await this.shard.decide((machine) =>
      addPartitions(machine, { ...request, transactionVersion: 2 }),
    );
  }

  end(producer: Producer, isCommit = true, transactionalId = 'tx'): Promise<Producer> {
    const request = { transactionalId, ...producer, isCommit, transactionVersion: 2 };
    return this.shard.decideWithProducerId(transactionalId, (machine, newProducerId) =>
      endTransaction(machine, request, newProducerId),
    );
  }

  /** The state and identity of the id; 'none' when it is unknown. */
  async state(transactionalId = 'tx'): Promise<string> {
    return await this.shard.decide(({ transactions }) => {
      const known = transactions.get(transactionalId);
      const { state, producerId, producerEpoch } = known ?? {};
      const response = state === undefined ? 'none' : `${state} ${producerId}/${producerEpoch}`;
      return { records: [], response };
    });
  }

  /** What was sent since the last call: broker, then `commit` or `abort` with the partitions. */
  takeSent(): string[] {
    return this.sent.splice(0).flatMap(({ brokerId, markers }) =>
      markers.map(({ producerId, producerEpoch, isCommit, topics }) => {
        const partitions = topics.flatMap(({ name, partitionIndexes }) =>
          partitionIndexes.map((index) => `${name}-${index}`),
        );
        const verb = isCommit ? 'commit' : 'abort';
        return `${brokerId}: ${verb} ${producerId}/${producerEpoch} ${partitions.join(' ')}`;
      }),
    );
  }
}

const partitionImage = {
  ...{
    replicas: [1],
    directories: [],
    isr: [1],
    ...{ eligibleLeaderReplicas: [], lastKnownElr: [] },
    addingReplicas: [],
    removingReplicas: [],
  },
  ...({ leader: 1, leaderEpoch: 0, partitionEpoch: 0, leaderRecoveryState: 0 } as const),
};

export function withShard(
  run: (at: TestShard) => Promise<void>,
  options: TestShardOptions = {},
): Promise<void> {
  const internal = { ...options, topic: TRANSACTION_TOPIC };
  return withInternalPartition(internal, async (io, partition) => {
    const at = new TestShard(io, partition, options);
    at.topic('t', [1, 1, 2]);
    await at.restart();
    await run(at);
    at.shard.close();
  });
}

export async function errorOf(deciding: Promise<unknown>): Promise<ErrorName | 'NONE'> {
  try {
    await deciding;
    return 'NONE';
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return error.errorName;
  }
}
