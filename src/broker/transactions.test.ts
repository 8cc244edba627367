// Transactions as clients speak of them: over the wire, in versions old and new, over partitions
// that are there and that are not, and over a restart of the broker.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ClientConnection } from '../network/index.ts';
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeTransactions,
  type ErrorName,
  encodeBatch,
  endTxn,
  errorName,
  fetch,
  findCoordinator,
  initProducerId,
  listTransactions,
  produce,
  writeTxnMarkers,
} from '../protocol/index.ts';
import { port, startBroker, type TestBroker, withBroker } from './broker-fixture.test.ts';

type Client = Pick<TestBroker, 'client'>;

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

const transactionalId = 'tx';
const newest = { init: 5, add: 3, end: 5 };
const oldest = { init: 0, add: 0, end: 0 };

async function find({ client }: Client): Promise<number> {
  const keys = { keyType: 1, coordinatorKeys: [transactionalId] };
  const { coordinators } = await client.request(findCoordinator, keys);
  return coordinators[0]?.errorCode ?? -1;
}

async function init(at: Client, { versionMax = newest.init, ...named } = {} as InitOptions) {
  await find(at);
  const request = { transactionalId, transactionTimeoutMs: 60_000, ...named };
  const { errorCode, ...producer } = await at.client.request(initProducerId, request, {
    versionMax,
  });
  return { error: errorName(errorCode), ...producer };
}

type InitOptions = Partial<Producer> & { versionMax?: number; transactionTimeoutMs?: number };

async function add(
  { client }: Client,
  { producerId, producerEpoch }: Producer,
  topics: Record<string, number[]>,
  versionMax = newest.add,
): Promise<Record<string, ErrorName>> {
  const answer = await client.request(
    addPartitionsToTxn,
    {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: Object.entries(topics).map(([name, partitions]) => ({ name, partitions })),
    },
    { versionMax },
  );
  return codesOf(answer.resultsByTopicV3AndBelow);
}

function codesOf(topics: readonly TopicResult[]): Record<string, ErrorName> {
  const codes = topics.flatMap(({ name, resultsByPartition }) =>
    resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => {
      return [`${name}-${partitionIndex}`, errorName(partitionErrorCode)] as const;
    }),
  );
  return Object.fromEntries(codes);
}

interface TopicResult {
  readonly name: string;
  readonly resultsByPartition: readonly { partitionIndex: number; partitionErrorCode: number }[];
}

async function end(
  { client }: Client,
  { producerId, producerEpoch }: Producer,
  { isCommit = true, versionMax = newest.end } = {},
) {
  const request = { transactionalId, producerId, producerEpoch, committed: isCommit };
  const { errorCode, ...next } = await client.request(endTxn, request, { versionMax });
  return { error: errorName(errorCode), ...next };
}

async function send(
  { client }: Client,
  producer: Producer,
  { values = ['v'], versionMax = 12 } = {},
) {
  const records = encodeBatch({
    records: values.map((value) => ({ value: Buffer.from(value), timestamp: 1000 })),
    ...{ ...producer, baseSequence: 0, isTransactional: true },
  });
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
  const request = { transactionalId, acks: -1, timeoutMs: 1000, topicData };
  const answer = await client.request(produce, request, { versionMax });
  return errorName(answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1);
}

/** How many batches a read_committed consumer is given, and how many aborted transactions. */
async function read({ client }: Client): Promise<{ end: number; aborted: number }> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000 }];
  const answer = await client.request(
    fetch,
    { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics: [{ topic: 't', partitions }] },
    { versionMax: 12 },
  );
  const [partition] = answer.responses[0]?.partitions ?? [];
  const { lastStableOffset = -1, abortedTransactions } = partition ?? {};
  return { end: lastStableOffset, aborted: abortedTransactions?.length ?? 0 };
}

async function describe({ client }: Client, id = transactionalId) {
  const request = { transactionalIds: [id] };
  const { transactionStates } = await client.request(describeTransactions, request);
  return transactionStates[0];
}

test('records of a transaction are read when it is committed, and not when it is aborted', () =>
  withBroker(async (at) => {
    await at.createTopic('t');
    let producer: Producer = await init(at);
    for (const [isCommit, expected] of [
      [true, { end: 3, aborted: 0 }],
      [false, { end: 6, aborted: 1 }],
    ] as const) {
      const before = await read(at);
      assert.deepEqual(await add(at, producer, { t: [0] }), { 't-0': 'NONE' });
      assert.equal(await send(at, producer, { values: ['a', 'b'] }), 'NONE');
      assert.deepEqual(await read(at), before);
      const ended = await end(at, producer, { isCommit });
      assert.equal(ended.error, 'NONE');
      await at.io.clock.sleep(10);
      assert.deepEqual(await read(at), expected);
      producer = ended;
    }
  }));

test('an older protocol ends transactions under the same epoch', () =>
  withBroker(async (at) => {
    await at.createTopic('t');
    const producer = await init(at, { versionMax: 1 });
    await add(at, producer, { t: [0] }, 1);
    const ended = await end(at, producer, { versionMax: 1 });
    assert.deepEqual(ended, {
      error: 'NONE',
      throttleTimeMs: 0,
      producerId: -1,
      producerEpoch: -1,
    });
    await at.io.clock.sleep(10);
    const state = await describe(at);
    assert.deepEqual([state?.transactionState, state?.producerEpoch], ['CompleteCommit', 0]);
  }));

test('a transaction gets all partitions or none', () =>
  withBroker(async (at) => {
    await at.createTopic('t', { partitions: 2 });
    const producer = await init(at);
    assert.deepEqual(await add(at, producer, { t: [0, 5], u: [0] }), {
      't-0': 'OPERATION_NOT_ATTEMPTED',
      't-5': 'UNKNOWN_TOPIC_OR_PARTITION',
      'u-0': 'UNKNOWN_TOPIC_OR_PARTITION',
    });
    assert.deepEqual(await add(at, producer, { __transaction_state: [0], t: [1] }), {
      '__transaction_state-0': 'TOPIC_AUTHORIZATION_FAILED',
      't-1': 'OPERATION_NOT_ATTEMPTED',
    });
    assert.equal((await describe(at))?.transactionState, 'Empty');
    assert.deepEqual(await add(at, producer, { t: [0, 1] }), { 't-0': 'NONE', 't-1': 'NONE' });
    assert.deepEqual((await describe(at))?.topics, [{ topic: 't', partitions: [0, 1] }]);
  }));

test('leaders add and verify partitions of several transactions at once', () =>
  withBroker(async (at) => {
    await at.createTopic('t', { partitions: 2 });
    const { producerId, producerEpoch } = await init(at);
    const producer = { transactionalId, producerId, producerEpoch };
    const topics = [{ name: 't', partitions: [0] }];
    const more = [{ name: 't', partitions: [0, 1] }];
    for (const versionMax of [4, 5]) {
      const answer = await at.client.request(
        addPartitionsToTxn,
        {
          transactions: [
            { ...producer, verifyOnly: false, topics },
            { ...producer, verifyOnly: true, topics: more },
            { ...producer, transactionalId: 'other', verifyOnly: false, topics },
            { ...producer, transactionalId: '', verifyOnly: true, topics },
          ],
        },
        { versionMax },
      );
      assert.equal(answer.errorCode, 0);
      const codes = answer.resultsByTransaction.map(({ topicResults }) => codesOf(topicResults));
      assert.deepEqual(codes, [
        { 't-0': 'NONE' },
        { 't-0': 'NONE', 't-1': 'TRANSACTION_ABORTABLE' },
        { 't-0': 'INVALID_PRODUCER_ID_MAPPING' },
        { 't-0': 'INVALID_REQUEST' },
      ]);
    }
  }));

test('a fenced producer is told in the words of its version', () =>
  withBroker(async (at) => {
    await at.createTopic('t');
    const { producerId, producerEpoch } = await init(at);
    await init(at);
    const old = { producerId, producerEpoch };
    const { client } = at;
    const offsets = { transactionalId, ...old, groupId: 'g' };
    const fenced = 'PRODUCER_FENCED';
    const older = 'INVALID_PRODUCER_EPOCH';
    for (const [versions, expected] of [
      [{ init: 4, add: 2, offsets: 2, end: 2 }, fenced],
      [{ init: 3, add: 1, offsets: 1, end: 1 }, older],
    ] as const) {
      assert.equal((await init(at, { ...old, versionMax: versions.init })).error, expected);
      assert.deepEqual(await add(at, old, { t: [0] }, versions.add), { 't-0': expected });
      assert.equal((await end(at, old, { versionMax: versions.end })).error, expected);
      const { errorCode } = await client.request(addOffsetsToTxn, offsets, {
        versionMax: versions.offsets,
      });
      assert.equal(errorName(errorCode), expected);
    }
  }));

test('what cannot be is refused', () =>
  withBroker(async (at) => {
    const none = { producerId: -1, producerEpoch: -1 };
    assert.equal((await end(at, none)).error, 'NOT_COORDINATOR');
    for (const transactionTimeoutMs of [0, -1, 900_001]) {
      const { error } = await init(at, { transactionTimeoutMs });
      assert.equal(error, 'INVALID_TRANSACTION_TIMEOUT');
    }
    assert.equal((await init(at, { transactionTimeoutMs: 900_000 })).error, 'NONE');
    assert.equal((await init(at, { producerId: 3 })).error, 'INVALID_REQUEST');
    const { errorCode } = await at.client.request(initProducerId, {
      ...{ transactionalId: '', transactionTimeoutMs: 1000 },
    });
    assert.equal(errorName(errorCode), 'INVALID_REQUEST');
    assert.equal((await end(at, none)).error, 'INVALID_PRODUCER_ID_MAPPING');
    assert.equal(
      errorName((await describe(at, 'u'))?.errorCode ?? 0),
      'TRANSACTIONAL_ID_NOT_FOUND',
    );
    assert.equal(errorName((await describe(at, ''))?.errorCode ?? 0), 'INVALID_REQUEST');
  }));

test('a transaction that took too long is aborted, and its commit refused by each protocol', () =>
  withBroker(
    async (at) => {
      await at.createTopic('t');
      for (const [versions, expected] of [
        [newest, 'INVALID_TXN_STATE'],
        [oldest, 'INVALID_PRODUCER_EPOCH'],
      ] as const) {
        const late = { versionMax: versions.init, transactionTimeoutMs: 500 };
        const producer = await init(at, late);
        await add(at, producer, { t: [0] }, versions.add);
        await send(at, producer);
        await at.io.clock.sleep(1200);
        assert.equal((await describe(at))?.transactionState, 'CompleteAbort');
        const { error } = await end(at, producer, { versionMax: versions.end });
        assert.equal(error, expected);
      }
      assert.equal((await read(at)).aborted, 2);
    },
    { config: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200' } },
  ));

test('the group of an AddOffsetsToTxn becomes a partition of the transaction', () =>
  withBroker(async (at) => {
    const { producerId, producerEpoch } = await init(at);
    const request = { transactionalId, producerId, producerEpoch, groupId: 'g' };
    const { errorCode } = await at.client.request(addOffsetsToTxn, request);
    assert.equal(errorCode, 0);
    const [topic] = (await describe(at))?.topics ?? [];
    // 'g' has the hash code 103.
    assert.deepEqual(topic, { topic: '__consumer_offsets', partitions: [103 % 50] });
  }));

test('transactions are listed by what is asked of them', () =>
  withBroker(async (at) => {
    await at.createTopic('t');
    const producer = await init(at);
    await add(at, producer, { t: [0] });
    await at.io.clock.sleep(1000);
    const list = async (request: Partial<Parameters<typeof ask>[0]> = {}) => {
      const answer = await ask({ stateFilters: [], producerIdFilters: [], ...request });
      assert.equal(answer.errorCode, 0);
      return answer.transactionStates.map(
        (one) => `${one.transactionalId} ${one.transactionState}`,
      );
    };
    const ask = (request: ListRequest) => at.client.request(listTransactions, request);
    assert.deepEqual(await list(), ['tx Ongoing']);
    assert.deepEqual(await list({ stateFilters: ['Empty'] }), []);
    assert.deepEqual(await list({ producerIdFilters: [producer.producerId] }), ['tx Ongoing']);
    assert.deepEqual(await list({ durationFilter: 60_000 }), []);
    assert.deepEqual(await list({ durationFilter: 500 }), ['tx Ongoing']);
    assert.deepEqual(await list({ transactionalIdPattern: 't.*' }), ['tx Ongoing']);
    assert.deepEqual(await list({ transactionalIdPattern: 't' }), []);
    const filters = { stateFilters: ['Ongoing', 'Nonsense'], producerIdFilters: [] };
    assert.deepEqual((await ask(filters)).unknownStateFilters, ['Nonsense']);
    const bad = await ask({ stateFilters: [], producerIdFilters: [], transactionalIdPattern: '(' });
    assert.equal(errorName(bad.errorCode), 'INVALID_REGULAR_EXPRESSION');
  }));

interface ListRequest {
  stateFilters: string[];
  producerIdFilters: number[];
  durationFilter?: number;
  transactionalIdPattern?: string;
}

test('an operator ends a transaction in a partition that no coordinator knows of', () =>
  withBroker(
    async (at) => {
      await at.createTopic('t');
      const { client } = at;
      const hanging = { producerId: 77, producerEpoch: 3 };
      assert.equal(await send(at, hanging, { versionMax: 11 }), 'NONE');
      assert.deepEqual(await read(at), { end: 0, aborted: 0 });
      const topics = [
        { name: 't', partitionIndexes: [0, 9] },
        { name: 'u', partitionIndexes: [0] },
      ];
      const marker = { ...hanging, transactionResult: false, coordinatorEpoch: 0, topics };
      const { markers } = await client.request(writeTxnMarkers, { markers: [marker] });
      assert.deepEqual(
        markers[0]?.topics.map(({ name, partitions }) => {
          return [name, ...partitions.map(({ errorCode }) => errorName(errorCode))];
        }),
        [
          ['t', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION'],
          ['u', 'UNKNOWN_TOPIC_OR_PARTITION'],
        ],
      );
      assert.deepEqual(await read(at), { end: 2, aborted: 1 });
    },
    { config: { 'transaction.partition.verification.enable': 'false' } },
  ));

test('a broker that starts again goes on with its transactions', () =>
  simulate(async (io) => {
    const connect = () => ClientConnection.connect(io, { host: 'host', port, clientId: 'test' });
    const first = await startBroker(io);
    const before = { client: await connect() };
    const producer = await init(before);
    await before.client.request(addOffsetsToTxn, { transactionalId, ...producer, groupId: 'g' });
    assert.equal((await describe(before))?.transactionState, 'Ongoing');
    before.client.close();
    await first.stop();
    const second = await startBroker(io);
    const after = { client: await connect() };
    while ((await describe(after))?.errorCode !== 0) await io.clock.sleep(10);
    assert.equal((await describe(after))?.transactionState, 'Ongoing');
    const next = await end(after, producer);
    assert.deepEqual([next.error, next.producerEpoch], ['NONE', producer.producerEpoch + 1]);
    await io.clock.sleep(10);
    // Nobody has made the topic of committed offsets: there is nothing to write there.
    assert.equal((await describe(after))?.transactionState, 'CompleteCommit');
    after.client.close();
    await second.stop();
  }));
