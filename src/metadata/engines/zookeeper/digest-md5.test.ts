// DIGEST-MD5 by the example of RFC 2831 (section 4), and challenges that are none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proveDigest } from './digest-md5.ts';

const chris = { username: 'chris', password: 'secret' };
const challenge =
  'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8';

test('a proof is the one of the RFC, and so is what the server must answer', () => {
  const proof = proveDigest(Buffer.from(challenge), chris, {
    clientNonce: 'OA6MHXh6VqTrRk',
    digestUri: 'imap/elwood.innosoft.com',
  });
  assert.match(proof.token.toString(), /,response=d388dad90d4bbd760a152321f2143af7$/);
  assert.match(proof.token.toString(), /,realm="elwood\.innosoft\.com",nonce="OA6MG9tEQGm2hh",/);
  assert.equal(proof.expected.toString(), 'rspauth=ea40f60335c427b5527b84dbabcdfffd');
});

test('what is no challenge, or asks for more than a proof, is malformed', () => {
  const refused = (text: string, message: RegExp): void => {
    const prove = () => proveDigest(Buffer.from(text), chris, { clientNonce: 'x' });
    assert.throws(prove, { name: 'MalformedError', message });
  };
  refused('realm="a"', /without nonce/);
  refused('nonce="a",qop="auth-conf"', /qop auth-conf/);
  refused('nonce="a', /not of DIGEST-MD5/);
  refused('\0\0\0', /not of DIGEST-MD5/);
});
