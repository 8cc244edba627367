// What is decided of delegation tokens, and that nobody has to ask for the end of one.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  plain,
  TEST_CLUSTER_ID,
  TestController,
} from '../../../tests/doubles/metadata/controllers.ts';
import { BrokerConfig } from '../../config/index.ts';
import { INT64_MAX, KafkaError } from '../../protocol/index.ts';
import { tokenHmac } from '../../security/tokens/index.ts';
import { openLocalMetadata } from '../open-local-metadata.ts';
import type { CreateTokenRequest } from './api.ts';
import { createToken, expireToken, removeExpiredTokens, renewToken } from './tokens.ts';

const rules = {
  tokens: { secretKey: 'key', lifetimeMsMax: 7000, expiryMs: 1000, expiryCheckMs: 100 },
};

class Tokens {
  readonly controller: TestController;
  nowMs = 10_000;

  constructor(changes: Partial<typeof rules.tokens> | { secretKey: null } = {}) {
    this.controller = new TestController({ rules: { tokens: { ...rules.tokens, ...changes } } });
  }

  create(change: Partial<CreateTokenRequest> = {}) {
    const request = { principal: 'User:alice', owner: 'User:alice', renewers: ['User:bob'] };
    const asked = { ...request, maxLifetimeMs: -1, ...change };
    return this.controller.decide((machine) => createToken(machine, asked, this.nowMs));
  }

  renew(hmac: Uint8Array, renewPeriodMs: number, principal = 'User:alice'): number {
    const asked = { principal, hmac, renewPeriodMs };
    return this.controller.decide((machine) => renewToken(machine, asked, this.nowMs))
      .expirationTimestamp;
  }

  expire(hmac: Uint8Array, expiryTimePeriodMs: number, principal = 'User:alice'): number {
    const asked = { principal, hmac, expiryTimePeriodMs };
    return this.controller.decide((machine) => expireToken(machine, asked, this.nowMs))
      .expirationTimestamp;
  }

  expiryOf(tokenId: string): number | undefined {
    return this.controller.image.tokens.get(tokenId)?.expirationTimestamp;
  }
}

const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof KafkaError) return error.errorName;
    throw error;
  }
  return 'NONE';
};

test('a token lives as long as is asked, and no longer than is allowed', () => {
  const tokens = new Tokens();
  const lives = [-1, 0, -(2 ** 63), 1, 500, 1000, 1001, 7000, 7001, INT64_MAX].map((asked) => {
    const { token } = tokens.create({ maxLifetimeMs: asked });
    return [token.expirationTimestamp - tokens.nowMs, token.maxTimestamp - tokens.nowMs];
  });
  const longest = [1000, 7000];
  assert.deepEqual(lives, [
    ...[longest, longest, longest, [1, 1], [500, 500], [1000, 1000], [1000, 1001]],
    ...[longest, longest, longest],
  ]);
});

test('the secret of a token is derived from its id and kept nowhere', () => {
  const tokens = new Tokens();
  const { token, hmac } = tokens.create();
  assert.deepEqual(Buffer.from(hmac), tokenHmac('key', token.tokenId));
  const secret = Buffer.from(hmac);
  for (const record of tokens.controller.log) {
    assert.ok(!record.includes(secret) && !record.includes(secret.toString('base64')));
  }
  const { image } = tokens.controller;
  assert.deepEqual(image.tokens.get(token.tokenId), token);
  for (const size of [1, 100]) {
    assert.deepEqual(plain(tokens.controller.replayed(size)).tokens, plain(image).tokens);
  }
});

test('a token is renewed by its owner and its renewers, up to its longest life', () => {
  const tokens = new Tokens();
  const { token, hmac } = tokens.create({ maxLifetimeMs: 1500, owner: 'User:carol' });
  tokens.nowMs += 400;
  assert.equal(tokens.renew(hmac, 200, 'User:bob'), 10_600);
  assert.equal(tokens.renew(hmac, -1, 'User:carol'), 11_400);
  assert.equal(tokens.expiryOf(token.tokenId), 11_400);
  tokens.nowMs += 400;
  assert.equal(tokens.renew(hmac, INT64_MAX, 'User:bob'), 11_500);
  // Who had it made for another may not.
  for (const other of ['User:alice', 'User:mallory', 'Group:bob']) {
    assert.equal(
      refusal(() => tokens.renew(hmac, -1, other)),
      'DELEGATION_TOKEN_OWNER_MISMATCH',
    );
  }
  assert.equal(
    refusal(() => tokens.renew(Buffer.alloc(64), 1)),
    'DELEGATION_TOKEN_NOT_FOUND',
  );
  tokens.nowMs = 11_500;
  tokens.renew(hmac, -1, 'User:bob');
  tokens.nowMs = 11_501;
  assert.equal(
    refusal(() => tokens.renew(hmac, -1, 'User:bob')),
    'DELEGATION_TOKEN_EXPIRED',
  );
  assert.equal(
    refusal(() => tokens.renew(hmac, -1, 'User:x')),
    'DELEGATION_TOKEN_EXPIRED',
  );
});

test('a token ends at once, or later, but never after its longest life', () => {
  const tokens = new Tokens();
  const { token, hmac } = tokens.create({ maxLifetimeMs: 5000 });
  assert.equal(tokens.expire(hmac, 3000), 13_000);
  assert.equal(tokens.expire(hmac, INT64_MAX, 'User:bob'), 15_000);
  assert.equal(tokens.expire(hmac, 0), 10_000);
  tokens.nowMs += 1;
  assert.equal(
    refusal(() => tokens.expire(hmac, 0)),
    'DELEGATION_TOKEN_EXPIRED',
  );
  const mismatch = 'DELEGATION_TOKEN_OWNER_MISMATCH';
  assert.equal(
    refusal(() => tokens.expire(hmac, 0, 'User:x')),
    mismatch,
  );
  assert.equal(
    refusal(() => tokens.expire(hmac, -1, 'User:x')),
    mismatch,
  );
  // One that has ended may be taken away.
  assert.equal(tokens.expire(hmac, -5), 10_001);
  assert.equal(tokens.expiryOf(token.tokenId), undefined);
  assert.equal(
    refusal(() => tokens.expire(hmac, -1)),
    'DELEGATION_TOKEN_NOT_FOUND',
  );
});

test('a token that was made after others were asked for is found, one that is gone is not', () => {
  const tokens = new Tokens();
  const first = tokens.create();
  tokens.renew(first.hmac, -1);
  const second = tokens.create();
  tokens.renew(second.hmac, -1);
  tokens.expire(first.hmac, -1);
  assert.equal(
    refusal(() => tokens.renew(first.hmac, -1)),
    'DELEGATION_TOKEN_NOT_FOUND',
  );
});

test('renewers are users', () => {
  const tokens = new Tokens();
  for (const renewer of ['Group:g', 'user:a', ':a']) {
    const renewers = ['User:a', renewer];
    assert.equal(
      refusal(() => tokens.create({ renewers })),
      'INVALID_PRINCIPAL_TYPE',
    );
  }
  const renewers = ['User:', 'User:a:b', 'User:*'];
  assert.deepEqual(tokens.create({ renewers }).token.renewers, renewers);
});

test('without a secret key there are no tokens, nor with metadata older than they are', () => {
  const none = new Tokens({ secretKey: null });
  const old = new Tokens();
  const feature = { name: 'metadata.version', featureLevel: 13 };
  old.controller.decide(() => ({
    records: [{ type: 'FeatureLevelRecord', ...feature }],
    response: null,
  }));
  for (const [tokens, name] of [
    [none, 'DELEGATION_TOKEN_AUTH_DISABLED'],
    [old, 'UNSUPPORTED_VERSION'],
  ] as const) {
    assert.equal(
      refusal(() => tokens.create()),
      name,
    );
    assert.equal(
      refusal(() => tokens.renew(Buffer.alloc(64), 1)),
      name,
    );
    assert.equal(
      refusal(() => tokens.expire(Buffer.alloc(64), 1)),
      name,
    );
  }
});

describe('tokens that have ended', () => {
  test('are removed a thousand at a time', () => {
    const tokens = new Tokens();
    for (let made = 0; made < 1001; made++) tokens.create();
    tokens.create({ maxLifetimeMs: 10 });
    const remove = (): boolean => {
      return tokens.controller.decide((machine) => removeExpiredTokens(machine, tokens.nowMs));
    };
    tokens.nowMs += 11;
    assert.equal(remove(), false);
    assert.equal(tokens.controller.image.tokens.size, 1001);
    tokens.nowMs += 1000;
    assert.equal(remove(), true);
    assert.equal(tokens.controller.image.tokens.size, 1);
    assert.equal(remove(), false);
    assert.equal(tokens.controller.image.tokens.size, 0);
  });

  test('are removed by the clock of the controller, also of one that came later', () =>
    simulate(async (io) => {
      const config = new BrokerConfig({
        static: new Map([
          ['delegation.token.secret.key', { text: 'key', origin: 'file' }],
          ['delegation.token.expiry.check.interval.ms', { text: '60000', origin: 'file' }],
        ]),
      });
      const options = { directory: '/data', clusterId: TEST_CLUSTER_ID, nodeId: 1, config };
      const first = await openLocalMetadata(io, options);
      const asked = { principal: 'User:a', owner: 'User:a', renewers: [], maxLifetimeMs: 90_000 };
      const { token } = await first.controller.createToken(asked);
      const { token: later } = await first.controller.createToken({ ...asked, maxLifetimeMs: -1 });
      await io.clock.sleep(61_000);
      assert.ok(first.image().tokens.has(token.tokenId));
      await first.close();
      const second = await openLocalMetadata(io, options);
      await io.clock.sleep(30_000);
      assert.ok(second.image().tokens.has(token.tokenId), 'until somebody looks');
      await io.clock.sleep(31_000);
      assert.deepEqual([...second.image().tokens.keys()], [later.tokenId]);
      await second.close();
    }));
});
