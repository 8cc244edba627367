// Produce over the wire: acknowledgements, errors per partition, retries, old formats.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordsOf, type TestBroker, withBroker } from '../../../tests/doubles/broker/brokers.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import {
  decodeRecords,
  downConvert,
  ErrorCode,
  encodeBatch,
  fetch,
  initProducerId,
  produce,
  readBatchHeader,
} from '../../protocol/index.ts';

async function valuesOf({ client }: TestBroker, topic: string): Promise<string[]> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
  const answer = await client.request(
    fetch,
    { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] },
    { versionMax: 12 },
  );
  const records = answer.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
  const values: string[] = [];
  for (let position = 0; position < records.length; ) {
    const header = readBatchHeader(records, position);
    for (const record of decodeRecords(records, header)) values.push(String(record.value));
    position += header.sizeBytes;
  }
  return values;
}

test('offsets are dense and the records come back', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const offsets = [];
    for (const values of [['a'], ['b', 'c'], ['d']]) {
      const answer = await at.produce('t', values);
      assert.equal(answer.errorCode, 0);
      offsets.push(answer.baseOffset);
    }
    assert.deepEqual(offsets, [0, 1, 3]);
    assert.deepEqual(await valuesOf(at, 't'), ['a', 'b', 'c', 'd']);
  });
});

test('each partition of a request has its own error', async () => {
  await withBroker(async ({ io, client, createTopic }) => {
    await createTopic('t', { partitions: 2 });
    const good = () => encodeBatch({ records: recordsOf(io, ['x']) });
    const corrupt = good();
    corrupt[corrupt.length - 1] = (corrupt[corrupt.length - 1] as number) ^ 0xff;
    const twice = Buffer.concat([good(), good()]);
    const partitionData = [
      { index: 0, records: good() },
      { index: 0, records: corrupt },
      { index: 1, records: null },
      { index: 1, records: twice },
      { index: 9, records: good() },
    ];
    const topicData = [
      { name: 't', partitionData },
      { name: 'nope', partitionData: [{ index: 0, records: good() }] },
      { name: '__consumer_offsets', partitionData: [{ index: 0, records: good() }] },
    ];
    const answer = await client.request(
      produce,
      { acks: 1, timeoutMs: 100, topicData },
      { versionMax: 12 },
    );
    const codes = answer.responses.map((topic) =>
      topic.partitionResponses.map((partition) => partition.errorCode),
    );
    const { CORRUPT_MESSAGE, INVALID_RECORD, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    assert.deepEqual(codes, [
      [0, CORRUPT_MESSAGE, INVALID_RECORD, INVALID_RECORD, UNKNOWN_TOPIC_OR_PARTITION],
      [UNKNOWN_TOPIC_OR_PARTITION],
      [UNKNOWN_TOPIC_OR_PARTITION],
    ]);
  });
});

test('acks other than -1, 0 and 1 are refused', async () => {
  await withBroker(async ({ createTopic, produce: send }) => {
    await createTopic('t');
    for (const acks of [-2, 2]) {
      const answer = await send('t', ['x'], { acks });
      assert.equal(answer.errorCode, ErrorCode.INVALID_REQUIRED_ACKS);
      assert.equal(answer.baseOffset, -1);
    }
  });
});

test('acks=0 has no answer, and an error of it ends the connection', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const records = encodeBatch({ records: recordsOf(at.io, ['x']) });
    const request = (name: string) => ({
      acks: 0,
      timeoutMs: 0,
      topicData: [{ name, partitionData: [{ index: 0, records: Buffer.from(records) }] }],
    });
    const other = await at.connect();
    await other.requestWithoutResponse(produce, request('t'), { versionMax: 12 });
    await at.io.clock.sleep(50);
    assert.deepEqual(await valuesOf(at, 't'), ['x']);
    assert.equal(other.isClosed, false);
    await other.requestWithoutResponse(produce, request('nope'), { versionMax: 12 });
    await at.io.clock.sleep(50);
    assert.equal(other.isClosed, true);
  });
});

test('a batch larger than the topic allows is refused', async () => {
  await withBroker(async ({ createTopic, produce: send }) => {
    await createTopic('t', { configs: { 'max.message.bytes': '200' } });
    assert.equal((await send('t', ['x'])).errorCode, 0);
    const answer = await send('t', ['x'.repeat(500)]);
    assert.equal(answer.errorCode, ErrorCode.MESSAGE_TOO_LARGE);
  });
});

test('since version 13 topics are named by id', async () => {
  await withBroker(async ({ io, client, createTopic }) => {
    const topicId = await createTopic('t');
    const send = async (id: string) => {
      const records = encodeBatch({ records: recordsOf(io, ['x']) });
      const answer = await client.request(produce, {
        acks: -1,
        timeoutMs: 100,
        topicData: [{ topicId: id, name: '', partitionData: [{ index: 0, records }] }],
      });
      assert.equal(answer.responses[0]?.topicId, id);
      return answer.responses[0]?.partitionResponses[0]?.errorCode;
    };
    assert.equal(await send(topicId), 0);
    assert.equal(await send('AAAAAAAAAAAAAAAAAAAABQ'), ErrorCode.UNKNOWN_TOPIC_ID);
    assert.equal(await send(ZERO_UUID), ErrorCode.UNKNOWN_TOPIC_ID);
  });
});

test('a retry of an idempotent producer is answered with the first offsets', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const { producerId, producerEpoch } = await at.client.request(initProducerId, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    const send = (value: string, baseSequence: number) => {
      const records = recordsOf(at.io, [value]);
      const batch = encodeBatch({ records, producerId, producerEpoch, baseSequence });
      return at.produce('t', [], { records: batch });
    };
    assert.equal((await send('a', 0)).baseOffset, 0);
    assert.equal((await send('b', 1)).baseOffset, 1);
    const retry = await send('a', 0);
    assert.deepEqual([retry.errorCode, retry.baseOffset], [0, 0]);
    const gap = await send('d', 5);
    assert.equal(gap.errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert.deepEqual(await valuesOf(at, 't'), ['a', 'b']);
  });
});

test('message sets of old producers are stored as batches', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const batch = encodeBatch({ records: recordsOf(at.io, ['a', 'b']) });
    for (const magic of [0, 1] as const) {
      const answer = await at.client.request(
        produce,
        {
          acks: 1,
          timeoutMs: 100,
          topicData: [
            { name: 't', partitionData: [{ index: 0, records: downConvert(batch, magic) }] },
          ],
        },
        { versionMax: 2 },
      );
      assert.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, 0);
    }
    assert.deepEqual(await valuesOf(at, 't'), ['a', 'b', 'a', 'b']);
    const modern = await at.produce('t', [], { records: downConvert(batch, 1) });
    assert.equal(modern.errorCode, ErrorCode.INVALID_RECORD);
  });
});

test('pipelined requests of one connection land in the order in which they were sent', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t', { configs: { 'flush.messages': '1' } });
    const values = Array.from({ length: 12 }, (_, index) => String(index));
    const answers = await Promise.all(values.map((value) => at.produce('t', [value])));
    assert.deepEqual(
      answers.map((answer) => answer.baseOffset),
      values.map(Number),
    );
    assert.deepEqual(await valuesOf(at, 't'), values);
  });
});

test('acks=all is refused while fewer replicas are in sync than min.insync.replicas', async () => {
  await withBroker(async ({ createTopic, produce: send }) => {
    // One replica: Kafka counts no more than there are.
    await createTopic('t', { configs: { 'min.insync.replicas': '2' } });
    assert.equal((await send('t', ['x'])).errorCode, 0);
  });
});

test('a topic that stamps records itself says when', async () => {
  await withBroker(async ({ io, createTopic, produce: send }) => {
    await createTopic('t', { configs: { 'message.timestamp.type': 'LogAppendTime' } });
    const beforeMs = io.clock.now();
    const answer = await send('t', ['x']);
    assert.ok(answer.logAppendTimeMs >= beforeMs);
  });
});
