// A consumer with a table of topics: serdes on receipt, records that they refuse, schemas that have
// to be looked up first; interceptors, batches, bounds in bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  ScriptedCluster,
  type ScriptedPartition,
} from '../../../tests/doubles/client/scripted-cluster.ts';
import { ScriptedGroups } from '../../../tests/doubles/client/scripted-groups.ts';
import type { Io } from '../../io/index.ts';
import { encodeBatch } from '../../protocol/index.ts';
import { json, type Serde, SerdeError, string } from '../serde/index.ts';
import { defineTopics, type TopicTable } from '../topics.ts';
// Loaded late by a run; a simulated world must not wait for that.
import '../producer/index.ts';
import '../runner/index.ts';
import { Consumer } from './consumer.ts';
import type { ConsumerOptions } from './consumer-options.ts';
import { WakeupError } from './wakeup-error.ts';

interface Order {
  readonly id: number;
}

const topics = defineTopics({ orders: { key: string(), value: json<Order>() } });
const orders = { topic: 'orders', partition: 0 };

interface Scene {
  readonly io: Io;
  readonly groups: ScriptedGroups;
  append(topic: string, ...values: (string | null)[]): void;
  create<Topics extends TopicTable>(options: Partial<ConsumerOptions<Topics>>): Consumer<Topics>;
}

/** `orders` and `raw`, one partition each. */
function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
  return simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io, 1);
    const groups = new ScriptedGroups(io, cluster);
    const partitions = new Map<string, ScriptedPartition>();
    for (const name of ['orders', 'raw']) {
      partitions.set(name, cluster.addTopic(name, [1])[0] as ScriptedPartition);
    }
    const append = (topic: string, ...values: (string | null)[]): void => {
      const records = values.map((value) => {
        const headers = [{ key: 'h', value: Buffer.from('1') }];
        const bytes = value === null ? null : Buffer.from(value);
        return { key: Buffer.from('k'), value: bytes, timestamp: 1, headers };
      });
      partitions.get(topic)?.append(encodeBatch({ records }));
    };
    const { bootstrapServers } = cluster;
    await play({
      io,
      groups,
      append,
      create: (options) => {
        const common = { bootstrapServers, autoOffsetReset: 'earliest', groupId: 'g' } as const;
        return new Consumer({ ...common, ...options }, io);
      },
    });
  });
}

async function pollSome<Topics extends TopicTable>(consumer: Consumer<Topics>) {
  for (let polls = 0; polls < 50; polls++) {
    const records = await consumer.poll(1000);
    if (records.length > 0) return records;
  }
  throw new Error('no records');
}

test('keys and values come as serdes make them, tombstones as null, other topics as bytes', () =>
  scene(async ({ create, append }) => {
    append('orders', '{"id":1}', null);
    append('raw', 'bytes');
    const consumer = create({ topics });
    await consumer.assign([orders, { topic: 'raw', partition: 0 }]);
    const records = [...(await pollSome(consumer)), ...(await consumer.poll(100))];
    const of = (topic: string) => records.filter((record) => record.topic === topic);
    assert.deepEqual(
      of('orders').map(({ key, value }) => [key, value]),
      [
        ['k', { id: 1 }],
        ['k', null],
      ],
    );
    assert.equal(records[0]?.headers.text('h'), '1');
    // A record of the table: the compiler knows the type of its value.
    const id: number | undefined = records[0]?.value?.id;
    assert.equal(id, 1);
    assert.deepEqual(
      of('raw').map(({ value }) => value as unknown),
      [Buffer.from('bytes')],
    );
    await consumer.close();
  }));

test('a record that its serde refuses is thrown after those before, and the position stays', () =>
  scene(async ({ create, append }) => {
    append('orders', '{"id":1}', 'oops', '{"id":3}');
    const consumer = create({ topics });
    await consumer.assign([orders]);
    assert.deepEqual(
      (await pollSome(consumer)).map(({ value }) => value?.id),
      [1],
    );
    for (let i = 0; i < 2; i++) {
      await assert.rejects(consumer.poll(1000), (error) => {
        assert.ok(error instanceof SerdeError);
        const { topic, partition, offset, part, hint } = error;
        assert.deepEqual([topic, partition, offset, part], ['orders', 0, 1, 'value']);
        assert.match(hint, /Seek to 2 to go on/);
        return true;
      });
      assert.equal(await consumer.position(orders), 1);
    }
    consumer.seek(orders, 2);
    assert.deepEqual(
      (await pollSome(consumer)).map(({ value }) => value?.id),
      [3],
    );
    await consumer.close();
  }));

test('such a record is skipped, or handed out as bytes, where that was asked for', () =>
  scene(async ({ create, append }) => {
    append('orders', '{"id":1}', 'oops', '{"id":3}');
    const skipping = create({ topics, onSerdeError: 'skip' });
    await skipping.assign([orders]);
    assert.deepEqual(
      (await pollSome(skipping)).map(({ value }) => value?.id),
      [1, 3],
    );
    await skipping.close();
    const taking = create({ topics, onSerdeError: 'bytes', groupId: 'h' });
    await taking.assign([{ ...orders, offset: 'earliest' }]);
    const values = (await pollSome(taking)).map(({ value }) => value as unknown);
    assert.deepEqual(values, [{ id: 1 }, Buffer.from('oops'), { id: 3 }]);
    await taking.close();
    assert.throws(() => create({ onSerdeError: 'ignore' as never }), /expected throw, skip or by/);
    assert.throws(() => create({ maxPollBytes: 0 }), /maxPollBytes is 0: expected a number of byt/);
  }));

test('a serde that has to look something up delays its partition alone, once', () =>
  scene(async ({ create, append, io }) => {
    let lookups = 0;
    let isKnown = false;
    const slow: Serde<string> = {
      ...string(),
      prepare: (_topic, work) => {
        if (isKnown) return null;
        lookups++;
        assert.equal(work.kind === 'deserialize' && work.bytes.length, 2);
        return io.clock.sleep(5000).then(() => {
          isKnown = true;
        });
      },
    };
    append('orders', 'a', 'b');
    append('raw', 'c');
    const consumer = create({ topics: { orders: { value: slow } } });
    await consumer.assign([orders, { topic: 'raw', partition: 0 }]);
    const first = await pollSome(consumer);
    assert.deepEqual(
      first.map(({ topic }) => topic as string),
      ['raw'],
    );
    assert.equal(await consumer.position(orders), 0, 'nothing of it counts as read');
    assert.deepEqual(
      (await pollSome(consumer)).map(({ value }) => value),
      ['a', 'b'],
    );
    assert.equal(lookups, 1);
    await consumer.close();
  }));

test('a look-up that fails, or takes too long, is an error of poll, and is tried again', () =>
  scene(async ({ create, append }) => {
    const answers = [
      () => Promise.reject(new Error('the registry is away')),
      () => new Promise<void>(() => {}),
      () => null,
    ];
    const serde: Serde<string> = {
      ...string(),
      prepare: () => (answers.shift() ?? (() => null))(),
    };
    append('orders', 'a');
    const consumer = create({
      topics: { orders: { value: serde } },
      defaultApiTimeoutMs: 3000,
      requestTimeoutMs: 2000,
    });
    await consumer.assign([orders]);
    await assert.rejects(pollSome(consumer), /offset 0 of orders-0 .*: the registry is away/);
    await assert.rejects(pollSome(consumer), /not ready within 3000 ms/);
    assert.deepEqual(
      (await pollSome(consumer)).map(({ value }) => value),
      ['a'],
    );
    await consumer.close();
  }));

test('a run decodes: what cannot be decoded is poison, and its dead letter keeps the bytes', () =>
  scene(async ({ create, append, groups, io }) => {
    append('orders', '{"id":1}', 'oops', '{"id":3}');
    const consumer = create({ topics });
    consumer.subscribe(['orders']);
    const ids: (number | undefined)[] = [];
    const run = consumer.run({
      onPoison: { topic: 'raw' },
      handler: ({ value }) => ids.push(value?.id),
    });
    await io.clock.sleep(5000);
    await consumer.stop();
    await run;
    assert.deepEqual(ids, [1, 3]);
    assert.equal(groups.committed()['0 orders'], 3);
    const reader = create({ groupId: 'other' });
    await reader.assign([{ topic: 'raw', partition: 0, offset: 'earliest' }]);
    const [letter] = await pollSome(reader);
    assert.equal(String(letter?.value), 'oops');
    assert.match(letter?.headers.text('__partita.errors.message') ?? '', /cannot be deserialized/);
    await Promise.all([consumer.close(), reader.close()]);
  }));

test('interceptors see records and commits, and one that throws changes nothing', () =>
  scene(async ({ create, append }) => {
    append('orders', 'a', 'b');
    const seen: string[] = [];
    const consumer = create({
      enableAutoCommit: false,
      interceptors: [
        { configure: ({ groupId }) => seen.push(`configured for ${groupId}`) },
        {
          onConsume: () => {
            throw new Error('broken');
          },
        },
        {
          onConsume: (records) => records.filter(({ value }) => String(value) !== 'a'),
          onCommit: ([commit]) => seen.push(`committed ${commit?.offset} ${commit?.metadata}`),
          close: () => seen.push('closed'),
        },
      ],
    });
    await consumer.assign([orders]);
    const [record] = await pollSome(consumer);
    assert.equal(String(record?.value), 'b');
    if (record !== undefined) await consumer.commitRecord(record, { metadata: 'm' });
    const [committed] = await consumer.committed([orders]);
    assert.deepEqual([committed?.offset, committed?.metadata], [2, 'm']);
    await consumer.close();
    assert.deepEqual(seen, ['configured for g', 'committed 2 m', 'closed']);
  }));

test('batches are of one partition, and are committed as a whole', () =>
  scene(async ({ create, append, groups }) => {
    append('orders', 'a', 'b');
    append('raw', 'c');
    append('orders', 'd');
    const consumer = create({ enableAutoCommit: false });
    consumer.subscribe(['orders', 'raw']);
    const seen: string[] = [];
    for await (const batch of consumer.batches()) {
      const values = batch.records.map(({ value }) => String(value)).join('');
      seen.push(`${batch.topic} ${values} ${batch.lastOffset}`);
      await batch.commit();
      if (groups.committed()['0 orders'] === 3 && groups.committed()['0 raw'] === 1) break;
    }
    const whole = seen.map((each) => each.split(' ')[1]).join('');
    assert.equal([...whole].sort().join(''), 'abcd');
    await consumer.close();
  }));

test('a poll takes no further batch once it has maxPollBytes; what waits is bounded as well', () =>
  scene(async ({ create, append }) => {
    for (let i = 0; i < 6; i++) append('orders', 'x'.repeat(1000));
    const consumer = create({ maxPollBytes: 1500, maxBufferedBytes: 1000 });
    await consumer.assign([orders]);
    const counts: number[] = [];
    while (counts.reduce((a, b) => a + b, 0) < 6) counts.push((await pollSome(consumer)).length);
    assert.deepEqual(counts, [2, 2, 2]);
    await consumer.close();
  }));

test('wakeup ends a poll that waits, or the next one, and loses nothing', () =>
  scene(async ({ create, append, io }) => {
    const consumer = create({});
    await consumer.assign([orders]);
    io.clock.after(3000, () => consumer.wakeup());
    const beganMs = io.clock.monotonic();
    await assert.rejects(consumer.poll(60_000), WakeupError);
    assert.ok(io.clock.monotonic() - beganMs < 5000);
    append('orders', 'a');
    consumer.wakeup();
    await assert.rejects(consumer.poll(1000), WakeupError);
    assert.equal(consumer.currentLag(orders) ?? 0, 0);
    assert.equal((await pollSome(consumer)).length, 1);
    append('orders', 'b', 'c');
    for (let i = 0; i < 20 && consumer.currentLag(orders) === 0; i++) await io.clock.sleep(100);
    assert.equal(consumer.currentLag(orders), 2);
    await consumer.close();
  }));
