// String.hashCode of Java: a group's partition of __consumer_offsets follows from it, so every
// broker and every tool that looks for a group must compute exactly this.

/** A signed 32-bit integer over the UTF-16 code units. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  }
  return hash;
}

/** Kafka's Utils.abs: the largest magnitude has no positive counterpart and counts as 0. */
export function javaHashBucket(text: string, bucketCount: number): number {
  const hash = javaHashCode(text);
  return (hash === -0x8000_0000 ? 0 : Math.abs(hash)) % bucketCount;
}
