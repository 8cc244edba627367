// Whole transactions over the wire, in both versions of the protocol: what read_committed consumers
// see of them, before and after the broker went down at a bad moment.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate, World } from '../../sim/index.ts';
import { port, startBroker } from '../../tests/doubles/broker/brokers.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  batchHeaders,
  createTopics,
  decodeRecords,
  deleteTopics,
  describeProducers,
  type ErrorName,
  encodeBatch,
  endTxn,
  errorName,
  fetch,
  findCoordinator,
  initProducerId,
  listOffsets,
  offsetFetch,
  produce,
  txnOffsetCommit,
  writeTxnMarkers,
} from '../protocol/index.ts';

const [latest, newest] = [-1, -3];

const connect = (io: Io) => ClientConnection.connect(io, { host: 'host', port, clientId: 'c' });

async function createTopic(client: ClientConnection, numPartitions = 2): Promise<void> {
  const topic = { name: 't', numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  const answer = await client.request(createTopics, { topics: [topic] });
  assert.equal(answer.topics[0]?.errorCode, 0);
}

/** A producer that speaks the first or the second version of the transaction protocol. */
class TestProducer {
  readonly #io: Io;
  readonly #client: ClientConnection;
  readonly #protocol: 1 | 2;
  readonly transactionalId: string;
  producerId = -1;
  producerEpoch = -1;
  readonly #sequences = new Map<number, number>();

  constructor(io: Io, client: ClientConnection, options: { protocol: 1 | 2; id?: string }) {
    this.#io = io;
    this.#client = client;
    this.#protocol = options.protocol;
    this.transactionalId = options.id ?? 'id';
  }

  async init(): Promise<this> {
    const { transactionalId } = this;
    for (;;) {
      await this.#client.request(findCoordinator, {
        keyType: 1,
        coordinatorKeys: [transactionalId],
      });
      const request = { transactionalId, transactionTimeoutMs: 60_000 };
      const answer = await this.#client.request(initProducerId, request);
      if (await this.#isToBeRepeated(answer.errorCode)) continue;
      assert.equal(errorName(answer.errorCode), 'NONE');
      this.producerId = answer.producerId;
      this.producerEpoch = answer.producerEpoch;
      this.#sequences.clear();
      return this;
    }
  }

  async #isToBeRepeated(errorCode: number): Promise<boolean> {
    const again: ErrorName[] = [
      'CONCURRENT_TRANSACTIONS',
      'NOT_COORDINATOR',
      'COORDINATOR_NOT_AVAILABLE',
      'COORDINATOR_LOAD_IN_PROGRESS',
      'NOT_ENOUGH_REPLICAS',
    ];
    if (!again.includes(errorName(errorCode))) return false;
    await this.#io.clock.sleep(20);
    return true;
  }

  get #identity() {
    const { transactionalId, producerId, producerEpoch } = this;
    return { transactionalId, producerId, producerEpoch };
  }

  async add(partition: number): Promise<ErrorName> {
    const { transactionalId, producerId, producerEpoch } = this;
    for (;;) {
      const request = {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: 't', partitions: [partition] }],
      };
      const answer = await this.#client.request(addPartitionsToTxn, request, { versionMax: 3 });
      const [result] = answer.resultsByTopicV3AndBelow[0]?.resultsByPartition ?? [];
      const errorCode = result?.partitionErrorCode ?? -1;
      if (!(await this.#isToBeRepeated(errorCode))) return errorName(errorCode);
    }
  }

  /** One record; with the first protocol its partition has been added before. */
  async send(value: string, partition = 0): Promise<ErrorName> {
    const baseSequence = this.#sequences.get(partition) ?? 0;
    const { producerId, producerEpoch, transactionalId } = this;
    const batch = encodeBatch({
      records: [{ value: Buffer.from(value), timestamp: this.#io.clock.now() }],
      ...{ producerId, producerEpoch, baseSequence, isTransactional: true },
    });
    const partitionData = [{ index: partition, records: batch }];
    for (;;) {
      const answer = await this.#client.request(
        produce,
        { transactionalId, acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] },
        { versionMax: this.#protocol === 2 ? 12 : 11 },
      );
      const errorCode = answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
      if (await this.#isToBeRepeated(errorCode)) continue;
      if (errorCode === 0) this.#sequences.set(partition, baseSequence + 1);
      return errorName(errorCode);
    }
  }

  async write(value: string, partition = 0): Promise<void> {
    if (this.#protocol === 1) assert.equal(await this.add(partition), 'NONE');
    assert.equal(await this.send(value, partition), 'NONE');
  }

  async commitOffset(offset: number): Promise<ErrorName> {
    if (this.#protocol === 1) {
      const request = { ...this.#identity, groupId: 'g' };
      const answer = await this.#client.request(addOffsetsToTxn, request, { versionMax: 3 });
      assert.equal(errorName(answer.errorCode), 'NONE');
    }
    const partition = { partitionIndex: 0, committedOffset: offset, committedMetadata: null };
    const answer = await this.#client.request(
      txnOffsetCommit,
      { ...this.#identity, groupId: 'g', topics: [{ name: 't', partitions: [partition] }] },
      { versionMax: this.#protocol === 2 ? 5 : 4 },
    );
    return errorName(answer.topics[0]?.partitions[0]?.errorCode ?? -1);
  }

  async end(committed: boolean): Promise<void> {
    for (;;) {
      const versionMax = this.#protocol === 2 ? 5 : 4;
      const request = { ...this.#identity, committed };
      const answer = await this.#client.request(endTxn, request, { versionMax });
      if (await this.#isToBeRepeated(answer.errorCode)) continue;
      assert.equal(errorName(answer.errorCode), 'NONE');
      if (this.#protocol === 2) {
        this.producerId = answer.producerId;
        this.producerEpoch = answer.producerEpoch;
        this.#sequences.clear();
      }
      return;
    }
  }
}

interface Seen {
  readonly values: string[];
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

/** What a consumer takes from what it is sent: read_committed skips what was aborted by itself. */
async function consume(
  client: ClientConnection,
  options: { isolationLevel?: number; partition?: number; minBytes?: number } = {},
): Promise<Seen> {
  const { isolationLevel = 1, partition = 0, minBytes = 0 } = options;
  const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
  const topics = [{ topic: 't', partitions }];
  const maxWaitMs = minBytes > 0 ? 5000 : 0;
  const request = { maxWaitMs, minBytes, isolationLevel, topics };
  const answer = await client.request(fetch, request, { versionMax: 12 });
  const found = answer.responses[0]?.partitions[0];
  assert.equal(errorName(found?.errorCode ?? -1), 'NONE');
  // They come in the order of their ends; a consumer needs that of their beginnings.
  const aborted = [...(found?.abortedTransactions ?? [])];
  aborted.sort((a, b) => a.firstOffset - b.firstOffset);
  assert.equal(found?.abortedTransactions === null, isolationLevel === 0);
  const open = new Set<number>();
  const values: string[] = [];
  for (const header of batchHeaders(found?.records ?? Buffer.alloc(0))) {
    while (aborted.length > 0 && (aborted[0]?.firstOffset ?? 0) <= header.lastOffset) {
      open.add(aborted.shift()?.producerId as number);
    }
    if (header.isControl) open.delete(header.producerId);
    else if (!open.has(header.producerId)) {
      for (const record of decodeRecords(found?.records as Buffer, header)) {
        values.push(String(record.value));
      }
    }
  }
  const { highWatermark, lastStableOffset } = found as Seen & typeof found;
  return { values, highWatermark, lastStableOffset };
}

async function offsetAt(
  client: ClientConnection,
  isolationLevel: number,
  timestamp: number,
): Promise<number> {
  const partitions = [{ partitionIndex: 0, timestamp }];
  const request = { replicaId: -1, isolationLevel, topics: [{ name: 't', partitions }] };
  const answer = await client.request(listOffsets, request);
  return answer.topics[0]?.partitions[0]?.offset ?? -2;
}

async function groupOffset(client: ClientConnection): Promise<number | ErrorName> {
  const groups = [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }];
  for (;;) {
    const request = { groups, requireStable: true };
    const answer = await client.request(offsetFetch, request, { versionMax: 9 });
    const [group] = answer.groups;
    if (errorName(group?.errorCode ?? 0) === 'COORDINATOR_LOAD_IN_PROGRESS') continue;
    const { errorCode, committedOffset } = group?.topics[0]?.partitions[0] ?? {};
    return errorCode === 0 ? (committedOffset ?? -1) : errorName(errorCode ?? -1);
  }
}

/** Until the markers are there: the answer of EndTxn does not wait for them. */
async function untilStable(io: Io, client: ClientConnection, partition = 0): Promise<Seen> {
  for (;;) {
    const seen = await consume(client, { partition });
    if (seen.lastStableOffset === seen.highWatermark) return seen;
    await io.clock.sleep(10);
  }
}

function withClient(
  run: (at: { io: Io; client: ClientConnection; restart: () => Promise<void> }) => Promise<void>,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  return simulate(async (io) => {
    let broker = await startBroker(io, config);
    const at = {
      io,
      client: await connect(io),
      restart: async () => {
        at.client.close();
        await broker.stop();
        broker = await startBroker(io, config);
        at.client = await connect(io);
      },
    };
    await createTopic(at.client);
    await at.client.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    await run(at);
    at.client.close();
    await broker.stop();
  });
}

for (const protocol of [1, 2] as const) {
  describe(`with version ${protocol} of transactions`, () => {
    test('what is committed is seen whole, what is aborted never, and order is kept', () =>
      withClient(async ({ io, client }) => {
        const producer = await new TestProducer(io, client, { protocol }).init();
        for (const [value, isCommit] of [
          ['a', true],
          ['b', false],
          ['c', true],
        ] as const) {
          await producer.write(`${value}1`);
          await producer.write(`${value}2`);
          await producer.write(`${value}3`, 1);
          assert.ok(!(await consume(client)).values.includes(`${value}1`));
          await producer.end(isCommit);
        }
        assert.deepEqual((await untilStable(io, client)).values, ['a1', 'a2', 'c1', 'c2']);
        assert.deepEqual((await untilStable(io, client, 1)).values, ['a3', 'c3']);
        const { values } = await consume(client, { isolationLevel: 0 });
        assert.deepEqual(values, ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
      }));

    test('of interleaved transactions the oldest that is open is as far as one reads', () =>
      withClient(async ({ io, client }) => {
        const [one, two, three] = await Promise.all(
          ['one', 'two', 'three'].map((id) =>
            new TestProducer(io, client, { protocol, id }).init(),
          ),
        );
        assert.ok(one && two && three);
        await one.write('1a');
        await two.write('2a');
        await three.write('3a');
        await two.write('2b');
        await two.end(true);
        await three.end(false);
        await io.clock.sleep(100);
        const seen = await consume(client);
        assert.deepEqual(seen.values, []);
        assert.equal(seen.lastStableOffset, 0);
        assert.equal(await offsetAt(client, 1, latest), 0);
        assert.equal(await offsetAt(client, 0, latest), seen.highWatermark);
        // What a moment or the newest record is found by must be readable, too.
        assert.deepEqual([await offsetAt(client, 0, 0), await offsetAt(client, 1, 0)], [0, -1]);
        assert.deepEqual(
          [(await offsetAt(client, 0, newest)) >= 0, await offsetAt(client, 1, newest)],
          [true, -1],
        );
        await one.write('1b');
        await one.end(true);
        const { values, highWatermark } = await untilStable(io, client);
        assert.deepEqual(values, ['1a', '2a', '2b', '1b']);
        assert.equal(await offsetAt(client, 1, latest), highWatermark);
      }));

    test('offsets of the group move with the transaction', () =>
      withClient(async ({ io, client }) => {
        const producer = await new TestProducer(io, client, { protocol }).init();
        for (const [offset, isCommit, expected] of [
          [5, true, 5],
          [9, false, 5],
          [7, true, 7],
        ] as const) {
          assert.equal(await producer.commitOffset(offset), 'NONE');
          assert.equal(await groupOffset(client), 'UNSTABLE_OFFSET_COMMIT');
          await producer.end(isCommit);
          while ((await groupOffset(client)) === 'UNSTABLE_OFFSET_COMMIT') await io.clock.sleep(10);
          assert.equal(await groupOffset(client), expected);
        }
      }));

    test('a long poll ends when the transaction that holds it up is decided', () =>
      withClient(async ({ io, client }) => {
        const producer = await new TestProducer(io, client, { protocol }).init();
        await producer.write('a');
        const reader = await connect(io);
        const beganMs = io.clock.monotonic();
        const polled = consume(reader, { minBytes: 1 });
        await io.clock.sleep(500);
        await producer.write('b');
        await io.clock.sleep(500);
        await producer.end(true);
        assert.deepEqual((await polled).values, ['a', 'b']);
        const tookMs = io.clock.monotonic() - beganMs;
        assert.ok(tookMs >= 1000 && tookMs < 1500, `${tookMs} ms`);
        reader.close();
      }));

    test('a broker that restarts goes on with the transactions that are open', () =>
      withClient(async (at) => {
        const before = await new TestProducer(at.io, at.client, { protocol }).init();
        await before.write('a');
        assert.equal(await before.commitOffset(3), 'NONE');
        await at.restart();
        assert.deepEqual((await consume(at.client)).values, []);
        assert.equal(await groupOffset(at.client), 'UNSTABLE_OFFSET_COMMIT');
        const producer = new TestProducer(at.io, at.client, { protocol });
        const { producerId, producerEpoch } = before;
        Object.assign(producer, { producerId, producerEpoch });
        await producer.write('x', 1);
        await producer.end(true);
        assert.deepEqual((await untilStable(at.io, at.client)).values, ['a']);
        assert.equal(await groupOffset(at.client), 3);
        await at.restart();
        assert.deepEqual((await consume(at.client)).values, ['a']);
      }));

    test('a producer that comes again fences the one before, whose transaction is aborted', () =>
      withClient(async ({ io, client }) => {
        const zombie = await new TestProducer(io, client, { protocol }).init();
        await zombie.write('z');
        const producer = await new TestProducer(io, client, { protocol }).init();
        await producer.write('a');
        await producer.end(true);
        assert.deepEqual((await untilStable(io, client)).values, ['a']);
        assert.equal(await zombie.send('late'), 'INVALID_PRODUCER_EPOCH');
        const late = await zombie.commitOffset(1).catch(() => 'PRODUCER_FENCED');
        assert.notEqual(late, 'NONE');
        assert.deepEqual((await untilStable(io, client)).values, ['a']);
      }));

    test('nothing is lost or half visible when the broker is killed after it has promised', () =>
      surviveKill(protocol));
  });
}

/** The producer is told that its transaction is committed, and the broker dies at once. */
async function surviveKill(protocol: 1 | 2): Promise<void> {
  const world = new World();
  const start = async () => {
    const started = world.startProcess('host', (io) => startBroker(io).then(() => {}));
    await world.run(() => started.hasReturned);
    return started;
  };
  const first = await start();
  let isPromised = false;
  const writing = world.startProcess('client', async (io) => {
    const client = await connect(io);
    await createTopic(client);
    await client.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const producer = await new TestProducer(io, client, { protocol }).init();
    await producer.write('a');
    await producer.write('b', 1);
    await producer.commitOffset(4);
    await producer.end(true);
    isPromised = true;
  });
  await world.run(() => isPromised);
  first.kill();
  writing.kill();
  const second = await start();
  const seen: unknown[] = [];
  const reading = world.startProcess('client', async (io) => {
    const client = await connect(io);
    for (const partition of [0, 1]) {
      seen.push((await untilStable(io, client, partition)).values);
    }
    while ((await groupOffset(client)) === 'UNSTABLE_OFFSET_COMMIT') await io.clock.sleep(10);
    seen.push(await groupOffset(client));
  });
  await world.run(() => reading.hasReturned);
  assert.deepEqual(seen, [['a'], ['b'], 4]);
  second.kill();
}

describe('what a producer does wrong', () => {
  test('an unknown producer id, a gap and a partition outside of the transaction are refused', () =>
    withClient(async ({ io, client }) => {
      const stranger = new TestProducer(io, client, { protocol: 2 });
      stranger.producerId = 4711;
      stranger.producerEpoch = 0;
      await client.request(findCoordinator, { keyType: 1, coordinatorKeys: ['id'] });
      assert.equal(await stranger.send('x'), 'INVALID_PRODUCER_ID_MAPPING');
      const old = await new TestProducer(io, client, { protocol: 1, id: 'old' }).init();
      assert.equal(await old.send('x'), 'TRANSACTION_ABORTABLE');
      await old.write('a');
      assert.equal(await old.send('x', 1), 'TRANSACTION_ABORTABLE');
    }));

  test('a batch behind the end of its transaction is refused and leaves nothing open', () =>
    withClient(async ({ io, client }) => {
      const producer = await new TestProducer(io, client, { protocol: 2 }).init();
      await producer.write('a');
      const { producerId, producerEpoch } = producer;
      await producer.end(true);
      await untilStable(io, client);
      const late = new TestProducer(io, client, { protocol: 2 });
      Object.assign(late, { producerId, producerEpoch });
      assert.equal(await late.send('late'), 'INVALID_PRODUCER_EPOCH');
      assert.equal(await late.send('late', 1), 'INVALID_PRODUCER_EPOCH');
      const seen = await consume(client);
      assert.equal(seen.lastStableOffset, seen.highWatermark);
    }));

  test('who writes in a partition is told, with the open transaction', () =>
    withClient(async ({ io, client }) => {
      const producer = await new TestProducer(io, client, { protocol: 2 }).init();
      await producer.write('a');
      const describe = async () => {
        const topics = [{ name: 't', partitionIndexes: [0] }];
        const answer = await client.request(describeProducers, { topics });
        return answer.topics[0]?.partitions[0]?.activeProducers[0];
      };
      const { producerEpoch } = producer;
      const open = await describe();
      assert.equal(open?.producerId, producer.producerId);
      assert.deepEqual([open?.producerEpoch, open?.currentTxnStartOffset], [producerEpoch, 0]);
      await producer.end(false);
      await untilStable(io, client);
      const closed = await describe();
      assert.equal(closed?.currentTxnStartOffset, -1);
      assert.equal(closed?.producerEpoch, producerEpoch + 1);
      assert.equal(closed?.lastSequence, -1);
    }));

  test('a transaction that nobody knows of hangs, and an operator aborts it', () => {
    const unverified = { 'transaction.partition.verification.enable': 'false' };
    return withClient(async ({ io, client }) => {
      const lost = new TestProducer(io, client, { protocol: 1 });
      Object.assign(lost, { producerId: 4711, producerEpoch: 2 });
      assert.equal(await lost.send('lost'), 'NONE');
      const producer = await new TestProducer(io, client, { protocol: 1 }).init();
      await producer.write('a');
      await producer.end(true);
      await io.clock.sleep(1000);
      assert.equal((await consume(client)).lastStableOffset, 0);
      const topics = [{ name: 't', partitionIndexes: [0] }];
      // As kafka-transactions.sh does it, from what DescribeProducers says.
      const marker = { producerId: 4711, producerEpoch: 2, coordinatorEpoch: 0 };
      const answer = await client.request(writeTxnMarkers, {
        markers: [{ ...marker, transactionResult: false, topics }],
      });
      const [result] = answer.markers[0]?.topics[0]?.partitions ?? [];
      assert.equal(errorName(result?.errorCode ?? -1), 'NONE');
      assert.deepEqual((await consume(client)).values, ['a']);
    }, unverified);
  });

  test('a marker without a producer id or an epoch is not written', () =>
    withClient(async ({ client }) => {
      const topics = [{ name: 't', partitionIndexes: [0] }];
      const whole = { producerId: 1, producerEpoch: 0, coordinatorEpoch: 0 };
      for (const [part, expected] of [
        [{ producerId: -1 }, 'INVALID_PRODUCER_ID_MAPPING'],
        [{ producerEpoch: -1 }, 'INVALID_PRODUCER_EPOCH'],
      ] as const) {
        const marker = { ...whole, ...part, transactionResult: false, topics };
        const answer = await client.request(writeTxnMarkers, { markers: [marker] });
        const [result] = answer.markers[0]?.topics[0]?.partitions ?? [];
        assert.equal(errorName(result?.errorCode ?? 0), expected);
      }
      assert.equal((await consume(client)).highWatermark, 0);
    }));
});

test('a transaction ends in a topic that was being made when it was written to', () =>
  withClient(async ({ io, client }) => {
    const producer = await new TestProducer(io, client, { protocol: 2 }).init();
    const deletion = { topicNames: ['t'], timeoutMs: 1000 };
    await client.request(deleteTopics, deletion, { versionMax: 5 });
    const other = await connect(io);
    const making = createTopic(other, 200);
    while ((await producer.send('early')) !== 'NONE') await io.clock.sleep(1);
    await producer.end(true);
    await making;
    await io.clock.sleep(5_000);
    const { values, lastStableOffset } = await consume(client);
    assert.deepEqual({ values, lastStableOffset }, { values: ['early'], lastStableOffset: 2 });
    other.close();
  }));
