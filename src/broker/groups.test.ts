// Groups as clients speak of them: over the wire, with topics that come and go.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TestBroker, withBroker } from '../../tests/doubles/broker/brokers.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import {
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  deleteGroups,
  deleteTopics,
  describeGroups,
  type ErrorName,
  errorName,
  findCoordinator,
  joinGroup,
  listGroups,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  updateFeatures,
} from '../protocol/index.ts';

async function findGroup({ client }: TestBroker, key: string, versionMax = 6) {
  const answer = await client.request(
    findCoordinator,
    versionMax < 4 ? { key } : { keyType: 0, coordinatorKeys: [key] },
    { versionMax },
  );
  return versionMax < 4 ? answer : answer.coordinators[0];
}

async function commit(
  { client }: TestBroker,
  topic: { name?: string; topicId?: string },
  options: { offset?: number; versionMax?: number } = {},
): Promise<ErrorName> {
  const partition = { partitionIndex: 0, committedLeaderEpoch: 3, committedMetadata: 'here' };
  const answer = await client.request(
    offsetCommit,
    {
      groupId: 'g',
      topics: [{ ...topic, partitions: [{ ...partition, committedOffset: options.offset ?? 7 }] }],
    },
    { versionMax: options.versionMax ?? 9 },
  );
  return errorName(answer.topics[0]?.partitions[0]?.errorCode ?? 0);
}

async function fetchAll({ client }: TestBroker, versionMax = 9) {
  const answer = await client.request(
    offsetFetch,
    versionMax < 8 ? { groupId: 'g', topics: null } : { groups: [{ groupId: 'g', topics: null }] },
    { versionMax },
  );
  const { topics = [] } = answer.groups?.[0] ?? {};
  return versionMax < 8 ? answer.topics.map((topic) => ({ ...topic, topicId: '' })) : topics;
}

test('asking for a coordinator makes the internal topic, and the answer can be used at once', () =>
  withBroker(async (at) => {
    for (const versionMax of [6, 4, 3, 0]) {
      const found = await findGroup(at, 'g', versionMax);
      assert.deepEqual([found?.errorCode, found?.nodeId, found?.port], [0, 1, 9092]);
    }
    await at.createTopic('t');
    assert.equal(await commit(at, { name: 't' }), 'NONE');
  }));

test('offsets are committed and fetched in every version, by name and by id', () =>
  withBroker(async (at) => {
    await findGroup(at, 'g');
    const topicId = await at.createTopic('t');
    for (let versionMax = 2; versionMax <= 9; versionMax++) {
      assert.equal(await commit(at, { name: 't' }, { offset: versionMax, versionMax }), 'NONE');
      const [topic] = await fetchAll(at, versionMax);
      assert.equal(topic?.name, 't');
      assert.equal(topic?.partitions[0]?.committedOffset, versionMax);
      assert.equal(topic?.partitions[0]?.metadata, 'here');
    }
    assert.equal(await commit(at, { topicId }, { offset: 10, versionMax: 10 }), 'NONE');
    const [topic] = await fetchAll(at, 10);
    assert.equal(topic?.topicId, topicId);
    assert.equal(topic?.partitions[0]?.committedOffset, 10);
    assert.equal(topic?.partitions[0]?.committedLeaderEpoch, 3);
  }));

test('offsets of topics that are not there are refused, those beside them are kept', () =>
  withBroker(async (at) => {
    await findGroup(at, 'g');
    await at.createTopic('t');
    assert.equal(await commit(at, { name: 'x' }), 'UNKNOWN_TOPIC_OR_PARTITION');
    const topicId = 'AAAAAAAAAAAAAAAAAAAABQ';
    assert.equal(await commit(at, { topicId }, { versionMax: 10 }), 'UNKNOWN_TOPIC_ID');
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }];
    const both = await at.client.request(
      offsetCommit,
      { groupId: 'g', topics: ['x', 't'].map((name) => ({ name, partitions })) },
      { versionMax: 9 },
    );
    assert.deepEqual(
      both.topics.map((topic) => [topic.name, errorName(topic.partitions[0]?.errorCode ?? 0)]),
      [
        ['x', 'UNKNOWN_TOPIC_OR_PARTITION'],
        ['t', 'NONE'],
      ],
    );
    assert.equal((await fetchAll(at)).length, 1);
  }));

test('offsets of partitions that are not there are refused, those beside them are kept', () =>
  withBroker(async (at) => {
    await findGroup(at, 'g');
    await at.createTopic('t');
    const partitions = [7, 0, -1].map((partitionIndex) => {
      return { partitionIndex, committedOffset: 1, committedMetadata: null };
    });
    const topics = [{ name: 't', partitions }];
    const answer = await at.client.request(
      offsetCommit,
      { groupId: 'g', topics },
      { versionMax: 9 },
    );
    assert.deepEqual(
      answer.topics[0]?.partitions.map((one) => [one.partitionIndex, errorName(one.errorCode)]),
      [
        [7, 'UNKNOWN_TOPIC_OR_PARTITION'],
        [0, 'NONE'],
        [-1, 'UNKNOWN_TOPIC_OR_PARTITION'],
      ],
    );
    assert.equal((await fetchAll(at))[0]?.partitions.length, 1);
    const stranger = { groupId: 'g', generationIdOrMemberEpoch: 1, memberId: 'x', topics };
    const refused = await at.client.request(offsetCommit, stranger, { versionMax: 9 });
    assert.deepEqual(
      refused.topics[0]?.partitions.map(({ errorCode }) => errorName(errorCode)),
      ['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_TOPIC_OR_PARTITION'],
    );
  }));

test('a topic made again under its name begins without the offsets of the old one', () =>
  withBroker(async (at) => {
    await findGroup(at, 'g');
    await at.createTopic('t');
    await at.createTopic('kept');
    await commit(at, { name: 't' });
    await commit(at, { name: 'kept' });
    await at.client.request(deleteTopics, {
      topics: [{ name: 't', topicId: ZERO_UUID }],
      topicNames: [],
      timeoutMs: 1000,
    });
    await at.createTopic('t');
    await at.io.clock.sleep(100);
    assert.deepEqual(
      (await fetchAll(at)).map(({ name }) => name),
      ['kept'],
    );
  }));

test('groups are listed, described and deleted; group ids that cannot be are refused', () =>
  withBroker(async (at) => {
    await findGroup(at, 'g');
    await at.createTopic('t');
    await commit(at, { name: 't' });
    const listed = await at.client.request(listGroups, { statesFilter: ['Empty'] });
    assert.deepEqual(
      listed.groups.map(({ groupId, groupType }) => [groupId, groupType]),
      [['g', 'classic']],
    );
    for (const versionMax of [0, 3, 5, 6]) {
      const { groups } = await at.client.request(
        describeGroups,
        { groups: ['g', 'nobody'], includeAuthorizedOperations: versionMax >= 3 },
        { versionMax },
      );
      const states = groups.map(({ errorCode, groupState }) => [errorName(errorCode), groupState]);
      const missing = versionMax < 6 ? 'NONE' : 'GROUP_ID_NOT_FOUND';
      assert.deepEqual(states, [
        ['NONE', 'Empty'],
        [missing, 'Dead'],
      ]);
    }
    const forgotten = await at.client.request(offsetDelete, {
      groupId: 'g',
      topics: ['t', 'x'].map((name) => ({ name, partitions: [{ partitionIndex: 0 }] })),
    });
    assert.deepEqual(
      forgotten.topics.map(({ partitions }) => errorName(partitions[0]?.errorCode ?? 0)),
      ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'],
    );
    const removed = await at.client.request(deleteGroups, { groupsNames: ['g', 'nobody'] });
    assert.deepEqual(
      removed.results.map(({ errorCode }) => errorName(errorCode)),
      ['NONE', 'GROUP_ID_NOT_FOUND'],
    );
    for (const groupId of ['', 'g'.repeat(65_000)]) {
      const request = { groupId, sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer' };
      for (const versionMax of groupId === '' ? [0, 5, 9] : [9]) {
        const answer = await at.client.request(
          joinGroup,
          { ...request, protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] },
          { versionMax },
        );
        assert.equal(errorName(answer.errorCode), 'INVALID_GROUP_ID');
      }
    }
  }));

test('a cluster with group.version 0 has no groups of the consumer protocol', () =>
  withBroker(async ({ client }) => {
    const beat = async (): Promise<ErrorName> => {
      const answer = await client.request(consumerGroupHeartbeat, {
        groupId: 'g',
        memberId: 'AAAAAAAAAAAAAAAAAAAAAA',
        memberEpoch: 0,
        rebalanceTimeoutMs: 1000,
        subscribedTopicNames: ['t'],
        topicPartitions: [],
      });
      return errorName(answer.errorCode);
    };
    await client.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    assert.equal(await beat(), 'NONE');
    const describe = async (): Promise<ErrorName> => {
      const { groups } = await client.request(consumerGroupDescribe, {
        groupIds: ['g'],
        includeAuthorizedOperations: false,
      });
      return errorName(groups[0]?.errorCode ?? -1);
    };
    assert.equal(await describe(), 'NONE');
    const { errorCode } = await client.request(updateFeatures, {
      timeoutMs: 1000,
      featureUpdates: [{ feature: 'group.version', maxVersionLevel: 0, upgradeType: 2 }],
    });
    assert.equal(errorCode, 0);
    assert.equal(await beat(), 'UNSUPPORTED_VERSION');
    assert.equal(await describe(), 'UNSUPPORTED_VERSION');
  }));
