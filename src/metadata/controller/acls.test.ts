// What CreateAcls and DeleteAcls decide.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plain, TestController } from '../../../tests/doubles/metadata/controllers.ts';
import { PersistentMap } from '../../base/persistent-map.ts';
import {
  type AclBinding,
  type AclFilter,
  aclKey,
  anyAcl,
  matchesAcl,
} from '../../security/acl/index.ts';
import { createAcls, deleteAcls } from './acls.ts';

function acl(change: Partial<AclBinding> = {}): AclBinding {
  return {
    ...{ resourceType: 2, resourceName: 't', patternType: 3, principal: 'User:alice', host: '*' },
    ...{ operation: 3, permissionType: 3 },
    ...change,
  };
}

function create(controller: TestController, ...acls: readonly AclBinding[]): (string | null)[] {
  const results = controller.decide((machine) => createAcls(machine, { acls }));
  return results.map(({ error }) => error?.message ?? null);
}

function remove(controller: TestController, ...filters: readonly Partial<AclFilter>[]) {
  const all = filters.map((filter) => ({ ...anyAcl, ...filter }));
  return controller.decide((machine) => deleteAcls(machine, { filters: all }));
}

test('an ACL is kept once, however often it is created, also after another term began', () => {
  const controller = new TestController();
  assert.deepEqual(create(controller, acl(), acl(), acl({ host: '10.0.0.1' })), [null, null, null]);
  assert.deepEqual(create(controller, acl(), acl({ operation: 4 })), [null, null]);
  assert.equal(controller.image.acls.size, 3);
  remove(controller, { operation: 4 });
  create(controller, acl({ operation: 4 }));
  assert.equal(controller.image.acls.size, 3);
  for (const size of [1, 2, 100]) {
    assert.deepEqual(plain(controller.replayed(size)).acls, plain(controller.image).acls);
  }
});

test('what can be no ACL is refused in the words of Kafka, and the others are kept', () => {
  const controller = new TestController();
  const why = 'no colon is present separating the principal type from the principal name';
  assert.deepEqual(
    create(
      controller,
      acl({ principal: '' }),
      acl({ principal: 'alice' }),
      acl({ resourceName: '' }),
      acl({ resourceType: 1 }),
      acl({ patternType: 2 }),
      acl({ operation: 1 }),
      acl({ operation: 99 }),
      acl({ permissionType: 1 }),
      acl(),
    ),
    [
      `Could not parse principal from \`\` (${why})`,
      `Could not parse principal from \`alice\` (${why})`,
      'Resource name should not be empty',
      'Invalid resourceType ANY',
      'Invalid patternType MATCH',
      'Invalid operation ANY',
      'Invalid operation UNKNOWN',
      'Invalid permissionType ANY',
      null,
    ],
  );
  assert.equal(controller.image.acls.size, 1);
});

test('each filter tells what it found; what two find goes once', () => {
  const controller = new TestController();
  create(controller, acl(), acl({ resourceName: 'u' }), acl({ principal: 'User:bob' }));
  const results = remove(controller, { resourceName: 't' }, { principal: 'User:alice' });
  assert.deepEqual(
    results.map(({ acls }) => acls.length),
    [2, 2],
  );
  assert.equal(controller.image.acls.size, 0);
});

test('a filter of what is unknown finds nothing and says so', () => {
  const controller = new TestController();
  create(controller, acl());
  const messages = remove(controller, { patternType: 0 }, { operation: 0 }).map(({ error }) => {
    return error?.message;
  });
  assert.deepEqual(messages, ['Unknown patternFilter.', 'Unknown entryFilter.']);
  assert.equal(controller.image.acls.size, 1);
});

test('one request creates and deletes ten thousand at the most', () => {
  const controller = new TestController();
  const many = (from: number, count: number): AclBinding[] => {
    return Array.from({ length: count }, (_, index) => acl({ resourceName: `t${from + index}` }));
  };
  assert.throws(() => create(controller, ...many(0, 10_001)), { errorName: 'POLICY_VIOLATION' });
  create(controller, ...many(0, 10_000));
  create(controller, ...many(10_000, 1));
  assert.throws(() => remove(controller, {}), {
    message: 'Cannot remove more than 10000 acls in a single delete operation.',
  });
  assert.equal(controller.image.acls.size, 10_001);
});

test('a filter finds what a walk over all ACLs would, and most need no walk', (t) => {
  const names = ['t', 'to', '*', 'x'];
  const acls = names.flatMap((resourceName) =>
    [3, 4].flatMap((patternType) => [
      acl({ resourceName, patternType }),
      acl({ resourceName, patternType, operation: 4, principal: 'User:bob' }),
    ]),
  );
  const exact: AclFilter = { ...anyAcl, ...acl({ resourceName: 'to' }) };
  const walks = t.mock.method(PersistentMap.prototype, 'values');
  for (const [filter, walksMax] of [
    [exact, 0],
    [{ ...exact, host: '10.0.0.1' }, 0],
    [{ ...exact, principal: null }, 1],
    [{ ...anyAcl, resourceName: 't' }, 1],
    [{ ...anyAcl, resourceName: 't', patternType: 4 }, 1],
    [{ ...anyAcl, resourceName: 'tom', patternType: 2 }, 2],
    [{ ...anyAcl, principal: 'User:bob' }, 2],
  ] as const) {
    const controller = new TestController();
    create(controller, ...acls);
    walks.mock.resetCalls();
    const [first, again] = remove(controller, filter, filter);
    const expected = acls.filter((each) => matchesAcl(filter, each));
    const texts = (found: readonly AclBinding[] = []) => found.map(aclKey).sort();
    assert.deepEqual(texts(first?.acls), texts(expected));
    assert.deepEqual(texts(again?.acls), texts(expected));
    assert.ok(walks.mock.callCount() <= walksMax, JSON.stringify(filter));
    assert.equal(controller.image.acls.size, acls.length - expected.length);
    create(controller, ...acls);
    assert.equal(controller.image.acls.size, acls.length);
  }
});
