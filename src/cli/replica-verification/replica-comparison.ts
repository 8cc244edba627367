// Whether the replicas of partitions hold the same, told batch by batch as they are read.
//
// Invariant: a partition's offset moves on behind a batch only when every replica has shown one
// there that lies below its own high watermark, so that a broker that is away holds up the
// partitions it has and no others.

import type { TopicPartition } from '../../client/index.ts';
import { type BatchHeader, batchHeaders } from '../../protocol/index.ts';

export interface ComparedPartition extends TopicPartition {
  /** The brokers that have a replica. */
  readonly replicas: readonly number[];
  /** Where the comparison begins. */
  readonly offset: number;
}

/** What was read of one replica, from the partition's offset on. */
export interface ReadReplica {
  readonly highWatermark: number;
  readonly batches: Buffer;
}

export interface Lag extends TopicPartition {
  /** Records below the highest watermark that are not compared yet. */
  readonly records: number;
  readonly offset: number;
}

/** Replicas of a partition have batches at different offsets: nothing behind can be compared. */
export class DifferentOffsets extends Error {}

interface State extends TopicPartition {
  readonly replicas: readonly number[];
  offset: number;
  lag: number;
}

export class ReplicaComparison {
  readonly #states: State[];

  constructor(partitions: readonly ComparedPartition[]) {
    this.#states = partitions.map((partition) => ({ ...partition, lag: -1 }));
  }

  get partitionCount(): number {
    return this.#states.length;
  }

  /** The partitions of which a broker has a replica, and from where to read them. */
  positionsOf(nodeId: number): (TopicPartition & { readonly offset: number })[] {
    return this.#states.filter(({ replicas }) => replicas.includes(nodeId));
  }

  /**
   * Compares what was read in one round; returns a sentence for each batch that differs.
   *
   * @throws DifferentOffsets; KafkaError CORRUPT_MESSAGE at what is no batch
   */
  compare(readOf: (partition: TopicPartition, nodeId: number) => ReadReplica | null): string[] {
    return this.#states.flatMap((state) => {
      const reads = state.replicas.map((nodeId) => ({ nodeId, read: readOf(state, nodeId) }));
      const lines = compareBatches(state, reads);
      const watermark = reads.reduce(
        (max, { read }) => Math.max(max, read?.highWatermark ?? -1),
        -1,
      );
      state.lag = watermark - state.offset;
      return lines;
    });
  }

  /** The partition that is furthest behind after the last round. */
  maxLag(): Lag {
    const [first, ...others] = this.#states as [State, ...State[]];
    const { topic, partition, offset, lag } = others.reduce(
      (most, state) => (state.lag > most.lag ? state : most),
      first,
    );
    return { topic, partition, offset, records: lag };
  }
}

function compareBatches(
  state: State,
  reads: readonly { readonly nodeId: number; readonly read: ReadReplica | null }[],
): string[] {
  const lines: string[] = [];
  const name = `${state.topic}-${state.partition}`;
  const walks = reads.map(({ nodeId, read }) => ({
    nodeId,
    highWatermark: read?.highWatermark ?? -1,
    headers: read === null ? [].values() : batchHeaders(read.batches),
  }));
  for (;;) {
    let first: { readonly nodeId: number; readonly header: BatchHeader } | null = null;
    for (const { nodeId, highWatermark, headers } of walks) {
      const { value: header, done } = headers.next();
      if (done || header === undefined || header.lastOffset >= highWatermark) return lines;
      if (first === null) {
        first = { nodeId, header };
        continue;
      }
      if (first.header.lastOffset !== header.lastOffset) {
        throw new DifferentOffsets(
          `partition ${name}: replica ${first.nodeId}'s offset ${first.header.lastOffset} ` +
            `doesn't match replica ${nodeId}'s offset ${header.lastOffset}`,
        );
      }
      if (first.header.crc !== header.crc) {
        lines.push(
          `partition ${name} has unmatched checksum at offset ${header.lastOffset}; ` +
            `replica ${first.nodeId}'s checksum ${first.header.crc}; ` +
            `replica ${nodeId}'s checksum ${header.crc}`,
        );
      }
    }
    if (first === null) return lines;
    state.offset = first.header.lastOffset + 1;
  }
}
