// Logins with delegation tokens (KIP-48): the password of SCRAM is the token's secret, and who logs
// in is the token's owner, until the token ends.
//
// Invariant: a token that has ended, or that nobody knows, is no login. What is kept here is made
// of ids and secrets alone, so that nothing of it goes out of date.

import { type DelegationToken, isExpired, tokenHmac, tokenPrincipal } from '../tokens/index.ts';
import type { SaslIdentity } from './sasl-exchange.ts';
import { type ScramKeys, type ScramMechanism, saltedPassword, scramKeys } from './scram-keys.ts';

export interface TokenLoginsOptions {
  /** delegation.token.secret.key */
  readonly secretKey: string;
  /** Of the newest image; undefined: nobody knows it. */
  readonly tokenOf: (tokenId: string) => DelegationToken | undefined;
  /** The wall clock, in ms. */
  readonly now: () => number;
}

/** Keys cost thousands of hashes; these are a megabyte or two. */
const keptMax = 10_000;

export class TokenLogins {
  readonly #options: TokenLoginsOptions;
  readonly #keys = new Map<string, ScramKeys>();

  constructor(options: TokenLoginsOptions) {
    this.#options = options;
  }

  /** null: no such token, or its time is over. */
  identityOf(tokenId: string): SaslIdentity | null {
    const token = this.#living(tokenId);
    if (token === null) return null;
    return {
      principal: tokenPrincipal(token.owner),
      expiresAtMs: token.expirationTimestamp,
      isOver: () => this.#living(tokenId) === null,
    };
  }

  /** Of a token that there is. */
  keysOf(tokenId: string, mechanism: ScramMechanism, salt: Buffer): ScramKeys {
    const name = `${mechanism.number} ${tokenId} ${salt.toString('base64')}`;
    const kept = this.#keys.get(name);
    if (kept !== undefined) return kept;
    const password = tokenHmac(this.#options.secretKey, tokenId).toString('base64');
    const iterations = mechanism.iterationsMin;
    const keys = scramKeys(mechanism, saltedPassword(mechanism, password, { salt, iterations }));
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size < keptMax) break;
      this.#keys.delete(oldest);
    }
    this.#keys.set(name, keys);
    return keys;
  }

  #living(tokenId: string): DelegationToken | null {
    const token = this.#options.tokenOf(tokenId);
    return token === undefined || isExpired(token, this.#options.now()) ? null : token;
  }
}
