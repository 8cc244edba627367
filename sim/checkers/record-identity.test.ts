// record-identity.ts: what it lets pass and what it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOf, recordOf } from './record-identity.ts';

const identity = { producer: 'p', topic: 't', partition: 3, number: 17 };

test('a record is recognised by its bytes', () => {
  assert.deepEqual(identityOf(recordOf(identity)), identity);
});

test('a record with any other byte is found', () => {
  const record = recordOf(identity);
  const refused = /is not one that was sent/;
  assert.throws(() => identityOf({ ...record, value: Buffer.from('x') }), refused);
  assert.throws(() => identityOf({ ...record, value: null }), refused);
  assert.throws(() => identityOf({ ...record, key: null }), refused);
  assert.throws(() => identityOf({ ...record, headers: [{ key: 'y', value: null }] }), refused);
});
