// Whether two secrets are the same, in a time that tells nothing of where they differ.

import { createHash, timingSafeEqual } from 'node:crypto';

/** Of any lengths: their hashes are compared, so that not even the length shows in the time. */
export function isSameSecret(a: string | Buffer, b: string | Buffer): boolean {
  return timingSafeEqual(hash(a), hash(b));
}

function hash(secret: string | Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}
