// Follows the metadata log and turns it into images: one per committed batch. Every broker has
// one, the controller's process too: what it decided a moment ago reaches its own image only when
// it is committed.
//
// Invariant: listeners see every image in order of offsets, each with what changed since the one
// that they saw before.

import { assert } from '../base/assert.ts';
import type { Io } from '../io/index.ts';
import { isExpectedFailure } from '../storage/index.ts';
import type { ImageChanges, ImageListener } from './changes.ts';
import type { ClusterStore, StoreBatch, StoreSnapshot, Subscription } from './cluster-store.ts';
import { type BatchStamp, MetadataDelta } from './delta.ts';
import { MetadataImage } from './image.ts';
import { recordsOf } from './image-records.ts';
import { type DecodedRecord, decodeRecord, encodeRecord } from './records/index.ts';

export interface ImageLoaderOptions {
  readonly store: ClusterStore;
  /** A snapshot is taken when the log has grown by this much; default 20 MiB. */
  readonly bytesBetweenSnapshotsMax?: number;
  /** The log can no longer be followed: the image is stale from now on. */
  readonly onFailure?: (error: Error) => void;
}

export class ImageLoader {
  readonly #io: Io;
  readonly #store: ClusterStore;
  readonly #bytesBetweenSnapshotsMax: number;
  readonly #onFailure: (error: Error) => void;
  readonly #listeners = new Set<ImageListener>();
  #image: MetadataImage;
  #lastTimestampMs = 0;
  #subscription: Subscription | null = null;
  #savingSnapshot: Promise<void> | null = null;
  /** Records of a transaction of the log (KIP-868) that has not ended: only Kafka writes them. */
  #transaction: DecodedRecord[] | null = null;

  private constructor(io: Io, options: ImageLoaderOptions) {
    this.#io = io;
    this.#store = options.store;
    this.#bytesBetweenSnapshotsMax = options.bytesBetweenSnapshotsMax ?? 20 * 1024 * 1024;
    this.#onFailure = options.onFailure ?? (() => {});
    this.#image = MetadataImage.empty(options.store.clusterId);
  }

  /** Resolves when the image holds all that was committed. */
  static async start(io: Io, options: ImageLoaderOptions): Promise<ImageLoader> {
    const loader = new ImageLoader(io, options);
    loader.#subscription = await options.store.watch(0, {
      onSnapshot: (snapshot) => loader.#onSnapshot(snapshot),
      onBatch: (batch) => loader.#onBatch(batch),
      onError: (error) => loader.#onFailure(error),
    });
    return loader;
  }

  get image(): MetadataImage {
    return this.#image;
  }

  /** Calls the listener at once with all there is, as created, then after every change. */
  subscribe(listener: ImageListener): Subscription {
    this.#listeners.add(listener);
    const delta = new MetadataDelta(MetadataImage.empty(this.#image.clusterId));
    for (const record of recordsOf(this.#image)) delta.replayDecided(record);
    listener(this.#image, delta.changes(this.#image));
    return { close: () => this.#listeners.delete(listener) };
  }

  #onSnapshot(snapshot: StoreSnapshot): void {
    const delta = new MetadataDelta(MetadataImage.empty(this.#store.clusterId));
    this.#lastTimestampMs = snapshot.timestampMs;
    for (const record of snapshot.records) delta.replay(decodeRecord(record));
    const { endOffset, controllerEpoch } = snapshot;
    this.#publish(delta, { endOffset, controllerEpoch, controllerId: -1 });
  }

  #onBatch(batch: StoreBatch): void {
    assert(batch.baseOffset > this.#image.offset, `offset ${batch.baseOffset} was replayed before`);
    const delta = new MetadataDelta(this.#image);
    for (const record of batch.records) this.#replay(delta, decodeRecord(record));
    this.#lastTimestampMs = batch.timestampMs;
    this.#publish(delta, batch);
    if (this.#store.bytesSinceSnapshot > this.#bytesBetweenSnapshotsMax) this.#saveSnapshotSoon();
  }

  #replay(delta: MetadataDelta, record: DecodedRecord): void {
    if (record.type === 'BeginTransactionRecord') {
      this.#transaction = [];
    } else if (record.type === 'EndTransactionRecord') {
      for (const each of this.#transaction ?? []) delta.replay(each);
      this.#transaction = null;
    } else if (record.type === 'AbortTransactionRecord') {
      this.#transaction = null;
    } else if (this.#transaction !== null) {
      this.#transaction.push(record);
    } else {
      delta.replay(record);
    }
  }

  #publish(delta: MetadataDelta, stamp: BatchStamp): void {
    this.#image = delta.apply(stamp);
    if (this.#listeners.size === 0) return;
    const changes: ImageChanges = delta.changes(this.#image);
    for (const listener of [...this.#listeners]) listener(this.#image, changes);
  }

  #saveSnapshotSoon(): void {
    if (this.#savingSnapshot !== null) return;
    // A failure costs nothing but the next attempt: the log still holds everything.
    this.#savingSnapshot = this.saveSnapshot()
      .catch((error: unknown) => {
        if (!isExpectedFailure(error)) this.#onFailure(error as Error);
        else this.#io.log.error('could not save a metadata snapshot', { error });
      })
      .finally(() => {
        this.#savingSnapshot = null;
      });
  }

  /** The log ends within a transaction: what it began must be aborted before anything else. */
  get isInTransaction(): boolean {
    return this.#transaction !== null;
  }

  /** Writes the present image down, so that the log behind it may go. */
  async saveSnapshot(): Promise<void> {
    if (this.#transaction !== null) return;
    const image = this.#image;
    const records: Buffer[] = [];
    for (const record of recordsOf(image)) records.push(encodeRecord(record));
    await this.#store.saveSnapshot({
      endOffset: image.offset + 1,
      controllerEpoch: image.controllerEpoch,
      timestampMs: this.#lastTimestampMs,
      records,
    });
  }

  async close(): Promise<void> {
    this.#subscription?.close();
    this.#listeners.clear();
    await this.#savingSnapshot;
  }
}
