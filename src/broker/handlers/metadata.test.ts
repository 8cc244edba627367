// Metadata over the wire: addresses, auto-creation, names and ids.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { port, withBroker } from '../../../tests/doubles/broker/brokers.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import type { ClientConnection } from '../../network/index.ts';
import { ErrorCode, metadata, type RequestInput } from '../../protocol/index.ts';
import { AclResource, authorizedOperations, everyRight } from '../authorization.ts';

type Request = RequestInput<typeof metadata>;

function ask(client: ClientConnection, request: Partial<Request>, version = 13) {
  return client.request(metadata, { topics: null, ...request }, { versionMax: version });
}

/** Those of whoever may do everything. */
const all = (type: number): number => authorizedOperations({ rights: everyRight }, type, '');

const named = (...names: string[]) => names.map((name) => ({ name, topicId: ZERO_UUID }));

test('the broker is at the address by which the client reached it', async () => {
  await withBroker(async ({ client, broker }) => {
    const { brokers, clusterId, controllerId } = await ask(client, { topics: [] });
    assert.deepEqual(brokers, [{ nodeId: 1, host: '10.0.0.1', port, rack: null }]);
    assert.equal(clusterId, broker.clusterId);
    assert.equal(controllerId, 1);
  });
});

test('advertised.listeners overrides that address, and broker.rack is told', async () => {
  const config = {
    'advertised.listeners': 'PLAINTEXT://kafka.example:19092',
    'broker.rack': 'r1',
  };
  await withBroker(
    async ({ client }) => {
      const { brokers } = await ask(client, { topics: [] });
      assert.deepEqual(brokers, [{ nodeId: 1, host: 'kafka.example', port: 19092, rack: 'r1' }]);
    },
    { config },
  );
});

test('a topic that is asked for is created, and the first answer has its leader', async () => {
  await withBroker(
    async ({ client, produce }) => {
      const { topics } = await ask(client, { topics: named('new'), allowAutoTopicCreation: true });
      assert.equal(topics[0]?.errorCode, 0);
      assert.equal(topics[0]?.partitions.length, 3);
      assert.deepEqual(topics[0]?.partitions[0]?.isrNodes, [1]);
      assert.equal(topics[0]?.partitions[0]?.leaderId, 1);
      assert.equal((await produce('new', ['x'])).errorCode, 0);
    },
    { config: { 'num.partitions': '3' } },
  );
});

test('nothing is created when the client or the broker does not want it', async () => {
  await withBroker(async ({ client }) => {
    const { topics } = await ask(client, { topics: named('t'), allowAutoTopicCreation: false });
    assert.equal(topics[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    assert.equal((await ask(client, {})).topics.length, 0);
  });
  await withBroker(
    async ({ client }) => {
      const { topics } = await ask(client, { topics: named('t'), allowAutoTopicCreation: true });
      assert.equal(topics[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    },
    { config: { 'auto.create.topics.enable': 'false' } },
  );
});

test('names that no topic can have are refused, the others of the request are served', async () => {
  await withBroker(async ({ client }) => {
    const bad = ['a/b', 'x'.repeat(250), '.', '..', 'ö'];
    const { topics } = await ask(client, { topics: named(...bad, 'good') });
    assert.deepEqual(
      topics.map((topic) => topic.errorCode),
      [...bad.map(() => ErrorCode.INVALID_TOPIC_EXCEPTION), 0],
    );
  });
});

test('an empty list means all topics in version 0 and none later', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('a');
    await createTopic('b');
    const count = async (topics: Request['topics'], version: number) =>
      (await ask(client, { topics }, version)).topics.length;
    assert.equal(await count([], 0), 2);
    assert.equal(await count([], 1), 0);
    assert.equal(await count(null, 1), 2);
    assert.equal(await count([], 13), 0);
    assert.equal(await count(null, 13), 2);
  });
});

test('topics can be asked for by id from version 12 on', async () => {
  await withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic('t');
    const lostId = 'AAAAAAAAAAAAAAAAAAAABQ';
    const topics = [
      { topicId, name: null },
      { topicId: lostId, name: null },
    ];
    const answer = await ask(client, { topics });
    assert.deepEqual(
      answer.topics.map((topic) => [topic.errorCode, topic.name, topic.topicId]),
      [
        [0, 't', topicId],
        [ErrorCode.UNKNOWN_TOPIC_ID, null, lostId],
      ],
    );
    const early = await ask(client, { topics: [{ topicId, name: 't' }] }, 11);
    assert.equal(early.topics[0]?.errorCode, ErrorCode.INVALID_REQUEST);
  });
});

test('authorized operations are told to those who ask', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('t');
    const asked = await ask(
      client,
      { includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true },
      10,
    );
    assert.equal(asked.topics[0]?.topicAuthorizedOperations, all(AclResource.TOPIC));
    assert.equal(asked.clusterAuthorizedOperations, all(AclResource.CLUSTER));
    const unasked = await ask(client, {}, 10);
    assert.equal(unasked.topics[0]?.topicAuthorizedOperations, -2147483648);
  });
});
