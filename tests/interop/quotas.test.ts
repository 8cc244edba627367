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

/** Records of each report that a run prints every five seconds while it goes on. */
function reportsOf(output: string): number[] {
  return [...output.matchAll(/^(\d+) records sent, .*max latency\.$/gm)].map((m) => Number(m[1]));
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
    // A window of eleven seconds lets a first burst through, as Kafka's does; then the quota holds.
    const inFifteenS = reportsOf(result.stdout)
      .slice(0, 3)
      .reduce((sum, count) => sum + count, 0);
    assert.ok(inFifteenS > 9000 && inFifteenS < 27_000, result.stdout);
    const rate = Number(/^45000 records sent, ([\d.]+)/m.exec(result.stdout)?.[1]);
    const seconds = 45_000 / rate;
    assert.ok(seconds > 17 && seconds < 33, `at 1 MB/s alone it takes 34 s: ${result.stdout}`);
  } finally {
    await broker.dispose();
  }
});
