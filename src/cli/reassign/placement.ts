// Proposes where the replicas of topics could be, spread over brokers as Kafka does it: leaders in
// turn from a random start, the other replicas at growing distances.

import type { Random } from '../../io/index.ts';
import { UsageError } from '../command-line.ts';
import type { PartitionPlan } from './assignment.ts';
import { anyDirectory } from './assignment.ts';

export interface TopicToPlace {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
}

export function proposePlan(
  { topic, partitions, replicationFactor }: TopicToPlace,
  brokerIds: readonly number[],
  random: Random,
): PartitionPlan[] {
  const count = brokerIds.length;
  if (replicationFactor > count) {
    throw new UsageError(
      `Replication factor: ${replicationFactor} larger than available brokers: ${count}.`,
    );
  }
  const start = random.int(count);
  let shift = random.int(count);
  return Array.from({ length: partitions }, (_, partition) => {
    if (partition > 0 && partition % count === 0) shift++;
    const first = (partition + start) % count;
    const replicas = Array.from({ length: replicationFactor }, (__, replica) => {
      if (replica === 0) return brokerIds[first] as number;
      const distance = 1 + ((shift + replica - 1) % (count - 1));
      return brokerIds[(first + distance) % count] as number;
    });
    return { topic, partition, replicas, logDirs: replicas.map(() => anyDirectory) };
  });
}
