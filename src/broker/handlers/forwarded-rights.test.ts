// What a controller's broker refuses of a forwarded request about a delegation token, whatever the
// broker in front of the client has let through.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Controller } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { AclOperation, AclResource, hostToBytes, newAuthorizer } from '../../security/acl/index.ts';
import { type Principal, principalToBytes, userPrincipal } from '../../security/index.ts';
import { assertMayForward } from './forwarded-rights.ts';

const alice = userPrincipal('alice');

async function refusalOf(
  name: keyof Controller,
  request: unknown,
  principal: Principal = alice,
): Promise<string> {
  const options = { superUsers: '', allowEveryoneIfNoAclFound: false };
  const authorizer = await newAuthorizer(options);
  authorizer.addAcl({
    ...{ id: 'A'.repeat(22), resourceType: AclResource.USER, resourceName: 'User:carol' },
    ...{ patternType: 3, principal: 'User:alice', host: '*', permissionType: 3 },
    operation: AclOperation.CREATE_TOKENS,
  });
  const asked = {
    requestData: Buffer.alloc(0),
    requestPrincipal: principalToBytes(principal),
    clientHostAddress: hostToBytes('10.0.0.1'),
  };
  try {
    assertMayForward({ name, request }, asked, { authorizer, replicas: {} as never });
    return 'NONE';
  } catch (error) {
    assert.ok(error instanceof KafkaError, String(error));
    return error.errorName;
  }
}

const asked = { principal: 'User:alice', hmac: Buffer.alloc(64) };

test('a token for another owner needs the right to make it', async () => {
  const owned = (owner: string) => ({ ...asked, owner, renewers: [], maxLifetimeMs: -1 });
  assert.equal(await refusalOf('createToken', owned('User:alice')), 'NONE');
  assert.equal(await refusalOf('createToken', owned('User:carol')), 'NONE');
  const refused = 'DELEGATION_TOKEN_AUTHORIZATION_FAILED';
  assert.equal(await refusalOf('createToken', owned('User:bob')), refused);
  assert.equal(await refusalOf('createToken', owned('Group:carol')), refused);
});

test('a holder asks for nothing about tokens, and nobody in the name of another', async () => {
  for (const name of ['createToken', 'renewToken', 'expireToken'] as const) {
    const request = { ...asked, owner: 'User:alice' };
    assert.equal(await refusalOf(name, request), 'NONE');
    const byToken = await refusalOf(name, request, { ...alice, isByToken: true });
    assert.equal(byToken, 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED');
    assert.equal(await refusalOf(name, request, userPrincipal('mallory')), 'INVALID_REQUEST');
  }
});
