// Tokens that an identity provider has signed (OpenID Connect; KIP-768).
//
// Invariants: the algorithm is one of public keys, and fits the type of the key that the provider
// published, whatever the token says of itself; audience, issuer and times are what the
// configuration demands.

import { constants, type KeyObject, verify } from 'node:crypto';
import type { Clock } from '../../io/index.ts';
import { type BearerClaims, type TokenCheck, TokenError } from './bearer-server.ts';
import {
  assertTimes,
  type ParsedToken,
  parseToken,
  textClaim,
  textsClaim,
} from './json-web-token.ts';
import type { TokenKey, TokenKeys } from './token-keys.ts';

export interface SignedCheckOptions {
  readonly keys: Pick<TokenKeys, 'find'>;
  /** sasl.oauthbearer.expected.audience: one of them; null: any, which was allowed expressly. */
  readonly audiences: readonly string[] | null;
  /** sasl.oauthbearer.expected.issuer; null: any, which was allowed expressly. */
  readonly issuer: string | null;
  /** sasl.oauthbearer.sub.claim.name */
  readonly userClaim: string;
  /** sasl.oauthbearer.clock.skew.seconds, in milliseconds. */
  readonly skewMs: number;
}

export function signedCheck(clock: Clock, options: SignedCheckOptions): TokenCheck {
  return {
    async check(text): Promise<BearerClaims> {
      const token = parseToken(text);
      const { alg, kid, crit } = token.header;
      const algorithm = algorithms.get(typeof alg === 'string' ? alg : '');
      if (algorithm === undefined) throw new TokenError('the algorithm of the token is not taken');
      if (crit !== undefined) throw new TokenError('the token has a critical header');
      const keys = await options.keys.find(typeof kid === 'string' ? kid : undefined);
      if (!keys.some((key) => isSigned(token, algorithm, key))) {
        throw new TokenError('the signature of the token is not right');
      }
      return claimsOf(clock, token, options);
    },
  };
}

function claimsOf(
  clock: Clock,
  { claims }: ParsedToken,
  { audiences, issuer, userClaim, skewMs }: SignedCheckOptions,
): BearerClaims {
  const expiresAtMs = assertTimes(claims, clock.now(), skewMs);
  if (issuer !== null && claims.iss !== issuer) throw new TokenError('the token is of another iss');
  if (audiences !== null) {
    const theirs = textsClaim(claims, 'aud');
    if (!audiences.some((each) => theirs.includes(each))) {
      throw new TokenError('the token is for another aud');
    }
  }
  return { user: textClaim(claims, userClaim), expiresAtMs };
}

interface Algorithm {
  readonly name: string;
  /** For RSA and elliptic curves; null of Ed25519, which has its own. */
  readonly hash: string | null;
  readonly keyType: string;
  readonly curve?: string;
  readonly padding?: number;
}

const pss = constants.RSA_PKCS1_PSS_PADDING;
/** Those of RFC 7518 and RFC 8037 that need a public key. */
const algorithms: ReadonlyMap<string, Algorithm> = new Map(
  [
    ...[256, 384, 512].map((bits) => ({ name: `RS${bits}`, hash: `sha${bits}`, keyType: 'rsa' })),
    ...[256, 384, 512].map((bits) => {
      return { name: `PS${bits}`, hash: `sha${bits}`, keyType: 'rsa', padding: pss };
    }),
    { name: 'ES256', hash: 'sha256', keyType: 'ec', curve: 'prime256v1' },
    { name: 'ES384', hash: 'sha384', keyType: 'ec', curve: 'secp384r1' },
    { name: 'ES512', hash: 'sha512', keyType: 'ec', curve: 'secp521r1' },
    { name: 'EdDSA', hash: null, keyType: 'ed25519' },
  ].map((each) => [each.name, each]),
);

function isSigned(
  { signed, signature }: ParsedToken,
  algorithm: Algorithm,
  { alg, key }: TokenKey,
): boolean {
  if (alg !== undefined && alg !== algorithm.name) return false;
  if (!fits(algorithm, key)) return false;
  const { hash, padding } = algorithm;
  // The salt of PSS is as long as the hash (RFC 7518, section 3.5).
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  const options =
    padding === undefined
      ? { key, dsaEncoding: 'ieee-p1363' as const }
      : { key, padding, saltLength };
  return verify(hash, Buffer.from(signed), options, signature);
}

function fits({ keyType, curve }: Algorithm, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== keyType) return false;
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (keyType === 'rsa') return (modulusLength ?? 0) >= 2048;
  return curve === undefined || namedCurve === curve;
}
