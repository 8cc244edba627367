// Tokens without a signature (`alg: none`), as Kafka makes and takes them for development
// (KIP-255): whoever can write can be anybody. They are taken only where the configuration of a
// listener names Kafka's OAuthBearerLoginModule and no key to check tokens with.

import type { Clock } from '../../io/index.ts';
import { type TokenCheck, TokenError } from './bearer-server.ts';
import { assertTimes, type Json, parseToken, textClaim, textsClaim } from './json-web-token.ts';

export interface UnsecuredCheckOptions {
  /** unsecuredValidatorPrincipalClaimName. Default `sub`. */
  readonly principalClaim: string;
  /** unsecuredValidatorScopeClaimName. Default `scope`. */
  readonly scopeClaim: string;
  /** unsecuredValidatorRequiredScope: each of them. */
  readonly requiredScope: readonly string[];
  /** unsecuredValidatorAllowableClockSkewMs. Default 0. */
  readonly skewMs: number;
}

export function unsecuredCheck(clock: Clock, options: UnsecuredCheckOptions): TokenCheck {
  return {
    check(token) {
      const { header, claims, signature } = parseToken(token);
      if (header.alg !== 'none' || signature.length > 0) {
        throw new TokenError('the token is signed, and no key is configured to check it with');
      }
      const user = textClaim(claims, options.principalClaim);
      const expiresAtMs = assertTimes(claims, clock.now(), options.skewMs);
      const scope = textsClaim(claims, options.scopeClaim).flatMap((each) => each.split(/\s+/));
      const missing = options.requiredScope.filter((each) => !scope.includes(each));
      if (missing.length > 0) {
        const needed = options.requiredScope.join(' ');
        throw new TokenError(`the token lacks the scope ${missing.join(' ')}`, needed);
      }
      return { user, expiresAtMs };
    },
  };
}

/** @param claims what it says beside its times */
export function unsecuredToken(
  clock: Clock,
  { claims, lifetimeSeconds }: { readonly claims: Json; readonly lifetimeSeconds: number },
): string {
  const issuedAt = clock.now() / 1000;
  const times = { iat: issuedAt, exp: issuedAt + lifetimeSeconds };
  const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ ...times, ...claims })}.`;
}
