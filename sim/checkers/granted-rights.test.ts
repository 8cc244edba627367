// granted-rights.ts: what it takes for granted, and what it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAsGranted, type Grant, grantsText, isGranted } from './granted-rights.ts';

const [read, write, describe, all] = [3, 4, 8, 2];
const [topic, literal, prefixed] = [2, 3, 4];
const [deny, allow] = [2, 3];

const grant = (part: Partial<Grant> = {}): Grant => ({
  ...{ resourceType: topic, resourceName: 'a', patternType: literal, principal: 'User:u' },
  ...{ host: '*', operation: read, permissionType: allow, ...part },
});

const may = (grants: readonly Grant[], operation = read, resourceName = 'a'): boolean =>
  isGranted(grants, { principal: 'User:u', operation, resourceType: topic, resourceName });

test('what no ACL grants is not granted', () => {
  assert.equal(may([]), false);
  assert.equal(may([grant()]), true);
  assert.equal(may([grant()], write), false);
  assert.equal(may([grant()], read, 'ab'), false);
  assert.equal(may([grant({ principal: 'User:v' })]), false);
  assert.equal(may([grant({ host: '10.9.9.9' })]), false);
});

test('names are literal, prefixes or all; users are one or all', () => {
  assert.equal(may([grant({ patternType: prefixed })], read, 'ab'), true);
  assert.equal(may([grant({ resourceName: '*' })], read, 'b'), true);
  assert.equal(may([grant({ principal: 'User:*' })]), true);
});

test('a denial goes before every grant, and denies what it names', () => {
  assert.equal(may([grant(), grant({ permissionType: deny, operation: all })]), false);
  assert.equal(may([grant(), grant({ permissionType: deny, operation: write })]), true);
});

test('who may read may describe; who may not read may describe yet', () => {
  assert.equal(may([grant()], describe), true);
  const denial = grant({ permissionType: deny });
  assert.equal(may([grant({ operation: describe }), denial], describe), true);
});

test('what is served against the ACLs is caught, and what is refused against them', () => {
  const question = {
    ...{ principal: 'User:u', operation: read, resourceType: topic, resourceName: 'a' },
  };
  const served = { question, what: 'fetch', isRefused: false, nodeId: 1 };
  assertAsGranted([grant()], served);
  assertAsGranted([], { ...served, isRefused: true });
  assert.throws(() => assertAsGranted([], served), /was served, and its ACLs deny it/);
  const refused = { ...served, isRefused: true };
  assert.throws(() => assertAsGranted([grant()], refused), /was refused, and its ACLs grant it/);
});

test('the same ACLs in another order are the same', () => {
  const [first, second] = [grant(), grant({ operation: write })];
  assert.equal(grantsText([first, second]), grantsText([second, first]));
  assert.notEqual(grantsText([first]), grantsText([first, second]));
});
