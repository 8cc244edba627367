// Cuts a stream of bytes into lines as Java's BufferedReader does: a line ends with \n, \r or
// \r\n, and what is left at the end is a line unless it is empty. Works on bytes: a line is a slice
// of the chunk it came in, or, when it spans chunks, one copy.

import { UsageError } from '../command-line.ts';

const newline = 10;
const carriageReturn = 13;
const nothing = Buffer.alloc(0);

export class LineSplitter {
  readonly #lineBytesMax: number;
  #chunk: Buffer = nothing;
  #position = 0;
  /** Where the next \r of the chunk is; its length if there is none. Most chunks have none. */
  #nextReturn = 0;
  /** The line ended with \r: a \n that follows belongs to it. */
  #skipNewline = false;
  /** The beginning of a line whose end was not in earlier chunks. */
  #carried: Buffer[] = [];
  #carriedBytes = 0;
  #lineNumber = 0;

  constructor(lineBytesMax = 256 * 1024 * 1024) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Of the last line that was handed out, from 1. */
  get lineNumber(): number {
    return this.#lineNumber;
  }

  /** Take all lines of a chunk with `next` before the next one comes. It must not change. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#position = 0;
    this.#nextReturn = -1;
  }

  /** The next line, without its end; null when the chunk has no more. */
  next(): Buffer | null {
    const chunk = this.#chunk;
    let from = this.#position;
    if (this.#skipNewline && from < chunk.length) {
      this.#skipNewline = false;
      if (chunk[from] === newline) from++;
    }
    if (this.#nextReturn < from) this.#nextReturn = indexOrEnd(chunk, carriageReturn, from);
    const nextNewline = indexOrEnd(chunk, newline, from);
    const end = Math.min(nextNewline, this.#nextReturn);
    if (end === chunk.length) {
      if (from < end) this.#carry(chunk.subarray(from));
      this.#position = end;
      return null;
    }
    this.#skipNewline = end < nextNewline;
    this.#position = end + 1;
    this.#lineNumber++;
    return this.#carriedBytes === 0
      ? chunk.subarray(from, end)
      : this.#takeCarried(chunk.subarray(from, end));
  }

  /** The last line if the stream did not end with a line end, otherwise null. */
  end(): Buffer | null {
    if (this.#carriedBytes === 0) return null;
    this.#lineNumber++;
    return this.#takeCarried(nothing);
  }

  #carry(part: Buffer): void {
    this.#carried.push(part);
    this.#carriedBytes += part.length;
    if (this.#carriedBytes <= this.#lineBytesMax) return;
    throw new UsageError(
      `line ${this.#lineNumber + 1} is longer than ${this.#lineBytesMax} bytes: no record can be`,
    );
  }

  #takeCarried(rest: Buffer): Buffer {
    const line = Buffer.concat([...this.#carried, rest]);
    this.#carried = [];
    this.#carriedBytes = 0;
    return line;
  }
}

function indexOrEnd(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from);
  return at < 0 ? chunk.length : at;
}
