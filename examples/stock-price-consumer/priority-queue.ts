// A priority queue of two topics, read by one consumer with partitions assigned by hand: what is
// urgent is handled first, and the rest rests while there is any of it.

import assert from 'node:assert/strict';
import { Admin, Consumer, Producer } from '../../src/client/index.ts';

export async function priorityQueue(bootstrapServers: string): Promise<void> {
  const admin = new Admin({ bootstrapServers });
  await admin.createTopics([
    { name: 'prices-urgent', numPartitions: 1 },
    { name: 'prices-other', numPartitions: 1 },
  ]);
  await admin.close();
  const producer = new Producer({ bootstrapServers });
  for (const topic of ['prices-other', 'prices-urgent']) {
    const sends = Array.from({ length: 20 }, (_, i) => producer.send({ topic, value: `${i}` }));
    await Promise.all(sends);
  }
  await producer.close();

  const urgent = { topic: 'prices-urgent', partition: 0 };
  const other = { topic: 'prices-other', partition: 0 };
  const consumer = new Consumer({ bootstrapServers, maxPollRecords: 5 });
  await consumer.assign([
    { ...urgent, offset: 'earliest' },
    { ...other, offset: 'earliest' },
  ]);
  const handled: string[] = [];
  const [end] = await consumer.endOffsets([urgent]);
  while (handled.length < 40) {
    const isUrgent = (await consumer.position(urgent)) < (end?.offset ?? 0);
    if (isUrgent) consumer.pause([other]);
    else consumer.resume([other]);
    for (const { topic } of await consumer.poll(200)) handled.push(topic);
  }
  assert.deepEqual([...new Set(handled)], [urgent.topic, other.topic], 'one after the other');
  await consumer.close();
}
