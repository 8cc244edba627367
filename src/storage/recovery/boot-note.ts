// Which run of the operating system a log directory was last written to in, noted in the directory.
// A process that is killed leaves the page cache, so that everything it wrote is there as long as
// the system runs on: what is missing then was damaged, and not lost for want of a sync. A member
// of a cluster adds the broker epoch of its life: killed in the same run, it has all that it had,
// as after a clean stop.
//
// Invariants: the note is written when every log of the directory was recovered, or what a power
// cut took from one that was not would pass for damage; it is void once the disk has failed, as
// what it was given may be gone from memory, too. It need not be durable: a power cut ends the run.
// The broker epoch counts only in the very file in which it was noted: a directory that was put
// back from a copy has an older state.

import { type Disk, IoError } from '../../io/index.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const NOTE = '.partita_boot_id';

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

  /** Of the life that was killed in this run of the system, and lost nothing by that; -1: none. */
  async brokerEpoch(): Promise<number> {
    const [bootId, identity, epoch] = this.#lines();
    if (this.#bootId === null || bootId !== this.#bootId) return -1;
    if (identity === undefined || identity !== (await this.#identity())) return -1;
    return /^\d{1,15}$/.test(epoch ?? '') ? Number(epoch) : -1;
  }

  /** The life that is registered under this epoch has all logs of the directory. */
  async noteBrokerEpoch(epoch: number): Promise<void> {
    if (!this.hasSystemRunOn) return;
    const identity = await this.#identity();
    if (identity === null || !this.hasSystemRunOn) return;
    this.#replace([Buffer.from(`${this.#bootId}\n${identity}\n${epoch}\n`)]);
  }

  /** Its logs are not what it left. */
  forgetBrokerEpoch(): void {
    if (this.hasSystemRunOn) this.#replace([Buffer.from(`${this.#bootId}\n`)]);
  }

  write(): void {
    if (this.#bootId === null || this.hasSystemRunOn) return;
    this.#replace([Buffer.from(`${this.#bootId}\n`)]);
  }

  void(): void {
    if (this.#bootId !== null) this.#replace([]);
  }

  #replace(chunks: readonly Buffer[]): void {
    try {
      const file = this.#disk.open(this.#path, 'create');
      try {
        file.truncate(0);
        if (chunks.length > 0) file.write(chunks, 0);
      } finally {
        file.close();
      }
    } catch (error) {
      // Nothing is proven then; what else the disk refuses is told by who needs it.
      if (!(error instanceof IoError)) throw error;
    }
  }

  #lines(): string[] {
    return this.#read(this.#path)?.split('\n') ?? [];
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
