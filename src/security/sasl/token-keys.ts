// The keys that tokens are checked with: a set that the identity provider publishes (RFC 7517),
// fetched when it is first needed, kept, and fetched again when it is old or lacks a key.
//
// Invariants: while one fetch is under way, nobody begins another; a key that is not in the set is
// asked for at most once in a while, whoever names it; a set that cannot be fetched anew stays.

import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Clock } from '../../io/index.ts';
import { TokenError } from './bearer-server.ts';
import type { HttpFetch } from './http-fetch.ts';

export interface TokenKeysOptions {
  /** sasl.oauthbearer.jwks.endpoint.url; it is one that may be asked. */
  readonly url: string;
  /** sasl.oauthbearer.jwks.endpoint.refresh.ms */
  readonly refreshMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly timeoutMs: number;
}

export interface TokenKey {
  /** What the set says the key is for; undefined: anything that fits its type. */
  readonly alg: string | undefined;
  readonly key: KeyObject;
}

/** Between two fetches because of keys that are not in the set. */
const unknownKeyRestMs = 30_000;
const setBytesMax = 1024 * 1024;
const keysMax = 1000;

export class TokenKeys {
  readonly #clock: Clock;
  readonly #fetch: HttpFetch;
  readonly #options: TokenKeysOptions;
  /** By key id; '' of keys without one. */
  #keys: ReadonlyMap<string, readonly TokenKey[]> = new Map();
  #fetchedMs = Number.NEGATIVE_INFINITY;
  /** When the set was last fetched because of a key that it lacked. */
  #askedForMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #fetching: Promise<void> | null = null;

  constructor(clock: Clock, fetch: HttpFetch, options: TokenKeysOptions) {
    this.#clock = clock;
    this.#fetch = fetch;
    this.#options = options;
  }

  /** Those that a token may be signed with. @throws TokenError: there is none */
  async find(keyId: string | undefined): Promise<readonly TokenKey[]> {
    const ageMs = this.#clock.monotonic() - this.#fetchedMs;
    if (ageMs === Number.POSITIVE_INFINITY) await this.#refresh();
    else if (ageMs > this.#options.refreshMs) void this.#refresh().catch(() => {});
    let found = this.#known(keyId);
    // The set that is under way may have it.
    if (found.length === 0 && (this.#fetching !== null || this.#askFor())) {
      await this.#refresh();
      found = this.#known(keyId);
    }
    if (found.length === 0) throw new TokenError('no key of the set fits the token (kid)');
    return found;
  }

  #known(keyId: string | undefined): readonly TokenKey[] {
    if (keyId !== undefined) return this.#keys.get(keyId) ?? [];
    return [...this.#keys.values()].flat();
  }

  /** A provider may have changed its key a moment after the set was fetched. */
  #askFor(): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#askedForMs <= unknownKeyRestMs) return false;
    this.#askedForMs = nowMs;
    return true;
  }

  #refresh(): Promise<void> {
    if (this.#fetching !== null) return this.#fetching;
    if (this.#clock.monotonic() < this.#notBeforeMs) {
      return Promise.reject(new TokenError('the keys of tokens could not be fetched just now'));
    }
    this.#fetching = this.#fetchSet().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #fetchSet(): Promise<void> {
    const { url, timeoutMs, retryBackoffMs, retryBackoffMaxMs } = this.#options;
    try {
      const headers = { accept: 'application/json' };
      const request = { url, method: 'GET', headers, timeoutMs, bytesMax: setBytesMax } as const;
      const { status, body } = await this.#fetch(request);
      if (status !== 200) throw new Error(`${url} answered ${status}`);
      this.#keys = keysOf(body);
      this.#fetchedMs = this.#clock.monotonic();
      this.#failures = 0;
    } catch (error) {
      const restMs = Math.min(retryBackoffMs * 2 ** this.#failures, retryBackoffMaxMs);
      this.#notBeforeMs = this.#clock.monotonic() + restMs;
      this.#failures++;
      throw new TokenError(`the keys of tokens cannot be fetched: ${(error as Error).message}`);
    }
  }
}

/** Keys that this Node.js does not know are left out: others of the set may do. */
function keysOf(body: Buffer): ReadonlyMap<string, readonly TokenKey[]> {
  const set = JSON.parse(body.toString('utf8')) as { keys?: unknown };
  if (!Array.isArray(set?.keys)) throw new Error('what was answered is no set of keys');
  const keys = new Map<string, TokenKey[]>();
  for (const jwk of set.keys.slice(0, keysMax) as Record<string, unknown>[]) {
    // A shared secret (oct) is no key to publish, and would let whoever reads it sign.
    if (jwk?.kty === 'oct' || (jwk?.use !== undefined && jwk.use !== 'sig')) continue;
    try {
      const key = createPublicKey({ key: jwk as never, format: 'jwk' });
      const id = typeof jwk.kid === 'string' ? jwk.kid : '';
      const alg = typeof jwk.alg === 'string' ? jwk.alg : undefined;
      keys.set(id, [...(keys.get(id) ?? []), { alg, key }]);
    } catch {}
  }
  return keys;
}
