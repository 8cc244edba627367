// CreateTopics, CreatePartitions, DeleteTopics, DeleteRecords and DescribeTopicPartitions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBroker } from '../../../tests/doubles/broker/brokers.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import {
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeTopicPartitions,
  ErrorCode,
  listOffsets,
  type RequestInput,
} from '../../protocol/index.ts';

type CreatableTopic = RequestInput<typeof createTopics>['topics'][number];

function creatable(name: string, changes: Partial<CreatableTopic> = {}): CreatableTopic {
  return {
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...changes,
  };
}

test('each topic of a request is created or refused on its own', async () => {
  await withBroker(async ({ client }) => {
    await client.request(createTopics, { topics: [creatable('there')] });
    const { topics } = await client.request(createTopics, {
      topics: [
        creatable('good', { numPartitions: -1, replicationFactor: -1 }),
        creatable('there'),
        creatable('a/b'),
        creatable('many', { replicationFactor: 3 }),
        creatable('none', { numPartitions: 0 }),
        creatable('odd', { configs: [{ name: 'retention.ms', value: 'soon' }] }),
        creatable('twice'),
        creatable('twice'),
        creatable('__cluster_metadata'),
      ],
    });
    const codes = Object.fromEntries(topics.map((topic) => [topic.name, topic.errorCode]));
    assert.deepEqual(codes, {
      good: 0,
      there: ErrorCode.TOPIC_ALREADY_EXISTS,
      'a/b': ErrorCode.INVALID_TOPIC_EXCEPTION,
      many: ErrorCode.INVALID_REPLICATION_FACTOR,
      none: ErrorCode.INVALID_PARTITIONS,
      odd: ErrorCode.INVALID_CONFIG,
      twice: ErrorCode.INVALID_REQUEST,
      __cluster_metadata: ErrorCode.INVALID_REQUEST,
    });
    const good = topics.find((topic) => topic.name === 'good');
    assert.deepEqual([good?.numPartitions, good?.replicationFactor], [1, 1]);
    assert.notEqual(good?.topicId, ZERO_UUID);
    const retention = good?.configs?.find((config) => config.name === 'retention.ms');
    assert.equal(retention?.value, '604800000');
  });
});

test('validating creates nothing', async () => {
  await withBroker(async ({ client, produce }) => {
    const request = { topics: [creatable('t')], validateOnly: true };
    const { topics } = await client.request(createTopics, request);
    assert.equal(topics[0]?.errorCode, 0);
    assert.equal((await produce('t', ['x'])).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

test('new partitions can be produced to when the answer arrives', async () => {
  await withBroker(async ({ client, createTopic, produce }) => {
    await createTopic('t');
    const raise = async (count: number) => {
      const topics = [{ name: 't', count, assignments: null }];
      const answer = await client.request(createPartitions, {
        topics,
        timeoutMs: 0,
        validateOnly: false,
      });
      return answer.results[0]?.errorCode;
    };
    assert.equal(await raise(3), 0);
    assert.equal((await produce('t', ['x'], { partition: 2 })).errorCode, 0);
    assert.equal(await raise(2), ErrorCode.INVALID_PARTITIONS);
  });
});

test('a topic is deleted by name or by id and can be made anew, empty', async () => {
  await withBroker(async ({ client, createTopic, produce }) => {
    await createTopic('a');
    await produce('a', ['old']);
    const byName = await client.request(
      deleteTopics,
      { topicNames: ['a', 'nope'], timeoutMs: 0 },
      { versionMax: 5 },
    );
    assert.deepEqual(
      byName.responses.map((one) => [one.name, one.errorCode]),
      [
        ['a', 0],
        ['nope', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ],
    );
    assert.equal((await produce('a', ['x'])).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const topicId = await createTopic('a');
    assert.equal((await produce('a', ['new'])).baseOffset, 0);
    const topics = [
      { name: null, topicId },
      { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAABQ' },
    ];
    const byId = await client.request(deleteTopics, { topics, timeoutMs: 0 });
    assert.deepEqual(
      byId.responses.map((one) => [one.name, one.errorCode]),
      [
        ['a', 0],
        [null, ErrorCode.UNKNOWN_TOPIC_ID],
      ],
    );
  });
});

test('deleted records are gone for readers, and the answer has the new start', async () => {
  await withBroker(async ({ client, createTopic, produce }) => {
    await createTopic('t');
    for (let i = 0; i < 5; i++) await produce('t', ['x']);
    const remove = async (offset: number, partitionIndex = 0) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex, offset }] }];
      const answer = await client.request(deleteRecords, { topics, timeoutMs: 0 });
      const [partition] = answer.topics[0]?.partitions ?? [];
      return [partition?.errorCode, partition?.lowWatermark];
    };
    assert.deepEqual(await remove(3), [0, 3]);
    assert.deepEqual(await remove(9), [ErrorCode.OFFSET_OUT_OF_RANGE, -1]);
    assert.deepEqual(await remove(1, 8), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1]);
    const found = await client.request(listOffsets, {
      replicaId: -1,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
    });
    assert.equal(found.topics[0]?.partitions[0]?.offset, 3);
    assert.deepEqual(await remove(-1), [0, 5]);
  });
});

test('partitions are described a page at a time', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('a', { partitions: 3 });
    await createTopic('b', { partitions: 2 });
    const seen: string[] = [];
    let cursor: { topicName: string; partitionIndex: number } | null = null;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<typeof ask>> = await ask(cursor);
      for (const topic of page.topics) {
        for (const { partitionIndex } of topic.partitions) {
          seen.push(`${topic.name}-${partitionIndex}`);
        }
      }
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== null);
    assert.deepEqual(seen, ['a-0', 'a-1', 'a-2', 'b-0', 'b-1']);
    assert.equal(pages, 3);
    function ask(from: typeof cursor) {
      const request = { topics: [], responsePartitionLimit: 2, cursor: from };
      return client.request(describeTopicPartitions, request);
    }
    const unknown = await client.request(describeTopicPartitions, { topics: [{ name: 'zz' }] });
    assert.equal(unknown.topics[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});
