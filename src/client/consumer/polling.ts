// Polls of a consumer, and what is made of them: iterations over records and over batches, and the
// positions that may be committed meanwhile.
//
// Invariant: with a group, one poll is under way at most; records that an iteration has not handed
// out are not read as far as commits are concerned, and come again.

import { Deferred } from '../../base/deferred.ts';
import type { Client } from '../client.ts';
import { traced } from '../diagnostics.ts';
import { IllegalStateError } from '../errors.ts';
import { ConsumerBatch } from './consumer-batch.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import type { Fetcher } from './fetcher.ts';
import type { OffsetToCommit } from './group-offsets.ts';
import type { Receipt } from './receipt.ts';
import { RecordIteration } from './record-iteration.ts';
import { WakeupError } from './wakeup-error.ts';

export interface PollingParts {
  readonly client: Client;
  readonly fetcher: Fetcher;
  readonly groupId: string | null;
  readonly maxPollRecords: number;
  /** null: all topics are bytes. */
  readonly receipt: Receipt | null;
}

export class Polling {
  /** null: partitions are assigned by hand, and nothing is committed. */
  group: ConsumerGroup | null = null;
  readonly #parts: PollingParts;
  #underWay: Deferred<void> | null = null;
  #iteration: RecordIteration | null = null;
  #arrival: Deferred<void> | null = null;
  /** Something has happened since the poll under way looked. */
  #hasNews = false;
  #end: 'none' | 'return' | 'throw' = 'none';
  #isClosed = false;

  constructor(parts: PollingParts) {
    this.#parts = parts;
  }

  poll(maxWaitMs: number): Promise<ConsumerRecord[]> {
    const { client, groupId } = this.#parts;
    const message = () => ({ clientId: client.options.clientId, groupId });
    return traced('poll', message, () => client.work.during(() => this.#poll(maxWaitMs)));
  }

  async #poll(maxWaitMs: number): Promise<ConsumerRecord[]> {
    const nowMs = this.#parts.client.io.clock.monotonic();
    const deadlineMs = nowMs + maxWaitMs;
    this.#parts.fetcher.metrics.onPollBegin(nowMs);
    const { group } = this;
    if (group === null) return this.#pollUntil(deadlineMs);
    this.assertNone();
    const underWay = new Deferred<void>();
    this.#underWay = underWay;
    try {
      return await this.#pollUntil(deadlineMs);
    } finally {
      if (!this.#isClosed) group.onPollEnd();
      this.#underWay = null;
      underWay.resolve();
    }
  }

  async *records(poll: () => Promise<ConsumerRecord[]>): AsyncGenerator<ConsumerRecord, void> {
    while (!this.#isClosed) {
      const iteration = new RecordIteration(await poll());
      this.#iteration = iteration;
      try {
        for (let next = iteration.next(); next !== undefined; next = iteration.next()) {
          yield next;
          if (this.#isClosed) return;
        }
      } finally {
        this.#endIteration(iteration);
      }
    }
  }

  async *batches(poll: () => Promise<ConsumerRecord[]>): AsyncGenerator<ConsumerBatch, void> {
    while (!this.#isClosed) {
      const iteration = new RecordIteration(await poll());
      this.#iteration = iteration;
      try {
        for (let next = iteration.nextOfOne(); next.length > 0; next = iteration.nextOfOne()) {
          yield new ConsumerBatch(next, this.group);
          if (this.#isClosed) return;
        }
      } finally {
        this.#endIteration(iteration);
      }
    }
  }

  /** What may be committed: behind what poll returned, or an iteration has handed out. */
  positions(): OffsetToCommit[] {
    const positions: OffsetToCommit[] = [];
    for (const { topic, partition, position, positionEpoch } of this.#parts.fetcher.partitions) {
      if (position === null) continue;
      const unseen = this.#iteration?.unseenOffset({ topic, partition }) ?? position;
      const offset = Math.min(position, unseen);
      positions.push({ topic, partition, offset, leaderEpoch: positionEpoch });
    }
    return positions;
  }

  onNews(): void {
    this.#hasNews = true;
    this.#arrival?.resolve();
    this.#arrival = null;
  }

  /** The poll under way, or the next one, returns without waiting, or throws a WakeupError. */
  end(how: 'return' | 'throw'): void {
    this.#end = how;
    this.onNews();
  }

  /** Waits for news, or until the deadline. */
  async waitUntil(deadlineMs: number): Promise<void> {
    this.#arrival ??= new Deferred();
    const arrival = this.#arrival;
    const { clock } = this.#parts.client.io;
    const delayMs = Math.max(0, deadlineMs - clock.monotonic());
    const timer = clock.after(delayMs, () => arrival.resolve());
    await arrival.promise;
    if (this.#arrival === arrival) this.#arrival = null;
    timer.cancel();
  }

  assertNone(): void {
    if (this.#underWay !== null) {
      throw new IllegalStateError('a poll is under way: await it first');
    }
  }

  /** No poll hands out anything from now on. Resolves when the one under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.onNews();
    // A listener may be at work within that poll.
    await this.#underWay?.promise;
  }

  async #pollUntil(deadlineMs: number): Promise<ConsumerRecord[]> {
    const { client, fetcher, maxPollRecords, receipt } = this.#parts;
    const { clock } = client.io;
    for (;;) {
      if (this.#isClosed) return [];
      this.#hasNews = false;
      await this.group?.drive();
      if (this.#isClosed) return [];
      const end = this.#end;
      this.#end = 'none';
      if (end === 'throw') throw new WakeupError();
      receipt?.throwOwed();
      const collected = fetcher.collect(maxPollRecords);
      const records = receipt === null ? collected : receipt.prepared(collected);
      fetcher.pump();
      const nowMs = clock.monotonic();
      fetcher.metrics.onPollEnd(nowMs);
      const isOver = end === 'return' || nowMs >= deadlineMs;
      if (records.length > 0 || isOver) return records;
      if (this.#hasNews) continue;
      this.group?.onWaiting();
      await this.waitUntil(deadlineMs);
    }
  }

  #endIteration(iteration: RecordIteration): void {
    this.#iteration = null;
    for (const { offset, ...place } of iteration.unseen()) {
      this.#parts.fetcher.partition(place)?.seek(offset);
    }
  }
}
