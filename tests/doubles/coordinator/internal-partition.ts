// One partition of an internal topic in virtual time, and the coordinator over it, which dies and
// is followed by another one: what the tests of groups and of transactions share. The log and the
// replica are the real ones.

import assert from 'node:assert/strict';
import { simulate, type WorldOptions } from '../../../sim/index.ts';
import { ZERO_UUID } from '../../../src/base/uuid.ts';
import type { Shard } from '../../../src/coordinator/internal-topic-shards.ts';
import type { Io } from '../../../src/io/index.ts';
import { Partition } from '../../../src/replication/index.ts';
import {
  defaultLogConfig,
  type LogConfig,
  LogResources,
  PartitionLog,
} from '../../../src/storage/index.ts';

/** The shards of one partition, one after the other. */
export class LeadingShards<S extends Shard> {
  readonly #partition: Partition;
  readonly #newShard: () => S;
  #shard: S | null = null;
  #epoch = -1;

  constructor(partition: Partition, newShard: () => S) {
    this.#partition = partition;
    this.#newShard = newShard;
  }

  get current(): S {
    assert.ok(this.#shard);
    return this.#shard;
  }

  /** The coordinator dies and another one replays the log. */
  async restart(): Promise<void> {
    this.#shard?.close();
    this.#epoch += 1;
    const leaderEpoch = this.#epoch;
    const replicas = { leader: 1, replicas: [1], isr: [1] };
    const epochs = { metadataOffset: leaderEpoch, leaderEpoch, partitionEpoch: 0 };
    this.#partition.becomeLeader({ ...epochs, ...replicas });
    this.#shard = this.#newShard();
    this.#shard.start();
    await this.#shard.loaded;
  }
}

export interface InternalPartitionOptions extends WorldOptions {
  readonly topic: string;
  readonly log?: Partial<LogConfig> | undefined;
}

export function withInternalPartition(
  options: InternalPartitionOptions,
  run: (io: Io, partition: Partition) => Promise<void>,
): Promise<void> {
  const { topic, log: config } = options;
  return simulate(async (io) => {
    const log = await PartitionLog.open(io, {
      directory: '/data/internal',
      topic,
      partition: 0,
      config: { ...defaultLogConfig, cleanupPolicy: ['compact'], ...config },
      wasCleanShutdown: true,
      resources: new LogResources(io),
    });
    const identity = { topic, topicId: ZERO_UUID, partition: 0 };
    await run(io, new Partition(io, { ...identity, nodeId: 1, log, highWatermark: 0 }));
  }, options);
}
