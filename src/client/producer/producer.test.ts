// The producer against brokers that fail in every way between receiving and answering.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  type ProduceEvent,
  type ProduceVerdict,
  ScriptedCluster,
} from '../../../tests/doubles/client/scripted-cluster.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import { ErrorCode } from '../../protocol/index.ts';
import { Producer } from './producer.ts';
import type { ProducerOptions } from './producer-options.ts';
import type { ProducerRecord, RecordMetadata } from './producer-record.ts';

function createProducer(
  io: Io,
  cluster: ScriptedCluster,
  options: Partial<ProducerOptions> = {},
): Producer {
  return new Producer({ bootstrapServers: cluster.bootstrapServers, ...options }, io);
}

function valuesOf(cluster: ScriptedCluster, topic: string, partition = 0): string[] {
  return cluster
    .partition(topic, partition)
    .records()
    .map((record) => String(record.value));
}

/** Sends n records of one partition, each batch of about ten, and returns what came of each. */
function sendMany(
  producer: Producer,
  count: number,
): Promise<PromiseSettledResult<RecordMetadata>[]> {
  return Promise.allSettled(
    Array.from({ length: count }, (_, i) =>
      producer.send({ topic: 't', partition: 0, value: `value ${String(i).padStart(40, '0')}` }),
    ),
  );
}

const inOrder = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `value ${String(i).padStart(40, '0')}`);

const small = { batchSizeBytes: 600, lingerMs: 1 };

test('records of one turn travel in one batch, and each learns its offset', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]);
    const producer = createProducer(io, cluster);
    const sent = await Promise.all(
      ['a', 'b', 'c'].map((value, i) =>
        producer.send({
          topic: 't',
          value,
          timestamp: 1000 + i,
          headers: [{ key: 'h', value: null }],
        }),
      ),
    );
    assert.deepEqual(
      sent,
      [0, 1, 2].map((offset) => ({ topic: 't', partition: 0, offset, timestamp: 1000 + offset })),
    );
    assert.equal(partition?.batches.length, 1);
    assert.equal(partition?.records()[2]?.headers[0]?.key, 'h');
    await producer.close();
  }));

test('a record whose linger ends while the sender looks at it is sent', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    // As on a machine whose cores are taken: time moves on between two looks at the clock.
    let lateMs = 0;
    const monotonic = (): number => {
      lateMs += 3;
      return io.clock.monotonic() + lateMs;
    };
    const clock = Object.create(io.clock, { monotonic: { value: monotonic } });
    const producer = createProducer({ ...io, clock }, cluster, { lingerMs: 5 });
    const beganMs = io.clock.monotonic();
    for (let i = 0; i < 20; i++) await producer.send({ topic: 't', partition: 0, value: `${i}` });
    assert.equal(valuesOf(cluster, 't').length, 20);
    assert.ok(io.clock.monotonic() - beganMs < 2000, 'nothing waits for its delivery to time out');
    await producer.close();
  }));

test('records that cannot be sent yet travel together once they can', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]);
    const producer = createProducer(io, cluster, { lingerMs: 0 });
    cluster.onProduce = () => ErrorCode.NOT_ENOUGH_REPLICAS;
    const count = 200;
    for (let i = 0; i < count; i++) {
      producer.write({ topic: 't', partition: 0, value: `${i}` });
      await io.clock.sleep(10);
    }
    cluster.onProduce = () => 'store';
    await producer.flush();
    assert.deepEqual(
      valuesOf(cluster, 't'),
      Array.from({ length: count }, (_, i) => `${i}`),
    );
    // The first was closed when it was sent, all others waited for it.
    assert.equal(partition?.batches.length, 2);
    await producer.close();
  }));

const mishaps: [string, ProduceVerdict][] = [
  ['a connection lost before the batch was stored', 'lose'],
  ['a connection lost after the batch was stored', 'storeAndLose'],
  ['a broker that never answers', 'silent'],
  ['a leader that is not one any more', ErrorCode.NOT_LEADER_OR_FOLLOWER],
  ['too few replicas', ErrorCode.NOT_ENOUGH_REPLICAS],
  ['a batch that arrived damaged', ErrorCode.CORRUPT_MESSAGE],
];
for (const [name, verdict] of mishaps) {
  test(`${name} costs no record, no order and no duplicate`, () =>
    simulate(async (io) => {
      const cluster = await ScriptedCluster.start(io);
      cluster.addTopic('t', [1]);
      let countdown = 4;
      cluster.onProduce = () => (--countdown === 0 || countdown === -3 ? verdict : 'store');
      const producer = createProducer(io, cluster, small);
      const outcomes = await sendMany(producer, 300);
      assert.ok(outcomes.every((each) => each.status === 'fulfilled'));
      assert.deepEqual(valuesOf(cluster, 't'), inOrder(300));
      await producer.close();
    }));
}

test('whatever fails at random, each record is stored once and in order', async () => {
  const verdicts: ProduceVerdict[] = [
    'lose',
    'storeAndLose',
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ErrorCode.REQUEST_TIMED_OUT,
  ];
  for (let seed = 0; seed < 40; seed++) {
    await simulate(
      async (io) => {
        const prng = new Prng(`mishaps ${seed}`);
        const cluster = await ScriptedCluster.start(io, 2);
        cluster.addTopic('t', [1]);
        const chance = prng.float() * 0.5;
        cluster.onProduce = (): ProduceVerdict => {
          if (prng.chance(chance / 4)) cluster.moveLeader('t', 0, 1 + prng.int(2));
          return prng.chance(chance) ? prng.pick(verdicts) : 'store';
        };
        const producer = createProducer(io, cluster, { ...small, deliveryTimeoutMs: 3_600_000 });
        const outcomes = await sendMany(producer, 200);
        const offsets = outcomes.map((each) => each.status === 'fulfilled' && each.value.offset);
        assert.deepEqual(valuesOf(cluster, 't'), inOrder(200), `seed ${seed}`);
        assert.deepEqual(
          offsets,
          inOrder(200).map((_, i) => i),
          `seed ${seed}`,
        );
        await producer.close();
      },
      { seed },
    );
  }
});

test('giving up while neighbours may be stored costs no order and no duplicate', async () => {
  let failedCount = 0;
  for (let seed = 0; seed < 40; seed++) {
    await simulate(
      async (io) => {
        const prng = new Prng(`impatience ${seed}`);
        const cluster = await ScriptedCluster.start(io);
        cluster.addTopic('t', [1]);
        const verdicts: ProduceVerdict[] = ['storeAndLose', 'storeAndLose', 'silent', 'lose'];
        cluster.onProduce = () => (prng.chance(0.3) ? prng.pick(verdicts) : 'store');
        const producer = createProducer(io, cluster, {
          ...small,
          requestTimeoutMs: 100,
          deliveryTimeoutMs: 110,
        });
        const outcomes: boolean[] = [];
        for (let i = 0; i < 200; i++) {
          const value = inOrder(200)[i] as string;
          producer.write({ topic: 't', partition: 0, value }, (error) => {
            outcomes[i] = error === null;
          });
          if (prng.chance(0.2)) await io.clock.sleep(prng.int(30));
        }
        await producer.flush();
        const stored = valuesOf(cluster, 't');
        assert.deepEqual([...new Set(stored)].sort(), stored, `seed ${seed}`);
        const promised = inOrder(200).filter((_, i) => outcomes[i]);
        const lost = promised.filter((value) => !stored.includes(value));
        assert.deepEqual(lost, [], `seed ${seed}`);
        failedCount += 200 - promised.length;
        await producer.close();
      },
      { seed },
    );
  }
  assert.ok(failedCount > 100, `${failedCount} records were given up`);
});

test('a batch refused for good fails alone, and what follows is stored under a new epoch', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    let count = 0;
    const epochs = new Set<number>();
    cluster.onProduce = ({ header }: ProduceEvent): ProduceVerdict => {
      epochs.add(header.producerEpoch);
      return ++count === 3 ? ErrorCode.INVALID_RECORD : 'store';
    };
    const producer = createProducer(io, cluster, small);
    const outcomes = await sendMany(producer, 100);
    const failed = outcomes.filter((each) => each.status === 'rejected');
    assert.ok(failed.length > 0 && failed.length < 20, `${failed.length} records failed`);
    const expected = inOrder(100).filter((_, i) => outcomes[i]?.status === 'fulfilled');
    assert.deepEqual(valuesOf(cluster, 't'), expected);
    assert.deepEqual([...epochs], [0, 1]);
    await producer.close();
  }));

test('a batch that the broker finds too large is split until it fits', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]);
    cluster.onProduce = ({ header }) =>
      header.sizeBytes > 1000 ? ErrorCode.MESSAGE_TOO_LARGE : 'store';
    const producer = createProducer(io, cluster, { batchSizeBytes: 20_000 });
    const outcomes = await sendMany(producer, 500);
    assert.deepEqual(
      outcomes.map((each) => each.status === 'fulfilled' && each.value.offset),
      inOrder(500).map((_, i) => i),
    );
    assert.deepEqual(valuesOf(cluster, 't'), inOrder(500));
    assert.ok((partition?.batches.length ?? 0) >= 30);
    const tooLarge = producer.send({ topic: 't', value: Buffer.alloc(2000) });
    await assert.rejects(tooLarge, { errorName: 'MESSAGE_TOO_LARGE' });
    await producer.close();
  }));

test('what is split while a forgetful broker takes what is behind it is stored', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const [partition] = cluster.addTopic('t', [1]);
    const producer = createProducer(io, cluster, { ...small, batchSizeBytes: 1000 });
    await producer.send({ topic: 't', partition: 0, value: 'the first' });
    partition?.producers.clear();
    let largest = 0;
    cluster.onProduce = ({ header }) => {
      // The first batch only: what is behind it is small enough.
      largest = Math.max(largest, header.sizeBytes);
      return header.recordCount > 5 && header.baseSequence === 1
        ? ErrorCode.MESSAGE_TOO_LARGE
        : 'store';
    };
    const outcomes = await sendMany(producer, 60);
    assert.ok(largest > 500);
    assert.ok(outcomes.every((each) => each.status === 'fulfilled'));
    assert.deepEqual(valuesOf(cluster, 't').slice(1).sort(), inOrder(60));
    for (const [index, each] of outcomes.entries()) {
      assert.ok(each.status === 'fulfilled' && each.value.offset > 0);
      const { offset } = each.value;
      assert.equal(valuesOf(cluster, 't')[offset], inOrder(60)[index]);
    }
    await producer.close();
  }));

test('a batch that no attempt can have stored is no duplicate, whatever the broker says', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    let count = 0;
    const { DUPLICATE_SEQUENCE_NUMBER, OUT_OF_ORDER_SEQUENCE_NUMBER } = ErrorCode;
    cluster.onProduce = () => {
      count++;
      if (count === 3) return OUT_OF_ORDER_SEQUENCE_NUMBER;
      return count === 2 || count === 4 || count === 5 ? DUPLICATE_SEQUENCE_NUMBER : 'store';
    };
    const producer = createProducer(io, cluster, small);
    const outcomes = await sendMany(producer, 100);
    assert.deepEqual(
      outcomes.map((each) => each.status === 'fulfilled' && each.value.offset),
      inOrder(100).map((_, i) => i),
    );
    assert.deepEqual(valuesOf(cluster, 't'), inOrder(100));
    await producer.close();
  }));

test('a batch whose answer was lost is stored where the broker calls it a duplicate', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    const verdicts: ProduceVerdict[] = ['storeAndLose', ErrorCode.DUPLICATE_SEQUENCE_NUMBER];
    cluster.onProduce = () => verdicts.shift() ?? 'store';
    const producer = createProducer(io, cluster, small);
    const sent = await producer.send({ topic: 't', partition: 0, value: 'a' });
    assert.equal(sent.offset, -1);
    assert.deepEqual(valuesOf(cluster, 't'), ['a']);
    await producer.close();
  }));

test('records that cannot be delivered fail after delivery.timeout.ms, and flush tells', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    const producer = createProducer(io, cluster, {
      deliveryTimeoutMs: 20_000,
      requestTimeoutMs: 5000,
    });
    cluster.onProduce = () => ErrorCode.NOT_ENOUGH_REPLICAS;
    const beganMs = io.clock.monotonic();
    producer.write({ topic: 't', value: 'nobody is told' });
    const told = producer.send({ topic: 't', value: 'x' });
    await assert.rejects(told, { name: 'KafkaError' });
    const tookMs = io.clock.monotonic() - beganMs;
    assert.ok(tookMs > 18_000 && tookMs < 26_000, `${tookMs} ms`);
    await assert.rejects(producer.flush(), { name: 'KafkaError' });
    await producer.flush();
    cluster.onProduce = () => 'store';
    assert.equal((await producer.send({ topic: 't', value: 'y' })).offset, 0);
    await producer.close();
  }));

test('a full buffer holds back senders and lets them go in order', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    const producer = createProducer(io, cluster, { ...small, bufferMemoryBytes: 3000 });
    let peak = 0;
    cluster.onProduce = () => {
      peak = Math.max(peak, producer.bufferedBytes);
      return 'store';
    };
    const outcomes = await sendMany(producer, 1000);
    assert.ok(outcomes.every((each) => each.status === 'fulfilled'));
    assert.deepEqual(valuesOf(cluster, 't'), inOrder(1000));
    assert.ok(peak < 3200, `${peak} bytes were buffered`);
    assert.equal(producer.bufferedBytes, 0);
    cluster.onProduce = () => 'silent';
    const more = createProducer(io, cluster, { bufferMemoryBytes: 10, maxBlockMs: 1000 });
    more.write({ topic: 't', value: 'fills the buffer' });
    await io.clock.sleep(500);
    await assert.rejects(more.send({ topic: 't', value: 'x' }), /buffer\.memory within 1000 ms/);
  }));

test('write asks for patience when the buffer is full, and drained says when there is room', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    const producer = createProducer(io, cluster, { ...small, bufferMemoryBytes: 3000 });
    let waits = 0;
    for (const value of inOrder(500)) {
      if (producer.write({ topic: 't', value })) continue;
      waits++;
      await producer.drained();
    }
    await producer.close();
    assert.ok(waits > 3);
    assert.deepEqual(valuesOf(cluster, 't'), inOrder(500));
  }));

test('a topic without metadata is an error after max.block.ms, one that appears is used', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const producer = createProducer(io, cluster, { maxBlockMs: 3000 });
    await assert.rejects(producer.send({ topic: 'missing', value: 'x' }), {
      errorName: 'UNKNOWN_TOPIC_OR_PARTITION',
    });
    const late = producer.send({ topic: 't', value: 'x' });
    await io.clock.sleep(1500);
    cluster.addTopic('t', [1]);
    assert.equal((await late).offset, 0);
    await producer.close();
  }));

test('a broker that goes away for a while costs patience only', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io, 2);
    cluster.addTopic('t', [1, 2]);
    const producer = createProducer(io, cluster);
    await producer.send({ topic: 't', partition: 1, value: 'before' });
    await cluster.stopNode(2);
    const during = producer.send({ topic: 't', partition: 1, value: 'during' });
    await io.clock.sleep(10_000);
    await cluster.startNode(2);
    await during;
    assert.deepEqual(valuesOf(cluster, 't', 1), ['before', 'during']);
    const metadataCount = cluster.requestCounts.get('Metadata') ?? 0;
    assert.ok(metadataCount < 150, `${metadataCount} metadata requests in 10 s`);
    await producer.close();
  }));

test('acks=0 sends without waiting for answers and knows no offsets', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    const producer = createProducer(io, cluster, { acks: 0, ...small });
    const outcomes = await sendMany(producer, 100);
    assert.ok(outcomes.every((each) => each.status === 'fulfilled' && each.value.offset === -1));
    await producer.close();
    await io.clock.sleep(1000);
    assert.deepEqual(valuesOf(cluster, 't'), inOrder(100));
  }));

test('keys go where a Java producer puts them, records without a key stick for a batch', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic(
      't',
      Array.from({ length: 10 }, () => 1),
    );
    const producer = createProducer(io, cluster, { batchSizeBytes: 1000 });
    const partitionOf = async (key: string): Promise<number> =>
      (await producer.send({ topic: 't', key, value: null })).partition;
    // Known values of Java's Utils.murmur2 of these keys, masked, modulo 10.
    const expected: [string, number][] = [
      ['21', (-973932308 & 0x7fffffff) % 10],
      ['foobar', (-790332482 & 0x7fffffff) % 10],
      ['a-little-bit-long-string', (-985981536 & 0x7fffffff) % 10],
    ];
    for (const [key, partition] of expected) assert.equal(await partitionOf(key), partition);
    const used = await Promise.all(
      Array.from({ length: 200 }, () => producer.send({ topic: 't', value: 'x'.repeat(100) })),
    );
    const runs = used.filter((each, i) => each.partition !== used[i - 1]?.partition).length;
    assert.ok(runs > 5 && runs <= 21, `${runs} changes of partition`);
    await assert.rejects(producer.send({ topic: 't', partition: 10, value: 'x' }), /0 to 9/);
    await producer.close();
  }));

test('a producer that is closed refuses records, and a close that takes too long gives up', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    cluster.onProduce = () => 'silent';
    const producer = createProducer(io, cluster);
    const sent = producer.send({ topic: 't', value: 'x' });
    const [outcome] = await Promise.allSettled([sent, producer.close({ timeoutMs: 2000 })]);
    assert.match(String(outcome.status === 'rejected' && outcome.reason), /closed before delivery/);
    await assert.rejects(producer.send({ topic: 't', value: 'x' }), /is closed/);
    assert.throws(() => producer.write({ topic: 't', value: 'x' }), /is closed/);
  }));

test('what is no record is refused by the call, not by the batch that it would be in', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    const producer = createProducer(io, cluster);
    const good = producer.send({ topic: 't', value: 'good' });
    const send = (record: unknown): Promise<RecordMetadata> =>
      producer.send(record as ProducerRecord);
    await assert.rejects(send(null), /a record needs a topic: send\(\{ topic, key, value \}\)/);
    await assert.rejects(send({ value: 'x' }), TypeError);
    await assert.rejects(send({ topic: 't', value: 5 }), /value .* not of type number: use String/);
    await assert.rejects(send({ topic: 't', key: { a: 1 } }), /the key of a record .* JSON/);
    await assert.rejects(send({ topic: 't', headers: { a: true } }), /headers are an object/);
    await assert.rejects(
      send({ topic: 't', headers: [{ key: 'a', value: true }] }),
      /a value is a string, bytes, a number or null/,
    );
    await assert.rejects(send({ topic: 't', partition: '1' }), /partition .* whole number, not 1/);
    await assert.rejects(send({ topic: 't', timestamp: 1.5 }), /whole milliseconds, not 1\.5/);
    assert.throws(() => producer.write({ topic: 't', value: true as never }), /type boolean/);
    await producer.send({ topic: 't', partition: null, key: null, value: new Uint8Array(1) });
    await good;
    await producer.close();
    assert.equal(valuesOf(cluster, 't').length, 2);
  }));
