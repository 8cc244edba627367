// Snapshots of the metadata: their records as record batches, one behind the other, cut into
// pieces; the key `snapshot` names the newest that is whole.
//
// Invariants: the pointer moves in one change, when all pieces are there and nobody else was
// elected; the log is trimmed behind the older of the two newest snapshots, so a reader of either
// finds what follows; a reader whose snapshot was removed begins with the newest.

import {
  type BatchHeader,
  batchSizeAt,
  decodeRecords,
  encodeBatch,
  isBatchCrcValid,
  KafkaError,
  readBatchHeader,
} from '../../../protocol/index.ts';
import { type ClusterStore, StoreContentError, type StoreSnapshot } from '../../cluster-store.ts';
import { slicesOf } from '../local/index.ts';
import { commitFenced, type Fence } from './fence.ts';
import type { KeyStore } from './key-store.ts';
import { KeyedLog } from './keyed-log.ts';
import { forms, keys, notOurs, type SnapshotValue } from './layout.ts';
import { PiecesGoneError } from './piece-folders.ts';

export class KeyedSnapshots {
  readonly #store: KeyStore;
  readonly #log: KeyedLog;
  /** Nothing is left of the log before it. */
  #trimmedTo = 0;

  constructor(store: KeyStore, log: KeyedLog) {
    this.#store = store;
    this.#log = log;
  }

  async newest(): Promise<StoreSnapshot | null> {
    const pointer = await this.#log.newestSnapshot();
    if (pointer === null) return null;
    const { endOffset, controllerEpoch, controllerId, timestampMs, lastBatch } = pointer.value;
    const pieces = this.#piecesOf(pointer.value);
    return { endOffset, controllerEpoch, controllerId, timestampMs, lastBatch, pieces };
  }

  async *#piecesOf(value: SnapshotValue): AsyncGenerator<readonly Buffer[], void, undefined> {
    let rest: Buffer = Buffer.alloc(0);
    let sizeBytes = 0;
    try {
      for await (const piece of this.#log.folders.read(value)) {
        sizeBytes += piece.length;
        rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
        for (let size = sizeOfBatch(rest); size <= rest.length; size = sizeOfBatch(rest)) {
          yield recordsIn(rest.subarray(0, size), value);
          rest = rest.subarray(size);
        }
      }
    } catch (error) {
      throw error instanceof PiecesGoneError ? await this.#goneError(value, error) : error;
    }
    if (rest.length > 0) throw damaged(value, 'ends in the middle of a batch');
    if (sizeBytes === (value.sizeBytes ?? sizeBytes)) return;
    throw damaged(value, `has ${sizeBytes} bytes where ${value.sizeBytes} were written`);
  }

  /** With a newer snapshot there is something to begin anew with. */
  async #goneError(value: SnapshotValue, error: PiecesGoneError): Promise<Error> {
    const pointer = await this.#log.newestSnapshot();
    return pointer?.value.folder === value.folder ? damaged(value, 'lacks pieces') : error;
  }

  /** @throws KafkaError NOT_CONTROLLER, as the pieces do, and as the store does */
  async save(snapshot: StoreSnapshot, fence: Fence, controllerId: number): Promise<void> {
    const { endOffset, controllerEpoch, timestampMs } = snapshot;
    const before = await this.#log.newestSnapshot();
    if (before !== null && endOffset <= before.value.endOffset) {
      // There is nothing to save; that nobody else was elected is the answer all the same.
      await commitFenced(this.#store, fence, []);
      return;
    }
    const { bytes } = this.#log;
    const head = { kind: 'snapshot', offset: endOffset, endOffset } as const;
    const { keep, folder, pieceCount, ...written } = await this.#log.folders.write(
      fence,
      head,
      batchesOf(snapshot),
    );
    const older = before?.value.older ?? null;
    const discard = older === null ? null : await this.#log.folders.discard(older);
    const value: SnapshotValue = {
      ...{ folder, pieceCount, endOffset, controllerEpoch, timestampMs, bytes },
      controllerId: controllerEpoch === fence.epoch ? controllerId : (snapshot.controllerId ?? -1),
      logStart: before?.value.endOffset ?? 0,
      trimmedTo: Math.max(this.#trimmedTo, before?.value.trimmedTo ?? 0),
      older: before?.value.folder ?? null,
      lastBatch: snapshot.lastBatch ?? null,
      sizeBytes: written.bytes,
    };
    const becomes = forms.snapshot.encode(value);
    const pointer = { key: keys.snapshot, was: before?.version ?? null, becomes };
    await commitFenced(this.#store, fence, [pointer, keep, ...(discard === null ? [] : [discard])]);
    this.#log.onSnapshot(value);
  }

  /**
   * Removes what nobody reads any more: of the log, and of the folders.
   * @throws as the store does; what is left is removed by the next sweep
   */
  async sweep(fence: Fence): Promise<void> {
    const pointer = await this.#log.newestSnapshot();
    if (pointer !== null) {
      await this.#log.trim(pointer.value);
      this.#trimmedTo = pointer.value.logStart;
    }
    await this.#log.folders.sweep(fence, this.#log.logStart);
  }
}

/** The log as it is now, for those who only look. */
export async function readLog(
  store: KeyStore,
): Promise<Pick<ClusterStore, 'read' | 'newestSnapshot'>> {
  const log = new KeyedLog(store, () => {});
  const snapshots = new KeyedSnapshots(store, log);
  const end = await store.get(keys.end);
  if (end !== null) log.onEnd(forms.end.decode(keys.end, end.value));
  await snapshots.newest();
  return { read: (from) => log.read(from), newestSnapshot: () => snapshots.newest() };
}

export async function* batchesOf({
  controllerEpoch,
  timestampMs,
  pieces,
}: StoreSnapshot): AsyncGenerator<Buffer, void, undefined> {
  let baseOffset = 0;
  for await (const piece of pieces) {
    for (const slice of slicesOf(piece)) {
      const records = slice.map((value) => ({ value, timestamp: timestampMs }));
      yield encodeBatch({ baseOffset, partitionLeaderEpoch: controllerEpoch, records });
      baseOffset += slice.length;
    }
  }
}

/** More than the buffer has when not even the length is in it. */
function sizeOfBatch(buffer: Buffer): number {
  return batchSizeAt(buffer, 0) ?? buffer.length + 1;
}

function recordsIn(batch: Buffer, value: SnapshotValue): readonly Buffer[] {
  const header = headerOf(batch, value);
  if (!isBatchCrcValid(batch, header)) throw damaged(value, 'has a batch with a wrong CRC');
  return decodeRecords(batch, header).map((record) => record.value as Buffer);
}

function headerOf(batch: Buffer, value: SnapshotValue): BatchHeader {
  try {
    return readBatchHeader(batch, 0);
  } catch (error) {
    throw error instanceof KafkaError ? damaged(value, 'has something that is no batch') : error;
  }
}

function damaged({ endOffset, folder }: SnapshotValue, what: string): StoreContentError {
  const name = `the metadata snapshot of offset ${endOffset} (the keys ${keys.pieces(folder)}/…)`;
  return new StoreContentError(`${name} ${what}: ${notOurs}`);
}
