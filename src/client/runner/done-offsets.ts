// What is done of a partition beyond the offset that is committed, as text for the metadata of the
// commit: whoever gets the partition next does not do those records again. Kept are the records
// that are not done, since there are few: everything else before `endOffset` is done.
//
// The text is `p1.` and, in base64url, numbers of 7 bits a byte, low bits first: how far the end
// is from the committed offset, then from each open record to the next. The committed offset itself
// is open.

export interface DoneOffsets {
  /** Ascending: records that are not done. */
  readonly open: readonly number[];
  /** Of the records before this offset, all but the open ones are done. */
  readonly endOffset: number;
}

/** offset.metadata.max.bytes of a broker, by default. */
export const metadataBytesMax = 4096;

const prefix = 'p1.';

/**
 * `open[0]` is what is committed. Empty if nothing is done beyond it. What does not fit into
 * `bytesMax` is left out: it counts as not done.
 */
export function encodeDone({ open, endOffset }: DoneOffsets, bytesMax = metadataBytesMax): string {
  const first = open[0];
  if (first === undefined || open.length >= endOffset - first) return '';
  const roomBytes = Math.floor(((bytesMax - prefix.length) * 3) / 4);
  // No other number is larger than the distance to the end, which comes first.
  const endSizeBytes = sizeOf(endOffset - first);
  const deltas: number[] = [];
  let end = endOffset;
  for (let i = 1; i < open.length; i++) {
    const before = deltas.length;
    push(deltas, (open[i] as number) - (open[i - 1] as number));
    if (deltas.length + endSizeBytes <= roomBytes) continue;
    deltas.length = before;
    end = open[i] as number;
    break;
  }
  if (endSizeBytes > roomBytes) return '';
  const bytes: number[] = [];
  push(bytes, end - first);
  return prefix + Buffer.from(bytes.concat(deltas)).toString('base64url');
}

/** null: it is empty, or another program has written it. */
export function decodeDone(committedOffset: number, metadata: string): DoneOffsets | null {
  if (!/^p1\.[\w-]+$/.test(metadata)) return null;
  const numbers = numbersOf(Buffer.from(metadata.slice(prefix.length), 'base64url'));
  const distance = numbers?.shift();
  if (numbers === null || distance === undefined) return null;
  const open = [committedOffset];
  let last = committedOffset;
  for (const delta of numbers) {
    last += delta;
    open.push(last);
  }
  const endOffset = committedOffset + distance;
  return Number.isSafeInteger(endOffset) && last < endOffset ? { open, endOffset } : null;
}

function push(bytes: number[], number: number): void {
  let rest = number;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}

function sizeOf(number: number): number {
  const bytes: number[] = [];
  push(bytes, number);
  return bytes.length;
}

/** null: cut off, or a number that makes no sense. */
function numbersOf(bytes: Uint8Array): number[] | null {
  const numbers: number[] = [];
  let number = 0;
  let unit = 1;
  for (const byte of bytes) {
    number += (byte & 0x7f) * unit;
    unit *= 0x80;
    if (byte >= 0x80) continue;
    if (number === 0 || !Number.isSafeInteger(number)) return null;
    numbers.push(number);
    number = 0;
    unit = 1;
  }
  return unit === 1 ? numbers : null;
}
