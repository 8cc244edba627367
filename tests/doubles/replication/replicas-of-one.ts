// Replicas of the partitions of a topic, each over a real log, and what the metadata say of them:
// for tests in which brokers follow each other.

import type { Io } from '../../../src/io/index.ts';
import { encodeBatch } from '../../../src/protocol/index.ts';
import type { PartitionState } from '../../../src/replication/index.ts';
import { Partition } from '../../../src/replication/index.ts';
import {
  defaultLogConfig,
  type LogConfig,
  LogResources,
  PartitionLog,
} from '../../../src/storage/index.ts';

export const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ';

export interface ReplicaOptions {
  readonly partition?: number;
  readonly config?: Partial<LogConfig>;
  readonly highWatermark?: number;
}

/** In a folder of the node's own. */
export async function openReplica(
  io: Io,
  nodeId: number,
  { partition = 0, config = {}, highWatermark = 0 }: ReplicaOptions = {},
): Promise<Partition> {
  const log = await PartitionLog.open(io, {
    ...{ directory: `/node-${nodeId}/t-${partition}`, topic: 't', partition },
    config: { ...defaultLogConfig, segmentBytesMax: 2000, fileDeleteDelayMs: 0, ...config },
    wasCleanShutdown: true,
    resources: new LogResources(io),
  });
  return new Partition(io, { topic: 't', topicId, partition, nodeId, log, highWatermark });
}

let newestOffset = 0;

/** As newer metadata say: these replicas, all of them in sync. */
export function stateOf(
  leader: number,
  leaderEpoch: number,
  replicas: readonly number[] = [1, 2],
): PartitionState {
  const metadataOffset = ++newestOffset;
  const isr = replicas;
  return { metadataOffset, leader, leaderEpoch, partitionEpoch: metadataOffset, replicas, isr };
}

/** One batch of so many records, by its leader. */
export function produce(leader: Partition, values: readonly string[]): void {
  const records = values.map((value) => ({ value: Buffer.from(value), timestamp: 0 }));
  leader.appendAsLeader(encodeBatch({ records }));
}
