// A producer of topics with types, with interceptors and partitioners: what is sent, what is
// refused, and that a serde which has to fetch something delays its own topic alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { ScriptedCluster } from '../../../tests/doubles/client/scripted-cluster.ts';
import { ScriptedTransactions } from '../../../tests/doubles/client/scripted-transactions.ts';
import { Deferred } from '../../base/deferred.ts';
import type { Io } from '../../io/index.ts';
import { Consumer } from '../consumer/index.ts';
import { Headers } from '../headers.ts';
import { int64, json, type Serde, SerdeError, string } from '../serde/index.ts';
import { defineTopics, type TopicTable, type Untyped } from '../topics.ts';
import { roundRobinPartitioner, uniformStickyPartitioner } from './partitioners.ts';
import { Producer } from './producer.ts';
import type { ProducerOptions } from './producer-options.ts';
import type { ProducerRecord, RecordMetadata } from './producer-record.ts';

interface Price {
  readonly cents: number;
}

/** Writes the schema's number into a header; knows it only when `fetched` has resolved. */
function fetching(fetched: () => Promise<void>): Serde<string> & { asked: number; closed: number } {
  let isKnown = false;
  return {
    asked: 0,
    closed: 0,
    prepare(_topic, { values }: { values?: readonly string[] } & { kind: string }) {
      if (isKnown || values === undefined) return null;
      this.asked++;
      return fetched().then(() => {
        isKnown = true;
      });
    },
    serialize(_topic, value, headers) {
      assert.ok(isKnown, 'what is missing was fetched before');
      headers.add('schema', 7);
      return Buffer.from(value);
    },
    deserialize: (_topic, bytes) => bytes.toString(),
    close() {
      this.closed++;
    },
  };
}

function scene<Topics extends TopicTable = Untyped>(
  options: Partial<ProducerOptions<Topics>>,
  body: (producer: Producer<Topics>, cluster: ScriptedCluster, io: Io) => Promise<void>,
): Promise<void> {
  return simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    for (const name of ['prices', 'totals', 'slow']) cluster.addTopic(name, [1, 1, 1]);
    const { bootstrapServers } = cluster;
    const all = { bootstrapServers, ...options } as ProducerOptions<Topics>;
    const producer = new Producer<Topics>(all, io);
    await body(producer, cluster, io);
    await producer.close();
  });
}

const stored = (cluster: ScriptedCluster, topic: string): string[] =>
  [0, 1, 2].flatMap((each) =>
    cluster
      .partition(topic, each)
      .records()
      .map(({ key, value, headers }) =>
        [key, value, ...headers.map((one) => `${one.key}=${one.value}`)].map(String).join(' '),
      ),
  );

const table = defineTopics({
  prices: { key: string(), value: json<Price>() },
  totals: { value: int64() },
});

test('keys and values go through the serdes of their topic, headers are taken as written', () =>
  scene({ topics: table }, async (producer, cluster) => {
    await producer.send({ topic: 'prices', key: 'a', value: { cents: 1 }, headers: { h: 'x' } });
    await producer.send({ topic: 'prices', key: 'b', value: null });
    producer.write({ topic: 'totals', key: 'bytes', value: 5n });
    await producer.flush();
    assert.deepEqual(stored(cluster, 'prices').sort(), ['a {"cents":1} h=x', 'b null']);
    assert.equal(stored(cluster, 'totals').length, 1);
    // Only to be compiled.
    const wrong = async (): Promise<void> => {
      // @ts-expect-error: cents are a number
      await producer.send({ topic: 'prices', value: { cents: 'x' } });
      // @ts-expect-error: no such topic
      await producer.send({ topic: 'price', value: { cents: 1 } });
      await producer.transaction((transaction) => {
        // @ts-expect-error: a total is a bigint
        transaction.write({ topic: 'totals', value: 5 });
      });
    };
    assert.equal(typeof wrong, 'function');
  }));

test('what a serde refuses is refused alone, with the topic and the part of the record', () =>
  scene({ topics: table }, async (producer, cluster) => {
    const cyclic: { cents: number; self?: unknown } = { cents: 1 };
    cyclic.self = cyclic;
    const sent = await Promise.allSettled([
      producer.send({ topic: 'prices', key: '1', value: { cents: 1 } }),
      producer.send({ topic: 'prices', key: '2', value: cyclic }),
      producer.send({ topic: 'prices', key: '\ud800', value: { cents: 2 } }),
      producer.send({ topic: 'prices', key: '3', value: { cents: 3 } }),
      producer.send({ topic: 'price', value: 1 } as never),
    ]);
    assert.deepEqual(
      sent.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled', 'rejected'],
    );
    const reasons = sent.map((each) => (each.status === 'rejected' ? each.reason : null));
    assert.ok(reasons[1] instanceof SerdeError);
    assert.match(
      reasons[1].message,
      /^the value of a record for topic prices cannot be serialized/,
    );
    assert.equal(reasons[1].part, 'value');
    assert.match(reasons[2].message, /^the key of a record for topic prices .* surrogate/);
    assert.match(reasons[4].message, /price is not in the table of topics: is prices meant\?/);
    const bad = { topic: 'totals', value: 5 } as never;
    assert.throws(() => producer.write(bad), SerdeError);
    assert.equal(stored(cluster, 'prices').length, 2);
  }));

test('a serde that answers a promise or text is told of, not sent', () =>
  scene(
    {
      topics: {
        prices: { value: { ...string(), serialize: async () => Buffer.of() } as never },
        totals: { value: { ...string(), serialize: () => 'text' } as never },
      },
    },
    async (producer) => {
      const value = 'x' as never;
      await assert.rejects(
        producer.send({ topic: 'prices', value }),
        /serialize\(\) is synchronous/,
      );
      await assert.rejects(producer.send({ topic: 'totals', value }), /gave no bytes but string/);
    },
  ));

test('a serde that has to fetch delays its topic, in order, and is asked once', () => {
  const fetched = new Deferred<void>();
  const slow = fetching(() => fetched.promise);
  return scene({ topics: { slow: { value: slow }, ...table } }, async (producer, cluster, io) => {
    const settled: string[] = [];
    const late = ['a', 'b', 'c'].map((value) =>
      producer.send({ topic: 'slow', partition: 0, value }).then(() => settled.push(value)),
    );
    await producer.send({ topic: 'prices', key: 'k', value: { cents: 1 } });
    await io.clock.sleep(100);
    assert.deepEqual(settled, []);
    const flushed = producer.flush();
    fetched.resolve();
    await Promise.all([...late, flushed]);
    assert.deepEqual(stored(cluster, 'slow'), [
      'null a schema=7',
      'null b schema=7',
      'null c schema=7',
    ]);
    assert.equal(slow.asked, 1);
    // Whoever is the last to use the serde closes it.
    const topics = { slow: { value: slow } };
    const consumer = new Consumer({ bootstrapServers: cluster.bootstrapServers, topics }, io);
    await producer.close();
    assert.equal(slow.closed, 0);
    await consumer.close();
    assert.equal(slow.closed, 1);
  });
});

test('a serde that cannot fetch fails its records in time, and the next ones try anew', () => {
  let answer: () => Promise<void> = () => new Promise(() => {});
  const slow = fetching(() => answer());
  return scene({ topics: { slow: { value: slow } }, maxBlockMs: 1_000 }, async (producer) => {
    const began = producer.send({ topic: 'slow', value: 'a' });
    await assert.rejects(began, /its serde was not ready within maxBlockMs \(1000 ms\)/);
    answer = () => Promise.reject(new Error('registry is down'));
    const pair = ['b', 'c'].map((value) => producer.send({ topic: 'slow', value }));
    for (const each of pair) {
      await assert.rejects(each, (error: SerdeError) => {
        assert.match(error.message, /cannot be serialized: registry is down/);
        return error instanceof SerdeError && error.cause instanceof Error;
      });
    }
    answer = () => Promise.resolve();
    await producer.send({ topic: 'slow', value: 'd' });
  });
});

test('interceptors see records and outcomes in order; one that throws changes nothing', () => {
  const seen: string[] = [];
  const interceptors = [
    {
      configure: (options: { clientId?: string }) => seen.push(`for ${options.clientId}`),
      onSend: (record: ProducerRecord) => {
        const headers = new Headers(record.headers).add('traced', 'yes');
        return { ...record, headers };
      },
      onAcknowledgement: ({ topic, offset }: RecordMetadata, error: Error | null) =>
        seen.push(`${topic} ${offset} ${error?.name ?? 'stored'}`),
      close: () => seen.push('closed'),
    },
    {
      onSend: () => {
        throw new Error('of the interceptor');
      },
      onAcknowledgement: () => {
        throw new Error('of the interceptor');
      },
    },
  ];
  const options = { topics: table, interceptors, clientId: 'me' };
  return scene(options, async (producer, cluster) => {
    await producer.send({ topic: 'prices', key: 'a', value: { cents: 1 } });
    await assert.rejects(producer.send({ topic: 'totals', value: 5 as never }), SerdeError);
    producer.write({ topic: 'prices', key: 'b', value: { cents: 2 }, partition: 9 });
    await assert.rejects(producer.flush(), /has partitions 0 to 2, not 9/);
    assert.deepEqual(stored(cluster, 'prices'), ['a {"cents":1} traced=yes']);
  }).then(() =>
    assert.deepEqual(seen, [
      'for me',
      'prices 0 stored',
      'totals -1 SerdeError',
      'prices -1 KafkaError',
      'closed',
    ]),
  );
});

test('a partitioner sees the record as it was given, is configured and closed', () => {
  const calls: unknown[] = [];
  const partitioner = {
    configure: ({ clientId }: { clientId?: string }) => calls.push(clientId),
    partition(record: ProducerRecord, topic: { name: string }, keyBytes: Uint8Array | null) {
      calls.push([record.value, topic.name, String(keyBytes)]);
      if (String(record.key) === 'wrong') return 7;
      if (String(record.key) === 'throws') throw new Error('of the partitioner');
      return record.key === 'by default' ? null : 2;
    },
    close: () => calls.push('closed'),
  };
  return scene({ topics: table, partitioner, clientId: 'me' }, async (producer) => {
    const send = (key: string): Promise<RecordMetadata> =>
      producer.send({ topic: 'prices', key, value: { cents: 1 } });
    assert.equal((await send('important')).partition, 2);
    assert.equal((await send('by default')).partition, 0);
    await assert.rejects(
      send('wrong'),
      /the partitioner gave 7: topic prices has partitions 0 to 2/,
    );
    await assert.rejects(send('throws'), /of the partitioner/);
    assert.deepEqual(calls.slice(0, 2), ['me', [{ cents: 1 }, 'prices', 'important']]);
  }).then(() => assert.equal(calls.at(-1), 'closed'));
});

const partitionsOf = async (producer: Producer, count: number): Promise<number[]> => {
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    all.push((await producer.send({ topic: 'prices', key: `${i}`, value: 'v' })).partition);
  }
  return all;
};

test('round robin takes turns whatever the keys, the uniform one stays for a batch', async () => {
  await scene({ partitioner: roundRobinPartitioner() }, async (producer) => {
    assert.deepEqual(await partitionsOf(producer, 7), [0, 1, 2, 0, 1, 2, 0]);
  });
  const java = new Map([
    ['partitioner.class', 'org.apache.kafka.clients.producer.RoundRobinPartitioner'],
    ['partitioner.adaptive.partitioning.enable', 'false'],
  ]);
  const { options, warnings } = Producer.optionsFromProperties(java);
  assert.deepEqual(warnings, []);
  await scene(options, async (producer) => {
    assert.deepEqual(await partitionsOf(producer, 4), [0, 1, 2, 0]);
  });
  for (const keyless of [
    { partitioner: uniformStickyPartitioner() },
    { partitionerIgnoreKeys: true },
  ]) {
    await scene(keyless, async (producer) => {
      assert.equal(new Set(await partitionsOf(producer, 20)).size, 1);
    });
  }
  const unknown = new Map([['partitioner.class', 'com.example.Mine']]);
  assert.throws(() => Producer.optionsFromProperties(unknown), /com\.example\.Mine", a class that/);
  const bootstrapServers = 'x:1';
  const partitioner = {} as never;
  assert.throws(
    () => new Producer({ bootstrapServers, partitioner }),
    /partition\(record, topic\)/,
  );
});

test('records without a key prefer the partitions where less waits', () =>
  scene({ batchSizeBytes: 1_000 }, async (producer, cluster) => {
    await producer.partitionsFor('totals');
    await cluster.stopNode(1);
    // Each is a batch of its own, and none is sent while the broker is away.
    const value = 'x'.repeat(2_000);
    const write = (partition: number | null): boolean =>
      producer.write({ topic: 'totals', partition, value });
    for (let i = 0; i < 30; i++) write(0);
    for (let i = 0; i < 60; i++) write(null);
    await cluster.startNode(1);
    await producer.flush();
    const counts = [0, 1, 2].map((each) => cluster.partition('totals', each).records().length);
    // By chance alone the first would have 30 + 20.
    assert.ok((counts[0] as number) <= 36, `${counts}`);
    assert.equal((counts[0] as number) + (counts[1] as number) + (counts[2] as number), 90);
  }));

test('a second close waits for the first, and a time that is none is refused', () =>
  scene({}, async (producer, cluster) => {
    await assert.rejects(producer.close({ timeoutMs: -1 }), /timeoutMs -1: expected 0 or more/);
    producer.write({ topic: 'prices', value: 'v' });
    const first = producer.close();
    await producer.close();
    assert.equal(stored(cluster, 'prices').length, 1);
    await first;
    await assert.rejects(producer.partitionsFor('prices'), /the producer is closed/);
  }));

test('a record that is refused within a transaction, unawaited, fails the commit', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('prices', [1]);
    new ScriptedTransactions(cluster, 2);
    const { bootstrapServers } = cluster;
    const options = { bootstrapServers, transactionalId: 'x', topics: table };
    const producer = new Producer(options, io);
    const refused = producer.transaction((transaction) => {
      void transaction.send({ topic: 'prices', key: 'a', value: { cents: 1 } });
      void transaction.send({ topic: 'prices', key: '\ud800', value: { cents: 2 } });
    });
    await assert.rejects(refused, /the key of a record for topic prices cannot be serialized/);
    await producer.transaction(async (transaction) => {
      await transaction.send({ topic: 'prices', key: 'b', value: { cents: 3 } });
    });
    await producer.close();
  }));
