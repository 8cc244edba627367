// All three brokers die at once by kill -9 and come back in each of the six orders, the last one
// only when it has been seen that it may stay away: a partition is served again, without a person,
// whenever a broker lives that may lead it, and nothing that was acknowledged is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admin, Consumer, Producer } from '../../../src/client/index.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import { PartitaCluster } from './partita-cluster.ts';

const topic = 'kept';
const orders = [
  [1, 2, 3],
  [1, 3, 2],
  [2, 1, 3],
  [2, 3, 1],
  [3, 1, 2],
  [3, 2, 1],
] as const;
const settleMsMax = 60_000;
/** Longer than a session, so that whoever is gone is known to be. */
const awayMs = 5_000;
const quiet = createNodeIo({ logLevel: 'error' });
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Story {
  readonly cluster: PartitaCluster;
  readonly #admin: Admin;
  readonly #values: string[] = [];

  constructor(cluster: PartitaCluster) {
    this.cluster = cluster;
    this.#admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, quiet);
  }

  async begin(): Promise<void> {
    const [created] = await this.#admin.createTopics([
      { name: topic, assignments: [[1, 2, 3]], configs: { 'min.insync.replicas': '2' } },
    ]);
    assert.equal(created?.error, null);
  }

  /** Each of them acknowledged by two brokers at least. */
  async produce(count: number): Promise<void> {
    const { bootstrapServers } = this.cluster;
    const options = { bootstrapServers, acks: 'all', deliveryTimeoutMs: settleMsMax } as const;
    const producer = new Producer(options, quiet);
    const values = Array.from({ length: count }, (_, index) => `${this.#values.length + index}`);
    await Promise.all(values.map((value) => producer.send({ topic, partition: 0, value })));
    await producer.close();
    this.#values.push(...values);
  }

  async partition() {
    const [described] = await this.#admin.describeTopics([topic]);
    const [partition] = described?.partitions ?? [];
    assert.ok(partition !== undefined, described?.error?.message);
    return partition;
  }

  /** True when it has a leader; false when nobody lives who may lead it. */
  async isServed(alive: readonly number[]): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < settleMsMax; waitedMs += 100) {
      await sleep(100);
      const { leader, isr, eligibleLeaderReplicas, lastKnownElr } = await this.partition();
      if (leader >= 0 && isr.length >= 2) return true;
      // The last known leader comes after those who are known to have everything.
      const complete = [...isr, ...(eligibleLeaderReplicas ?? [])];
      const mayLead = complete.length > 0 ? complete : (lastKnownElr ?? []);
      if (waitedMs > awayMs && leader < 0 && !alive.some((id) => mayLead.includes(id)))
        return false;
    }
    const state = JSON.stringify(await this.partition());
    assert.fail(`${state}, alive ${alive}\n${this.cluster.output}`);
  }

  async inSync(): Promise<void> {
    for (let waitedMs = 0; waitedMs < settleMsMax; waitedMs += 100) {
      const { leader, isr } = await this.partition();
      if (leader >= 0 && isr.length === 3) return;
      await sleep(100);
    }
    assert.fail(this.cluster.output);
  }

  async assertAllThere(): Promise<void> {
    const options = { bootstrapServers: this.cluster.bootstrapServers };
    const consumer = new Consumer(options, quiet);
    await consumer.assign([{ topic, partition: 0, offset: 'earliest' }]);
    const read: string[] = [];
    while (read.length < this.#values.length) {
      for (const { value } of await consumer.poll(settleMsMax)) {
        read.push(`${value}`);
      }
    }
    await consumer.close();
    assert.deepEqual(read, this.#values);
  }

  close(): Promise<void> {
    return this.#admin.close();
  }
}

test('three brokers that died at once serve again in whichever order they come', async (t) => {
  const cluster = await PartitaCluster.start({
    config: { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' },
  });
  const story = new Story(cluster);
  try {
    await story.begin();
    for (const [first, second, last] of orders) {
      await t.test(`${first}, ${second}, ${last}`, async (each) => {
        await story.produce(30);
        await Promise.all(cluster.brokerIds.map((id) => cluster.end(id, 'SIGKILL')));
        await Promise.all([cluster.startBroker(first), cluster.startBroker(second)]);
        const withoutLast = await story.isServed([first, second]);
        each.diagnostic(withoutLast ? `${last} may stay away` : `${last} has to come back`);
        if (withoutLast) await story.produce(10);
        await cluster.startBroker(last);
        assert.equal(await story.isServed([first, second, last]), true);
        await story.produce(10);
        await story.inSync();
        await story.assertAllThere();
      });
    }
  } finally {
    await story.close();
    await cluster.dispose();
  }
});
