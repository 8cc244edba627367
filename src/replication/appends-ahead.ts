// Appends that are in the log and that readers do not see yet, oldest first: how far each reaches
// and how large it is, so that whoever waits for bytes hears of as many as became visible.
//
// Invariant: the list stays short however long it has to be kept. Beyond a bound neighbours become
// one, which is then visible when the later of them is.

interface Append {
  endOffset: number;
  sizeBytes: number;
}

const appendsMax = 1024;

export class AppendsAhead {
  #appends: Append[] = [];
  /** Neighbours that are together no larger become one; 0 while the list is short. */
  #joinBytesMax = 0;

  get isEmpty(): boolean {
    return this.#appends.length === 0;
  }

  get length(): number {
    return this.#appends.length;
  }

  push(endOffset: number, sizeBytes: number): void {
    const last = this.#appends.at(-1);
    if (last !== undefined && last.sizeBytes + sizeBytes <= this.#joinBytesMax) {
      last.endOffset = endOffset;
      last.sizeBytes += sizeBytes;
      return;
    }
    this.#appends.push({ endOffset, sizeBytes });
    if (this.#appends.length > appendsMax) this.#thinOut();
  }

  /** About half as many are left. */
  #thinOut(): void {
    const appends = this.#appends;
    const bytes = appends.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#joinBytesMax = Math.ceil((4 * bytes) / appendsMax);
    this.#appends = [];
    for (const { endOffset, sizeBytes } of appends) this.push(endOffset, sizeBytes);
  }

  /** Removes what ends at the offset or before it, and says how many bytes that is. */
  takeUpTo(offset: number, into?: AppendsAhead): number {
    let count = 0;
    let bytes = 0;
    while (count < this.#appends.length) {
      const append = this.#appends[count] as Append;
      if (append.endOffset > offset) break;
      bytes += append.sizeBytes;
      into?.push(append.endOffset, append.sizeBytes);
      count++;
    }
    if (count === this.#appends.length) this.clear();
    else this.#appends.splice(0, count);
    return bytes;
  }

  clear(): void {
    this.#appends.length = 0;
    this.#joinBytesMax = 0;
  }
}
