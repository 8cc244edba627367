// Handing out producer ids from blocks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError } from '../protocol/index.ts';
import { ProducerIds } from './producer-ids.ts';

test('ids come from allocated blocks, each once, also when many ask at once', async () => {
  let blocks = 0;
  const ids = new ProducerIds(async () => ({ firstProducerId: 1000 * ++blocks, count: 3 }));
  const given = await Promise.all(Array.from({ length: 7 }, () => ids.next()));
  assert.deepEqual(given, [1000, 1001, 1002, 2000, 2001, 2002, 3000]);
});

test('clients of a broker whose own registration is renewed are asked to come again', async () => {
  for (const name of ['STALE_BROKER_EPOCH', 'BROKER_ID_NOT_REGISTERED'] as const) {
    const ids = new ProducerIds(() => Promise.reject(new KafkaError(name)));
    await assert.rejects(ids.next(), { errorName: 'COORDINATOR_LOAD_IN_PROGRESS' });
  }
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

test('what was prepared needs no controller, and what failed is tried again', async () => {
  let blocks = 0;
  const ids = new ProducerIds(async () => {
    if (blocks++ !== 1) throw new KafkaError('NOT_CONTROLLER');
    return { firstProducerId: 0, count: 2 };
  });
  await ids.prepare();
  await ids.prepare();
  await ids.prepare();
  assert.deepEqual([await ids.next(), await ids.next(), blocks], [0, 1, 2]);
  await assert.rejects(ids.next(), { errorName: 'NOT_CONTROLLER' });
});

test('what is no failure of others while a block is prepared is told', async () => {
  const ids = new ProducerIds(() => Promise.reject(new Error('a bug')));
  await assert.rejects(ids.prepare(), /a bug/);
});
