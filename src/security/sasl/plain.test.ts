// PLAIN against RFC 4616 and Kafka's words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainLogin, plainServer } from './plain.ts';
import { SaslError, type SaslStep } from './sasl-exchange.ts';

const passwords = new Map([['alice', 'secret']]);
const evaluate = (token: string): SaslStep =>
  plainServer((user) => passwords.get(user) ?? null).next(Buffer.from(token)) as SaslStep;

function told(token: string): string | null {
  try {
    evaluate(token);
  } catch (error) {
    assert.ok(error instanceof SaslError);
    assert.doesNotMatch(error.message, /secret/);
    return error.told;
  }
  throw new Error('let in');
}

test('a user with the right password is who it says', () => {
  const login = plainLogin('alice', 'secret').start('host');
  const token = login.next(null) as Buffer;
  const { identity } = evaluate(token.toString());
  assert.equal(identity?.principal.name, 'alice');
  assert.equal(identity.expiresAtMs, null);
  assert.equal(login.next(Buffer.alloc(0)), null);
  assert.equal(evaluate('alice\0alice\0secret').identity?.principal.name, 'alice');
});

test('an unknown user and a wrong password are told the same', () => {
  const both = ['\0alice\0secret1', '\0alice\0secre', '\0bob\0secret', '\0bob\0'];
  const answers = both.slice(0, 3).map(told);
  assert.deepEqual(
    new Set(answers),
    new Set(['Authentication failed: Invalid username or password']),
  );
});

test('what is not of the form, empty, or for somebody else is refused', () => {
  assert.equal(told('\0alice\0'), 'Authentication failed: password not specified');
  assert.equal(told('\0\0secret'), 'Authentication failed: username not specified');
  assert.match(
    told('bob\0alice\0secret') ?? '',
    /authorization id that is different from username/,
  );
  for (const token of [
    '',
    'alice',
    '\0alice',
    '\0alice\0secret\0',
    '\0\0\0\0',
    '\0alice\0sec\0ret',
  ]) {
    assert.match(told(token) ?? '', /^Invalid SASL.PLAIN response: expected 3 tokens, got \d$/);
  }
});
