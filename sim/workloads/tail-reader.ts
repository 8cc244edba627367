// A consumer that follows partitions from their beginning while everything goes on around it, and
// reports every record and every high watermark that it is shown.

import { Consumer, type TopicPartition } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { identityOf, type Place, type StoredRecord } from '../checkers/index.ts';

export interface TailOptions {
  readonly name: string;
  readonly places: readonly TopicPartition[];
  readonly bootstrapServers: string;
  readonly reads: {
    onRecord(reader: string, record: StoredRecord): void;
    onHighWatermark(reader: string, place: Place, highWatermark: number): void;
  };
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed';
  readonly fetchMaxWaitMs?: number;
  readonly maxPartitionFetchBytes?: number;
}

/** Never ends: its process is killed. */
export async function followTail(io: Io, options: TailOptions): Promise<void> {
  const { name, places, reads } = options;
  const { bootstrapServers, isolationLevel, fetchMaxWaitMs, maxPartitionFetchBytes } = options;
  const consumer = new Consumer(
    {
      bootstrapServers,
      clientId: name,
      // A reader that is behind what retention deleted goes on where the log begins.
      autoOffsetReset: 'earliest',
      requestTimeoutMs: 5_000,
      ...(isolationLevel && { isolationLevel }),
      ...(fetchMaxWaitMs !== undefined && { fetchMaxWaitMs }),
      ...(maxPartitionFetchBytes !== undefined && { maxPartitionFetchBytes }),
    },
    io,
  );
  await consumer.assign(places.map((place) => ({ ...place, offset: 'earliest' as const })));
  for (;;) {
    for (const record of await consumer.poll(1_000)) {
      const { offset, timestamp } = record;
      reads.onRecord(name, {
        ...identityOf({ ...record, headers: [...record.headers] }),
        offset,
        timestamp,
      });
    }
    for (const place of places) {
      const highWatermark = consumer.highWatermark(place);
      if (highWatermark !== null) reads.onHighWatermark(name, place, highWatermark);
    }
  }
}
