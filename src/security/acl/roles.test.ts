// Roles: who has one has its ACLs, no more and no longer.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AclBinding } from './acl-binding.ts';
import { AclOperation, AclPattern, AclPermission, AclResource } from './acl-codes.ts';
import { Authorizer } from './authorizer.ts';
import { grantedRole, grantOf, isRoleName, rolePrincipal } from './roles.ts';

const { READ, WRITE, DESCRIBE, ALL, DELETE } = AclOperation;
const { TOPIC, DELEGATION_TOKEN } = AclResource;

const onTopic = (
  principal: string,
  resourceName: string,
  operation: number,
  more: Partial<AclBinding> = {},
): AclBinding => ({
  ...{ resourceType: TOPIC, resourceName, patternType: AclPattern.LITERAL, principal },
  ...{ host: '*', operation, permissionType: AclPermission.ALLOW, ...more },
});
const ofRole = (name: string, ...rest: [string, number, Partial<AclBinding>?]): AclBinding =>
  onTopic(rolePrincipal(name), ...rest);

class World {
  readonly #authorizer = new Authorizer({
    superUsers: new Set(),
    allowEveryoneIfNoAclFound: false,
  });

  constructor(...acls: readonly AclBinding[]) {
    for (const acl of acls) this.#authorizer.addAcl(acl);
  }

  add = (acl: AclBinding): void => this.#authorizer.addAcl(acl);
  remove = (acl: AclBinding): void => this.#authorizer.removeAcl(acl);

  may(name: string, operation: number, topic: string, host = '10.0.0.1'): boolean {
    const requester = { principal: `User:${name}`, host };
    return this.#authorizer.authorize(requester, operation, TOPIC, topic);
  }

  mayOnAny(name: string, operation: number): boolean {
    const requester = { principal: `User:${name}`, host: '10.0.0.1' };
    return this.#authorizer.authorizeByResourceType(requester, operation, TOPIC);
  }
}

describe('who is given a role', () => {
  test('has its rights from then on, until it is taken away', () => {
    const world = new World(ofRole('reader', 'orders', READ), ofRole('writer', 'orders', WRITE));
    assert.ok(!world.may('alice', READ, 'orders'));
    assert.ok(!world.mayOnAny('alice', READ));
    const grant = grantOf('reader', 'User:alice');
    world.add(grant);
    assert.ok(world.may('alice', READ, 'orders'));
    assert.ok(world.may('alice', DESCRIBE, 'orders'));
    assert.ok(world.mayOnAny('alice', READ));
    assert.ok(!world.may('alice', WRITE, 'orders') && !world.mayOnAny('alice', WRITE));
    assert.ok(!world.may('bob', READ, 'orders') && !world.may('alice', READ, 'others'));
    world.remove(grant);
    assert.ok(!world.may('alice', READ, 'orders') && !world.mayOnAny('alice', READ));
  });

  test('has what the role gets and loses meanwhile', () => {
    const prefixed = ofRole('team', 'team-', ALL, { patternType: AclPattern.PREFIXED });
    const world = new World(prefixed, grantOf('team', 'User:alice'));
    assert.ok(world.may('alice', DELETE, 'team-a'));
    const more = ofRole('team', 'shared', READ);
    world.add(more);
    assert.ok(world.may('alice', READ, 'shared'));
    world.remove(prefixed);
    assert.ok(!world.may('alice', DELETE, 'team-a') && world.may('alice', READ, 'shared'));
  });

  test('is denied what the role is denied, whatever its own ACLs say', () => {
    const world = new World(
      onTopic('User:alice', '*', ALL),
      ofRole('guest', 'secret', READ, { permissionType: AclPermission.DENY }),
    );
    assert.ok(world.may('alice', READ, 'secret'));
    world.add(grantOf('guest', 'User:alice'));
    assert.ok(!world.may('alice', READ, 'secret') && world.may('alice', READ, 'orders'));
  });

  test('has it from where it was given, and where the ACLs of the role say', () => {
    const world = new World(
      ofRole('a', 'orders', READ),
      ofRole('a', 'near', READ, { host: '10.0.0.1' }),
      grantOf('a', 'User:alice', '10.0.0.1'),
      grantOf('a', 'User:bob'),
    );
    assert.ok(world.may('alice', READ, 'orders'));
    assert.ok(!world.may('alice', READ, 'orders', '10.0.0.2'));
    assert.ok(world.may('bob', READ, 'orders', '10.0.0.2'));
    assert.ok(world.may('bob', READ, 'near') && !world.may('bob', READ, 'near', '10.0.0.2'));
  });

  test('may be everybody, and may have several', () => {
    const world = new World(
      ofRole('a', 'orders', READ),
      ofRole('b', 'orders', WRITE),
      grantOf('a', 'User:*'),
      grantOf('b', 'User:alice'),
    );
    assert.ok(world.may('anybody', READ, 'orders') && !world.may('anybody', WRITE, 'orders'));
    assert.ok(world.may('alice', READ, 'orders') && world.may('alice', WRITE, 'orders'));
  });
});

describe('a role', () => {
  test('is not given by a right on all tokens, nor by anything else that is nearly a grant', () => {
    const grant = grantOf('a', 'User:alice');
    assert.equal(grantedRole(grant), 'a');
    const others: Partial<AclBinding>[] = [
      { resourceName: '*' },
      { resourceName: 'a' },
      { patternType: AclPattern.PREFIXED },
      { resourceName: 'role:', patternType: AclPattern.PREFIXED },
      { operation: ALL },
      { permissionType: AclPermission.DENY },
      { resourceType: TOPIC },
    ];
    for (const other of others) {
      const world = new World(ofRole('a', 'orders', READ), { ...grant, ...other });
      assert.equal(grantedRole({ ...grant, ...other }), null);
      assert.ok(!world.may('alice', READ, 'orders'), JSON.stringify(other));
    }
  });

  test('has no roles itself', () => {
    const world = new World(
      ofRole('inner', 'orders', READ),
      grantOf('inner', rolePrincipal('outer')),
      grantOf('outer', 'User:alice'),
    );
    assert.ok(!world.may('alice', READ, 'orders'));
  });

  test('gives nothing but its ACLs: a grant is no right on a token that there can be', () => {
    const { resourceType, resourceName } = grantOf('a', 'User:alice');
    assert.equal(resourceType, DELEGATION_TOKEN);
    assert.ok(resourceName.includes(':'));
  });

  test('has a name that stands in any command', () => {
    for (const name of ['orders-writer', 'a', 'A.b_c-1']) assert.ok(isRoleName(name));
    for (const name of ['', 'a b', '*', 'a:b', 'x'.repeat(101), 'ä']) assert.ok(!isRoleName(name));
  });
});
