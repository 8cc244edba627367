// OAUTHBEARER: tokens without a signature, signed ones, and those that try to be.

import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Clock } from '../../io/index.ts';
import { bearerLogin } from './bearer-login.ts';
import { bearerServer, type TokenCheck } from './bearer-server.ts';
import { type HttpFetch, type HttpRequest, urlRefusal } from './http-fetch.ts';
import { SaslError, type SaslStep } from './sasl-exchange.ts';
import { signedCheck } from './signed-token.ts';
import { tokenEndpoint } from './token-endpoint.ts';
import { TokenKeys } from './token-keys.ts';
import { unsecuredCheckOf, unsecuredSourceOf } from './unsecured-options.ts';

/** A clock that only `at` moves. */
const time = { at: 1_700_000_000_000 };
const clock = { now: () => time.at, monotonic: () => time.at } as unknown as Clock;
const seconds = (): number => Math.floor(time.at / 1000);

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function firstMessage(token: string): Buffer {
  return Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`);
}

/** null: let in. Otherwise what the client is told in the end. */
async function refusalOf(tokens: TokenCheck, token: string): Promise<string | null> {
  const server = bearerServer(tokens);
  const step = await server.next(firstMessage(token));
  if (step.identity !== null) return null;
  assert.match(JSON.parse(step.token.toString()).status, /^(invalid_token|insufficient_scope)$/);
  try {
    await server.next(Buffer.from('\x01'));
  } catch (error) {
    assert.ok(error instanceof SaslError);
    return `${error.message} ${error.told}`;
  }
  throw new Error('let in behind a refusal');
}

describe('unsecured tokens', () => {
  const login = new Map([
    ['unsecuredLoginStringClaim_sub', 'alice'],
    ['unsecuredLoginListClaim_scope', ',read,write'],
    ['unsecuredLoginNumberClaim_level', '7'],
  ]);

  test('are made and taken as Kafka makes and takes them', async () => {
    const source = unsecuredSourceOf(clock, login);
    assert.ok(source);
    const exchange = bearerLogin(clock, source, new Map([['traceId', '1']])).start('host');
    const first = await exchange.next(null);
    assert.ok(first);
    const options = new Map([['unsecuredValidatorRequiredScope', 'write read']]);
    const server = bearerServer(unsecuredCheckOf(clock, options));
    const { identity } = (await server.next(first)) as SaslStep;
    assert.equal(identity?.principal.name, 'alice');
    assert.equal(identity.expiresAtMs, time.at + 3_600_000);
    assert.equal(await exchange.next(Buffer.alloc(0)), null);
  });

  test('are refused without a user, when over, from the future or without a scope', async () => {
    const check = unsecuredCheckOf(clock, new Map());
    const token = (claims: object): string => `${part({ alg: 'none' })}.${part(claims)}.`;
    const exp = seconds() + 60;
    assert.equal(await refusalOf(check, token({ sub: 'a', exp })), null);
    assert.match((await refusalOf(check, token({ exp }))) ?? '', /claim sub/);
    assert.match((await refusalOf(check, token({ sub: 'a' }))) ?? '', /claim exp is missing/);
    assert.match((await refusalOf(check, token({ sub: 'a', exp: seconds() }))) ?? '', /expired/);
    const future = token({ sub: 'a', exp, iat: seconds() + 30 });
    assert.match((await refusalOf(check, future)) ?? '', /future/);
    const scoped = unsecuredCheckOf(clock, new Map([['unsecuredValidatorRequiredScope', 'x']]));
    const lacking = await refusalOf(scoped, token({ sub: 'a', exp }));
    assert.match(lacking ?? '', /"status":"insufficient_scope","scope":"x"/);
    const signed = `${part({ alg: 'HS256' })}.${part({ sub: 'a', exp })}.c2ln`;
    assert.match((await refusalOf(check, signed)) ?? '', /signed/);
  });
});

test('what is no first message of OAUTHBEARER is refused', async () => {
  const server = () => bearerServer({ check: () => ({ user: 'a', expiresAtMs: 1 }) });
  const bad = [
    '',
    '\x01',
    'n,,',
    'n,,\x01\x01',
    'n,,\x01auth=Basic x\x01\x01',
    'y,,\x01auth=Bearer x\x01\x01',
  ];
  for (const text of [
    ...bad,
    'n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01',
    'n,,\x01auth=Bearer x\x01',
  ]) {
    assert.throws(() => server().next(Buffer.from(text)), SaslError, JSON.stringify(text));
  }
  const other = Buffer.from('n,a=bob,\x01auth=Bearer x\x01\x01');
  assert.throws(() => server().next(other), /authorization id/);
});

interface Provider {
  readonly fetch: HttpFetch;
  readonly fetches: HttpRequest[];
  keys: unknown[];
  fails: boolean;
}

function provider(): Provider {
  const made: Provider = {
    fetches: [],
    keys: [],
    fails: false,
    fetch: async (request) => {
      made.fetches.push(request);
      if (made.fails) throw new Error('idp: no answer');
      return { status: 200, body: Buffer.from(JSON.stringify({ keys: made.keys })) };
    },
  };
  return made;
}

describe('signed tokens', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = (key: KeyObject, more: object): object => ({
    ...key.export({ format: 'jwk' }),
    ...more,
  });
  const claims = (more: object = {}): object => {
    return { sub: 'alice', aud: ['kafka'], iss: 'idp', exp: seconds() + 60, ...more };
  };
  const signed = (
    header: { alg: string; kid?: string },
    body: object,
    key = rsa.privateKey,
  ): string => {
    const text = `${part(header)}.${part(body)}`;
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  };

  function checked(refreshMs = 3_600_000): { idp: Provider; check: TokenCheck } {
    const idp = provider();
    idp.keys = [jwk(rsa.publicKey, { kid: 'r' }), jwk(ec.publicKey, { kid: 'e', alg: 'ES256' })];
    const keys = new TokenKeys(clock, idp.fetch, {
      url: 'https://idp/keys',
      refreshMs,
      retryBackoffMs: 100,
      retryBackoffMaxMs: 10_000,
      timeoutMs: 1000,
    });
    const demands = { audiences: ['kafka'], issuer: 'idp', userClaim: 'sub', skewMs: 0 };
    return { idp, check: signedCheck(clock, { keys, ...demands }) };
  }

  test('are taken when all is right, and the keys are fetched once', async () => {
    const { idp, check } = checked();
    for (let n = 0; n < 5; n++) {
      assert.equal(await refusalOf(check, signed({ alg: 'RS256', kid: 'r' }, claims())), null);
      const byCurve = signed({ alg: 'ES256', kid: 'e' }, claims({ aud: 'kafka' }), ec.privateKey);
      assert.equal(await refusalOf(check, byCurve), null);
    }
    assert.equal(idp.fetches.length, 1);
  });

  test('are refused for another audience, issuer or time, and without a user', async () => {
    const { check } = checked();
    const refused = async (more: object, why: RegExp): Promise<void> => {
      const token = signed({ alg: 'RS256', kid: 'r' }, claims(more));
      assert.match((await refusalOf(check, token)) ?? 'let in', why);
    };
    await refused({ aud: 'other' }, /another aud/);
    await refused({ aud: undefined }, /another aud/);
    await refused({ iss: 'other' }, /another iss/);
    await refused({ nbf: seconds() + 10 }, /nbf/);
    await refused({ exp: seconds() - 1 }, /expired/);
    await refused({ exp: undefined }, /exp is missing/);
    await refused({ exp: '9999999999' }, /exp is no number/);
    await refused({ sub: undefined }, /claim sub/);
    await refused({ sub: 7 }, /claim sub/);
  });

  test('are refused with alg none, HS256 by the public key, and another kind of key', async () => {
    const { check } = checked();
    const none = `${part({ alg: 'none', kid: 'r' })}.${part(claims())}.`;
    assert.match((await refusalOf(check, none)) ?? '', /algorithm/);
    const text = `${part({ alg: 'HS256', kid: 'r' })}.${part(claims())}`;
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
    const mac = createHmac('sha256', pem).update(text).digest('base64url');
    assert.match((await refusalOf(check, `${text}.${mac}`)) ?? '', /algorithm/);
    const crossed = signed({ alg: 'ES256', kid: 'r' }, claims());
    assert.match((await refusalOf(check, crossed)) ?? '', /signature/);
    const changed = signed({ alg: 'RS256', kid: 'r' }, claims()).replace(/.{4}$/, 'AAAA');
    assert.match((await refusalOf(check, changed)) ?? '', /signature/);
    const critical = signed({ alg: 'RS256', kid: 'r', crit: ['x'] } as never, claims());
    assert.match((await refusalOf(check, critical)) ?? '', /critical/);
  });

  test('with an unknown key a thousand times cause no fetch each', async () => {
    const { idp, check } = checked();
    const token = signed({ alg: 'RS256', kid: 'unknown' }, claims());
    for (let n = 0; n < 1000; n++) assert.match((await refusalOf(check, token)) ?? '', /kid/);
    assert.equal(idp.fetches.length, 2);
    time.at += 31_000;
    await Promise.all(Array.from({ length: 100 }, () => refusalOf(check, token)));
    assert.equal(idp.fetches.length, 3);
  });

  test('by a key that the provider has changed to a moment ago are taken', async () => {
    const { idp, check } = checked();
    const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const old = signed({ alg: 'RS256', kid: 'r' }, claims({ exp: seconds() + 600 }));
    assert.equal(await refusalOf(check, old), null);
    idp.keys = [jwk(next.publicKey, { kid: 'r2' })];
    const token = signed({ alg: 'RS256', kid: 'r2' }, claims(), next.privateKey);
    assert.equal(await refusalOf(check, token), null);
    assert.match((await refusalOf(check, old)) ?? '', /kid/);
  });

  test('wait for the set that is under way, if it may have their key', async () => {
    const { idp, check } = checked(1000);
    assert.equal(await refusalOf(check, signed({ alg: 'RS256', kid: 'r' }, claims())), null);
    const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
    idp.keys = [jwk(next.publicKey, { kid: 'r2' })];
    time.at += 1001;
    const token = signed({ alg: 'RS256', kid: 'r2' }, claims(), next.privateKey);
    assert.equal(await refusalOf(check, token), null);
    assert.equal(idp.fetches.length, 2);
  });

  test('are taken by the keys that are there while the provider is away', async () => {
    const { idp, check } = checked();
    const token = (): string => signed({ alg: 'RS256', kid: 'r' }, claims());
    assert.equal(await refusalOf(check, token()), null);
    idp.fails = true;
    time.at += 3_600_001;
    assert.equal(await refusalOf(check, token()), null);
    await Promise.resolve();
    assert.equal(await refusalOf(check, token()), null);
    assert.equal(idp.fetches.length, 2);
  });

  test('with a shared secret in the set, or a short key, are refused', async () => {
    const { idp, check } = checked();
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    idp.keys = [
      { kty: 'oct', k: 'c2VjcmV0', kid: 's' },
      jwk(weak.publicKey, { kid: 'w' }),
      null,
      7,
    ];
    const token = signed({ alg: 'RS256', kid: 'w' }, claims(), weak.privateKey);
    assert.match((await refusalOf(check, token)) ?? '', /signature/);
    const secret = signed({ alg: 'RS256', kid: 's' }, claims());
    assert.match((await refusalOf(check, secret)) ?? '', /kid/);
  });
});

test('addresses are asked only when they are allowed, and never files', () => {
  const refusal = (url: string, allowed?: string): string | null => urlRefusal('key', url, allowed);
  assert.equal(refusal('https://idp/keys', 'https://a/b, https://idp/keys'), null);
  assert.match(refusal('https://idp/keys') ?? '', /not allowed: start with KAFKA_OPTS=-D/);
  assert.match(refusal('https://idp/keys', 'https://idp/') ?? '', /not allowed/);
  assert.match(
    refusal('file:///etc/passwd', 'file:///etc/passwd') ?? '',
    /expected https: or http:/,
  );
  assert.match(refusal('x', 'x') ?? '', /expected https/);
});

test('a client asks the token endpoint once for all, and again before the end', async () => {
  const asked: HttpRequest[] = [];
  const fetch: HttpFetch = async (request) => {
    asked.push(request);
    const body = JSON.stringify({ access_token: `t${asked.length}`, expires_in: 100 });
    return { status: 200, body: Buffer.from(body) };
  };
  const credentials = { url: 'https://idp/token', clientId: 'id', clientSecret: 's', scope: 'a b' };
  const login = bearerLogin(clock, tokenEndpoint(clock, fetch, credentials));
  const texts = await Promise.all([1, 2, 3].map(() => login.start('host').next(null)));
  assert.deepEqual(new Set(texts.map(String)), new Set(['n,,\x01auth=Bearer t1\x01\x01']));
  assert.equal(asked[0]?.body, 'grant_type=client_credentials&scope=a%20b');
  assert.equal(asked[0]?.headers.authorization, 'Basic aWQ6cw==');
  time.at += 81_000;
  assert.match(String(await login.start('host').next(null)), /Bearer t2/);
  assert.equal(asked.length, 2);
});

test('a token endpoint that refuses says nothing of the secret', async () => {
  const fetch: HttpFetch = async () => ({ status: 401, body: Buffer.from('s3cret') });
  const credentials = {
    url: 'https://idp/token',
    clientId: 'id',
    clientSecret: 's3cret',
    scope: null,
  };
  const exchange = bearerLogin(clock, tokenEndpoint(clock, fetch, credentials)).start('host');
  await assert.rejects(
    async () => exchange.next(null),
    (error: Error) => {
      assert.match(error.message, /https:\/\/idp\/token answered 401/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    },
  );
});
