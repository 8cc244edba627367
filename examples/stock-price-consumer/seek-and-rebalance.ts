// Seek: from the beginning, to the end, to a time. And what a rebalance listener hears when a
// second member joins the group and leaves it.

import assert from 'node:assert/strict';
import { createConsumer, partitionCount, priceCount, topic } from './prices.ts';

export async function seek(bootstrapServers: string): Promise<void> {
  const consumer = createConsumer(bootstrapServers, 'seekers');
  const places = Array.from(
    { length: partitionCount },
    (_, partition) => ({ topic, partition }) as const,
  );
  await consumer.assign(places.map((place) => ({ ...place, offset: 'latest' as const })));
  assert.deepEqual(await consumer.poll(200), [], 'nothing behind the end');
  consumer.seekToBeginning();
  let count = 0;
  while (count < priceCount) count += (await consumer.poll(500)).length;
  const queries = places.map((place) => ({ ...place, timestamp: 0 }));
  for (const { partition, found } of await consumer.offsetsForTimes(queries)) {
    if (found !== null) consumer.seek({ topic, partition }, found.offset);
  }
  assert.ok((await consumer.poll(1000)).length > 0, 'from the first record of all time again');
  await consumer.close();
}

export async function rebalance(bootstrapServers: string): Promise<void> {
  const history: string[] = [];
  const first = createConsumer(bootstrapServers, 'sharing', { heartbeatIntervalMs: 200 });
  first.subscribe([topic], {
    onPartitionsAssigned: (places) => void history.push(`+${places.length}`),
    onPartitionsRevoked: async (places) => {
      history.push(`-${places.length}`);
      await first.commit();
    },
  });
  while (first.assignment().length < partitionCount) await first.poll(100);
  const second = createConsumer(bootstrapServers, 'sharing', { heartbeatIntervalMs: 200 });
  second.subscribe([topic]);
  while (second.assignment().length === 0) {
    await Promise.all([first.poll(100), second.poll(100)]);
  }
  await second.close();
  while (first.assignment().length < partitionCount) await first.poll(100);
  assert.equal(history[0], `+${partitionCount}`);
  assert.ok(
    history.some((each) => each.startsWith('-')),
    history.join(' '),
  );
  await first.close();
}
