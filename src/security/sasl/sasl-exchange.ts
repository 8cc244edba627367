// One SASL exchange, as its server and as its client see it: a token in, a token out, until one
// side knows who the other is.
//
// Invariant: an identity comes out of an exchange only behind a proof; every other end of it is a
// SaslError.

import type { Principal } from '../principal.ts';

/** Who a client has proven to be. */
export interface SaslIdentity {
  readonly principal: Principal;
  /** When what it was proven with ends, by the wall clock; null: it does not end. */
  readonly expiresAtMs: number | null;
  /** Asked with each request of the session: whether what it was proven with was taken back. */
  readonly isOver?: () => boolean;
}

/** What the server answers to a token. */
export interface SaslStep {
  /** The server's token; it may be empty. */
  readonly token: Buffer;
  /** There is none, not even an empty one: where tokens come without headers nothing is sent. */
  readonly isWithoutToken?: boolean;
  /** null: the client has to go on. */
  readonly identity: SaslIdentity | null;
}

/** The server's side. */
export interface SaslServer {
  /** @throws SaslError: the exchange is over, and the client is nobody */
  next(token: Buffer): SaslStep | Promise<SaslStep>;
  /** Gives back what an exchange holds that does not go on; one that is over holds nothing. */
  release?(): void;
}

/** The client's side. */
export interface SaslExchange {
  /**
   * The answer to the server's token, which is null at first; null: there is nothing more to say.
   * @throws SaslError: the server is not who it should be, or refused us
   */
  next(challenge: Buffer | null): Buffer | null | Promise<Buffer | null>;
  /** Gives back what the exchange holds, whether it came to its end or not. */
  release?(): void;
}

/** Who a client is, for any number of connections. */
export interface SaslLogin {
  /** As in `sasl.mechanism`. */
  readonly mechanism: string;
  /** @param host where the server is, as the client knows it */
  start(host: string): SaslExchange;
}

/** An exchange that failed. */
export class SaslError extends Error {
  /** What the client may be told; null: nothing but that its credentials are not valid. */
  readonly told: string | null;

  constructor(message: string, told: string | null = null) {
    super(message);
    this.name = 'SaslError';
    this.told = told;
  }
}

export const noToken: Buffer = Buffer.alloc(0);
