// Which run of the operating system a log directory was last written to in, noted in the directory.
// A process that is killed leaves the page cache, so that everything it wrote is there as long as
// the system runs on: what is missing then was damaged, and not lost for want of a sync.
//
// Invariants: the note is written when every log of the directory was recovered, or what a power
// cut took from one that was not would pass for damage; it is void once the disk has failed, as
// what it was given may be gone from memory, too. It need not be durable: a power cut ends the run.

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
    return this.#bootId !== null && this.#read(this.#path) === this.#bootId;
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
