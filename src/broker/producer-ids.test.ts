// Handing out producer ids from blocks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProducerIds } from './producer-ids.ts';

test('ids come from allocated blocks, each once, also when many ask at once', async () => {
  let blocks = 0;
  const ids = new ProducerIds(async () => ({ firstProducerId: 1000 * ++blocks, count: 3 }));
  const given = await Promise.all(Array.from({ length: 7 }, () => ids.next()));
  assert.deepEqual(given, [1000, 1001, 1002, 2000, 2001, 2002, 3000]);
});

test('a failed allocation is told, and the next request tries again', async () => {
  let attempts = 0;
  const ids = new ProducerIds(async () => {
    if (attempts++ === 0) throw new Error('no controller');
    return { firstProducerId: 0, count: 1000 };
  });
  await assert.rejects(ids.next(), /no controller/);
  assert.equal(await ids.next(), 0);
});
