// Decisions of the authorizer: the rules one by one, and any set of ACLs against a model that
// looks at each ACL for every question.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type AclBinding, type AclFilter, anyAcl, matchesAcl } from './acl-binding.ts';
import { AclOperation, AclPattern, AclPermission, AclResource } from './acl-codes.ts';
import { aclHost, hostFromBytes, hostToBytes } from './acl-host.ts';
import { Authorizer, type AuthorizerOptions, parseSuperUsers } from './authorizer.ts';

const { TOPIC } = AclResource;
const { READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS, ALL } = AclOperation;

function acl(change: Partial<AclBinding> = {}): AclBinding {
  return {
    resourceType: TOPIC,
    resourceName: 'a',
    patternType: AclPattern.LITERAL,
    principal: 'User:alice',
    host: '*',
    operation: READ,
    permissionType: AclPermission.ALLOW,
    ...change,
  };
}

function authorizerOf(
  acls: readonly AclBinding[],
  options: Partial<AuthorizerOptions> = {},
): Authorizer {
  const authorizer = new Authorizer({
    superUsers: new Set(['User:root']),
    allowEveryoneIfNoAclFound: false,
    ...options,
  });
  for (const each of acls) authorizer.addAcl(each);
  return authorizer;
}

const alice = { principal: 'User:alice', host: '10.0.0.1' };
const bob = { principal: 'User:bob', host: '10.0.0.1' };
const root = { principal: 'User:root', host: '10.0.0.1' };
const deny = { permissionType: AclPermission.DENY };

describe('authorizer', () => {
  test('what no ACL allows is denied', () => {
    const authorizer = authorizerOf([acl()]);
    assert.equal(authorizer.authorize(alice, READ, TOPIC, 'a'), true);
    assert.equal(authorizer.authorize(alice, WRITE, TOPIC, 'a'), false);
    assert.equal(authorizer.authorize(alice, READ, TOPIC, 'b'), false);
    assert.equal(authorizer.authorize(bob, READ, TOPIC, 'a'), false);
    assert.equal(authorizer.authorize(alice, READ, AclResource.GROUP, 'a'), false);
  });

  test('an ACL that denies goes before one that allows, wherever it is found', () => {
    for (const other of [
      acl({ ...deny, resourceName: '*', principal: 'User:*' }),
      acl({ ...deny, resourceName: 'a', patternType: AclPattern.PREFIXED, operation: ALL }),
      acl({ ...deny, host: '10.0.0.1' }),
    ]) {
      const authorizer = authorizerOf([acl(), other]);
      assert.equal(authorizer.authorize(alice, READ, TOPIC, 'a'), false);
      authorizer.removeAcl(other);
      assert.equal(authorizer.authorize(alice, READ, TOPIC, 'a'), true);
    }
  });

  test('leave to read, write, delete or alter is leave to describe; a denial is of itself', () => {
    assert.equal(authorizerOf([acl()]).authorize(alice, DESCRIBE, TOPIC, 'a'), true);
    const configs = authorizerOf([acl({ operation: ALTER_CONFIGS })]);
    assert.equal(configs.authorize(alice, DESCRIBE_CONFIGS, TOPIC, 'a'), true);
    assert.equal(configs.authorize(alice, DESCRIBE, TOPIC, 'a'), false);
    const denied = authorizerOf([acl({ operation: DESCRIBE }), acl(deny)]);
    assert.equal(denied.authorize(alice, DESCRIBE, TOPIC, 'a'), true);
  });

  test('a super user needs no ACL, and none binds one', () => {
    const authorizer = authorizerOf([acl({ ...deny, principal: 'User:*', operation: ALL })]);
    assert.equal(authorizer.authorize(root, READ, TOPIC, 'a'), true);
    assert.equal(authorizer.authorizeByResourceType(root, READ, TOPIC), true);
  });

  test('where no ACL is about a resource everybody may, if so configured', () => {
    const options = { allowEveryoneIfNoAclFound: true };
    const authorizer = authorizerOf([acl({ principal: 'User:carol', operation: WRITE })], options);
    assert.equal(authorizer.authorize(bob, READ, TOPIC, 'b'), true);
    assert.equal(authorizer.authorize(bob, READ, TOPIC, 'a'), false);
  });

  test('super.users stand between semicolons, and a text without a type is refused', () => {
    const users = parseSuperUsers('User:a; User:CN=b,O=c ;;');
    assert.deepEqual([...users], ['User:a', 'User:CN=b,O=c']);
    assert.throws(() => parseSuperUsers('User:a;bob'), /TYPE:NAME.*"bob"/);
  });

  test('an address is written as Java writes it', () => {
    assert.equal(aclHost('::ffff:10.0.0.1'), '10.0.0.1');
    assert.equal(aclHost('::1'), '0:0:0:0:0:0:0:1');
    assert.equal(aclHost('fe80::0a:1%eth0'), 'fe80:0:0:0:0:0:a:1%eth0');
    assert.equal(aclHost('10.0.0.1'), '10.0.0.1');
  });

  test('brokers tell each other of an address in the bytes of Java', () => {
    assert.deepEqual(hostToBytes('10.0.0.1'), Buffer.from([10, 0, 0, 1]));
    for (const host of [
      '10.0.0.1',
      '0:0:0:0:0:0:0:1',
      'host',
      'client-of-16-chr',
      'fe80:0:0:0:0:0:a:1',
    ]) {
      assert.equal(hostFromBytes(hostToBytes(host)), host);
    }
  });
});

/** Few operations, so that denials meet what is allowed. */
const asked: readonly number[] = [READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS];
/** Few names, so that patterns meet resources. */
const names = ['a', 'ab', 'abc', 'b', '*', '*a', 'ac'];
const anAcl = fc.record({
  resourceType: fc.constantFrom(TOPIC, AclResource.GROUP),
  resourceName: fc.constantFrom(...names),
  patternType: fc.constantFrom(AclPattern.LITERAL, AclPattern.PREFIXED),
  principal: fc.constantFrom('User:alice', 'User:bob', 'User:*', 'Group:alice', 'User:root'),
  host: fc.constantFrom('*', '10.0.0.1', '10.0.0.2'),
  operation: fc.constantFrom(ALL, ...asked),
  permissionType: fc.constantFrom(AclPermission.DENY, AclPermission.ALLOW),
});

/** Kafka's rule, word by word, over all ACLs. */
function expected(acls: readonly AclBinding[], everyone: boolean, question: Question): boolean {
  const { principal, host, operation, type, name } = question;
  if (principal === 'User:root') return true;
  const filter = { ...anyAcl, resourceType: type, resourceName: name };
  const found = acls.filter((each) => {
    return matchesAcl({ ...filter, patternType: AclPattern.MATCH }, each);
  });
  if (found.length === 0) return everyone;
  const mine = found.filter((each) => {
    const isMine = each.principal === principal || each.principal === 'User:*';
    return isMine && (each.host === '*' || each.host === host);
  });
  const covers = (granted: number): boolean => granted === operation || granted === ALL;
  if (mine.some((each) => each.permissionType === AclPermission.DENY && covers(each.operation))) {
    return false;
  }
  const implied: Record<number, number[]> = {
    [DESCRIBE]: [3, 4, 6, 7],
    [DESCRIBE_CONFIGS]: [ALTER_CONFIGS],
  };
  return mine.some((each) => {
    const isAllow = each.permissionType === AclPermission.ALLOW;
    const isImplied = implied[operation]?.includes(each.operation) ?? false;
    return isAllow && (covers(each.operation) || isImplied);
  });
}

type Question = typeof aQuestion extends fc.Arbitrary<infer Q> ? Q : never;
const aQuestion = fc.record({
  principal: fc.constantFrom('User:alice', 'User:bob', 'Group:alice', 'User:root', 'User:*'),
  host: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'),
  operation: fc.constantFrom(...asked),
  type: fc.constantFrom(TOPIC as number, AclResource.GROUP),
  name: fc.constantFrom(...names, 'abcd', 'z'),
});

test('any ACLs, added and removed in any order, decide as a walk over all of them would', () => {
  const questions = fc.array(aQuestion, { minLength: 5, maxLength: 20 });
  const acls = fc.array(fc.tuple(anAcl, fc.boolean()), { maxLength: 30 });
  const property = fc.property(acls, questions, fc.boolean(), (made, questioned, everyone) => {
    const authorizer = authorizerOf([], { allowEveryoneIfNoAclFound: everyone });
    for (const [each] of made) authorizer.addAcl(each);
    for (const [each, isRemoved] of made) if (isRemoved) authorizer.removeAcl(each);
    const left = made.flatMap(([each, isRemoved]) => (isRemoved ? [] : [each]));
    for (const question of questioned) {
      const { operation, type, name, ...requester } = question;
      const actual = authorizer.authorize(requester, operation, type, name);
      assert.equal(actual, expected(left, everyone, question), JSON.stringify(question));
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test('a filter finds a pattern as written, or those that cover a name', () => {
  const prefixed = acl({ resourceName: 'ab', patternType: AclPattern.PREFIXED });
  const find = (change: Partial<AclFilter>): boolean => {
    return matchesAcl({ ...anyAcl, ...change }, prefixed);
  };
  assert.equal(find({}), true);
  assert.equal(find({ resourceName: 'abc' }), false);
  assert.equal(find({ resourceName: 'abc', patternType: AclPattern.MATCH }), true);
  assert.equal(find({ resourceName: 'ab', patternType: AclPattern.LITERAL }), false);
  assert.equal(find({ resourceName: 'ab', patternType: AclPattern.PREFIXED }), true);
  assert.equal(find({ principal: 'User:bob' }), false);
  assert.equal(find({ host: '10.0.0.1' }), false);
});
