// OAUTHBEARER as the server has it (RFC 7628, KIP-255): a client brings a token that somebody else
// has issued, and ends with it.

import { userPrincipal } from '../principal.ts';
import { bearerRefusal, parseBearerFirst } from './bearer-messages.ts';
import { noToken, SaslError, type SaslServer, type SaslStep } from './sasl-exchange.ts';

/** What a token that is valid says. */
export interface BearerClaims {
  readonly user: string;
  readonly expiresAtMs: number;
}

export interface TokenCheck {
  /** @throws TokenError: it is not valid */
  check(token: string): BearerClaims | Promise<BearerClaims>;
}

/** A token that is not valid. The message is for the log of the server, and repeats no token. */
export class TokenError extends Error {
  /** The scope that it lacks; null: something else is wrong with it. */
  readonly scope: string | null;

  constructor(message: string, scope: string | null = null) {
    super(message);
    this.name = 'TokenError';
    this.scope = scope;
  }
}

export function bearerServer(tokens: TokenCheck): SaslServer {
  let refusal: { readonly told: string; readonly why: string } | null = null;
  let isBegun = false;
  const refuse = (error: unknown): SaslStep => {
    if (!(error instanceof TokenError)) throw error;
    const told = bearerRefusal(error.scope);
    refusal = { told, why: error.message };
    return { token: Buffer.from(told), identity: null };
  };
  return {
    next(message) {
      // The client has heard the refusal: the last word is ours.
      if (refusal !== null) throw new SaslError(refusal.why, refusal.told);
      if (isBegun) throw new SaslError('the exchange is over');
      isBegun = true;
      const { authorizationId, token } = parseBearerFirst(message);
      const finish = (claims: BearerClaims): SaslStep => identified(claims, authorizationId);
      try {
        const claims = tokens.check(token);
        return claims instanceof Promise ? claims.then(finish).catch(refuse) : finish(claims);
      } catch (error) {
        return refuse(error);
      }
    },
  };
}

function identified({ user, expiresAtMs }: BearerClaims, authorizationId: string): SaslStep {
  if (authorizationId !== '' && authorizationId !== user) {
    const why = "Client requested an authorization id that is different from the token's principal";
    throw new SaslError(why, `Authentication failed: ${why}`);
  }
  return { token: noToken, identity: { principal: userPrincipal(user), expiresAtMs } };
}
