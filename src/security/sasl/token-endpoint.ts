// Tokens from an identity provider, for a client that has an id and a secret there: the grant
// `client_credentials` (RFC 6749, section 4.4; KIP-768).

import type { Clock } from '../../io/index.ts';
import type { BearerToken, TokenSource } from './bearer-login.ts';
import type { HttpFetch } from './http-fetch.ts';
import { parseToken, timeClaim } from './json-web-token.ts';

export interface ClientCredentials {
  /** sasl.oauthbearer.token.endpoint.url; it is one that may be asked. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | null;
  /** Default 10 000. */
  readonly timeoutMs?: number;
}

const answerBytesMax = 1024 * 1024;

export function tokenEndpoint(
  clock: Clock,
  fetch: HttpFetch,
  { url, clientId, clientSecret, scope, timeoutMs = 10_000 }: ClientCredentials,
): TokenSource {
  const secret = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const headers = {
    accept: 'application/json',
    authorization: `Basic ${secret}`,
    'content-type': 'application/x-www-form-urlencoded',
  };
  const wanted = scope === null ? '' : `&scope=${encodeURIComponent(scope)}`;
  const body = `grant_type=client_credentials${wanted}`;
  return async () => {
    const request = { url, method: 'POST', headers, body, timeoutMs } as const;
    const answer = await fetch({ ...request, bytesMax: answerBytesMax });
    // What it says beside may repeat what it was sent: it is in no message.
    if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
    return tokenOf(clock, url, answer.body);
  };
}

function tokenOf(clock: Clock, url: string, body: Buffer): BearerToken {
  let answer: { access_token?: unknown; expires_in?: unknown } | null = null;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch {
    // Said below.
  }
  const value = answer?.access_token;
  if (typeof value !== 'string') throw new Error(`${url} answered without an access_token`);
  const seconds = Number(answer?.expires_in);
  if (seconds > 0) return { value, expiresAtMs: clock.now() + seconds * 1000 };
  return { value, expiresAtMs: expiryOf(value) };
}

/** A token need not be one of JSON; then only the provider knows when it ends. */
export function expiryOf(token: string): number | null {
  try {
    return timeClaim(parseToken(token).claims, 'exp');
  } catch {
    return null;
  }
}
