// The metadata log as keys: one key a batch, under its base offset, and the key `end`.
//
// Invariants: a batch, the new end, and that nobody else was elected are one change, so the log has
// neither gaps nor branches; readers check both, and never read beyond the end that they know. The
// known end only grows: a store that has less was put back (keyed-store.ts).

import { assert } from '../../../base/assert.ts';
import {
  type BatchHeader,
  batchHeaders,
  encodeBatch,
  isBatchCrcValid,
  KafkaError,
  type RecordInput,
} from '../../../protocol/index.ts';
import { type StoreBatch, StoreContentError } from '../../cluster-store.ts';
import { leaderChangeRecord } from '../../records/index.ts';
import { batchesIn } from '../local/index.ts';
import { commitFenced, type Fence } from './fence.ts';
import type { KeyStep, KeyStore, NamedEntry } from './key-store.ts';
import {
  bucketOf,
  type EndValue,
  firstOffsetOf,
  forms,
  keys,
  notOurs,
  offsetName,
  type SnapshotValue,
} from './layout.ts';
import { entriesOf, PieceFolders, PiecesGoneError } from './piece-folders.ts';

/** A value in JSON begins with it; a batch begins with its base offset, so with a zero. */
const openingBrace = 0x7b;
/** Of a change: what else travels with a batch. */
const roomBytes = 1024;

export interface NewBatch extends StoreBatch {
  readonly bytes: Buffer;
}

export class KeyedLog {
  readonly folders: PieceFolders;
  readonly #store: KeyStore;
  readonly #onCommitted: (batch: StoreBatch) => void;
  #end: EndValue = { endOffset: 0, controllerEpoch: 0, bytes: 0 };
  /** Of the key `end`; known to the controller of this process. */
  #endVersion = '';
  /** The newest that this process has heard of. */
  #snapshot: SnapshotValue | null = null;

  /** @param onCommitted an append of this process, in order */
  constructor(store: KeyStore, onCommitted: (batch: StoreBatch) => void) {
    this.#store = store;
    this.#onCommitted = onCommitted;
    this.folders = new PieceFolders(store);
  }

  get endOffset(): number {
    return this.#end.endOffset;
  }

  get bytes(): number {
    return this.#end.bytes;
  }

  get bytesSinceSnapshot(): number {
    return Math.max(0, this.#end.bytes - (this.#snapshot?.bytes ?? 0));
  }

  /** What is below was removed, or will be. */
  get logStart(): number {
    return this.#snapshot?.logStart ?? 0;
  }

  /** The end as the store has it. */
  onEnd(end: EndValue): void {
    this.#end = end;
  }

  onSnapshot(snapshot: SnapshotValue | null): void {
    this.#snapshot = snapshot;
  }

  async newestSnapshot(): Promise<{ readonly value: SnapshotValue; version: string } | null> {
    const entry = await this.#store.get(keys.snapshot);
    const value = entry === null ? null : forms.snapshot.decode(keys.snapshot, entry.value);
    this.#snapshot = value;
    return entry === null || value === null ? null : { value, version: entry.version };
  }

  /** The batch with which a controller begins its term, behind the end. */
  firstBatch(term: { epoch: number; controllerId: number }, timestampMs: number, end: EndValue) {
    const inputs = [leaderChangeRecord(term.controllerId, timestampMs)];
    return newBatch(inputs, {
      baseOffset: end.endOffset,
      endOffset: end.endOffset + 1,
      controllerEpoch: term.epoch,
      controllerId: term.controllerId,
      timestampMs,
      records: [],
    });
  }

  /** The steps with which a batch of one change becomes the end of the log: the end's first. */
  stepsFor(batch: NewBatch, end: { value: EndValue; version: string }, value = batch.bytes) {
    const { endOffset, controllerEpoch, baseOffset } = batch;
    const next: EndValue = {
      endOffset,
      controllerEpoch,
      bytes: end.value.bytes + batch.bytes.length,
    };
    const steps: KeyStep[] = [
      { key: keys.end, was: end.version, becomes: forms.end.encode(next) },
      { key: keys.batch(baseOffset), was: null, becomes: value },
    ];
    return { steps, next };
  }

  /** This process controls from this batch on. */
  onElected(end: EndValue, endVersion: string): void {
    this.#end = end;
    this.#endVersion = endVersion;
  }

  /** @throws KafkaError NOT_CONTROLLER, and as the store does */
  async append(fence: Fence, records: readonly Buffer[], timestampMs: number): Promise<void> {
    const { endOffset: baseOffset } = this.#end;
    const inputs = records.map((value) => ({ value, timestamp: timestampMs }));
    const batch = newBatch(inputs, {
      baseOffset,
      endOffset: baseOffset + inputs.length,
      controllerEpoch: fence.epoch,
      controllerId: -1,
      timestampMs,
      records,
    });
    const { value, more } = await this.#valueOf(batch, fence);
    const end = { value: this.#end, version: this.#endVersion };
    const { steps, next } = this.stepsFor(batch, end, value);
    const versions = await commitFenced(this.#store, fence, [...steps, ...more]);
    assert(this.#end.endOffset === baseOffset, 'the end moved on while an append was under way');
    this.#endVersion = versions[0] as string;
    this.#end = next;
    this.#onCommitted(batch);
  }

  /** What the batch's key holds: the batch, or where its pieces are, which go first. */
  async #valueOf(batch: NewBatch, fence: Fence): Promise<{ value: Buffer; more: KeyStep[] }> {
    const { bytes, baseOffset, endOffset } = batch;
    if (bytes.length <= this.#store.changeBytesMax - roomBytes) return { value: bytes, more: [] };
    const head = { kind: 'batch', offset: baseOffset, endOffset } as const;
    const { keep, ...pieces } = await this.folders.write(fence, head, [bytes]);
    return { value: forms.batchInPieces.encode(pieces), more: [keep] };
  }

  /** @throws KafkaError OFFSET_OUT_OF_RANGE when the log no longer reaches back that far */
  async *read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
    const { endOffset } = this.#end;
    this.#assertReaches(from);
    let isSought = false;
    for (let at = from; at < endOffset; ) {
      const { entries } = await this.#store.list(keys.bucket(at), offsetName(at));
      if (entries[0]?.name !== offsetName(at)) {
        if (isSought || at !== from) throw await this.#gapAt(at);
        isSought = true;
        at = await this.#batchOver(from);
        continue;
      }
      for (const entry of entries) {
        if (at >= endOffset) return;
        if (entry.name !== offsetName(at)) throw await this.#gapAt(at);
        const batch = await this.#batchIn(entry, at);
        if (batch.endOffset > from) yield batch;
        at = batch.endOffset;
      }
    }
  }

  #assertReaches(offset: number): void {
    const { logStart } = this;
    if (offset >= logStart) return;
    const why = `the metadata log begins at ${logStart}, after ${offset}`;
    throw new KafkaError('OFFSET_OUT_OF_RANGE', why);
  }

  /** Why there is nothing at an offset before the end. */
  async #gapAt(offset: number): Promise<KafkaError> {
    await this.newestSnapshot();
    this.#assertReaches(offset);
    const what = `the metadata log has no batch at offset ${offset}, before its end`;
    const remedy = 'bring the store back as it was (partita cluster recover, where it is lost)';
    return new StoreContentError(`${what}: the key ${keys.batch(offset)} is missing; ${remedy}`);
  }

  /** Where the batch begins that has the offset in its middle. */
  async #batchOver(offset: number): Promise<number> {
    const gap = await this.#gapAt(offset);
    for (let bucket = bucketOf(offset); bucket >= bucketOf(this.logStart); bucket--) {
      let found = -1;
      for await (const { name } of entriesOf(this.#store, keys.bucket(firstOffsetOf(bucket)))) {
        const baseOffset = Number.parseInt(name, 16);
        if (baseOffset <= offset) found = baseOffset;
      }
      if (found !== -1) return found;
    }
    throw gap;
  }

  async #batchIn({ value }: NamedEntry, at: number): Promise<StoreBatch> {
    const isInline = value[0] !== openingBrace;
    return decodeBatch(isInline ? value : await this.#joined(value, at), at);
  }

  async #joined(value: Buffer, at: number): Promise<Buffer> {
    const name = forms.batchInPieces.decode(keys.batch(at), value);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of this.folders.read(name)) pieces.push(piece);
    } catch (error) {
      throw error instanceof PiecesGoneError ? await this.#gapAt(at) : error;
    }
    return Buffer.concat(pieces);
  }

  /** Removes batches below the start of the log; what is not there is no matter. */
  async trim({ trimmedTo, logStart }: SnapshotValue): Promise<void> {
    for (let bucket = bucketOf(trimmedTo); bucket < bucketOf(logStart); bucket++) {
      await this.#store.remove(keys.bucket(firstOffsetOf(bucket)));
    }
    const folder = keys.bucket(logStart);
    const names: string[] = [];
    for await (const { name } of entriesOf(this.#store, folder)) {
      if (name < offsetName(logStart)) names.push(name);
      else break;
    }
    if (names.length > 0) await this.#store.remove(folder, names);
  }
}

/**
 * The checksum of a batch leaves its epoch out, so the epoch is there a second time: as the
 * sequence, which says nothing in a batch without a producer. Older releases leave it at -1.
 */
function newBatch(inputs: readonly RecordInput[], batch: StoreBatch): NewBatch {
  const bytes = encodeBatch({
    records: inputs,
    baseOffset: batch.baseOffset,
    partitionLeaderEpoch: batch.controllerEpoch,
    baseSequence: batch.controllerEpoch,
    isControl: batch.controllerId !== -1,
  });
  return { ...batch, bytes };
}

/** @throws StoreContentError when the bytes are not the batch of this offset */
function decodeBatch(bytes: Buffer, at: number): StoreBatch {
  const header = headerIn(bytes);
  if (header?.baseOffset !== at || !isBatchCrcValid(bytes, header) || !hasOneEpoch(header)) {
    const what = `the key ${keys.batch(at)} does not hold a whole batch of offset ${at}`;
    throw new StoreContentError(`${what}: ${notOurs}`);
  }
  const [batch] = [...batchesIn([bytes])];
  return batch as StoreBatch;
}

function hasOneEpoch({ baseSequence, partitionLeaderEpoch }: BatchHeader): boolean {
  return baseSequence === -1 || baseSequence === partitionLeaderEpoch;
}

/** null: they are not one whole batch. */
function headerIn(bytes: Buffer): BatchHeader | null {
  try {
    const [header] = [...batchHeaders(bytes)];
    return header?.sizeBytes === bytes.length ? header : null;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return null;
  }
}
