// Which run of the operating system a log directory was last written to in, noted in the directory.
// A process that is killed leaves the page cache, so that everything it wrote is there as long as
// the system runs on: what is missing then was damaged, and not lost for want of a sync. A member
// of a cluster adds which lives have whole logs here: killed in the same run, it has all that it
// had, as after a clean stop. It is known by its broker epoch, and by its incarnation, which it
// knows before it is registered, and of which it may not hear every epoch.
//
// Invariants: the note is written when every log of the directory was recovered, or what a power
// cut took from one that was not would pass for damage; it is void once the disk has failed, as
// what it was given may be gone from memory, too. It need not be durable: a power cut ends the run.
// Lives count only in the very file in which they were noted: a directory that was put back from a
// copy has an older state. A kill in between leaves the note as it was, or as it is to be.

import { isUuid, type Uuid } from '../../base/uuid.ts';
import { type Disk, type File, IoError } from '../../io/index.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const NOTE = '.partita_boot_id';
/** Behind the run of the system: the note's identity, a broker epoch, two incarnations. */
const LINES = 4;
const NOTHING = '-';

/** Of which nothing is missing. */
export interface NotedLives {
  /** Under which the last of them heard that it is registered; -1: none has. */
  readonly brokerEpoch: number;
  /** At most two: of a life that has not heard yet, and of the one before. */
  readonly incarnationIds: readonly Uuid[];
}

export class BootNote {
  readonly #disk: Disk;
  readonly #path: string;
  /** null where the system has no such thing. */
  readonly #bootId: string | null;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#path = `${directory}/${NOTE}`;
    this.#bootId = this.#read(BOOT_ID);
  }

  /** The system did not go down since the note was written. */
  get hasSystemRunOn(): boolean {
    return this.#bootId !== null && this.#lines()[0] === this.#bootId;
  }

  /** That were killed in this run of the system, and lost nothing by that; null: none. */
  async lives(): Promise<NotedLives | null> {
    const [bootId, identity, epoch, ...incarnationIds] = this.#lines();
    if (this.#bootId === null || bootId !== this.#bootId) return null;
    if (identity === undefined || identity !== (await this.#identity())) return null;
    return {
      brokerEpoch: /^\d{1,15}$/.test(epoch ?? '') ? Number(epoch) : -1,
      incarnationIds: incarnationIds.filter(isUuid),
    };
  }

  /** They have all logs of the directory. */
  async noteLives({ brokerEpoch, incarnationIds }: NotedLives): Promise<void> {
    if (!this.hasSystemRunOn) return;
    const identity = await this.#identity();
    if (identity === null || !this.hasSystemRunOn) return;
    this.#write([identity, `${brokerEpoch}`, ...incarnationIds]);
  }

  /** Its logs are not what they left. */
  forgetLives(): void {
    if (this.hasSystemRunOn) this.#write([]);
  }

  write(): void {
    if (this.#bootId === null || this.hasSystemRunOn) return;
    this.#write([]);
  }

  void(): void {
    if (this.#bootId !== null) this.#change((file) => file.truncate(0));
  }

  /** In one write, all lines of what was there before: half of a note would be none. */
  #write(lines: readonly string[]): void {
    const filled = Array.from({ length: LINES }, (_, at) => lines[at] ?? NOTHING);
    const bytes = Buffer.from(`${[this.#bootId, ...filled].join('\n')}\n`);
    this.#change((file) => {
      file.write([bytes], 0);
      file.truncate(bytes.length);
    });
  }

  #change(change: (file: File) => void): void {
    try {
      const file = this.#disk.open(this.#path, 'create');
      try {
        change(file);
      } finally {
        file.close();
      }
    } catch (error) {
      // Nothing is proven then; what else the disk refuses is told by who needs it.
      if (!(error instanceof IoError)) throw error;
    }
  }

  #lines(): string[] {
    const lines = this.#read(this.#path)?.split('\n') ?? [];
    return lines.slice(0, 1 + LINES);
  }

  /** Of the note's file. */
  async #identity(): Promise<string | null> {
    try {
      return await this.#disk.identity(this.#path);
    } catch (error) {
      if (error instanceof IoError) return null;
      throw error;
    }
  }

  /** What cannot be read proves nothing. */
  #read(path: string): string | null {
    try {
      const text = this.#disk.readFile(path)?.toString('latin1').trim() ?? '';
      return text === '' ? null : text;
    } catch (error) {
      if (error instanceof IoError) return null;
      throw error;
    }
  }
}
