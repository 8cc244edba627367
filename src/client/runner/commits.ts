// Commits of the runner: of each partition the offset up to which all is done, with what is done
// beyond it. One is under way at a time, so that one that was repeated never comes behind a newer.

import { ErrorCode, KafkaError } from '../../protocol/index.ts';
import { messageOf } from '../client.ts';
import { isAboutMembership, type OffsetToCommit } from '../consumer/group-offsets.ts';
import { metadataBytesMax } from './done-offsets.ts';
import type { PartitionInHand } from './in-hand.ts';
import type { Committable } from './offset-tracker.ts';
import type { RunnerPort } from './runner-port.ts';

export class Commits {
  readonly #port: RunnerPort;
  #last: Promise<void> = Promise.resolve();
  /** Less than Kafka's default where the broker takes less; 0: none. */
  #metadataBytesMax = metadataBytesMax;

  constructor(port: RunnerPort) {
    this.#port = port;
  }

  /** What is done of the partitions that are ours, once the commits before are over. */
  commit(partitions: readonly PartitionInHand[]): Promise<void> {
    this.#last = this.#last.then(() =>
      this.#commitOnce(partitions.filter(({ state }) => state !== 'gone')),
    );
    return this.#last;
  }

  /** What is done of partitions that go to others. */
  commitLast(partitions: readonly PartitionInHand[]): Promise<void> {
    this.#last = this.#last.then(() => this.#commitOnce(partitions));
    return this.#last;
  }

  /** Failures are logged: the records come again. */
  async #commitOnce(partitions: readonly PartitionInHand[]): Promise<void> {
    for (;;) {
      const sent = partitions.flatMap((partition) => {
        const committable = this.#news(partition);
        return committable === null ? [] : [{ partition, committable }];
      });
      if (sent.length === 0) return;
      const offsets = sent.map(({ partition: { topic, partition }, committable }) => {
        return { topic, partition, ...committable } satisfies OffsetToCommit;
      });
      try {
        await this.#port.commit(offsets, this.#port.requestTimeoutMs);
        for (const { partition, committable } of sent) partition.committed = committable;
        return;
      } catch (error) {
        if (!this.#canShorten(error)) {
          const level = isAboutMembership(error) ? 'debug' : 'warn';
          this.#port.log[level]('what is done was not committed', { reason: messageOf(error) });
          return;
        }
      }
    }
  }

  /** null: nothing has changed since the last commit. */
  #news({ tracker, committed }: PartitionInHand): Committable | null {
    const bytesMax = this.#metadataBytesMax;
    const next = tracker.committable(bytesMax);
    if (next === null) return null;
    const isSame = next.offset === committed?.offset && next.metadata === committed.metadata;
    return isSame ? null : next;
  }

  /** The broker's offset.metadata.max.bytes is below Kafka's default. */
  #canShorten(error: unknown): boolean {
    const isTooLarge =
      error instanceof KafkaError && error.code === ErrorCode.OFFSET_METADATA_TOO_LARGE;
    if (!isTooLarge || this.#metadataBytesMax === 0) return false;
    const half = Math.floor(this.#metadataBytesMax / 2);
    this.#metadataBytesMax = half < 16 ? 0 : half;
    return true;
  }
}
