// Compacted partitions as readers of committed records see them: while they are compacted, and
// from beginning to end.

import { Consumer } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { type KeyedContents, type KeyedLedger, type Place, placeName } from '../checkers/index.ts';

interface KeyedReadOptions {
  readonly bootstrapServers: string;
  readonly places: readonly Place[];
  readonly updates: KeyedLedger;
}

/** Reads to the end and begins again, for ever: its process is killed. */
export async function rereadKeyed(io: Io, options: KeyedReadOptions): Promise<void> {
  for (;;) {
    await readKeyed(io, options);
    await io.clock.sleep(100);
  }
}

export async function readKeyed(
  io: Io,
  { bootstrapServers, places, updates }: KeyedReadOptions,
): Promise<KeyedContents[]> {
  const isolationLevel = 'read_committed';
  const consumer = new Consumer({ bootstrapServers, isolationLevel, autoOffsetReset: 'none' }, io);
  const ends = await consumer.endOffsets(places);
  const contents = places.map(({ topic, partition }, index) => {
    const endOffset = ends[index]?.offset ?? 0;
    return { topic, partition, endOffset, updates: [] as KeyedContents['updates'][number][] };
  });
  const byPlace = new Map(contents.map((each) => [placeName(each), each]));
  await consumer.assign(places.map((place) => ({ ...place, offset: 0 })));
  for (const each of contents) {
    while ((await consumer.position(each)) < each.endOffset) {
      for (const record of await consumer.poll(1_000)) {
        const target = byPlace.get(placeName(record));
        if (target === undefined || record.offset >= target.endOffset) continue;
        target.updates.push(updates.recognise({ ...record, headers: [...record.headers] }));
      }
    }
  }
  await consumer.close();
  return contents;
}
