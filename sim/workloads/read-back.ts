// Partitions read from their beginning to their end, and lookups at random places in them.

import type { Prng } from '../../src/base/prng.ts';
import { Consumer, ErrorCode, KafkaError, type TopicPartition } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { identityOf, type PartitionContents, placeName } from '../checkers/index.ts';
import type { LookupAnswers } from '../checkers/lookups.ts';

interface ReadOptions {
  readonly bootstrapServers: string;
  readonly places: readonly TopicPartition[];
  /** Records may be deleted meanwhile. */
  readonly mayStartLate: boolean;
}

/**
 * Between the offsets that the partitions have when the reading begins; it begins again when
 * retention takes the records away from under it.
 */
export async function readBack(io: Io, options: ReadOptions): Promise<PartitionContents[]> {
  for (;;) {
    try {
      return await readOnce(io, options);
    } catch (error) {
      const isOvertaken =
        error instanceof KafkaError && error.code === ErrorCode.OFFSET_OUT_OF_RANGE;
      if (!isOvertaken || !options.mayStartLate) throw error;
    }
  }
}

async function readOnce(
  io: Io,
  { bootstrapServers, places }: ReadOptions,
): Promise<PartitionContents[]> {
  const consumer = new Consumer({ bootstrapServers, autoOffsetReset: 'none' }, io);
  const starts = await consumer.beginningOffsets(places);
  const ends = await consumer.endOffsets(places);
  const contents = places.map(({ topic, partition }, index) => ({
    topic,
    partition,
    startOffset: starts[index]?.offset ?? 0,
    endOffset: ends[index]?.offset ?? 0,
    records: [] as PartitionContents['records'][number][],
  }));
  const byPlace = new Map(contents.map((each) => [placeName(each), each]));
  await consumer.assign(contents.map((each) => ({ ...each, offset: each.startOffset })));
  for (const each of contents) {
    while ((await consumer.position(each)) < each.endOffset) {
      for (const record of await consumer.poll()) {
        const { offset, timestamp } = record;
        const target = byPlace.get(placeName(record));
        if (target === undefined || offset >= target.endOffset) continue;
        target.records.push({
          ...identityOf({ ...record, headers: [...record.headers] }),
          offset,
          timestamp,
        });
      }
    }
  }
  await consumer.close();
  return contents;
}

/** Asks for random offsets and times of the partition. */
export async function lookUp(
  io: Io,
  contents: PartitionContents,
  { bootstrapServers, prng, count }: { bootstrapServers: string; prng: Prng; count: number },
): Promise<LookupAnswers> {
  const { topic, partition, startOffset, records } = contents;
  const reads: LookupAnswers['reads'][number][] = [];
  const times: LookupAnswers['times'][number][] = [];
  if (records.length === 0) return { reads, times };
  const consumer = new Consumer({ bootstrapServers, maxPollRecords: 1 }, io);
  for (let i = 0; i < count; i++) {
    const asked = startOffset + prng.int(records.length);
    await consumer.assign([{ topic, partition, offset: asked }]);
    let offset = -1;
    while (offset < 0) for (const record of await consumer.poll()) offset = record.offset;
    reads.push({ asked, offset });
    const timestamp = prng.pick(records).timestamp + prng.pick([0, 0, 1, -1, 100_000_000]);
    const [answer] = await consumer.offsetsForTimes([{ topic, partition, timestamp }]);
    times.push({ timestamp, offset: answer?.found?.offset ?? null });
    await consumer.assign([]);
  }
  await consumer.close();
  return { reads, times };
}
