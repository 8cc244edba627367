// Elections, reassignments, features, brokers, the quorum and producers: what operators ask for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordsOf, type TestBroker, withBroker } from '../../../tests/doubles/broker/brokers.ts';
import {
  alterPartitionReassignments,
  apiVersions,
  describeProducers,
  describeQuorum,
  describeTopicPartitions,
  ErrorCode,
  electLeaders,
  encodeBatch,
  listPartitionReassignments,
  unregisterBroker,
  updateFeatures,
} from '../../protocol/index.ts';

async function elect(
  { client }: TestBroker,
  electionType: number,
  topicPartitions: { topic: string; partitions: number[] }[] | null,
) {
  const answer = await client.request(electLeaders, { electionType, topicPartitions });
  const results = answer.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map(({ partitionId, errorCode }) => [topic, partitionId, errorCode]),
  );
  return { errorCode: answer.errorCode, results };
}

test('an election that changes nothing says so, and for all partitions says nothing', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t', { partitions: 2 });
    for (const type of [0, 1]) {
      const named = await elect(at, type, [{ topic: 't', partitions: [0, 1, 1] }]);
      assert.deepEqual(named.results, [
        ['t', 0, ErrorCode.ELECTION_NOT_NEEDED],
        ['t', 1, ErrorCode.ELECTION_NOT_NEEDED],
      ]);
      assert.deepEqual(await elect(at, type, null), { errorCode: 0, results: [] });
    }
  });
});

test('an election of what is not there is refused by item, one of no kind as a whole', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t');
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const { results } = await elect(at, 0, [
      { topic: 'gone', partitions: [0] },
      { topic: 't', partitions: [7] },
    ]);
    assert.deepEqual(results, [
      ['gone', 0, unknown],
      ['t', 7, unknown],
    ]);
    const strange = await elect(at, 2, [{ topic: 't', partitions: [0] }]);
    assert.equal(strange.errorCode, ErrorCode.INVALID_REQUEST);
  });
});

async function reassign(
  { client }: TestBroker,
  partitions: [topic: string, index: number, replicas: number[] | null][],
  allowReplicationFactorChange = true,
) {
  const answer = await client.request(alterPartitionReassignments, {
    allowReplicationFactorChange,
    topics: partitions.map(([name, partitionIndex, replicas]) => ({
      name,
      partitions: [{ partitionIndex, replicas }],
    })),
  });
  assert.equal(answer.errorCode, 0);
  return answer.responses.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode));
}

test('a reassignment to where the partition is succeeds and leaves nothing under way', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t', { partitions: 2 });
    assert.deepEqual(await reassign(at, [['t', 0, [1]]]), [0]);
    const listed = await at.client.request(listPartitionReassignments, { topics: null });
    assert.deepEqual([listed.errorCode, listed.topics], [0, []]);
    const topics = [
      { name: 't', partitionIndexes: [0, 5] },
      { name: 'gone', partitionIndexes: [0] },
    ];
    const asked = await at.client.request(listPartitionReassignments, { topics });
    assert.deepEqual([asked.errorCode, asked.topics], [0, []]);
  });
});

test('a reassignment to what cannot be is refused, partition by partition', async () => {
  await withBroker(async (at) => {
    await at.createTopic('t', { partitions: 5 });
    const invalid = ErrorCode.INVALID_REPLICA_ASSIGNMENT;
    const codes = await reassign(at, [
      ['t', 0, [9]],
      ['t', 1, []],
      ['t', 2, [1, 1]],
      ['t', 3, [-1]],
      ['t', 4, null],
      ['t', 5, [1]],
      ['gone', 0, [1]],
    ]);
    assert.deepEqual(codes, [
      invalid,
      invalid,
      invalid,
      invalid,
      ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    const twice = await reassign(at, [
      ['t', 0, [1]],
      ['t', 0, [1]],
    ]);
    assert.deepEqual(twice, [0, ErrorCode.INVALID_REQUEST]);
  });
});

async function setFeature(
  { client }: TestBroker,
  feature: string,
  maxVersionLevel: number,
  options: { upgradeType?: number; validateOnly?: boolean; versionMax?: number } = {},
) {
  const { upgradeType = 1, validateOnly = false, versionMax = 2 } = options;
  return client.request(
    updateFeatures,
    {
      featureUpdates: [
        versionMax === 0 ? { feature, maxVersionLevel } : { feature, maxVersionLevel, upgradeType },
      ],
      validateOnly,
    },
    { versionMax },
  );
}

async function finalized({ connect }: TestBroker): Promise<Map<string, number>> {
  const client = await connect();
  const { finalizedFeatures } = await client.request(apiVersions, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  });
  client.close();
  return new Map(finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]));
}

test('features are lowered and raised, and ApiVersions says how high they are', async () => {
  await withBroker(async (at) => {
    assert.equal((await finalized(at)).get('group.version'), 1);
    assert.equal((await setFeature(at, 'group.version', 0)).errorCode, 95);
    const tried = await setFeature(at, 'group.version', 0, { upgradeType: 2, validateOnly: true });
    assert.equal(tried.errorCode, 0);
    assert.equal((await finalized(at)).get('group.version'), 1);
    assert.equal((await setFeature(at, 'group.version', 0, { upgradeType: 2 })).errorCode, 0);
    assert.equal((await finalized(at)).get('group.version') ?? 0, 0);
    const old = await setFeature(at, 'group.version', 1, { versionMax: 0 });
    assert.deepEqual([old.errorCode, old.results[0]?.feature], [0, 'group.version']);
    assert.equal((await finalized(at)).get('group.version'), 1);
  });
});

test('a feature that is not known, or a level that is not supported, is refused', async () => {
  await withBroker(async (at) => {
    const refused = await setFeature(at, 'nope', 3);
    assert.equal(refused.errorCode, ErrorCode.INVALID_UPDATE_VERSION);
    assert.match(refused.errorMessage ?? '', /nope/);
    const high = await setFeature(at, 'metadata.version', 99);
    assert.equal(high.errorCode, ErrorCode.INVALID_UPDATE_VERSION);
    const low = await setFeature(at, 'metadata.version', 24, { upgradeType: 3 });
    assert.equal(low.errorCode, ErrorCode.INVALID_UPDATE_VERSION);
    assert.equal((await setFeature(at, '', 1)).errorCode, ErrorCode.INVALID_REQUEST);
    const strange = await setFeature(at, 'group.version', 1, { upgradeType: 9 });
    assert.equal(strange.errorCode, ErrorCode.INVALID_REQUEST);
  });
});

test('a broker that is not registered, or that runs, cannot be unregistered', async () => {
  await withBroker(async ({ client }) => {
    const absent = await client.request(unregisterBroker, { brokerId: 5 });
    assert.equal(absent.errorCode, ErrorCode.BROKER_ID_NOT_REGISTERED);
    const self = await client.request(unregisterBroker, { brokerId: 1 });
    assert.equal(self.errorCode, ErrorCode.INVALID_REQUEST);
  });
});

test('the quorum of the metadata log is its one voter, who leads', async () => {
  await withBroker(async ({ client, createTopic }) => {
    const ask = (topicName: string, partitionIndex: number) =>
      client.request(describeQuorum, { topics: [{ topicName, partitions: [{ partitionIndex }] }] });
    const before = (await ask('__cluster_metadata', 0)).topics[0]?.partitions[0];
    await createTopic('t');
    const answer = await ask('__cluster_metadata', 0);
    const partition = answer.topics[0]?.partitions[0];
    assert.deepEqual([answer.errorCode, partition?.errorCode, partition?.leaderId], [0, 0, 1]);
    assert.deepEqual(
      partition?.currentVoters.map(({ replicaId }) => replicaId),
      [1],
    );
    assert.deepEqual(partition?.observers, []);
    assert.ok((partition?.highWatermark ?? 0) > (before?.highWatermark ?? 0));
    assert.equal(answer.nodes[0]?.listeners[0]?.port, 9092);
    const strange = await ask('t', 0);
    assert.equal(strange.topics[0]?.partitions[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

test('the producers that a partition remembers are told', async () => {
  await withBroker(async ({ io, client, createTopic, produce }) => {
    await createTopic('t');
    const batch = encodeBatch({
      records: recordsOf(io, ['a', 'b']),
      producerId: 4711,
      producerEpoch: 3,
      baseSequence: 0,
    });
    await produce('t', [], { records: batch });
    await produce('t', ['without an id']);
    const answer = await client.request(describeProducers, {
      topics: [
        { name: 't', partitionIndexes: [0, 1] },
        { name: 'a/b', partitionIndexes: [0] },
      ],
    });
    const [known, absent] = answer.topics[0]?.partitions ?? [];
    assert.deepEqual(known?.activeProducers, [
      {
        producerId: 4711,
        producerEpoch: 3,
        lastSequence: 1,
        lastTimestamp: known?.activeProducers[0]?.lastTimestamp,
        coordinatorEpoch: -1,
        currentTxnStartOffset: -1,
      },
    ]);
    assert.equal(absent?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const strange = answer.topics[1]?.partitions[0];
    assert.equal(strange?.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION);
  });
});

test('partitions are described page by page, in the order of names', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('b', { partitions: 3 });
    await createTopic('a', { partitions: 2 });
    const seen: string[] = [];
    let pages = 0;
    let cursor: { topicName: string; partitionIndex: number } | null = null;
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
    assert.deepEqual(seen, ['a-0', 'a-1', 'b-0', 'b-1', 'b-2']);
    assert.equal(pages, 3);
    const gone = await ask(null, ['gone']);
    assert.equal(gone.topics[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);

    function ask(from: typeof cursor, names: readonly string[] = []) {
      return client.request(describeTopicPartitions, {
        topics: names.map((name) => ({ name })),
        responsePartitionLimit: 2,
        cursor: from,
      });
    }
  });
});
