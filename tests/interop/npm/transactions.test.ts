// Transactions of kafkajs: commit, abort, offsets within, and a second producer of the same id.
//
// INTEROP_BOOTSTRAP_SERVERS=host:port runs them against another broker.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import type { Admin, Kafka, Producer } from 'kafkajs';
import { BrokerProcess } from '../../broker-process.ts';

const load = createRequire(import.meta.url);
const { Kafka: KafkaClass, logLevel } = load('kafkajs') as typeof import('kafkajs');
const elsewhere = process.env.INTEROP_BOOTSTRAP_SERVERS;

let broker: BrokerProcess | null = null;
let kafka: Kafka;
let admin: Admin;
const producers: Producer[] = [];

async function transactional(transactionalId: string): Promise<Producer> {
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  producers.push(producer);
  await producer.connect();
  return producer;
}

async function createTopic(name: string): Promise<string> {
  const topic = `${name}-${process.pid}`;
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  return topic;
}

/** By a consumer of kafkajs, which reads committed records unless it is told otherwise. */
async function read(topic: string, count: number, readUncommitted = false): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `${topic}-${readUncommitted}`, readUncommitted });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only ${values} in ${topic}`)), 20_000);
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      values.push(String(message.value));
      if (values.length < count) return;
      clearTimeout(timer);
      resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return values;
}

describe('transactions of kafkajs', () => {
  before(async () => {
    broker = elsewhere
      ? null
      : await BrokerProcess.start({ config: { 'group.initial.rebalance.delay.ms': '0' } });
    const brokers = [broker?.bootstrapServers ?? (elsewhere as string)];
    kafka = new KafkaClass({ clientId: 'suite', brokers, logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
  });
  after(async () => {
    for (const producer of producers) await producer.disconnect();
    await admin.disconnect();
    await broker?.dispose();
  });

  test('are seen once they are committed, and never if they are aborted', async () => {
    const topic = await createTopic('ended');
    const producer = await transactional(topic);
    for (const [value, end] of [
      ['a', 'commit'],
      ['b', 'abort'],
      ['c', 'commit'],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      await transaction[end]();
    }
    assert.deepEqual(await read(topic, 2), ['a', 'c']);
    assert.deepEqual(await read(topic, 3, true), ['a', 'b', 'c']);
  });

  test('commit the offsets of a group, or do not', async () => {
    const topic = await createTopic('offsets');
    const consumerGroupId = `${topic}-group`;
    const producer = await transactional(topic);
    const committed = async (): Promise<string | undefined> => {
      const [found] = await admin.fetchOffsets({ groupId: consumerGroupId, topics: [topic] });
      return found?.partitions[0]?.offset;
    };
    const sendOffset = async (offset: string, end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value: offset }] });
      const topics = [{ topic, partitions: [{ partition: 0, offset }] }];
      await transaction.sendOffsets({ consumerGroupId, topics });
      await transaction[end]();
    };
    await sendOffset('3', 'abort');
    await sendOffset('5', 'commit');
    assert.equal(await committed(), '5');
    await sendOffset('7', 'abort');
    assert.equal(await committed(), '5');
  });

  test('of a producer whose id another has taken over are fenced', async () => {
    const topic = await createTopic('fenced');
    const zombie = await transactional(topic);
    const left = await zombie.transaction();
    await left.send({ topic, messages: [{ value: 'zombie' }] });
    const successor = await transactional(topic);
    const transaction = await successor.transaction();
    await transaction.send({ topic, messages: [{ value: 'successor' }] });
    await transaction.commit();
    await assert.rejects(left.commit());
    assert.deepEqual(await read(topic, 1), ['successor']);
  });
});
