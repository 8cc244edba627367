// Tokens, their secrets, and how they are found by them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import {
  type DelegationToken,
  isExpired,
  isOwnerOrRenewer,
  mayRenew,
  tokenPrincipal,
} from './delegation-token.ts';
import { tokenHmac } from './token-hmac.ts';
import { TokenIndex } from './token-index.ts';

const token: DelegationToken = {
  tokenId: 't',
  owner: 'User:alice',
  requester: 'User:admin',
  renewers: ['User:bob'],
  issueTimestamp: 0,
  maxTimestamp: 20,
  expirationTimestamp: 10,
};

test('a token counts up to its end, and that one as well', () => {
  assert.deepEqual(
    [0, 10, 11].map((nowMs) => isExpired(token, nowMs)),
    [false, false, true],
  );
  const odd = { ...token, maxTimestamp: 5 };
  assert.deepEqual(
    [5, 6].map((nowMs) => isExpired(odd, nowMs)),
    [false, true],
  );
});

test('owner and renewers may prolong it; who had it made for another may see it', () => {
  const all = ['User:alice', 'User:bob', 'User:admin', 'User:mallory', 'Group:alice'];
  assert.deepEqual(
    all.filter((each) => mayRenew(token, each)),
    ['User:alice', 'User:bob'],
  );
  assert.deepEqual(
    all.filter((each) => isOwnerOrRenewer(token, each)),
    all.slice(0, 3),
  );
});

test('a name may be empty and have colons', () => {
  for (const [text, type, name] of [
    ['User:a:b', 'User', 'a:b'],
    [':a', '', 'a'],
    ['User:', 'User', ''],
  ]) {
    assert.deepEqual(tokenPrincipal(text as string), { type, name, isByToken: true });
  }
});

test('the secret is HmacSHA512 of the id, as OpenSSL computes it', () => {
  const hex = tokenHmac('secret', 'tokenId').toString('hex');
  assert.equal(
    hex.slice(0, 64),
    'f712b7992c63fdb8e0a5ef5375bb3afb6df17275bd522640167db2a55dbc8f85',
  );
  assert.equal(hex.slice(64), '7bca48863d232bb0a4da71dd907e66b59d8ef6b83e72861e7b7e24eef1967fee');
});

test('a token is found by the whole of its secret, and by nothing else', () => {
  const index = new TokenIndex('secret', new Prng(1));
  for (const id of ['a', 'b']) index.add(id);
  const hmac = tokenHmac('secret', 'b');
  assert.equal(index.find(hmac), 'b');
  const flipped = Buffer.from(hmac);
  flipped[63] = (flipped[63] as number) ^ 1;
  for (const wrong of [flipped, hmac.subarray(1), Buffer.alloc(0), tokenHmac('other', 'b')]) {
    assert.equal(index.find(wrong), undefined);
  }
  index.remove('b');
  assert.equal(index.find(hmac), undefined);
  assert.equal(index.find(tokenHmac('secret', 'a')), 'a');
});
