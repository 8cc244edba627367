// The edges where brokers that speak this protocol differ from Kafka, asked of real clients. (Null
// against empty, and header names that repeat, are in message-formats.test.ts.)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ClientProgram } from './client-program.ts';
import {
  type ClientKind,
  clientKinds,
  confluentClient,
  franzClient,
  javaClients,
  javaRelease,
} from './client-programs.ts';
import { newTopic, RunningClients } from './running-clients.ts';

const newest = javaClients[0] as ClientKind;
const oldest = javaRelease('0.9.0.1');
let running: RunningClients;

async function newestProgram(topic: string, configs = {}): Promise<ClientProgram> {
  const program = await running.get(newest);
  await program.create(topic, 1, configs);
  return program;
}

describe('edges', () => {
  before(async () => {
    // A consumer that hears of a deleted topic would make it anew before the test does.
    running = await RunningClients.start({ 'auto.create.topics.enable': 'false' });
  });
  after(() => running.dispose());

  describe('every client', { concurrency: 2 }, () => {
    for (const kind of clientKinds) {
      test(`${kind.name} is told that a record exceeds max.message.bytes`, async (t) => {
        if (!kind.isPresent(t) || !newest.isPresent(t)) return;
        const topic = newTopic('too-large');
        await newestProgram(topic, { 'max.message.bytes': 10_000 });
        const program = await running.get(kind);
        const value = 'x'.repeat(20_000);
        await assert.rejects(program.produce(topic, [{ key: null, value }]), {
          name: /^(RecordTooLargeException|MSG_SIZE_TOO_LARGE|MESSAGE_TOO_LARGE)$/,
        });
        // The size that counts is the compressed one, and the next record is not held back.
        await program.produce(topic, [{ key: null, value }], { codec: 'gzip' });
        await program.produce(topic, [{ key: null, value: 'small' }]);
        const read = await program.read(topic, 'beginning', 2);
        assert.deepEqual(
          read.map((one) => [one.offset, one.value]),
          [
            [0, value],
            [1, 'small'],
          ],
        );
      });

      test(`${kind.name} is told that a topic's name is impossible`, async (t) => {
        if (!kind.isPresent(t)) return;
        const program = await running.get(kind);
        const isJava = kind.name.startsWith('kafka-clients');
        const how = isJava ? { properties: { 'max.block.ms': 700 } } : {};
        // The Java client learnt to tell of it with 2.2 (KAFKA-6863); before, it waits in vain.
        await assert.rejects(program.produce('not a topic', [{ key: null, value: 'x' }], how), {
          name: /^((InvalidTopic|Timeout)Exception|(INVALID_)?TOPIC_EXCEPTION)$/,
        });
      });

      test(`${kind.name} gets a batch larger than all its limits`, async (t) => {
        if (!kind.isPresent(t) || !newest.isPresent(t)) return;
        const topic = newTopic('oversized');
        const writer = await newestProgram(topic);
        const value = 'y'.repeat(50_000);
        await writer.produce(topic, [{ key: null, value }]);
        await writer.produce(topic, [{ key: null, value: 'after' }]);
        const program = await running.get(kind);
        const properties = { 'max.partition.fetch.bytes': 1_000, ...fetchMaxBytes(kind, 1_000) };
        const reading = program.read(topic, 'beginning', 2, { properties });
        if (kind === oldest) {
          // Before KIP-74 a record above the limit ends the reading, with an error that says so.
          await assert.rejects(reading, { name: 'RecordTooLargeException' });
          return;
        }
        const read = await reading;
        assert.deepEqual(
          read.map((one) => one.value),
          [value, 'after'],
        );
      });

      if (!kind.hasTimestamps) continue;
      test(`${kind.name} finds a timestamp inside a batch`, async (t) => {
        if (!kind.isPresent(t)) return;
        const topic = newTopic('times');
        const writer = await newestProgram(topic);
        const start = Date.now() - 100_000;
        // Not in order, as producers that forward records of others send them.
        const times = [0, 30, 10, 50, 40];
        for (const [batch, codec] of (['none', 'lz4'] as const).entries()) {
          const records = times.map((time) => ({
            key: null,
            value: `${time}`,
            timestamp: start + batch * 1_000 + time,
          }));
          await writer.produce(topic, records, { codec });
        }
        const program = await running.get(kind);
        const asked = [-500, 0, 1, 11, 31, 50, 51, 1_001, 1_031, 1_050, 1_051];
        const found: number[] = [];
        for (const after of asked) found.push(await program.offset(topic, `@${start + after}`));
        assert.deepEqual(found, [0, 0, 1, 1, 3, 3, 5, 6, 8, 8, 10]);
      });
    }

    test('an empty topic begins and ends at 0, and its first record is seen', async (t) => {
      for (const kind of clientKinds) {
        if (!kind.isPresent(t)) continue;
        const topic = newTopic('empty');
        const writer = await newestProgram(topic);
        const program = await running.get(kind);
        assert.equal(await program.offset(topic, 'beginning'), 0, kind.name);
        assert.equal(await program.offset(topic, 'end'), 0, kind.name);
        const member = await program.assign(topic, 'beginning');
        assert.deepEqual(await member.takeUpTo(1, 200), []);
        await writer.produce(topic, [{ key: null, value: 'first' }]);
        assert.equal((await member.take(1))[0]?.value, 'first', kind.name);
        await member.leave();
      }
    });

    for (const kind of clientKinds.filter((one) => one.hasAdmin && one !== franzClient)) {
      test(`${kind.name} goes on with a topic that was made anew under its name`, async (t) => {
        if (!kind.isPresent(t) || !newest.isPresent(t)) return;
        const topic = newTopic('again');
        const admin = await newestProgram(topic);
        const program = await running.get(kind);
        await program.produce(topic, numbered('old', 5));
        const properties = { 'auto.offset.reset': 'earliest' };
        const member = await program.assign(topic, 'beginning', { properties });
        await member.take(5);
        await admin.delete(topic);
        await admin.create(topic);
        // Both the producer and the consumer hold the id of the topic that is gone.
        assert.deepEqual(await program.produce(topic, numbered('new', 2)), [0, 1]);
        const fresh = await program.read(topic, 'beginning', 2);
        assert.deepEqual(
          fresh.map((one) => one.value),
          ['new 0', 'new 1'],
        );
        const read = await member.take(2, 30_000);
        assert.deepEqual(
          read.map((one) => one.value),
          ['new 0', 'new 1'],
        );
        await member.leave();
      });
    }

    test('the id of a topic that is gone reads and writes nothing of its successor', async (t) => {
      if (!franzClient.isPresent(t) || !newest.isPresent(t)) return;
      const topic = newTopic('gone');
      const admin = await newestProgram(topic);
      const program = await running.get(franzClient);
      await program.produce(topic, numbered('old', 5));
      const member = await program.assign(topic, 'beginning');
      await member.take(5);
      await admin.delete(topic);
      await admin.create(topic);
      // franz-go keeps to the id that it knows, until the application says otherwise.
      const old = { name: 'UNKNOWN_TOPIC_ID' };
      await assert.rejects(program.produce(topic, numbered('stray', 1)), old);
      assert.deepEqual(await admin.produce(topic, numbered('new', 1)), [0]);
      await assert.rejects(member.take(1), old);
    });
  });

  // One at a time: they are about how long it takes.
  describe('a long poll', { concurrency: 1 }, () => {
    for (const kind of [newest, oldest]) {
      test(`of ${kind.name} ends when data arrives`, async (t) => {
        if (!kind.isPresent(t) || !newest.isPresent(t)) return;
        const topic = newTopic('data-arrives');
        const writer = await newestProgram(topic);
        await writer.produce(topic, numbered('warm', 1));
        const properties = { 'fetch.max.wait.ms': 9_000 };
        const member = await (await running.get(kind)).assign(topic, 'end', { properties });
        await member.takeUpTo(1, 1_500);
        const startMs = performance.now();
        await writer.produce(topic, numbered('arrives', 1));
        await member.take(1);
        assert.ok(performance.now() - startMs < 2_000, 'it waited for the time to pass');
      });

      test(`of ${kind.name} ends when its time has come`, async (t) => {
        if (!kind.isPresent(t) || !newest.isPresent(t)) return;
        const topic = newTopic('time-arrives');
        const writer = await newestProgram(topic);
        await writer.produce(topic, numbered('too little', 1));
        const properties = { 'fetch.max.wait.ms': 2_000, 'fetch.min.bytes': 100_000 };
        const startMs = performance.now();
        const member = await (await running.get(kind)).assign(topic, 'beginning', { properties });
        await member.take(1);
        const tookMs = performance.now() - startMs;
        assert.ok(tookMs > 1_900 && tookMs < 5_000, `${tookMs} ms`);
      });
    }
  });
});

function numbered(label: string, count: number): { key: null; value: string }[] {
  return Array.from({ length: count }, (_, index) => ({ key: null, value: `${label} ${index}` }));
}

/** 0.9 has no limit for the whole answer; librdkafka's may not be below the size of a message. */
function fetchMaxBytes(kind: ClientKind, bytes: number): Record<string, number> {
  if (kind === oldest) return {};
  const limits: Record<string, number> = { 'fetch.max.bytes': bytes };
  if (kind === confluentClient) limits['message.max.bytes'] = bytes;
  return limits;
}
