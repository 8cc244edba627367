// Principals and their text form.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anonymous, parsePrincipal, principalText, userPrincipal } from './principal.ts';

test('a principal is written and read as TYPE:NAME', () => {
  assert.equal(principalText(anonymous), 'User:ANONYMOUS');
  assert.deepEqual(parsePrincipal('User:CN=a:b,O=c'), userPrincipal('CN=a:b,O=c'));
  assert.deepEqual(parsePrincipal('Group:admins')?.type, 'Group');
});

test('a text without a type or a name is no principal', () => {
  for (const text of ['', 'alice', ':alice', 'User:']) assert.equal(parsePrincipal(text), null);
});
