// Requests with int64s beyond 2^53, where a number of ours stands for more than one of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordsOf, type TestBroker, withBroker } from '../../tests/doubles/broker/brokers.ts';
import {
  addPartitionsToTxn,
  deleteRecords,
  describeProducers,
  encodeBatch,
  endTxn,
  errorName,
  fetch,
  findCoordinator,
  initProducerId,
  listOffsets,
  offsetCommit,
  offsetFetch,
  produce,
  txnOffsetCommit,
  writeTxnMarkers,
} from '../protocol/index.ts';

const inexact = 2 ** 53;
const longMax = 2 ** 63;

/** The coordinators come with their topics, which the first question makes. */
async function withCoordinators(run: (at: TestBroker) => Promise<void>): Promise<void> {
  await withBroker(async (at) => {
    for (const keyType of [0, 1]) {
      const asked = { keyType, coordinatorKeys: ['g'] };
      for (;;) {
        const answer = await at.client.request(findCoordinator, asked);
        if (answer.coordinators[0]?.errorCode === 0) break;
        await at.io.clock.sleep(100);
      }
    }
    await run(at);
  });
}

async function commit({ client }: TestBroker, committedOffset: number): Promise<string[]> {
  const partition = { partitionIndex: 0, committedOffset, committedMetadata: '' };
  const partitions = [partition, { ...partition, partitionIndex: 1, committedOffset: 7 }];
  const request = { groupId: 'g', topics: [{ name: 't', partitions }] };
  const answer = await client.request(offsetCommit, request, { versionMax: 9 });
  return answer.topics.flatMap((topic) =>
    topic.partitions.map(({ partitionIndex, errorCode }) => {
      return `${topic.name}-${partitionIndex} ${errorName(errorCode)}`;
    }),
  );
}

async function committed({ client }: TestBroker): Promise<number[]> {
  const topics = [{ name: 't', partitionIndexes: [0, 1] }];
  const answer = await client.request(offsetFetch, { groupId: 'g', topics }, { versionMax: 7 });
  return answer.topics.flatMap(({ partitions }) => partitions.map((one) => one.committedOffset));
}

test('an offset that would be kept as another is not committed, nor what came with it', () =>
  withCoordinators(async (at) => {
    await at.createTopic('t', { partitions: 2 });
    const [first] = await commit(at, inexact - 1);
    assert.equal(first, 't-0 NONE');
    const refused = ['t-0 INVALID_REQUEST', 't-1 INVALID_REQUEST'];
    assert.deepEqual(await commit(at, inexact), refused);
    assert.deepEqual(await commit(at, inexact + 2), refused);
    assert.deepEqual(await committed(at), [inexact - 1, 7]);
    // Long.MAX_VALUE is written as itself.
    assert.deepEqual(await commit(at, longMax), ['t-0 NONE', 't-1 NONE']);
    assert.deepEqual(await committed(at), [longMax, 7]);
  }));

test('a batch of a producer id that reads as its neighbour is refused', () =>
  withBroker(async ({ io, client, createTopic, produce: send }) => {
    await createTopic('t');
    const answers = [];
    for (const producerId of [inexact - 1, inexact, inexact + 2, longMax]) {
      const producer = { producerId, producerEpoch: 0, baseSequence: 0 };
      const records = encodeBatch({ records: recordsOf(io, ['x']), ...producer });
      answers.push(errorName((await send('t', [], { records })).errorCode));
    }
    const refused = Array.from({ length: 3 }, () => 'INVALID_PRODUCER_ID_MAPPING');
    assert.deepEqual(answers, ['NONE', ...refused]);
    const topics = [{ name: 't', partitionIndexes: [0] }];
    const known = await client.request(describeProducers, { topics });
    const ids = known.topics[0]?.partitions[0]?.activeProducers.map(({ producerId }) => producerId);
    assert.deepEqual(ids, [inexact - 1]);
  }));

test('a time that reads as its neighbour is refused where any time may be given', () =>
  withBroker(async ({ createTopic, produce: send }) => {
    const configs = { 'message.timestamp.after.max.ms': '9223372036854775807' };
    await createTopic('t', { configs });
    const answers = [];
    for (const timestamp of [inexact - 1, inexact]) {
      const records = encodeBatch({ records: [{ value: Buffer.from('x'), timestamp }] });
      answers.push(errorName((await send('t', [], { records })).errorCode));
    }
    assert.deepEqual(answers, ['NONE', 'INVALID_TIMESTAMP']);
  }));

test('transactions of ids that read as their neighbours are refused, each in its own words', () =>
  withCoordinators(async ({ client, createTopic }) => {
    await createTopic('t');
    const transactionalId = 'g';
    const own = await client.request(initProducerId, {
      transactionalId,
      transactionTimeoutMs: 1000,
    });
    assert.equal(errorName(own.errorCode), 'NONE');
    const producer = { producerId: inexact, producerEpoch: 0 };
    const again = { transactionalId, transactionTimeoutMs: 1000, ...producer };
    const begun = await client.request(initProducerId, again);
    assert.equal(errorName(begun.errorCode), 'PRODUCER_FENCED');
    const ended = await client.request(endTxn, { transactionalId, ...producer, committed: true });
    assert.equal(errorName(ended.errorCode), 'INVALID_PRODUCER_ID_MAPPING');
    const added = await client.request(
      addPartitionsToTxn,
      {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: inexact,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: [{ name: 't', partitions: [0] }],
      },
      { versionMax: 3 },
    );
    const of = added.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? -1;
    assert.equal(errorName(of), 'INVALID_PRODUCER_ID_MAPPING');
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }];
    const topics = [{ name: 't', partitions }];
    const position = { transactionalId, groupId: 'g', ...producer, topics };
    const kept = await client.request(txnOffsetCommit, position, { versionMax: 4 });
    const its = kept.topics[0]?.partitions[0]?.errorCode ?? -1;
    assert.equal(errorName(its), 'INVALID_REQUEST');
    const marker = { ...producer, transactionResult: true, coordinatorEpoch: 0 };
    const places = [{ name: 't', partitionIndexes: [0] }];
    const marked = await client.request(writeTxnMarkers, {
      markers: [{ ...marker, topics: places }],
    });
    const mark = marked.markers[0]?.topics[0]?.partitions[0]?.errorCode ?? -1;
    assert.equal(errorName(mark), 'INVALID_REQUEST');
  }));

test('what is only compared is answered for what it is: beyond everything that is there', () =>
  withBroker(async ({ client, createTopic, produce: send }) => {
    await createTopic('t');
    await send('t', ['a']);
    const partitions = [{ partition: 0, fetchOffset: inexact, partitionMaxBytes: 1000 }];
    const fetched = await client.request(
      fetch,
      { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions }] },
      { versionMax: 12 },
    );
    const code = fetched.responses[0]?.partitions[0]?.errorCode ?? -1;
    assert.equal(errorName(code), 'OFFSET_OUT_OF_RANGE');
    const times = [{ partitionIndex: 0, timestamp: inexact }];
    const asked = { replicaId: -1, topics: [{ name: 't', partitions: times }] };
    const listed = await client.request(listOffsets, asked, { versionMax: 7 });
    assert.equal(listed.topics[0]?.partitions[0]?.offset, -1);
    const ends = [{ partitionIndex: 0, offset: inexact }];
    const body = { topics: [{ name: 't', partitions: ends }], timeoutMs: 1000 };
    const deleted = await client.request(deleteRecords, body);
    const its = deleted.topics[0]?.partitions[0]?.errorCode ?? -1;
    assert.equal(errorName(its), 'OFFSET_OUT_OF_RANGE');
    const idle = await client.request(produce, { acks: 1, timeoutMs: 1000, topicData: [] });
    assert.deepEqual(idle.responses, []);
  }));
