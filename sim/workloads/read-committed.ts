// Partitions as they are read under read_committed: by a reader that follows them while everything
// goes on, and from beginning to end when it is over.

import { Consumer, type ConsumerRecord } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import {
  type CommittedReads,
  type Copies,
  copyHeader,
  identityOf,
  type Place,
  placeName,
  type StableEnd,
  type StoredRecord,
} from '../checkers/index.ts';

interface ReadOptions {
  readonly bootstrapServers: string;
  readonly places: readonly Place[];
}

interface FollowOptions extends ReadOptions {
  readonly name: string;
  readonly reads: CommittedReads;
  readonly maxPartitionFetchBytes?: number;
}

/** Never ends: its process is killed. */
export async function followCommitted(io: Io, options: FollowOptions): Promise<void> {
  const { name, places, reads, bootstrapServers, maxPartitionFetchBytes } = options;
  const consumer = new Consumer(
    {
      bootstrapServers,
      clientId: name,
      isolationLevel: 'read_committed',
      autoOffsetReset: 'none',
      requestTimeoutMs: 5_000,
      fetchMaxWaitMs: 200,
      ...(maxPartitionFetchBytes !== undefined && { maxPartitionFetchBytes }),
    },
    io,
  );
  await consumer.assign(places.map((place) => ({ ...place, offset: 0 })));
  for (;;) {
    for (const record of await consumer.poll(1_000)) reads.onRecord(name, storedOf(record).stored);
  }
}

/** Where the partitions end, for either kind of reader. */
export async function stableEnds(
  io: Io,
  { bootstrapServers, places }: ReadOptions,
): Promise<StableEnd[]> {
  const endsOf = async (isolationLevel: 'read_committed' | 'read_uncommitted') => {
    const consumer = new Consumer({ bootstrapServers, isolationLevel }, io);
    const ends = await consumer.endOffsets(places);
    await consumer.close();
    return ends.map(({ offset }) => offset);
  };
  const stable = await endsOf('read_committed');
  const all = await endsOf('read_uncommitted');
  return places.map(({ topic, partition }, index) => ({
    topic,
    partition,
    lastStableOffset: stable[index] as number,
    highWatermark: all[index] as number,
  }));
}

/** From the beginning to the last stable offset. */
export async function readCommitted(
  io: Io,
  { bootstrapServers, places }: ReadOptions,
): Promise<Copies[]> {
  const isolationLevel = 'read_committed';
  const consumer = new Consumer({ bootstrapServers, isolationLevel, autoOffsetReset: 'none' }, io);
  const ends = await consumer.endOffsets(places);
  const contents = places.map(({ topic, partition }, index) => ({
    topic,
    partition,
    startOffset: 0,
    endOffset: ends[index]?.offset ?? 0,
    records: [] as StoredRecord[],
    sources: [] as string[],
  }));
  const byPlace = new Map(contents.map((each) => [placeName(each), each]));
  await consumer.assign(places.map((place) => ({ ...place, offset: 0 })));
  for (const each of contents) {
    while ((await consumer.position(each)) < each.endOffset) {
      for (const record of await consumer.poll(1_000)) {
        const target = byPlace.get(placeName(record));
        if (target === undefined || record.offset >= target.endOffset) continue;
        const { stored, source } = storedOf(record);
        target.records.push(stored);
        if (source !== null) target.sources.push(source);
      }
    }
  }
  await consumer.close();
  return contents;
}

function storedOf(record: ConsumerRecord): { stored: StoredRecord; source: string | null } {
  const { offset, timestamp, key, value } = record;
  const headers = [...record.headers].filter((header) => header.key !== copyHeader);
  const copied = [...record.headers].find((header) => header.key === copyHeader);
  const stored = { ...identityOf({ key, value, headers }), offset, timestamp };
  return { stored, source: copied?.value?.toString() ?? null };
}
