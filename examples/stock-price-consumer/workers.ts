// More than one at a time: a consumer in each worker thread, and a pool of handlers behind one
// consumer (the work runner), which keeps the order of each stock.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createConsumer, priceCount, pricesPerStock, stocks, topic } from './prices.ts';

export async function consumerPerThread(bootstrapServers: string): Promise<void> {
  const seen = new Set<string>();
  const threads = [1, 2].map((number) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { bootstrapServers } });
    worker.on('message', (name: string) => seen.add(name));
    return { number, worker, ended: new Promise((resolve) => worker.on('exit', resolve)) };
  });
  for (let i = 0; seen.size < priceCount && i < 600; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const { worker } of threads) worker.postMessage('stop');
  await Promise.all(threads.map(({ ended }) => ended));
  assert.equal(seen.size, priceCount);
}

/** What a worker thread does: it is a member of the group like any other. */
async function runThread(bootstrapServers: string): Promise<void> {
  const consumer = createConsumer(bootstrapServers, 'threads', { enableAutoCommit: true });
  parentPort?.once('message', () => void consumer.close());
  consumer.subscribe([topic]);
  for await (const { partition, offset } of consumer) {
    parentPort?.postMessage(`${partition}:${offset}`);
  }
}

export async function workerPool(bootstrapServers: string): Promise<void> {
  const consumer = createConsumer(bootstrapServers, 'pool');
  consumer.subscribe([topic]);
  const prices = new Map<string, number[]>(stocks.map((stock) => [stock, []]));
  let handled = 0;
  await consumer.run({
    ordering: 'key',
    concurrency: 8,
    retry: { attempts: 5, backoffMs: 10 },
    handler: async ({ key, value }, { attempt }) => {
      // Somebody else's service, which is slow, and fails now and then.
      await new Promise((resolve) => setTimeout(resolve, 5 * Math.random()));
      if (attempt === 1 && Math.random() < 0.1) throw new Error('the service is busy');
      if (key !== null && value !== null) prices.get(key)?.push(value.dollars);
      if (++handled === priceCount) void consumer.stop();
    },
  });
  const inOrder = Array.from({ length: pricesPerStock }, (_, i) => 100 + i);
  for (const [stock, seen] of prices) assert.deepEqual(seen, inOrder, stock);
  await consumer.close();
}

if (!isMainThread) await runThread(workerData.bootstrapServers);
