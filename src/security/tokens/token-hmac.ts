// The secret of a delegation token, by which its holder proves to have it. It is never stored:
// every broker derives it from the token's id with delegation.token.secret.key.

import { createHmac } from 'node:crypto';

/** 64 bytes, the same as Apache Kafka's. */
export function tokenHmac(secretKey: string, tokenId: string): Buffer {
  return createHmac('sha512', secretKey).update(tokenId).digest();
}
