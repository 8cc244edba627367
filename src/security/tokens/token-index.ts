// Tokens by their secrets: who renews or ends a token shows its secret, and nothing else.
//
// Invariant: how long a search takes says nothing of the secrets. What is compared is a hash under
// a key of this process, so that whoever guesses learns nothing from how far a guess was right.

import { createHmac } from 'node:crypto';
import type { Random } from '../../io/index.ts';
import { tokenHmac } from './token-hmac.ts';

export class TokenIndex {
  readonly #secretKey: string;
  readonly #blind: Buffer;
  readonly #ids = new Map<string, string>();

  constructor(secretKey: string, random: Random) {
    this.#secretKey = secretKey;
    this.#blind = Buffer.from(random.bytes(32));
  }

  add(tokenId: string): void {
    this.#ids.set(this.#blinded(tokenHmac(this.#secretKey, tokenId)), tokenId);
  }

  remove(tokenId: string): void {
    this.#ids.delete(this.#blinded(tokenHmac(this.#secretKey, tokenId)));
  }

  /** The id of the token with this secret. */
  find(hmac: Uint8Array): string | undefined {
    return this.#ids.get(this.#blinded(hmac));
  }

  #blinded(hmac: Uint8Array): string {
    return createHmac('sha256', this.#blind).update(hmac).digest('base64');
  }
}
