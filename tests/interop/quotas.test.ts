// Java's producer and Kafka's own kafka-configs against our quotas.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { hasKafka, kafkaTool } from './toolchain.ts';

async function setRate(servers: string, bytesPerSecond: number): Promise<void> {
  const change = ['--alter', '--client-defaults', '--add-config'];
  const rate = `producer_byte_rate=${bytesPerSecond}`;
  const args = ['--bootstrap-server', servers, ...change, rate];
  const result = await kafkaTool('kafka-configs', args, { timeoutMs: 60_000 });
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /Completed updating default config for clients in the cluster\./);
}

/** MB/s of each report that a run prints while it goes on. */
function ratesOf(output: string): number[] {
  return [...output.matchAll(/\(([\d.]+) MB\/sec\), .*max latency\.$/gm)].map((m) => Number(m[1]));
}

test('ProducerPerformance is held to its rate, and to another while it runs', async (t) => {
  if (!hasKafka(t)) return;
  const broker = await BrokerProcess.start();
  try {
    const servers = broker.bootstrapServers;
    await setRate(servers, 1_000_000);
    const args = ['--topic', 'q', '--num-records', '45000', '--record-size', '1000'];
    const properties = [`bootstrap.servers=${servers}`, 'batch.size=16384', 'linger.ms=5'];
    const pace = ['--throughput', '-1', '--command-property', ...properties];
    const running = kafkaTool('kafka-producer-perf-test', [...args, ...pace], {
      timeoutMs: 90_000,
    });
    await new Promise((resolve) => setTimeout(resolve, 17_000));
    await setRate(servers, 4_000_000);
    const result = await running;
    assert.equal(result.code, 0, result.stderr);
    const rates = ratesOf(result.stdout);
    // The first window lets a burst of ten seconds' worth through; then the quota holds.
    const slowest = Math.min(...rates.slice(0, -1)) * 1.048_576;
    const fastest = Math.max(...rates.slice(2)) * 1.048_576;
    assert.ok(slowest > 0.5 && slowest < 1.5, `at 1 MB/s: ${rates.join(' ')} MB/s`);
    assert.ok(fastest > 2 && fastest < 8, `at 4 MB/s: ${rates.join(' ')} MB/s`);
  } finally {
    await broker.dispose();
  }
});
