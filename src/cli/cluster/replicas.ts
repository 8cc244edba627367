// `partita cluster replicas`: which brokers are to have the replicas of topics that shall have more
// of them, as kafka-reassign-partitions.sh reads it.
//
// Invariants: who has a replica keeps it, and the preferred leader stays; those that come are the
// brokers alive with the fewest replicas of all.

import type { Io } from '../../io/index.ts';
import { imageOf, readStoreMetadata } from '../../metadata/moving/index.ts';
import { UsageError } from '../command-line.ts';
import { writeTo } from './file-or-stream.ts';
import { type ConfigFlags, configOf, storeOf } from './named-cluster.ts';

export interface ReplicasFlags extends ConfigFlags {
  readonly topics: string;
  readonly replicationFactor: number;
  readonly to: string;
}

export async function replicas(io: Io, flags: ReplicasFlags): Promise<void> {
  const config = configOf(io, flags);
  const image = imageOf(await readStoreMetadata(io, await storeOf(io, config)));
  const counts = new Map(Array.from(image.aliveBrokers(), ({ id }) => [id, 0]));
  const { replicationFactor } = flags;
  if (counts.size < replicationFactor) {
    const alive = `${counts.size} brokers are alive`;
    throw new UsageError(`${alive}, and ${replicationFactor} replicas are wanted: start more`);
  }
  for (const { partitions } of image.topics()) {
    for (const partition of partitions) count(counts, partition.replicas);
  }
  const moved: { topic: string; partition: number; replicas: number[] }[] = [];
  for (const topic of flags.topics.split(',')) {
    const found = image.topic(topic);
    if (found === undefined) throw new UsageError(`there is no topic ${topic}`);
    for (const [partition, { replicas: present }] of found.partitions.entries()) {
      const added = fewest(counts, present).slice(
        0,
        Math.max(0, replicationFactor - present.length),
      );
      if (added.length === 0) continue;
      count(counts, added);
      moved.push({ topic, partition, replicas: [...present, ...added] });
    }
  }
  const text = `${JSON.stringify({ version: 1, partitions: moved })}\n`;
  await writeTo(io, flags.to, text);
}

function count(counts: Map<number, number>, brokers: readonly number[]): void {
  for (const id of brokers) if (counts.has(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
}

/** Of the others, those with the fewest replicas first. */
function fewest(counts: ReadonlyMap<number, number>, others: readonly number[]): number[] {
  const free = [...counts].filter(([id]) => !others.includes(id));
  return free.sort(([a, m], [b, n]) => m - n || a - b).map(([id]) => id);
}
