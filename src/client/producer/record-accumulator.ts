// Where records become batches. It knows which partitions have something to send, which have an
// open batch and since when, and how much memory all of it takes.
//
// By default a batch lingers only while something is under way to its broker (as Nagle's algorithm
// for TCP): a record that is alone does not wait, many are joined by the answers they wait for.
//
// A batch that has lingered grows until it can be sent: while a partition has as many batches under
// way as it may, its records would otherwise travel one by one, ever later.
//
// Invariants: `active` holds every queue with a batch that may be sent; `incomplete` holds every
// batch until it is done; memoryBytes is the sum over `incomplete`.

import type { Clock } from '../../io/index.ts';
import { BatchBuilder, type RecordInput } from '../../protocol/index.ts';
import type { PartitionQueue } from './partition-queue.ts';
import { ProducerBatch } from './producer-batch.ts';
import type { ResolvedProducerOptions } from './producer-options.ts';
import type { DeliveryCallback } from './producer-record.ts';

export class RecordAccumulator {
  readonly active = new Set<PartitionQueue>();
  readonly incomplete = new Set<ProducerBatch>();
  /** What the last record took, with the head of the batch that it began. */
  appendedBytes = 0;
  /** Called after a batch is done, with the error nobody else was told of. */
  onBatchDone: (batch: ProducerBatch, error: Error | null) => void = () => {};
  /** Called with what the callback of a record throws. */
  onCallbackThrown: (error: unknown) => void = () => {};
  readonly #clock: Clock;
  readonly #options: ResolvedProducerOptions;
  /** Queues with an open batch, oldest batch first: all linger for the same time. */
  readonly #open = new Set<PartitionQueue>();
  /** What compression makes of a topic's bytes, as Java's producer estimates it. */
  readonly #ratios = new Map<string, number>();
  #batchNumber = 0;
  #memoryBytes = 0;

  constructor(clock: Clock, options: ResolvedProducerOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /**
   * True if there is something new for the sender: a full batch, or one that begins to linger. null
   * if the open batch had no room and is closed, and the record `mayMove` to another partition
   * instead of beginning the next batch here.
   */
  append(
    queue: PartitionQueue,
    record: RecordInput,
    callback: DeliveryCallback | null,
    mayMove: boolean,
  ): boolean | null {
    let batch = queue.open;
    let isNews = false;
    let before = batch?.memoryBytes ?? 0;
    let sizeBefore = batch?.sizeBytes ?? 0;
    if (batch === null || !batch.append(record, callback)) {
      if (batch !== null) this.#close(queue);
      if (batch !== null && mayMove) return null;
      batch = this.#newBatch(queue);
      before = 0;
      sizeBefore = 0;
      batch.append(record, callback);
      isNews = true;
    }
    this.#memoryBytes += batch.memoryBytes - before;
    const { sizeBytes } = batch;
    this.appendedBytes = sizeBytes - sizeBefore;
    if (sizeBytes >= this.#options.batchSizeBytes) {
      this.#close(queue);
      return true;
    }
    return isNews;
  }

  /**
   * Finds the batches that have lingered long enough, or need not linger because `isIdle` says of
   * their partition that nothing is under way; returns when the next one will have.
   */
  ripen(nowMs: number, isIdle: ((queue: PartitionQueue) => boolean) | null): number {
    const { lingerMs } = this.#options;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#open) {
      const dueMs = (queue.open?.createdMs ?? nowMs) + lingerMs;
      if (dueMs > nowMs && isIdle?.(queue) !== true) {
        if (nextMs === Number.POSITIVE_INFINITY) nextMs = dueMs;
        if (isIdle === null) break;
        continue;
      }
      this.#open.delete(queue);
      queue.isRipe = queue.open !== null;
      this.active.add(queue);
    }
    return nextMs;
  }

  closeAll(): void {
    for (const queue of this.#open) this.#close(queue);
  }

  /** Takes the parts of a split into account in place of the whole. */
  replace(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    this.#release(batch);
    for (const part of parts) this.#adopt(part);
  }

  onCompressed(topic: string, uncompressedBytes: number, compressedBytes: number): void {
    const observed = compressedBytes / Math.max(1, uncompressedBytes);
    const before = this.#ratios.get(topic) ?? 1;
    const next =
      observed > before ? Math.max(before + 0.05, observed) : Math.max(before - 0.005, observed);
    this.#ratios.set(topic, next);
  }

  #close(queue: PartitionQueue): void {
    this.#open.delete(queue);
    queue.closeOpen();
    this.active.add(queue);
  }

  #newBatch(queue: PartitionQueue): ProducerBatch {
    const { batchSizeBytes, compression } = this.#options;
    const builder = new BatchBuilder(
      {
        sizeBytesMax: batchSizeBytes,
        compression,
        compressionRatio: this.#ratios.get(queue.topic) ?? 1,
      },
      queue.sizeHintBytes,
    );
    const order = { number: this.#batchNumber++ };
    const batch = new ProducerBatch(queue, order, this.#clock.monotonic(), builder);
    queue.open = batch;
    this.#open.add(queue);
    this.#adopt(batch);
    return batch;
  }

  #adopt(batch: ProducerBatch): void {
    this.incomplete.add(batch);
    this.#memoryBytes += batch.memoryBytes;
    batch.onThrown = this.onCallbackThrown;
    batch.onDone = (error) => {
      this.#release(batch);
      this.onBatchDone(batch, error);
    };
  }

  #release(batch: ProducerBatch): void {
    if (this.incomplete.delete(batch)) this.#memoryBytes -= batch.memoryBytes;
  }
}
