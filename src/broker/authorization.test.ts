// What a broker with an authorizer serves to whom, where it is more than a refusal: what every API
// needs is in tests/interop/authorization.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBroker } from '../../tests/doubles/broker/brokers.ts';
import {
  type GuardedBroker,
  withGuardedBroker,
} from '../../tests/doubles/broker/guarded-broker.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { ClientConnection } from '../network/index.ts';
import {
  consumerGroupHeartbeat,
  createAcls,
  deleteTopics,
  describeAcls,
  describeTopicPartitions,
  encodeBatch,
  errorName,
  fetch,
  findCoordinator,
  metadata,
  produce,
} from '../protocol/index.ts';

const named = (...names: string[]) => names.map((name) => ({ name, topicId: ZERO_UUID }));

async function produceTo(client: ClientConnection, topic: string): Promise<string> {
  const records = encodeBatch({ records: [{ value: Buffer.from('x'), timestamp: 1 }] });
  const answer = await client.request(
    produce,
    {
      ...{ acks: -1, timeoutMs: 1000 },
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    },
    { versionMax: 12 },
  );
  return errorName(answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1);
}

interface FetchStep {
  readonly sessionId?: number;
  readonly sessionEpoch?: number;
  readonly topics?: readonly string[];
}

async function fetchFrom(client: ClientConnection, step: FetchStep) {
  const { sessionId = 0, sessionEpoch = 0, topics = [] } = step;
  const answer = await client.request(
    fetch,
    {
      ...{ maxWaitMs: 10, minBytes: 1, sessionId, sessionEpoch },
      topics: topics.map((topic) => ({
        topic,
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
      })),
    },
    { versionMax: 12 },
  );
  return {
    id: answer.sessionId,
    error: errorName(answer.errorCode),
    said: answer.responses.map(({ topic, partitions }) => {
      return `${topic} ${errorName(partitions[0]?.errorCode ?? -1)}`;
    }),
  };
}

async function topicsSeen({ client }: GuardedBroker, names: readonly string[] | null) {
  const { topics } = await client.request(metadata, {
    topics: names === null ? null : named(...names),
    allowAutoTopicCreation: true,
    includeTopicAuthorizedOperations: true,
  });
  return topics.map(({ name, errorCode, topicAuthorizedOperations: bits }) => {
    return `${name} ${errorName(errorCode)} ${bits}`;
  });
}

/** Otherwise members that come one after the other wait for one assignment. */
const eachJoinAssigns = { 'group.consumer.assignment.interval.ms': '0' };

async function joinByExpression(client: ClientConnection, memberId: string) {
  const answer = await client.request(consumerGroupHeartbeat, {
    ...{ groupId: 'g', memberId, memberEpoch: 0, rebalanceTimeoutMs: 1000 },
    ...{ subscribedTopicRegex: '.*', topicPartitions: [] },
  });
  assert.equal(errorName(answer.errorCode), 'NONE');
  return answer.assignment?.topicPartitions.map(({ topicId }) => topicId).sort();
}

describe('a broker with an authorizer', () => {
  test('lets nobody do what no ACL allows, and each as soon as one does', async () => {
    await withGuardedBroker(async ({ client, createTopic, grant, revokeAll }) => {
      await createTopic('t');
      assert.equal(await produceTo(client, 't'), 'TOPIC_AUTHORIZATION_FAILED');
      await grant('WRITE', 'TOPIC', 't');
      assert.equal(await produceTo(client, 't'), 'NONE');
      await grant('ALL', 'TOPIC', 't', { isDeny: true, isPrefix: true });
      assert.equal(await produceTo(client, 't'), 'TOPIC_AUTHORIZATION_FAILED');
      await revokeAll();
      assert.equal(await produceTo(client, 't'), 'TOPIC_AUTHORIZATION_FAILED');
    });
  });

  test('does not say whether a topic is there that may not be described', async () => {
    await withGuardedBroker(async (at) => {
      await at.createTopic('t');
      await at.createTopic('u');
      await at.grant('READ', 'TOPIC', 't');
      const bits = (1 << 3) | (1 << 8);
      assert.deepEqual(await topicsSeen(at, null), [`t NONE ${bits}`]);
      const none = -2147483648;
      assert.deepEqual(await topicsSeen(at, ['u', 'no', 't']), [
        `u TOPIC_AUTHORIZATION_FAILED ${none}`,
        `no TOPIC_AUTHORIZATION_FAILED ${none}`,
        `t NONE ${bits}`,
      ]);
    });
  });

  test('tells nothing of a topic by its id, or by a page that begins at it', async () => {
    await withGuardedBroker(async ({ client, createTopic, grant }) => {
      const topicId = await createTopic('hidden');
      const noId = `${'A'.repeat(21)}g`;
      await grant('DESCRIBE', 'TOPIC', 'seen');
      await createTopic('seen');
      for (const id of [topicId, noId]) {
        const asked = { topics: [{ name: null, topicId: id }] };
        const { topics } = await client.request(metadata, asked);
        const code = errorName(topics[0]?.errorCode ?? -1);
        assert.match(code, /^UNKNOWN_TOPIC_ID$|^TOPIC_AUTHORIZATION_FAILED$/);
        assert.equal(topics[0]?.name, null);
        const gone = await client.request(deleteTopics, { ...asked, timeoutMs: 1000 });
        assert.equal(gone.responses[0]?.name, null);
        const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
        const wanted = { maxWaitMs: 0, minBytes: 0, topics: [{ topicId: id, partitions }] };
        const { responses } = await client.request(fetch, wanted);
        assert.notEqual(responses[0]?.partitions[0]?.errorCode, 0);
        assert.equal(responses[0]?.partitions[0]?.records?.length ?? 0, 0);
      }
      const cursor = { topicName: 'hidden', partitionIndex: 0 };
      const page = await client.request(describeTopicPartitions, {
        ...{ topics: [], responsePartitionLimit: 1, cursor },
      });
      assert.deepEqual(
        page.topics.map(({ name }) => name),
        ['seen'],
      );
      assert.equal(page.nextCursor, null);
    });
  });

  test('deletes no topic for somebody who may only describe it, whenever it is made', async () => {
    await withGuardedBroker(async ({ client, grant, createTopic }) => {
      await grant('DESCRIBE', 'TOPIC', 't');
      const ask = async () => {
        const asked = { topics: [{ name: 't', topicId: ZERO_UUID }], timeoutMs: 1000 };
        const { responses } = await client.request(deleteTopics, asked);
        return errorName(responses[0]?.errorCode ?? -1);
      };
      assert.equal(await ask(), 'UNKNOWN_TOPIC_OR_PARTITION');
      await createTopic('t');
      assert.equal(await ask(), 'TOPIC_AUTHORIZATION_FAILED');
      await grant('DELETE', 'TOPIC', 't');
      assert.equal(await ask(), 'NONE');
      assert.equal(await ask(), 'UNKNOWN_TOPIC_OR_PARTITION');
    });
  });

  test('gives a member no topic by an expression that may not be described', async () => {
    await withGuardedBroker(async ({ admin, client, createTopic, grant }) => {
      const ids = [await createTopic('open'), await createTopic('secret')];
      await admin.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
      await grant('READ', 'GROUP', 'g');
      await grant('DESCRIBE', 'TOPIC', 'open');
      const [all, few] = ['A'.repeat(22), 'B'.repeat(22)] as const;
      const seen = await joinByExpression(admin, all);
      assert.ok(ids.every((id) => seen?.includes(id)));
      await admin.request(consumerGroupHeartbeat, {
        ...{ groupId: 'g', memberId: all, memberEpoch: -1, rebalanceTimeoutMs: -1 },
      });
      assert.deepEqual(await joinByExpression(client, few), [ids[0]]);
    }, eachJoinAssigns);
  });

  test('creates a topic that is asked for when its creation is allowed, too', async () => {
    await withGuardedBroker(async (at) => {
      await at.grant('DESCRIBE', 'TOPIC', 'new');
      assert.match((await topicsSeen(at, ['new']))[0] as string, /TOPIC_AUTHORIZATION_FAILED/);
      await at.grant('CREATE', 'TOPIC', 'new');
      assert.match((await topicsSeen(at, ['new']))[0] as string, /^new NONE/);
      await at.grant('DESCRIBE', 'TOPIC', 'newer');
      await at.grant('CREATE', 'CLUSTER', 'kafka-cluster');
      assert.match((await topicsSeen(at, ['newer']))[0] as string, /^newer NONE/);
    });
  });

  test('looks at every partition of a fetch session again when ACLs change', async () => {
    await withGuardedBroker(async ({ client, admin, createTopic, grant, revokeAll }) => {
      for (const topic of ['t', 'u']) await createTopic(topic);
      await grant('READ', 'TOPIC', 't');
      const { id, said } = await fetchFrom(client, { topics: ['t', 'u'] });
      assert.deepEqual(said, ['t NONE', 'u TOPIC_AUTHORIZATION_FAILED']);
      const next = (sessionEpoch: number) => fetchFrom(client, { sessionId: id, sessionEpoch });
      assert.deepEqual((await next(1)).said, ['u TOPIC_AUTHORIZATION_FAILED']);
      await revokeAll();
      assert.deepEqual((await next(2)).said.sort(), [
        't TOPIC_AUTHORIZATION_FAILED',
        'u TOPIC_AUTHORIZATION_FAILED',
      ]);
      await grant('READ', 'TOPIC', 't');
      await produceTo(admin, 't');
      assert.deepEqual((await next(3)).said.sort(), ['t NONE', 'u TOPIC_AUTHORIZATION_FAILED']);
    });
  });

  test('ends a wait for records with a refusal when the right to them is gone', async () => {
    await withGuardedBroker(async ({ client, admin, createTopic, grant, revokeAll }) => {
      await createTopic('t');
      await grant('READ', 'TOPIC', 't');
      const waiting = client.request(
        fetch,
        {
          ...{ maxWaitMs: 5000, minBytes: 1, sessionEpoch: -1 },
          topics: [
            { topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] },
          ],
        },
        { versionMax: 12 },
      );
      await revokeAll();
      await produceTo(admin, 't');
      const [partition] = (await waiting).responses[0]?.partitions ?? [];
      assert.equal(errorName(partition?.errorCode ?? -1), 'TOPIC_AUTHORIZATION_FAILED');
      assert.equal(partition?.records?.length ?? 0, 0);
    });
  });

  test('gives no follower anything without the right of a broker', async () => {
    await withGuardedBroker(async ({ client, createTopic, grant }) => {
      const topicId = await createTopic('t');
      await grant('READ', 'TOPIC', 't');
      const answer = await client.request(fetch, {
        ...{ maxWaitMs: 0, minBytes: 0, replicaState: { replicaId: 2, replicaEpoch: 1 } },
        topics: [
          { topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] },
        ],
      });
      const code = answer.responses[0]?.partitions[0]?.errorCode ?? -1;
      assert.equal(errorName(code), 'TOPIC_AUTHORIZATION_FAILED');
    });
  });

  test('tells of ACLs by the patterns they are on', async () => {
    await withGuardedBroker(async ({ admin, client, grant }) => {
      await grant('READ', 'TOPIC', 't');
      await grant('WRITE', 'TOPIC', 't');
      await grant('READ', 'TOPIC', 't', { isPrefix: true });
      const filter = { resourceTypeFilter: 2, resourceNameFilter: 'tx', patternTypeFilter: 2 };
      const any = { principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 };
      const { resources } = await admin.request(describeAcls, { ...filter, ...any });
      const told = resources.map(({ resourceName, patternType, acls }) => {
        return `${resourceName} ${patternType} ${acls.length}`;
      });
      assert.deepEqual(told.sort(), ['* 3 1', 't 4 1']);
      const refused = await client.request(describeAcls, { ...filter, ...any });
      assert.equal(errorName(refused.errorCode), 'CLUSTER_AUTHORIZATION_FAILED');
    });
  });
});

test('a broker without an authorizer says so when it is asked of ACLs', async () => {
  await withBroker(async ({ client }) => {
    const filter = { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 };
    const any = { principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 };
    const described = await client.request(describeAcls, { ...filter, ...any });
    assert.equal(errorName(described.errorCode), 'SECURITY_DISABLED');
    const { results } = await client.request(createAcls, {
      creations: [
        {
          ...{ resourceType: 2, resourceName: 't', principal: 'User:a', host: '*' },
          ...{ operation: 3, permissionType: 3 },
        },
      ],
    });
    assert.equal(errorName(results[0]?.errorCode ?? -1), 'SECURITY_DISABLED');
    assert.equal(results[0]?.errorMessage, 'No Authorizer is configured.');
  });
});
