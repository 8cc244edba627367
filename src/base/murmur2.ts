// The hash with which Java's producer picks a partition for a key. Every client that wants the
// same key on the same partition as a Java program must compute exactly this.

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

/** A signed 32-bit integer; partition = (hash & 0x7fffffff) % partitionCount. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = seed ^ length;
  let position = 0;
  for (; position + 4 <= length; position += 4) {
    let word =
      (bytes[position] as number) |
      ((bytes[position + 1] as number) << 8) |
      ((bytes[position + 2] as number) << 16) |
      ((bytes[position + 3] as number) << 24);
    word = Math.imul(word, multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  const left = length - position;
  if (left >= 3) hash ^= (bytes[position + 2] as number) << 16;
  if (left >= 2) hash ^= (bytes[position + 1] as number) << 8;
  if (left >= 1) hash = Math.imul(hash ^ (bytes[position] as number), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}
