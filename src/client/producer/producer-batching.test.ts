// When batches leave, and what becomes of one that no codec can make.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { ScriptedCluster } from '../../../tests/doubles/client/scripted-cluster.ts';
import type { Io } from '../../io/index.ts';
import { BatchBuilder, ErrorCode, KafkaError } from '../../protocol/index.ts';
import { Producer } from './producer.ts';
import type { ProducerOptions } from './producer-options.ts';

interface Scene {
  readonly io: Io;
  readonly cluster: ScriptedCluster;
  readonly producer: Producer;
}

/** A producer of topic `t` with one partition, connected and known to the broker. */
function scene(options: Partial<ProducerOptions>, body: (scene: Scene) => Promise<void>) {
  return simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    cluster.addTopic('t', [1]);
    const { bootstrapServers } = cluster;
    const producer = new Producer({ bootstrapServers, ...options }, io);
    await producer.send({ topic: 't', value: 'first' });
    await body({ io, cluster, producer });
    await producer.close().catch(() => {});
  });
}

const countsOf = (cluster: ScriptedCluster): number[] =>
  cluster.partition('t', 0).batches.map(({ header }) => header.recordCount);

async function elapsedMs(io: Io, work: () => Promise<unknown>): Promise<number> {
  const beganMs = io.clock.monotonic();
  await work();
  return io.clock.monotonic() - beganMs;
}

test('a record that is sent alone does not linger, unless a linger was asked for', async () => {
  const times: number[] = [];
  for (const options of [{}, { lingerMs: 5 }, { lingerMs: 0 }]) {
    await scene(options, async ({ io, producer }) => {
      times.push(await elapsedMs(io, () => producer.send({ topic: 't', value: 'alone' })));
    });
  }
  const [byDefault, asked, none] = times as [number, number, number];
  assert.ok(asked >= 5, `${asked} ms`);
  assert.ok(byDefault < 5 && none < 5, `${byDefault} ms, ${none} ms`);
});

test('records that come while one is under way travel together when it has arrived', () =>
  scene({}, async ({ io, cluster, producer }) => {
    const sent: Promise<unknown>[] = [];
    for (let turn = 0; turn < 4; turn++) {
      sent.push(producer.send({ topic: 't', value: `${turn}` }));
      await new Promise<void>((resolve) => io.clock.nextTurn(resolve));
      await new Promise<void>((resolve) => io.clock.nextTurn(resolve));
    }
    await Promise.all(sent);
    assert.deepEqual(countsOf(cluster), [1, 1, 3]);
  }));

test('records that come while one is under way for long wait 5 ms and no longer', () =>
  scene({}, async ({ io, cluster, producer }) => {
    const arrivals: [count: number, atMs: number][] = [];
    cluster.onProduce = ({ header }) => {
      arrivals.push([header.recordCount, io.clock.monotonic()]);
      return 'silent';
    };
    const lost: Promise<unknown>[] = [];
    lost.push(producer.send({ topic: 't', value: 'silence' }));
    await io.clock.sleep(1);
    const beganMs = io.clock.monotonic();
    for (const value of ['a', 'b']) lost.push(producer.send({ topic: 't', value }));
    await io.clock.sleep(20);
    assert.deepEqual(
      arrivals.map(([count]) => count),
      [1, 2],
    );
    const waitedMs = (arrivals[1]?.[1] as number) - beganMs;
    assert.ok(waitedMs >= 5 && waitedMs < 7, `${waitedMs} ms`);
    const closed = producer.close({ timeoutMs: 1 });
    await Promise.allSettled([...lost, closed]);
  }));

test('a codec that throws fails its records, and nothing else', () =>
  scene({ compressionType: 'gzip', lingerMs: 0 }, async ({ cluster, producer }) => {
    const build = mock.method(BatchBuilder.prototype, 'build', function broken(): never {
      throw new RangeError('out of memory');
    });
    const refused = await Promise.allSettled(
      ['a', 'b'].map((value) => producer.send({ topic: 't', value })),
    );
    build.mock.restore();
    for (const each of refused) {
      const { reason } = each as PromiseRejectedResult;
      assert.ok(reason instanceof KafkaError && reason.cause instanceof RangeError);
      assert.match(
        reason.message,
        /^2 records for t-0 could not be compressed \(gzip\): out of memory; choose another/,
      );
    }
    await producer.send({ topic: 't', value: 'c' });
    const headers = cluster.partition('t', 0).batches.map(({ header }) => header);
    assert.deepEqual(
      headers.map(({ baseSequence, producerEpoch }) => [baseSequence, producerEpoch]),
      [
        [0, 0],
        [1, 0],
      ],
    );
  }));

test('a delivery callback that throws stops neither the other records nor the producer', () =>
  scene({}, async ({ producer }) => {
    const told: string[] = [];
    producer.write({ topic: 't', value: 'a' }, () => {
      told.push('a');
      throw new Error('of the program');
    });
    producer.write({ topic: 't', value: 'b' }, () => told.push('b'));
    await producer.flush();
    await producer.send({ topic: 't', value: 'c' });
    assert.deepEqual(told, ['a', 'b']);
  }));

test('records that were not delivered in time say what stood in the way, and what helps', () =>
  scene({ deliveryTimeoutMs: 3_000, requestTimeoutMs: 1_000, lingerMs: 0 }, async (each) => {
    const { cluster, producer } = each;
    cluster.onProduce = () => ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    await assert.rejects(producer.send({ topic: 't', value: 'a' }), {
      errorName: 'REQUEST_TIMED_OUT',
      message:
        /^a record for t-0 could not be delivered within 3000 ms: the last of 6 .*no such top/,
      hint: /^Create the topic/,
    });
    cluster.onProduce = () => ErrorCode.MESSAGE_TOO_LARGE;
    await assert.rejects(producer.send({ topic: 't', value: 'a' }), {
      errorName: 'MESSAGE_TOO_LARGE',
      message: /^t-0: /,
      hint: /^Send smaller records, or raise max\.message\.bytes of the topic/,
    });
    cluster.onProduce = () => 'store';
    await cluster.stopNode(1);
    await assert.rejects(producer.send({ topic: 't', value: 'a' }), {
      errorName: 'REQUEST_TIMED_OUT',
      message: /^a record for t-0 could not be delivered within 3000 ms: (no|the last of)/,
    });
  }));
