// Follows the metadata log and turns it into images: one per committed batch. Every broker has
// one, the controller's process too: what it decided a moment ago reaches its own image only when
// it is committed.
//
// Invariant: listeners see images in order of offsets, each with what changed since the one that
// they saw before, also where a snapshot stands for batches that were missed.

import { assert } from '../base/assert.ts';
import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { isExpectedFailure } from '../storage/index.ts';
import { asFingerprint, fingerprintOf } from './batch-fingerprint.ts';
import { changesBetween, type ImageChanges, type ImageListener } from './changes.ts';
import type { ClusterStore, StoreBatch, StoreSnapshot, Subscription } from './cluster-store.ts';
import { assertKnownFeature, METADATA_VERSION_READ } from './controller/features.ts';
import { type BatchStamp, MetadataDelta } from './delta.ts';
import { MetadataImage } from './image.ts';
import { recordsOf } from './image-records.ts';
import { type DecodedRecord, decodeRecord, encodeRecord } from './records/index.ts';

/** Of a snapshot: what is encoded at a time. */
const pieceRecordsMax = 1000;

/** What is asked of a store to follow its log. */
export type FollowedStore = Pick<
  ClusterStore,
  'bytesSinceSnapshot' | 'clusterId' | 'saveSnapshot' | 'watch'
>;

export interface ImageLoaderOptions {
  readonly store: FollowedStore;
  /** A snapshot is taken when the log has grown by this much; default 20 MiB. */
  readonly bytesBetweenSnapshotsMax?: number;
  /** The log can no longer be followed: the image is stale from now on. */
  readonly onFailure?: (error: Error) => void;
  /** Others rely on the same metadata. */
  readonly isOfSeveral?: boolean;
}

export class ImageLoader {
  readonly #io: Io;
  readonly #store: FollowedStore;
  readonly #bytesBetweenSnapshotsMax: number;
  readonly #onFailure: (error: Error) => void;
  readonly #isOfSeveral: boolean;
  readonly #listeners = new Set<ImageListener>();
  #image: MetadataImage;
  #lastTimestampMs = 0;
  #subscription: Subscription | null = null;
  #hasFailed = false;
  #savingSnapshot: Promise<void> | null = null;
  /** Records of a transaction of the log (KIP-868) that has not ended: only Kafka writes them. */
  #transaction: DecodedRecord[] | null = null;

  private constructor(io: Io, options: ImageLoaderOptions) {
    this.#io = io;
    this.#store = options.store;
    this.#bytesBetweenSnapshotsMax = options.bytesBetweenSnapshotsMax ?? 20 * 1024 * 1024;
    this.#onFailure = options.onFailure ?? (() => {});
    this.#isOfSeveral = options.isOfSeveral ?? false;
    this.#image = MetadataImage.empty(options.store.clusterId);
  }

  /** Resolves when the image holds all that was committed. */
  static async start(io: Io, options: ImageLoaderOptions): Promise<ImageLoader> {
    const loader = new ImageLoader(io, options);
    loader.#subscription = await options.store.watch(0, {
      onSnapshot: (snapshot) => loader.#onSnapshot(snapshot),
      onBatch: (batch) => loader.#onBatchUnlessFailed(batch),
      onError: (error) => loader.#onFailure(error),
    });
    return loader;
  }

  get image(): MetadataImage {
    return this.#image;
  }

  /** Of the last record that is in the image; 0 when there is none. */
  get lastTimestampMs(): number {
    return this.#lastTimestampMs;
  }

  /** Calls the listener at once with all there is, as created, then after every change. */
  subscribe(listener: ImageListener): Subscription {
    this.#listeners.add(listener);
    const delta = new MetadataDelta(MetadataImage.empty(this.#image.clusterId));
    for (const record of recordsOf(this.#image)) delta.replayDecided(record);
    listener(this.#image, delta.changes(this.#image));
    return { close: () => this.#listeners.delete(listener) };
  }

  /** Nothing of it is published before its last piece was read. */
  async #onSnapshot({ pieces, ...snapshot }: StoreSnapshot): Promise<void> {
    const { endOffset, controllerEpoch, timestampMs } = snapshot;
    const delta = new MetadataDelta(MetadataImage.empty(this.#store.clusterId));
    for await (const piece of pieces) {
      for (const record of this.#known(piece)) delta.replay(record);
    }
    const previous = this.#image;
    if (previous.offset >= 0) this.#io.log.debug('begins anew with a snapshot of the metadata');
    this.#lastTimestampMs = timestampMs;
    this.#transaction = null;
    // The batch that began the term may be gone with the log before the snapshot.
    const told = snapshot.controllerId ?? -1;
    const controllerId = told >= 0 ? told : previous.controllerId;
    const lastBatch = asFingerprint(snapshot.lastBatch);
    this.#image = delta.apply({ endOffset, controllerEpoch, controllerId, lastBatch });
    if (this.#listeners.size > 0) this.#tell(changesBetween(previous, this.#image));
  }

  /** Of what is not known here nothing is applied: the process must not go on. */
  #onBatchUnlessFailed(batch: StoreBatch): void {
    if (this.#hasFailed) return;
    try {
      this.#onBatch(batch);
    } catch (error) {
      // While it starts, whoever waits for that is told.
      if (this.#subscription === null || !(error instanceof KafkaError)) throw error;
      this.#hasFailed = true;
      this.#subscription.close();
      this.#onFailure(error);
    }
  }

  #known(encoded: readonly Buffer[]): DecodedRecord[] {
    const records = this.#decoded(encoded);
    for (const record of records) {
      if (record.type !== 'FeatureLevelRecord') continue;
      assertKnownFeature(record.name, record.featureLevel, this.#isOfSeveral);
    }
    return records;
  }

  #decoded(encoded: readonly Buffer[]): DecodedRecord[] {
    try {
      return encoded.map(decodeRecord);
    } catch (error) {
      if (!(error instanceof KafkaError) || error.errorName !== 'UNSUPPORTED_VERSION') throw error;
      const level = this.#image.features.get('metadata.version') ?? 'an unknown one';
      const known = `up to ${METADATA_VERSION_READ} are known here`;
      throw new KafkaError(
        'UNSUPPORTED_VERSION',
        `the metadata are of metadata.version ${level}; ${known} (${error.message}): upgrade ` +
          'this broker',
      );
    }
  }

  #onBatch(batch: StoreBatch): void {
    const next = this.#image.offset + 1;
    assert(batch.baseOffset === next, `offset ${batch.baseOffset} came where ${next} was due`);
    const delta = new MetadataDelta(this.#image);
    for (const record of this.#known(batch.records)) this.#replay(delta, record);
    this.#lastTimestampMs = batch.timestampMs;
    this.#publish(delta, { ...batch, lastBatch: fingerprintOf(batch) });
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
    this.#tell(delta.changes(this.#image));
  }

  #tell(changes: ImageChanges): void {
    for (const listener of [...this.#listeners]) listener(this.#image, changes);
  }

  /** Called by the controller when the log has grown; nobody else takes snapshots. */
  maybeSaveSnapshot(controllerEpoch: number): void {
    if (this.#savingSnapshot !== null) return;
    if (this.#store.bytesSinceSnapshot <= this.#bytesBetweenSnapshotsMax) return;
    // A failure costs nothing but the next attempt: the log still holds everything.
    this.#savingSnapshot = this.saveSnapshot(controllerEpoch)
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
  async saveSnapshot(controllerEpoch: number): Promise<void> {
    if (this.#transaction !== null) return;
    const image = this.#image;
    const snapshot = {
      endOffset: image.offset + 1,
      controllerEpoch: image.controllerEpoch,
      timestampMs: this.#lastTimestampMs,
      lastBatch: image.lastBatch,
      pieces: piecesOf(image),
    };
    await this.#store.saveSnapshot(snapshot, controllerEpoch);
  }

  async close(): Promise<void> {
    this.#subscription?.close();
    this.#listeners.clear();
    await this.#savingSnapshot;
  }
}

function* piecesOf(image: MetadataImage): Generator<readonly Buffer[], void, undefined> {
  let piece: Buffer[] = [];
  for (const record of recordsOf(image)) {
    piece.push(encodeRecord(record));
    if (piece.length < pieceRecordsMax) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
