// What clients measure is what happened.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { ScriptedCluster } from '../../../tests/doubles/client/scripted-cluster.ts';
import { Consumer } from '../consumer/index.ts';
import { Producer } from '../producer/index.ts';
import type { ClientMetric } from './client-metrics.ts';
import { Sensor } from './sensor.ts';

test("a sensor's rates, averages and maxima are of the last two windows", () => {
  const sensor = new Sensor();
  assert.ok(Number.isNaN(sensor.avg(0)) && sensor.rate(0) === 0);
  for (const [value, atMs] of [
    [10, 0],
    [30, 10_000],
  ] as const) {
    sensor.record(value, atMs);
  }
  // Java counts the window before, which was not seen, as one without values.
  assert.equal(sensor.rate(10_000), 40 / 40);
  assert.deepEqual([sensor.avg(10_000), sensor.max(10_000), sensor.min(10_000)], [20, 30, 10]);
  sensor.record(5, 45_000);
  assert.equal(sensor.rate(45_000), 1);
  assert.equal(sensor.max(45_000), 30);
  // The first window is too old by then.
  assert.equal(sensor.max(61_000), 5);
  assert.equal(sensor.rate(75_000), 5 / 30);
  assert.equal(sensor.countRate(200_000), 0);
  assert.deepEqual([sensor.total, sensor.count], [45, 3]);
});

test('what was sent and read is what is counted', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const { bootstrapServers } = cluster;
    cluster.addTopic('t', [1, 1]);
    const producer = new Producer({ bootstrapServers, clientId: 'p', lingerMs: 0 }, io);
    for (let i = 0; i < 7; i++) await producer.send({ topic: 't', partition: i % 2, value: 'x' });
    const sent = readingOf(producer.metrics(), 'producer-metrics');
    assert.equal(sent('record-send-total'), 7);
    assert.equal(sent('records-per-request-avg'), 1);
    assert.equal(sent('record-error-total'), 0);
    assert.equal(sent('requests-in-flight'), 0);
    assert.equal(sent('buffer-available-bytes'), sent('buffer-total-bytes'));
    assert.equal(sent('request-total'), sent('response-total'));
    assert.ok(Number(sent('batch-size-max')) > 61 && Number(sent('record-size-max')) < 30);
    const byTopic = readingOf(producer.metrics(), 'producer-topic-metrics', { topic: 't' });
    assert.equal(byTopic('record-send-total'), 7);
    const nodes = producer.metrics().filter(({ group }) => group === 'producer-node-metrics');
    const ofNodes = nodes.filter(({ name }) => name === 'outgoing-byte-total');
    const sum = ofNodes.reduce((bytes, { value }) => bytes + Number(value), 0);
    assert.equal(sum, sent('outgoing-byte-total'));
    assert.ok(ofNodes.some(({ tags }) => tags['node-id'] === 'node-1'));

    const consumer = new Consumer({ bootstrapServers, maxPollRecords: 2 }, io);
    await consumer.assign(
      [0, 1].map((partition) => ({ topic: 't', partition, offset: 'earliest' })),
    );
    for (let count = 0; count < 5; ) count += (await consumer.poll()).length;
    const seen = consumer.positions().reduce((records, { offset }) => records + offset, 0);
    const read = readingOf(consumer.metrics(), 'consumer-fetch-manager-metrics');
    assert.equal(read('records-consumed-total'), seen);
    const lag = [0, 1].map((partition) => {
      const tags = { topic: 't', partition: String(partition) };
      return readingOf(consumer.metrics(), 'consumer-fetch-manager-metrics', tags)('records-lag');
    });
    assert.equal(Number(lag[0]) + Number(lag[1]), 7 - seen);
    await Promise.all([consumer.close(), producer.close()]);
  }));

test('a record that fails is counted as an error, and each attempt as a retry', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const { bootstrapServers } = cluster;
    cluster.addTopic('t', [1]);
    const verdicts = [6, 6, 'store', 29] as const;
    let next = 0;
    cluster.onProduce = () => verdicts[next++] ?? 'store';
    const producer = new Producer({ bootstrapServers, lingerMs: 0 }, io);
    await producer.send({ topic: 't', value: 'x' });
    await assert.rejects(producer.send({ topic: 't', value: 'x' }), /not authorized/);
    const value = readingOf(producer.metrics(), 'producer-metrics');
    assert.deepEqual([value('record-retry-total'), value('record-error-total')], [2, 1]);
    assert.equal(value('record-send-total'), 4);
    await producer.close();
  }));

function readingOf(
  metrics: readonly ClientMetric[],
  group: string,
  tags: Readonly<Record<string, string>> = {},
): (name: string) => number | string | undefined {
  const isOf = (metric: ClientMetric): boolean =>
    metric.group === group &&
    Object.keys(metric.tags).length === Object.keys(tags).length + 1 &&
    Object.entries(tags).every(([name, value]) => metric.tags[name] === value);
  return (name) => metrics.find((metric) => metric.name === name && isOf(metric))?.value;
}
