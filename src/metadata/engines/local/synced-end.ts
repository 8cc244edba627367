// What is known of the metadata log beside the log: up to where it was synced, and which history
// it is. The file `synced-end` in the log's folder has two lines, each with its checksum: the
// first is replaced with the file, durably; the second is overwritten in place with every commit
// and synced now and then, so that a commit costs no second sync. A kill leaves it exact, a power
// cut leaves it a little behind.
//
// Invariants: no offset is noted before the sync that covers it returned, so that what is damaged
// below the noted end was whole on the platter; the history's id changes whenever records may have
// been lost that somebody acted on, and with nothing else.

import { isUuid, type Uuid, uuidFromBytes } from '../../../base/uuid.ts';
import type { File, Io } from '../../../io/index.ts';
import { crc32c } from '../../../protocol/index.ts';
import { replaceFile } from '../../../storage/index.ts';

const FILE = 'synced-end';
/** A page of its own: what is overwritten cannot harm the first line. */
const SECOND_LINE_AT = 4096;
const SYNC_INTERVAL_MS = 1000;

interface Noted {
  readonly historyId: Uuid;
  readonly endOffset: number;
}

export class SyncedEnd {
  readonly #io: Io;
  readonly #folder: string;
  readonly #onFailure: (error: Error) => void;
  #noted: Noted | null;
  #file: File | null = null;
  #syncedMs = 0;
  #syncing: Promise<void> | null = null;

  constructor(io: Io, folder: string, onFailure: (error: Error) => void) {
    this.#io = io;
    this.#folder = folder;
    this.#onFailure = onFailure;
    this.#noted = read(io, this.#path);
  }

  /** The log was synced up to there, at the least; null when nothing tells. */
  get endOffset(): number | null {
    return this.#noted?.endOffset ?? null;
  }

  /** null until the first `open` of a log that had no such file. */
  get historyId(): Uuid | null {
    return this.#noted?.historyId ?? null;
  }

  /** The log is open and synced up to the offset. Durable when it resolves. */
  async open(endOffset: number): Promise<void> {
    if (this.#noted === null) await this.renew(endOffset);
    else if (this.#noted.endOffset > endOffset) await this.#replace({ ...this.#noted, endOffset });
    this.#file = this.#io.disk.open(this.#path, 'write');
    // The first commits of a start need not share the disk with a sync of this file.
    this.#syncedMs = this.#io.clock.monotonic();
    this.onSynced(endOffset);
  }

  /** Another history begins: what was noted of the old one proves nothing in it. */
  async renew(endOffset: number): Promise<void> {
    const historyId = uuidFromBytes(this.#io.random.bytes(16), 0);
    await this.#replace({ historyId, endOffset });
  }

  async #replace(noted: Noted): Promise<void> {
    this.#file?.close();
    const line = lineOf(noted);
    const bytes = Buffer.alloc(SECOND_LINE_AT + line.length);
    line.copy(bytes, 0);
    line.copy(bytes, SECOND_LINE_AT);
    await replaceFile(this.#io.disk, this.#path, bytes);
    this.#noted = noted;
    if (this.#file !== null) this.#file = this.#io.disk.open(this.#path, 'write');
  }

  onSynced(endOffset: number): void {
    const noted = { ...(this.#noted as Noted), endOffset };
    if (this.#file === null || endOffset === this.#noted?.endOffset) return;
    this.#noted = noted;
    try {
      this.#file.write([lineOf(noted)], SECOND_LINE_AT);
    } catch (error) {
      this.#onFailure(error as Error);
      return;
    }
    const nowMs = this.#io.clock.monotonic();
    if (this.#syncing !== null || nowMs - this.#syncedMs < SYNC_INTERVAL_MS) return;
    this.#syncedMs = nowMs;
    this.#syncing = this.#file
      .sync()
      .catch(this.#onFailure)
      .finally(() => {
        this.#syncing = null;
      });
  }

  async close(): Promise<void> {
    await this.#syncing;
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    try {
      await file.sync();
    } finally {
      file.close();
    }
  }

  get #path(): string {
    return `${this.#folder}/${FILE}`;
  }
}

function lineOf({ historyId, endOffset }: Noted): Buffer {
  const text = `0 ${historyId} ${String(endOffset).padStart(20, '0')}`;
  const crc = crc32c(Buffer.from(text)).toString(16).padStart(8, '0');
  return Buffer.from(`${text} ${crc}\n`);
}

function read(io: Io, path: string): Noted | null {
  const bytes = io.disk.readFile(path);
  if (bytes === null) return null;
  const first = parse(bytes.subarray(0, SECOND_LINE_AT));
  const second = parse(bytes.subarray(SECOND_LINE_AT));
  if (first === null) {
    io.log.warn('a note is damaged and is written anew', { path });
    return null;
  }
  if (second?.historyId !== first.historyId) return first;
  return second.endOffset > first.endOffset ? second : first;
}

function parse(bytes: Buffer): Noted | null {
  const match = /^(0 (\S{22}) (\d{20})) ([0-9a-f]{8})\n/.exec(bytes.toString('latin1', 0, 128));
  if (match === null) return null;
  const [, text, historyId, digits, crc] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ];
  if (crc32c(Buffer.from(text)) !== Number.parseInt(crc, 16) || !isUuid(historyId)) return null;
  return { historyId, endOffset: Number(digits) };
}
