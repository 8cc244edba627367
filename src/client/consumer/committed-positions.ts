// Partitions of a group begin where the group has stopped: their committed offsets are fetched
// together, and those without one begin where autoOffsetReset says.

import { KafkaError } from '../../protocol/index.ts';
import { type Client, isRetriableFailure, messageOf } from '../client.ts';
import type { AssignedPartition } from './assigned-partition.ts';
import type { ResolvedConsumerOptions } from './consumer-options.ts';
import type { Fetcher } from './fetcher.ts';
import { type CommittedOffset, type GroupOffsets, isAboutMembership } from './group-offsets.ts';
import { resetSpec } from './offset-reset.ts';

export class CommittedPositions {
  readonly #client: Client;
  readonly #fetcher: Fetcher;
  readonly #offsets: GroupOffsets;
  readonly #options: ResolvedConsumerOptions;
  #isFetching = false;
  #failures = 0;

  constructor(
    client: Client,
    fetcher: Fetcher,
    offsets: GroupOffsets,
    options: ResolvedConsumerOptions,
  ) {
    this.#client = client;
    this.#fetcher = fetcher;
    this.#offsets = offsets;
    this.#options = options;
  }

  /** Asks for what is missing; the fetcher goes on when the answer is there. */
  pump(): void {
    if (this.#isFetching || this.#client.isClosed) return;
    const asked = [...this.#fetcher.partitions].filter((each) => each.awaitsCommitted);
    if (asked.length === 0) return;
    this.#isFetching = true;
    void this.#fetch(asked);
  }

  async #fetch(asked: readonly AssignedPartition[]): Promise<void> {
    const generations = asked.map((each) => each.generation);
    try {
      const found = await this.#offsets.fetch(asked);
      this.#failures = 0;
      for (const [i, partition] of asked.entries()) {
        if (partition.generation !== generations[i]) continue;
        this.#place(partition, found[i] ?? null);
      }
    } catch (error) {
      if (this.#client.isClosed) return;
      this.#failures++;
      this.#client.log.debug('no committed offsets', { error: messageOf(error) });
      // Who was thrown out loses these partitions with the next poll: that is no error of poll's.
      const isOurs = isRetriableFailure(error) || isAboutMembership(error);
      if (!isOurs) this.#fetcher.reportError(error as Error);
      await this.#client.io.clock.sleep(this.#client.backoff.delayMs(this.#failures));
    } finally {
      this.#isFetching = false;
      this.#fetcher.pump();
      this.#fetcher.onArrival();
    }
  }

  #place(partition: AssignedPartition, committed: CommittedOffset | null): void {
    if (committed !== null) {
      partition.seek(committed.offset);
      partition.beganAt = committed;
      return;
    }
    const policy = this.#options.autoOffsetReset;
    const spec = resetSpec(policy, this.#client.io.clock.now());
    if (spec !== null) {
      partition.reset(spec);
      return;
    }
    const place = `${partition.topic}-${partition.partition}`;
    const message = `the group has no offset of ${place}, and autoOffsetReset is none: seek first`;
    this.#fetcher.reportError(new KafkaError('OFFSET_OUT_OF_RANGE', message));
  }
}
