// What is larger than one change: the pieces of a batch or of a snapshot, in a folder of their own
// where no reader looks until one small change names it. `folders/<name>` tells what each is for.
//
// Invariants: a folder has its entry before its first piece, and loses it after its last; one that
// nobody named is removed by a later term alone, when no piece of it can arrive any more; what is
// removed is named by nobody, then or ever again, so removing needs no fence.

import { KafkaError } from '../../../protocol/index.ts';
import { commitFenced, type Fence } from './fence.ts';
import type { KeyStep, KeyStore } from './key-store.ts';
import { type FolderValue, forms, keys, type PiecesName, pieceName } from './layout.ts';

/** Of a change: what else travels with a piece. */
const roomBytes = 1024;

/** Somebody removed the pieces while they were read: what named them names others by now. */
export class PiecesGoneError extends KafkaError {
  constructor(folder: string) {
    super('KAFKA_STORAGE_ERROR', `pieces/${folder} is not whole: it was removed, or never written`);
    this.name = 'PiecesGoneError';
  }
}

export interface WrittenPieces extends PiecesName {
  readonly bytes: number;
  /** The step of the naming change that keeps the folder. */
  readonly keep: KeyStep;
}

interface NewFolder extends Pick<FolderValue, 'kind' | 'endOffset'> {
  /** Where the batch begins, or the snapshot ends. */
  readonly offset: number;
}

export class PieceFolders {
  readonly #store: KeyStore;
  #written = 0;

  constructor(store: KeyStore) {
    this.#store = store;
  }

  get pieceBytesMax(): number {
    return this.#store.changeBytesMax - roomBytes;
  }

  /** @throws as `commitFenced` does; what is written by then is swept by a later term */
  async write(
    fence: Fence,
    { kind, endOffset, offset }: NewFolder,
    chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  ): Promise<WrittenPieces> {
    const { epoch } = fence;
    this.#written += 1;
    const folder = `${kind}-${offset}-${epoch}-${this.#written}`;
    const entry = keys.folder(folder);
    const unfinished: FolderValue = { state: 'unfinished', epoch, kind, endOffset };
    let [pieceCount, bytes, version] = [0, 0, ''];
    for await (const piece of cut(chunks, this.pieceBytesMax)) {
      const step: KeyStep = { key: keys.piece(folder, pieceCount), was: null, becomes: piece };
      if (pieceCount > 0) await commitFenced(this.#store, fence, [step]);
      else {
        const first = { key: entry, was: null, becomes: forms.folder.encode(unfinished) };
        version = (await commitFenced(this.#store, fence, [first, step]))[0] as string;
      }
      pieceCount += 1;
      bytes += piece.length;
    }
    const becomes = forms.folder.encode({ ...unfinished, state: 'whole' });
    return { folder, pieceCount, bytes, keep: { key: entry, was: version, becomes } };
  }

  /** @throws PiecesGoneError */
  async *read({ folder, pieceCount }: PiecesName): AsyncGenerator<Buffer, void, undefined> {
    for (let nr = 0; nr < pieceCount; ) {
      const { entries } = await this.#store.list(keys.pieces(folder), pieceName(nr));
      if (entries.length === 0) throw new PiecesGoneError(folder);
      for (const { name, value } of entries) {
        if (name !== pieceName(nr)) throw new PiecesGoneError(folder);
        nr += 1;
        yield value;
      }
    }
  }

  /** The step that leaves a folder to the next sweep; null: it has gone. */
  async discard(folder: string): Promise<KeyStep | null> {
    const key = keys.folder(folder);
    const entry = await this.#store.get(key);
    if (entry === null) return null;
    const value = forms.folder.decode(key, entry.value);
    const becomes = forms.folder.encode({ ...value, state: 'garbage' });
    return { key, was: entry.version, becomes };
  }

  /**
   * Removes what nobody will name again.
   * @throws as the store does; what is left is removed by the next sweep
   */
  async sweep(fence: Fence, logStart: number): Promise<void> {
    for await (const { name, value, version } of entriesOf(this.#store, keys.folders)) {
      const key = keys.folder(name);
      const { state, kind, epoch, endOffset } = forms.folder.decode(key, value);
      const isAbandoned = state === 'unfinished' && epoch < fence.epoch;
      const isTrimmed = state === 'whole' && kind === 'batch' && endOffset <= logStart;
      if (state !== 'garbage' && !isAbandoned && !isTrimmed) continue;
      await this.#store.remove(keys.pieces(name));
      await commitFenced(this.#store, fence, [{ key, was: version, becomes: null }]);
    }
  }
}

/** All entries right below the folder, page by page. */
export async function* entriesOf(store: KeyStore, folder: string, from?: string) {
  for (let next = from; ; ) {
    const { entries, isWhole } = await store.list(folder, next);
    yield* entries;
    const last = entries.at(-1);
    if (isWhole || last === undefined) return;
    // Nothing sorts between a name and the name with the lowest character behind it.
    next = `${last.name}\u0020`;
  }
}

/** Pieces of at most so many bytes, at least one. */
async function* cut(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  bytesMax: number,
): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isFirst = true;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + bytesMax - heldBytes);
      held.push(part);
      heldBytes += part.length;
      at += part.length;
      if (heldBytes < bytesMax) continue;
      yield Buffer.concat(held);
      isFirst = false;
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0 || isFirst) yield Buffer.concat(held);
}
