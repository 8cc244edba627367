// JSON web tokens in their compact form (RFC 7519, RFC 7515): parts, claims and their times.
//
// Invariant: nothing here says whether a signature is right; whoever reads claims has checked that,
// or has said by configuration that nobody does.

import { TokenError } from './bearer-server.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface ParsedToken {
  readonly header: Json;
  readonly claims: Json;
  /** Empty of an unsecured one. */
  readonly signature: Buffer;
  /** What is signed. */
  readonly signed: string;
}

/** Longer ones are no tokens: headers of HTTP would not carry them. */
const tokenBytesMax = 64 * 1024;

export function parseToken(token: string): ParsedToken {
  const parts = token.split('.');
  if (parts.length !== 3 || token.length > tokenBytesMax) {
    throw new TokenError('the token is not of the form header.claims.signature');
  }
  const [header = '', claims = '', signature = ''] = parts;
  return {
    header: jsonOf(header, 'header'),
    claims: jsonOf(claims, 'claims'),
    signature: Buffer.from(signature, 'base64url'),
    signed: `${header}.${claims}`,
  };
}

function jsonOf(part: string, what: string): Json {
  let value: unknown = null;
  try {
    value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    // Said below, without a word of it.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new TokenError(`the ${what} of the token are no JSON object`);
}

/** A claim that must be there and be a text. */
export function textClaim(claims: Json, name: string): string {
  const value = claims[name];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new TokenError(`the claim ${name} is missing or empty`);
}

/** A claim that is one text or a list of them. */
export function textsClaim(claims: Json, name: string): readonly string[] {
  const value = claims[name];
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.filter((each) => typeof each === 'string');
  return [];
}

/** Seconds since 1970 as milliseconds; null if the claim is not there. */
export function timeClaim(claims: Json, name: string): number | null {
  const value = claims[name];
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value * 1000;
  throw new TokenError(`the claim ${name} is no number of seconds`);
}

/** That the token is valid now, but for a skew of clocks. Returns when it ends. */
export function assertTimes(claims: Json, nowMs: number, skewMs: number): number {
  const expiresAtMs = timeClaim(claims, 'exp');
  const issuedAtMs = timeClaim(claims, 'iat');
  const notBeforeMs = timeClaim(claims, 'nbf');
  if (expiresAtMs === null) throw new TokenError('the claim exp is missing');
  if (nowMs - skewMs >= expiresAtMs) throw new TokenError('the token has expired');
  if (issuedAtMs !== null && issuedAtMs > nowMs + skewMs) {
    throw new TokenError('the token is from the future (iat)');
  }
  if (notBeforeMs !== null && notBeforeMs > nowMs + skewMs) {
    throw new TokenError('the token is not valid yet (nbf)');
  }
  if (issuedAtMs !== null && expiresAtMs <= issuedAtMs) {
    throw new TokenError('the token ends before it begins');
  }
  return expiresAtMs;
}
