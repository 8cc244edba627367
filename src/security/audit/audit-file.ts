// The file of an audit trail: a line each, appended. When it is full it becomes FILE.1, in the
// place of the one before, so that a trail takes no more than twice its size.
//
// Invariant: a line is there whole, or not: what a full disk cut off is taken back, and what a
// crash has torn is ended before the next line.

import type { Disk, File } from '../../io/index.ts';
import type { AuditSink } from './audit-trail.ts';

export class AuditFile implements AuditSink {
  readonly name: string;
  readonly #disk: Disk;
  readonly #bytesMax: number;
  #file: File;
  #end: number;

  /** @throws IoError */
  constructor(disk: Disk, path: string, bytesMax: number) {
    this.name = path;
    this.#disk = disk;
    this.#bytesMax = bytesMax;
    this.#file = disk.open(path, 'create');
    this.#end = this.#file.sizeBytes();
    if (this.#end > 0 && !this.#endsWithLine()) this.#append(Buffer.from('\n'));
  }

  /** @throws IoError: none of the lines is there */
  write(lines: readonly string[]): void {
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    if (this.#end > 0 && this.#end + bytes.length > this.#bytesMax) this.#beginAnew();
    this.#append(bytes);
  }

  close(): void {
    this.#file.close();
  }

  #append(bytes: Buffer): void {
    try {
      this.#file.write([bytes], this.#end);
    } catch (error) {
      this.#file.truncate(this.#end);
      throw error;
    }
    this.#end += bytes.length;
  }

  #beginAnew(): void {
    this.#disk.rename(this.name, `${this.name}.1`);
    const full = this.#file;
    this.#file = this.#disk.open(this.name, 'create');
    this.#end = this.#file.sizeBytes();
    full.close();
  }

  #endsWithLine(): boolean {
    const last = Buffer.alloc(1);
    this.#file.readSync(last, this.#end - 1);
    return last[0] === 0x0a;
  }
}
