// What becomes of 200 payments when the program that books them is killed twice while it does, in
// three versions of it: it commits its offsets before the work (at most once), behind it (at least
// once), or in one transaction with it (exactly once). Checks itself; run it with run.sh, or
//
//   node dist/examples/transactions/exactly-once.js HOST:PORT

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  Admin,
  Consumer,
  type ConsumerRecord,
  Producer,
  type ProducerRecord,
  TransactionError,
} from '../../src/client/index.ts';

const [bootstrapServers = 'localhost:9092', mode, killAtText = '0'] = process.argv.slice(2);
const modes = ['at-most-once', 'at-least-once', 'exactly-once'] as const;
const paymentCount = 200;
const killAt = Number(killAtText);
let batchCount = 0;

/** In the worst moment of its batch, as a power cut would: nothing is closed, nothing is told. */
function maybeDie(): void {
  if (++batchCount === killAt) process.kill(process.pid, 'SIGKILL');
}

function booked({ key, value }: ConsumerRecord): ProducerRecord {
  return { topic: `booked-${mode}`, key, value: `booked ${value}` };
}

const isDone = (consumer: Consumer): boolean =>
  consumer.positions().reduce((sum, { offset }) => sum + offset, 0) === paymentCount;

async function work(): Promise<void> {
  const groupId = `booking-${mode}`;
  const consumer = new Consumer({
    bootstrapServers,
    groupId,
    // A worker that comes back under its name takes its partitions over at once.
    groupInstanceId: 'worker',
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
    maxPollRecords: 10,
  });
  consumer.subscribe(['payments']);
  if (mode === 'exactly-once') await bookExactlyOnce(consumer);
  else await bookWithCommits(consumer);
  await consumer.close();
}

async function bookWithCommits(consumer: Consumer): Promise<void> {
  const producer = new Producer({ bootstrapServers });
  while (!isDone(consumer)) {
    const records = await consumer.poll(100);
    if (records.length === 0) continue;
    if (mode === 'at-most-once') {
      await consumer.commit();
      maybeDie();
    }
    await Promise.all(records.map((record) => producer.send(booked(record))));
    if (mode === 'at-least-once') {
      maybeDie();
      await consumer.commit();
    }
  }
  await producer.close();
}

async function bookExactlyOnce(consumer: Consumer): Promise<void> {
  const producer = new Producer({ bootstrapServers, transactionalId: 'booking' });
  await producer.initTransactions();
  while (!isDone(consumer)) {
    const records = await consumer.poll(100);
    if (records.length === 0) continue;
    try {
      await producer.transaction(async (transaction) => {
        await Promise.all(records.map((record) => transaction.send(booked(record))));
        await transaction.sendOffsets(consumer.positions(), consumer.groupMetadata());
        maybeDie();
      });
    } catch (error) {
      if (error instanceof TransactionError && error.isFatal) throw error;
      // Nothing of it was booked, nothing is committed: the same records again.
      consumer.seekToCommitted();
    }
  }
  await producer.close();
}

/** Starts a worker, and another one when it has died, until one gets to the end. */
async function workUntilDone(name: string): Promise<void> {
  for (const killed of ['3', '5', '0']) {
    const program = fileURLToPath(import.meta.url);
    const args = [program, bootstrapServers, name, killed];
    const worker = spawn(process.execPath, args, { stdio: 'inherit' });
    const [, signal] = await once(worker, 'close');
    assert.equal(signal, killed === '0' ? null : 'SIGKILL');
    assert.equal(worker.exitCode, killed === '0' ? 0 : null);
  }
}

async function readAll(topic: string): Promise<string[]> {
  const reader = new Consumer({ bootstrapServers, isolationLevel: 'read_committed' });
  await reader.assign([{ topic, partition: 0, offset: 'earliest' }]);
  const [end] = await reader.endOffsets(reader.assignment());
  const values: string[] = [];
  while ((await reader.position({ topic, partition: 0 })) < (end?.offset ?? 0)) {
    for (const { value } of await reader.poll()) values.push(String(value));
  }
  await reader.close();
  return values;
}

async function compare(): Promise<void> {
  const admin = new Admin({ bootstrapServers });
  const topics = ['payments', ...modes.map((name) => `booked-${name}`)];
  await admin.createTopics(topics.map((name) => ({ name, numPartitions: 1 })));
  const producer = new Producer({ bootstrapServers });
  for (let i = 0; i < paymentCount; i++) producer.write({ topic: 'payments', value: `${i}` });
  await producer.close();
  for (const name of modes) {
    await workUntilDone(name);
    const values = await readAll(`booked-${name}`);
    const doubled = values.length - new Set(values).size;
    const lost = paymentCount - new Set(values).size;
    console.log(`${name.padEnd(14)} ${lost} payments lost, ${doubled} booked twice`);
    assert.equal(lost > 0, name === 'at-most-once');
    assert.equal(doubled > 0, name === 'at-least-once');
  }
  await admin.close();
}

if (mode === undefined) await compare();
else await work();
