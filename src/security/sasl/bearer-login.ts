// OAUTHBEARER as the client has it: a token for each connection, from whoever gives them.
//
// Invariant: a token is fetched once for all connections that need it at a time, and again before
// it ends.

import type { Clock } from '../../io/index.ts';
import { bearerAcknowledgement, bearerFirst } from './bearer-messages.ts';
import { SaslError, type SaslExchange, type SaslLogin } from './sasl-exchange.ts';

export interface BearerToken {
  readonly value: string;
  /** By the wall clock; null: nobody said, and each connection asks anew. */
  readonly expiresAtMs: number | null;
}

/** Fetches a token. What it rejects with is why nobody can log in. */
export type TokenSource = () => BearerToken | Promise<BearerToken>;

/** sasl.login.refresh.window.factor */
const refreshFactor = 0.8;

export function bearerLogin(
  clock: Clock,
  source: TokenSource,
  extensions: ReadonlyMap<string, string> = new Map(),
): SaslLogin {
  const tokens = new Tokens(clock, source);
  return {
    mechanism: 'OAUTHBEARER',
    start: () => new BearerExchange(tokens, extensions),
  };
}

class Tokens {
  readonly #clock: Clock;
  readonly #source: TokenSource;
  #kept: { readonly token: BearerToken; readonly untilMs: number } | null = null;
  #fetching: Promise<BearerToken> | null = null;

  constructor(clock: Clock, source: TokenSource) {
    this.#clock = clock;
    this.#source = source;
  }

  get(): Promise<BearerToken> {
    const kept = this.#kept;
    if (kept !== null && this.#clock.now() < kept.untilMs) return Promise.resolve(kept.token);
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<BearerToken> {
    const token = await this.#source();
    const nowMs = this.#clock.now();
    const { expiresAtMs } = token;
    const untilMs = expiresAtMs === null ? nowMs : nowMs + (expiresAtMs - nowMs) * refreshFactor;
    this.#kept = { token, untilMs };
    return token;
  }
}

class BearerExchange implements SaslExchange {
  readonly #tokens: Tokens;
  readonly #extensions: ReadonlyMap<string, string>;

  constructor(tokens: Tokens, extensions: ReadonlyMap<string, string>) {
    this.#tokens = tokens;
    this.#extensions = extensions;
  }

  async next(challenge: Buffer | null): Promise<Buffer | null> {
    if (challenge !== null) return challenge.length === 0 ? null : bearerAcknowledgement;
    try {
      return bearerFirst((await this.#tokens.get()).value, this.#extensions);
    } catch (error) {
      if (error instanceof SaslError) throw error;
      throw new SaslError(`no token to log in with: ${(error as Error).message}`);
    }
  }
}
