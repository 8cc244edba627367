// Kafka's printed uuid and its bytes are two forms of one thing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from './prng.ts';
import { isUuid, uuidFromBytes, uuidToBytes, ZERO_UUID } from './uuid.ts';

test('bytes survive the printed form and back', () => {
  const prng = new Prng('uuid');
  for (let i = 0; i < 200; i++) {
    const bytes = prng.bytes(16);
    const uuid = uuidFromBytes(bytes, 0);
    assert.ok(isUuid(uuid), uuid);
    const back = Buffer.alloc(16);
    uuidToBytes(uuid, back, 0);
    assert.deepEqual(back, bytes);
  }
  assert.equal(uuidFromBytes(Buffer.alloc(16), 0), ZERO_UUID);
});

test('text that is not a canonical uuid is refused', () => {
  for (const text of ['', 'AAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAB', '!'.repeat(22)]) {
    assert.equal(isUuid(text), false, text);
  }
});
