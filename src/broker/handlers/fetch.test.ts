// Fetch over the wire: waiting, limits, sessions, errors, and what ends a wait.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { port, type TestBroker, withBroker } from '../../../tests/doubles/broker/brokers.ts';
import type { ClientConnection } from '../../network/index.ts';
import {
  ErrorCode,
  encodeRequest,
  fetch,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.ts';

type Request = RequestInput<typeof fetch>;
type FetchPartition = Request['topics'][number]['partitions'][number];
type Answer = ResponseOf<typeof fetch>;

interface Options extends Partial<Request> {
  readonly partitions?: readonly Partial<FetchPartition>[];
  readonly topic?: string;
  readonly version?: number;
}

function poll(client: ClientConnection, options: Options = {}): Promise<Answer> {
  const { partitions = [{}], topic = 't', version = 12, ...request } = options;
  const wanted = partitions.map((partition) => ({
    partition: 0,
    fetchOffset: 0,
    partitionMaxBytes: 1_000_000,
    ...partition,
  }));
  return client.request(
    fetch,
    {
      maxWaitMs: 500,
      minBytes: 1,
      topics: wanted.length === 0 ? [] : [{ topic, partitions: wanted }],
      ...request,
    },
    { versionMax: version },
  );
}

function only(answer: Answer) {
  return answer.responses[0]?.partitions[0] as Answer['responses'][number]['partitions'][number];
}

/** Runs and tells how long it took, in virtual milliseconds. */
async function timed<T>({ io }: TestBroker, run: () => Promise<T>): Promise<[T, number]> {
  const beganMs = io.clock.monotonic();
  const value = await run();
  return [value, io.clock.monotonic() - beganMs];
}

test('a fetch that finds enough is answered at once', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    await at.produce('t', ['a']);
    const [answer, tookMs] = await timed(at, () => poll(at.client));
    assert.ok(tookMs < 5);
    assert.equal(only(answer).highWatermark, 1);
    assert.ok((only(answer).records?.length ?? 0) > 0);
  });
});

// KIP-392.
test('a reader may say where it is; one broker has no nearer replica to name', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    await at.produce('t', ['a']);
    for (const version of [11, 12]) {
      const answer = await poll(at.client, { rackId: 'rack-a', version });
      assert.deepEqual([only(answer).errorCode, only(answer).preferredReadReplica], [0, -1]);
      assert.ok((only(answer).records?.length ?? 0) > 0);
    }
  });
});

test('an empty fetch waits exactly as long as it allows', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const [answer, tookMs] = await timed(at, () => poll(at.client));
    assert.ok(tookMs >= 500 && tookMs < 505, `${tookMs} ms`);
    assert.equal(only(answer).errorCode, 0);
    assert.equal(only(answer).records?.length ?? 0, 0);
  });
});

test('a waiting fetch is answered with the append that satisfies it', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const reader = await at.connect();
    const waiting = timed(at, () => poll(reader, { maxWaitMs: 10_000 }));
    await at.io.clock.sleep(100);
    await at.produce('t', ['a']);
    const [answer, tookMs] = await waiting;
    assert.ok(tookMs >= 100 && tookMs < 110, `${tookMs} ms`);
    assert.ok((only(answer).records?.length ?? 0) > 0);
  });
});

test('a fetch waits for its minimum of bytes over all its partitions', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t', { partitions: 2 });
    const reader = await at.connect();
    const partitions = [{ partition: 0 }, { partition: 1 }];
    const waiting = timed(at, () => poll(reader, { maxWaitMs: 10_000, minBytes: 250, partitions }));
    for (const partition of [0, 1, 0]) {
      await at.io.clock.sleep(50);
      await at.produce('t', ['x'.repeat(50)], { partition });
    }
    const [answer, tookMs] = await waiting;
    assert.ok(tookMs >= 150 && tookMs < 165, `${tookMs} ms`);
    const sizes = answer.responses[0]?.partitions.map(({ records }) => records?.length ?? 0) ?? [];
    assert.equal(sizes.length, 2);
    assert.ok((sizes[0] as number) > (sizes[1] as number));
  });
});

test('the first batch is returned whole even if it exceeds every limit', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t', { partitions: 2 });
    for (const partition of [0, 1]) await at.produce('t', ['x'.repeat(5000)], { partition });
    const partitions = [
      { partition: 0, partitionMaxBytes: 10 },
      { partition: 1, partitionMaxBytes: 10 },
    ];
    const answer = await poll(at.client, { partitions, maxBytes: 100 });
    const sizes = answer.responses[0]?.partitions.map(({ records }) => records?.length ?? 0) ?? [];
    assert.ok((sizes[0] as number) > 5000);
    assert.equal(sizes[1], 0);
  });
});

test('the limits of the partition and of the request hold for what follows', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t', { partitions: 2 });
    for (const partition of [0, 1]) {
      for (let i = 0; i < 10; i++) await at.produce('t', ['x'.repeat(100)], { partition });
    }
    const partitions = [{ partition: 0, partitionMaxBytes: 400 }, { partition: 1 }];
    const answer = await poll(at.client, { partitions, maxBytes: 1000 });
    const sizes = answer.responses[0]?.partitions.map(({ records }) => records?.length ?? 0) ?? [];
    const [first = 0, second = 0] = sizes;
    assert.ok(first > 0 && first <= 400);
    assert.ok(second > 0 && first + second <= 1000);
  });
});

test('errors are answered at once, each at its partition', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    await at.produce('t', ['a']);
    const partitions = [
      { fetchOffset: 5 },
      { fetchOffset: -1 },
      { partition: 7 },
      { currentLeaderEpoch: 9 },
    ];
    const [answer, tookMs] = await timed(at, () => poll(at.client, { partitions }));
    assert.ok(tookMs < 5);
    assert.deepEqual(
      answer.responses[0]?.partitions.map((partition) => partition.errorCode),
      [
        ErrorCode.OFFSET_OUT_OF_RANGE,
        ErrorCode.OFFSET_OUT_OF_RANGE,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_LEADER_EPOCH,
      ],
    );
    const unknown = await poll(at.client, { topic: 'nope' });
    assert.equal(only(unknown).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

test('a consumer session is told only what is new', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t', { partitions: 3 });
    const partitions = [{ partition: 0 }, { partition: 1 }, { partition: 2 }];
    const first = await poll(at.client, { sessionEpoch: 0, partitions, maxWaitMs: 0 });
    assert.notEqual(first.sessionId, 0);
    assert.equal(first.responses[0]?.partitions.length, 3);
    const next = (sessionEpoch: number, changed: readonly Partial<FetchPartition>[] = []) =>
      poll(at.client, {
        sessionId: first.sessionId,
        sessionEpoch,
        partitions: changed,
        maxWaitMs: 0,
      });
    assert.deepEqual((await next(1)).responses, []);
    await at.produce('t', ['a'], { partition: 1 });
    const second = await next(2);
    assert.deepEqual(
      second.responses[0]?.partitions.map((partition) => partition.partitionIndex),
      [1],
    );
    assert.deepEqual((await next(3, [{ partition: 1, fetchOffset: 1 }])).responses, []);
    assert.equal((await next(9)).errorCode, ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    const lost = await poll(at.client, { sessionId: 12345, sessionEpoch: 1, partitions: [] });
    assert.equal(lost.errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  });
});

test('with topic ids an unknown one has its own error', async () => {
  await withBroker(async (at) => {
    const topicId = await at.createTopic('t');
    await at.produce('t', ['a']);
    const byId = (id: string) =>
      poll(at.client, {
        version: 18,
        topics: [
          {
            topicId: id,
            partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
          },
        ],
      });
    const found = await byId(topicId);
    assert.equal(found.responses[0]?.topicId, topicId);
    assert.ok((only(found).records?.length ?? 0) > 0);
    const lost = await byId('AAAAAAAAAAAAAAAAAAAABQ');
    assert.equal(only(lost).errorCode, ErrorCode.UNKNOWN_TOPIC_ID);
  });
});

test('answers leave in the order of the requests, a long poll included', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const order: string[] = [];
    await Promise.all([
      poll(at.client, { maxWaitMs: 200 }).then(() => order.push('poll')),
      at.client
        .request(fetch, { maxWaitMs: 0, minBytes: 0, topics: [] }, { versionMax: 4 })
        .then(() => order.push('after')),
    ]);
    assert.deepEqual(order, ['poll', 'after']);
  });
});

test('deleting the topic answers a fetch that waits on it', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const reader = await at.connect();
    const waiting = timed(at, () => poll(reader, { maxWaitMs: 60_000 }));
    await at.io.clock.sleep(10);
    const { deleteTopics } = await import('../../protocol/index.ts');
    await at.client.request(deleteTopics, { topicNames: ['t'], timeoutMs: 0 }, { versionMax: 5 });
    const [answer, tookMs] = await waiting;
    assert.ok(tookMs < 1000, `${tookMs} ms`);
    assert.equal(only(answer).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

test('a connection that closes takes its waiting fetch with it', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const reader = await at.connect();
    const waiting = poll(reader, { maxWaitMs: 600_000 });
    await at.io.clock.sleep(10);
    reader.close();
    await assert.rejects(waiting, { errorName: 'NETWORK_EXCEPTION' });
    const [, tookMs] = await timed(at, () => at.produce('t', ['a']));
    assert.ok(tookMs < 50);
  });
});

test('nobody follows a partition with one replica', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const answer = await poll(at.client, { replicaId: 2 });
    assert.equal(only(answer).errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});

/** A client that asks once for everything in `t` and does not read the answer. */
async function askWithoutReading({ io }: TestBroker) {
  const connection = await io.network.connect({ host: 'host', port });
  const answer = { receivedBytes: 0, read: () => connection.resume(), end: () => connection.end() };
  connection.onData = (chunk) => {
    answer.receivedBytes += chunk.length;
  };
  connection.pause();
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 30 }];
  const topics = [{ topic: 't', partitions }];
  const request = { maxWaitMs: 100, minBytes: 1, maxBytes: 1 << 30, topics };
  connection.write(encodeRequest(fetch, 12, { correlationId: 1, clientId: 'idle' }, request));
  await io.clock.sleep(50);
  return answer;
}

test('clients that do not read share one bound; beyond it each gets a single batch', async () => {
  const batchBytes = 200_000;
  await withBroker(
    async (at) => {
      await at.createTopic('t');
      for (let n = 0; n < 5; n++) await at.produce('t', ['x'.repeat(batchBytes)]);
      const answers = [];
      for (let n = 0; n < 12; n++) answers.push(await askWithoutReading(at));
      const last = answers.slice(-4);
      for (const answer of answers) answer.read();
      await at.io.clock.sleep(10_000);
      assert.ok((answers[0]?.receivedBytes ?? 0) > 5 * batchBytes);
      for (const { receivedBytes } of last) {
        assert.ok(receivedBytes > batchBytes && receivedBytes < 2 * batchBytes, `${receivedBytes}`);
      }
      // They have read: there is room again.
      const next = await askWithoutReading(at);
      next.read();
      await at.io.clock.sleep(10_000);
      assert.ok(next.receivedBytes > 5 * batchBytes);
      for (const answer of [...answers, next]) answer.end();
    },
    { config: { 'fetch.max.bytes': '1200000' } },
  );
});
