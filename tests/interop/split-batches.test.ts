// Batches that are too large and are split while others are on their way: the topic holds each
// record once that its producer was told is stored, and of the others none but those whose answer
// the producer did not wait for any longer. Java's producer, and ours.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Admin, OffsetSpec, Producer } from '../../src/client/index.ts';
import { createNodeIo } from '../../src/io/index.ts';
import { projectRoot } from '../root.ts';
import { ServerProcess } from './kafka-files/server-process.ts';
import { hasKafka, kafkaProgram } from './toolchain.ts';

const source = join(projectRoot, 'tests/interop/split-batches/Split.java');

interface Case {
  readonly topic: string;
  readonly configs: Readonly<Record<string, string>>;
  readonly batchSizeBytes: number;
  readonly lingerMs: number;
  readonly count: number;
  readonly sizeBytes: number;
}

const cases: readonly Case[] = [
  {
    ...{ topic: 'small', configs: { 'max.message.bytes': '2000' }, batchSizeBytes: 3200 },
    ...{ lingerMs: 5, count: 11, sizeBytes: 300 },
  },
  {
    ...{ topic: 'large', configs: {}, batchSizeBytes: 2_000_000 },
    ...{ lingerMs: 20, count: 205, sizeBytes: 10_000 },
  },
];

/** What became of the records of a round. */
interface Told {
  readonly acknowledged: number;
  /** Given up after their time, so that they are stored or not. */
  readonly unknown: number;
}

/** Sends the records of a round. */
interface Sender {
  readonly send: () => Promise<Told>;
  readonly close: () => Promise<void>;
}

async function java(server: ServerProcess, topic: string, one: Case): Promise<Sender> {
  const numbers = [one.batchSizeBytes, one.lingerMs, one.count, one.sizeBytes].map(String);
  const [command, ...args] = await kafkaProgram(source, server.bootstrapServers, topic, ...numbers);
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  assert.ok(child.stdout !== null);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    send: async () => {
      child.stdin?.write('\n');
      const { value } = await lines.next();
      const [acknowledged = Number.NaN, unknown = Number.NaN] = String(value)
        .split(' ')
        .map(Number);
      return { acknowledged, unknown };
    },
    close: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin?.end();
      await ended;
    },
  };
}

async function ours(server: ServerProcess, topic: string, one: Case): Promise<Sender> {
  const { bootstrapServers } = server;
  const { batchSizeBytes, lingerMs } = one;
  const options = { bootstrapServers, batchSizeBytes, lingerMs };
  const producer = new Producer(options, createNodeIo());
  return {
    send: async () => {
      const record = { topic, partition: 0, value: Buffer.alloc(one.sizeBytes) };
      const sent = Array.from({ length: one.count }, () => producer.send(record));
      const settled = await Promise.allSettled(sent);
      const acknowledged = settled.filter(({ status }) => status === 'fulfilled').length;
      return { acknowledged, unknown: 0 };
    },
    close: () => producer.close(),
  };
}

for (const [name, open] of Object.entries({ java, ours })) {
  test(`what is split is held (${name})`, { timeout: 280_000 }, async (t) => {
    if (!hasKafka(t)) return;
    const server = await ServerProcess.prepare({ quorum: 'in log' });
    t.after(() => server.dispose());
    await server.start('partita');
    const io = createNodeIo();
    const admin = new Admin({ bootstrapServers: server.bootstrapServers }, io);
    t.after(() => admin.close());
    for (const one of cases) {
      const topics = ['first', 'second', 'third'].map((each) => `${one.topic}-${each}`);
      for (const topic of topics) {
        const { configs } = one;
        const [made] = await admin.createTopics([{ name: topic, numPartitions: 1, configs }]);
        assert.equal(made?.error, null);
        const sender = await open(server, topic, one);
        let acknowledged = 0;
        let unknown = 0;
        for (const signal of [null, 'SIGTERM', 'SIGKILL'] as const) {
          // Of the last topic the broker is restarted between the rounds.
          if (signal !== null && topic !== topics.at(-1)) break;
          if (signal !== null) {
            await server.stop(signal);
            await server.start('partita');
          }
          const told = await sender.send();
          acknowledged += told.acknowledged;
          unknown += told.unknown;
        }
        await sender.close();
        const [end] = await admin.listOffsets([
          { topic, partition: 0, timestamp: OffsetSpec.latest },
        ]);
        // Java's may send what is out of order again until its time is over, and once more then.
        const told = { topic, held: end?.offset, acknowledged, unknown };
        const held = Number(end?.offset);
        assert.ok(held >= acknowledged && held <= acknowledged + unknown, JSON.stringify(told));
        if (name === 'ours') assert.equal(acknowledged % one.count, 0);
      }
    }
  });
}
